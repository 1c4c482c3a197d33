"""Amounts in bank files: decimal text on paper, integer minor units with us, exactly."""

import re
from decimal import Decimal

from common.money import exponent, is_currency, major

AMOUNT_DIGITS_MAX = 18
_AMOUNT = re.compile(r"\d{1,18}(\.\d{1,17})?", re.ASCII)


def amount_text(amount_minor: int, currency: str) -> str:
    """Return an amount as ISO 20022 writes it: with the currency's decimals, and no sign."""
    return f"{major(amount_minor, currency):f}"


def minor_units(text: str, currency: str) -> int | None:
    """Return the minor units that a text means, or None if it means no exact number of them."""
    if not is_currency(currency) or not _AMOUNT.fullmatch(text):
        return None
    whole, _point, decimals = text.partition(".")
    decimals = decimals.rstrip("0")
    if len(whole) + len(decimals) > AMOUNT_DIGITS_MAX or len(decimals) > exponent(currency):
        return None
    return int(Decimal(f"{whole}.{decimals or 0}").scaleb(exponent(currency)))
