"""What the law answers with: reasons, and lines of working."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Literal, NamedTuple, Self

from common.money import is_currency

Outcome = Literal["PASS", "REFER", "FAIL"]
# From the best to the worst; of several the worst counts.
OUTCOMES: tuple[Outcome, ...] = ("PASS", "REFER", "FAIL")
PRECISION = 50  # digits carried between two rounding steps; no scheme's numbers come near it


class Reason(NamedTuple):
    """Why an answer is what it is, in both languages, with the clause it rests on."""

    code: str
    en: str
    zh: str
    clause: str

    def to_dict(self) -> dict[str, str]:
        """Return the reason as plain text fields, for storing as JSON."""
        return self._asdict()

    @classmethod
    def from_dict(cls, stored: Mapping[str, str]) -> Self:
        """Return the reason that `to_dict` stored."""
        return cls(stored["code"], stored["en"], stored["zh"], stored["clause"])


class Line(NamedTuple):
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
        return self._asdict()

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
    text = str(amount)
    # An exponent is rare, and writing numbers without one takes longer.
    whole, _point, rest = (f"{amount:f}" if "E" in text else text).partition(".")
    rest = rest.rstrip("0")[:10].ljust(4, "0")
    return f"{whole}.{rest} {unit if is_currency(unit) else 'GPU-h'}"


@lru_cache(maxsize=4096)
def amount_words(amount: Decimal, unit: str) -> str:
    """Write an amount inside a sentence: `5,000,000 CNY`, `0.01 CNY`, `20,000 GPU-h`."""
    whole, _point, rest = plain(amount).partition(".")
    shown = f"{int(whole):,}" + (f".{rest}" if rest else "")
    return f"{shown} {unit if is_currency(unit) else 'GPU-h'}"


@lru_cache(maxsize=1024)
def percent_text(rate: Fraction) -> str:
    """Write a share as a percentage, or as it is where that has no end: `60 %`, `2/3`."""
    hundredths = Decimal(rate.numerator * 100) / rate.denominator
    return f"{plain(hundredths)} %" if Fraction(hundredths) == rate * 100 else str(rate)


def worst(*outcomes: Outcome) -> Outcome:
    """Return the worst of some outcomes; of none, a pass."""
    return max(outcomes, key=OUTCOMES.index, default="PASS")


def missing(what_en: str, what_zh: str, clause: str) -> Reason:
    """Return the reason for a fact that a rule needs and nobody knows."""
    return Reason(
        "FACT_MISSING",
        f"Not known yet: {what_en}. An officer will ask.",
        f"尚缺信息：{what_zh}。工作人员将与您核实。",
        clause,
    )


def plain(number: Decimal) -> str:
    """Write a number without exponent or idle zeros: `5E+4` as `50000`."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
