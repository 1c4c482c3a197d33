"""How the status of a thing is told: to the public, to staff, and who has the ball."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

# A text, or one that is put into the reader's language once it is shown.
Words: TypeAlias = "str | _StrPromise"

YOU = _("Waiting for you.")
US = _("Waiting for us.")
PROVIDER = _("Waiting for the provider.")
FINANCE = _("Waiting for a finance officer.")
NOBODY = ""


@dataclass(frozen=True)
class Status:
    """One row of an app's table of statuses; `next` says who acts next."""

    label: Words
    staff_label: Words
    colour: str
    meaning: Words
    next: Words


@dataclass(frozen=True)
class StatusTable:
    """All statuses of one kind of thing, for the page that explains them."""

    title: Words
    rows: tuple[Status, ...]


def table(title: Words, statuses: Mapping[str, Status]) -> StatusTable:
    """Return the statuses of one kind of thing under a title."""
    return StatusTable(title, tuple(statuses.values()))
