"""A published rule that an invoice breaks, and how that is said to whoever has to mend it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

# The business terms of EN 16931-1:2017 that the rules are about, in words.
TERMS: Mapping[str, Any] = {
    "BT-1": gettext_lazy("invoice number"),
    "BT-2": gettext_lazy("day of issue"),
    "BT-3": gettext_lazy("type code of the invoice"),
    "BT-5": gettext_lazy("currency code"),
    "BT-7": gettext_lazy("day on which the tax falls due"),
    "BT-9": gettext_lazy("due day or the payment terms"),
    "BT-24": gettext_lazy("identifier of the specification"),
    "BT-25": gettext_lazy("number of the preceding invoice"),
    "BT-27": gettext_lazy("seller’s name"),
    "BT-29": gettext_lazy("identifier of the seller"),
    "BT-31": gettext_lazy("seller’s VAT identifier"),
    "BT-40": gettext_lazy("seller’s country code"),
    "BT-44": gettext_lazy("buyer’s name"),
    "BT-48": gettext_lazy("buyer’s VAT identifier"),
    "BT-55": gettext_lazy("buyer’s country code"),
    "BT-63": gettext_lazy("VAT identifier of the seller’s tax representative"),
    "BT-74": gettext_lazy("last day of the period"),
    "BT-73": gettext_lazy("first or last day of the period"),
    "BT-92": gettext_lazy("amount of the allowance"),
    "BT-93": gettext_lazy("base amount of the allowance"),
    "BT-95": gettext_lazy("VAT category of the allowance"),
    "BT-97": gettext_lazy("reason of the allowance"),
    "BT-99": gettext_lazy("amount of the charge"),
    "BT-100": gettext_lazy("base amount of the charge"),
    "BT-102": gettext_lazy("VAT category of the charge"),
    "BT-104": gettext_lazy("reason of the charge"),
    "BT-106": gettext_lazy("sum of the lines"),
    "BT-107": gettext_lazy("sum of the allowances"),
    "BT-108": gettext_lazy("sum of the charges"),
    "BT-109": gettext_lazy("total without VAT"),
    "BT-110": gettext_lazy("total of the VAT"),
    "BT-111": gettext_lazy("total of the VAT in the accounting currency"),
    "BT-112": gettext_lazy("total with VAT"),
    "BT-113": gettext_lazy("amount paid before"),
    "BT-114": gettext_lazy("rounding amount"),
    "BT-115": gettext_lazy("amount due for payment"),
    "BT-116": gettext_lazy("taxable amount"),
    "BT-117": gettext_lazy("tax amount"),
    "BT-118": gettext_lazy("VAT category code"),
    "BT-119": gettext_lazy("VAT rate"),
    "BT-120": gettext_lazy("reason why no VAT is charged"),
    "BT-126": gettext_lazy("number of the line"),
    "BT-129": gettext_lazy("quantity"),
    "BT-130": gettext_lazy("unit of the quantity"),
    "BT-131": gettext_lazy("net amount of the line"),
    "BT-146": gettext_lazy("net price"),
    "BT-148": gettext_lazy("gross price"),
    "BT-151": gettext_lazy("VAT category code of the line"),
    "BT-152": gettext_lazy("VAT rate of the line"),
    "BT-153": gettext_lazy("name of what was sold"),
    "BT-160": gettext_lazy("name or value of an attribute"),
    "BG-5": gettext_lazy("seller’s address"),
    "BG-8": gettext_lazy("buyer’s address"),
    "BG-23": gettext_lazy("breakdown of the VAT"),
    "BG-25": gettext_lazy("lines"),
}


class Why(StrEnum):
    """The ways in which a rule is broken; each has one sentence."""

    MISSING = "MISSING"
    UNWANTED = "UNWANTED"
    DIFFERS = "DIFFERS"
    NEGATIVE = "NEGATIVE"
    TOO_FINE = "TOO_FINE"
    NOT_POSITIVE = "NOT_POSITIVE"
    UNKNOWN = "UNKNOWN"
    COUNT = "COUNT"
    WRONG_CHECK = "WRONG_CHECK"
    TOO_EARLY = "TOO_EARLY"


_SENTENCES: Mapping[Why, Any] = {
    Why.MISSING: gettext_lazy("The %(term)s (%(code)s) is missing. Add it."),
    Why.UNWANTED: gettext_lazy("The %(term)s (%(code)s) must not be there. Take it out."),
    Why.DIFFERS: gettext_lazy(
        "The %(term)s (%(code)s) is %(found)s, and the amounts that it is made of give "
        "%(expected)s. Correct the one that is wrong."
    ),
    Why.NEGATIVE: gettext_lazy(
        "The %(term)s (%(code)s) is %(found)s and must not be below 0. Use a negative "
        "quantity, or a credit note."
    ),
    Why.TOO_FINE: gettext_lazy(
        "The %(term)s (%(code)s) is %(found)s. Round it to two decimals."
    ),
    Why.NOT_POSITIVE: gettext_lazy("The %(term)s (%(code)s) must be above 0 in this category."),
    Why.UNKNOWN: gettext_lazy(
        "The %(term)s (%(code)s) is “%(found)s”, which is not on the published list. Give one "
        "that is."
    ),
    Why.WRONG_CHECK: gettext_lazy(
        "The %(term)s (%(code)s) “%(found)s” fails its check digit. Compare it with the "
        "certificate."
    ),
    Why.TOO_EARLY: gettext_lazy(
        "The %(term)s (%(code)s) is %(found)s, before the first day, %(expected)s. Correct one "
        "of the two days."
    ),
    Why.COUNT: gettext_lazy(
        "There must be %(expected)s %(term)s (%(code)s) of this category, and there are "
        "%(found)s."
    ),
}


@dataclass(frozen=True, slots=True)
class Break:
    """One published rule that is broken: its number, what it is about, and where.

    `rule` is the number in the validation artefacts of CEN/TC 434; `line` is the number of an
    invoice line, or nothing; `category` a VAT category.
    """

    rule: str
    term: str
    why: Why = Why.MISSING
    found: str = ""
    expected: str = ""
    line: str = ""
    category: str = ""

    @property
    def sentence(self) -> str:
        """Say what is wrong and what to do, in the language spoken here and now."""
        words = str(_SENTENCES[self.why]) % {
            "term": TERMS[self.term],
            "code": self.term,
            "found": self.found,
            "expected": self.expected,
        }
        if self.category:
            words = _("VAT category %(category)s: %(words)s") % {
                "category": self.category,
                "words": words,
            }
        if self.line:
            words = _("Line %(line)s: %(words)s") % {"line": self.line, "words": words}
        return words


def amount_words(amount: Decimal) -> str:
    """Write an exact amount as the invoice does: without exponent, at least two decimals."""
    text = f"{amount:f}"
    whole, point, decimals = text.partition(".")
    return f"{whole}.{decimals.rstrip('0'):0<2}" if point else f"{whole}.00"
