"""What a provider's programs are offered: the shape of every operation, and the first of them."""

from providers.api.description import (
    IDEMPOTENCY_KEY,
    NOT_FOUND,
    PAGE,
    REFUSALS,
    REFUSED,
    TAKES_JSON,
)
from providers.api.once import once
from providers.api.operations import Operation
from providers.api.problems import InputInvalid
from providers.api.reading import read_input, read_page

__all__ = [
    "IDEMPOTENCY_KEY",
    "NOT_FOUND",
    "PAGE",
    "REFUSALS",
    "REFUSED",
    "TAKES_JSON",
    "InputInvalid",
    "Operation",
    "once",
    "read_input",
    "read_page",
]
