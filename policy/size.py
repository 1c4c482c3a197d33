"""How large an enterprise is, by the published size rules.

Sources: China, 工信部联企业〔2011〕300号, for software and information technology services and
for information transmission; European Union, Recommendation 2003/361/EC, annex, articles 2, 3
and 6. Money is in whole units of the standard's currency: yuan, euro.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

_MILLION = Decimal(1_000_000)
_PARTNER_FROM = Decimal("0.25")
_LINKED_ABOVE = Decimal("0.50")


@dataclass(frozen=True, kw_only=True)
class SizeFacts:
    """Head count and money of one enterprise; None is *not known*."""

    employees: int | None = None
    revenue: Decimal | None = None
    assets: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class Tie:
    """Another enterprise, and the greater of the shares of capital or votes held in or by it."""

    share: Decimal
    facts: SizeFacts


def size_of(standard: str, own: SizeFacts, ties: Iterable[Tie] = ()) -> str:
    """Return MICRO, SMALL, MEDIUM or LARGE, or an empty text when a figure is missing.

    :raises KeyError: for a standard that is not in `STANDARDS`.
    """
    return STANDARDS[standard](own, tuple(ties))


def currency_of(standard: str) -> str:
    """Return the currency that a standard's limits are in."""
    return "EUR" if standard.startswith("EU-") else "CNY"


def counts_ties(standard: str) -> bool:
    """Say whether partner and linked enterprises count with one's own figures."""
    return standard.startswith("EU-")


def _software(own: SizeFacts, _ties: tuple[Tie, ...]) -> str:
    """GB 2011-300, software and IT services: both limits of a class must be reached."""
    return _chinese(own, 300, 100 * _MILLION, (10, Decimal(500_000)))


def _transmission(own: SizeFacts, _ties: tuple[Tie, ...]) -> str:
    """GB 2011-300, information transmission."""
    return _chinese(own, 2_000, 1_000 * _MILLION, (10, _MILLION))


def _chinese(own: SizeFacts, staff: int, revenue: Decimal, small: tuple[int, Decimal]) -> str:
    if own.employees is None or own.revenue is None:
        return ""
    if own.employees >= staff and own.revenue >= revenue:
        return "LARGE"
    if own.employees >= 100 and own.revenue >= 10 * _MILLION:
        return "MEDIUM"
    if own.employees >= small[0] and own.revenue >= small[1]:
        return "SMALL"
    return "MICRO"


# Each class: fewer people than, and either turnover or balance sheet up to.
_EUROPEAN = (
    ("MICRO", 10, 2 * _MILLION, 2 * _MILLION),
    ("SMALL", 50, 10 * _MILLION, 10 * _MILLION),
    ("MEDIUM", 250, 50 * _MILLION, 43 * _MILLION),
)


def _european(own: SizeFacts, ties: tuple[Tie, ...]) -> str:
    """2003/361/EC: partners (25 % to 50 %) count by their share, linked ones (above) whole."""
    employees = _summed(own.employees, [(tie.share, tie.facts.employees) for tie in ties])
    revenue = _summed(own.revenue, [(tie.share, tie.facts.revenue) for tie in ties])
    assets = _summed(own.assets, [(tie.share, tie.facts.assets) for tie in ties])
    if employees is None:
        return ""
    for name, people, turnover, sheet in _EUROPEAN:
        if employees >= people:
            continue
        sides = (_at_most(revenue, turnover), _at_most(assets, sheet))
        if True in sides:
            return name
        if None in sides:
            return ""
    return "LARGE"


def _at_most(value: Decimal | None, most: Decimal) -> bool | None:
    return None if value is None else value <= most


def _summed(
    own: int | Decimal | None, others: list[tuple[Decimal, int | Decimal | None]]
) -> Decimal | None:
    if own is None:
        return None
    total = Decimal(own)
    for share, value in others:
        if share < _PARTNER_FROM:
            continue
        if value is None:
            return None
        total += Decimal(value) * (1 if share > _LINKED_ABOVE else share)
    return total


STANDARDS: dict[str, Callable[[SizeFacts, tuple[Tie, ...]], str]] = {
    "CN-2011-300-SOFTWARE": _software,
    "CN-2011-300-TRANSMISSION": _transmission,
    "EU-2003-361": _european,
}
