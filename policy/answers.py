"""What the law answers with: reasons, and lines of working."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import ROUND_DOWN, Decimal, localcontext
from typing import Self

from common.money import is_currency

PRECISION = 50  # digits carried between two rounding steps; no scheme's numbers come near it


@dataclass(frozen=True)
class Reason:
    """Why an answer is what it is, in both languages, with the clause it rests on."""

    code: str
    en: str
    zh: str
    clause: str

    def to_dict(self) -> dict[str, str]:
        """Return the reason as plain text fields, for storing as JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, str]) -> Self:
        """Return the reason that `to_dict` stored."""
        return cls(stored["code"], stored["en"], stored["zh"], stored["clause"])


@dataclass(frozen=True)
class Line:
    """One step of a working: its name, the amount after it, and its clause.

    `amount` is text with its unit (`"83676.0000 CNY"`), so that a stored working says for
    ever what it said on its day.
    """

    name: str
    label_en: str
    label_zh: str
    amount: str
    clause: str

    def to_dict(self) -> dict[str, str]:
        """Return the line as plain text fields, for storing as JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, str]) -> Self:
        """Return the line that `to_dict` stored."""
        return cls(
            stored["name"],
            stored["label_en"],
            stored["label_zh"],
            stored["amount"],
            stored["clause"],
        )


def amount_text(amount: Decimal, unit: str) -> str:
    """Write an amount with its unit: four decimals, more (up to ten) where there are more."""
    with localcontext(prec=PRECISION):
        exponent = amount.normalize().as_tuple().exponent
        places = max(4, min(10, -exponent)) if isinstance(exponent, int) else 4
        shown = amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_DOWN)
    return f"{shown:f} {unit if is_currency(unit) else 'GPU-h'}"


def amount_words(amount: Decimal, unit: str) -> str:
    """Write an amount inside a sentence: `5,000,000 CNY`, `0.01 CNY`, `20,000 GPU-h`."""
    whole, _point, rest = plain(amount).partition(".")
    shown = f"{int(whole):,}" + (f".{rest}" if rest else "")
    return f"{shown} {unit if is_currency(unit) else 'GPU-h'}"


def percent_text(rate: Decimal) -> str:
    """Write a rate as a percentage: `0.60` as `60 %`."""
    return f"{plain(rate * 100)} %"


def plain(number: Decimal) -> str:
    """Write a number without exponent or idle zeros: `5E+4` as `50000`."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
