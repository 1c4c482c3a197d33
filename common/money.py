"""Units of value: integers of a currency's minor units, or of GPU-milliseconds of a class."""

from decimal import Decimal
from typing import NewType

Money = NewType("Money", int)
"""An amount in minor units of a currency (cents, fen), already rounded where its rule says."""

GpuMs = NewType("GpuMs", int)
"""Accelerator time in GPU-milliseconds: thousandths of a GPU times seconds."""

GPU_MS_PER_HOUR = 3_600_000

# ISO 4217 exponents of the currencies that a programme may use; a new one is added here.
CURRENCY_EXPONENTS = {
    "CNY": 2,
    "GBP": 2,
    "EUR": 2,
    "CAD": 2,
    "USD": 2,
    "SGD": 2,
    "KRW": 0,
    "JPY": 0,
}


def is_currency(unit: str) -> bool:
    """Say whether a unit is money, as against accelerator time (`GPU:H100`)."""
    return unit in CURRENCY_EXPONENTS


def exponent(unit: str) -> int:
    """Return the decimal places of a currency's minor unit.

    :raises KeyError: for a currency that is not in `CURRENCY_EXPONENTS`.
    """
    return CURRENCY_EXPONENTS[unit]


def major(amount: int, unit: str) -> Decimal:
    """Return an amount in whole currency units, or in GPU-hours, exactly."""
    if is_currency(unit):
        return Decimal(amount).scaleb(-exponent(unit))
    return Decimal(amount) / GPU_MS_PER_HOUR


def hours_words(ms: int) -> str:
    """Write GPU-ms (or core-ms) as hours, without unit, exponent or idle noughts."""
    text = f"{Decimal(ms) / GPU_MS_PER_HOUR:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
