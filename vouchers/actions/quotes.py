"""Say what an order would cost, who would pay which part, and what a voucher buys where."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from common.days import day_of, end_of
from common.errors import Refused
from common.money import GPU_MS_PER_HOUR, is_currency
from policy import holds
from policy.answers import Line
from policy.rules import Programme as Policy
from providers.models import Offer, Price, PriceCap
from providers.queries import CapKey, accepts_at_once, lowest_caps
from vouchers.actions.terms import (
    HOURS_MAX,
    NothingToHold,
    amount_to_hold,
    price_of,
    quantity_of,
    require_class,
    require_covered,
    require_price,
    require_usable,
    total_at,
)
from vouchers.models import Voucher
from vouchers.queries import policy_in_force

# No order costs as much: what is set aside for it is what limits leave.
_BEYOND_ALL = 10**16


@dataclass(frozen=True, slots=True)
class Quote:
    """An order's price and its parts, in the voucher's unit, with the working of the hold."""

    quantity_ms: int
    # None for time in kind.
    price: Price | None
    price_total: int
    hold_amount: int
    lapses_at: datetime
    # Until when the provider would have to accept it; None where it counts at once.
    accept_by: datetime | None
    working: tuple[Line, ...]

    @property
    def own_share(self) -> int:
        """What the holder pays beside the voucher; nothing for time in kind."""
        return max(self.price_total - self.hold_amount, 0)


def quote_order(*, voucher: Voucher, offer: Offer, hours: Decimal, at: datetime) -> Quote:
    """Return what an order placed at this instant would cost and hold; nothing is written.

    :raises Refused: as `place_hold` would, but for what depends on who asks.
    """
    programme = voucher.programme
    quantity = quantity_of(hours)
    today = day_of(at, programme.zone)
    _version, rules = policy_in_force(programme, today)
    require_usable(voucher, today)
    require_covered(voucher, offer, rules, at)
    price, total = price_of(voucher, offer, quantity, rules, at)
    amount, working = amount_to_hold(voucher, total, rules, today)
    lapses_at = end_of(holds.last_day(today, rules), programme.zone)
    accept_by = None
    if not accepts_at_once(offer.provider):
        accept_by = end_of(holds.last_day_to_accept(today, rules), programme.zone)
    return Quote(quantity, price, total, amount, lapses_at, accept_by, working)


@dataclass(frozen=True, slots=True)
class Buys:
    """What is left of a voucher buys at one price: whole hours, with the parts of their price.

    `hours` is None where nothing limits them; `refusal` says why it buys none here.
    """

    hours: int | None
    price_total: int
    covered: int
    refusal: str = ""

    @property
    def own_share(self) -> int:
        """What the holder pays beside the voucher for all these hours."""
        return max(self.price_total - self.covered, 0)

    @property
    def rank(self) -> int:
        """How good it is beside others: its hours; no limit is best, and a refusal worst."""
        if self.hours is None:
            return int(HOURS_MAX)
        return -1 if self.refusal else self.hours


def what_it_buys(*, voucher: Voucher, prices: Iterable[Price], at: datetime) -> dict[int, Buys]:
    """Return the most whole hours that a voucher pays its full share of, by the price's number.

    `prices` are in force at the instant. By the law of the day: rate, caps, and what is free of
    the voucher now. Nothing is written; the statements grow with providers, not with offers.
    """
    programme, found = voucher.programme, list(prices)
    today = day_of(at, programme.zone)
    _version, rules = policy_in_force(programme, today)
    try:
        require_usable(voucher, today)
        limit, _working = amount_to_hold(voucher, _BEYOND_ALL, rules, today)
    except Refused as refusal:
        words = "" if isinstance(refusal, NothingToHold) else str(refusal)
        return {price.pk: Buys(0, 0, 0, words) for price in found}
    caps = lowest_caps(at, authority=programme.authority_id, programme_code=programme.code)
    refused: dict[tuple[int, str], str] = {}
    bought = {}
    for price in found:
        service = price.offer.provider_id, price.offer.resource
        if service not in refused:
            refused[service] = _refusal(voucher, price.offer, rules, at)
        bought[price.pk] = (
            Buys(0, 0, 0, refused[service])
            if refused[service]
            else _at_price(voucher, price, caps, limit, rules, today)
        )
    return bought


def _refusal(voucher: Voucher, offer: Offer, rules: Policy, at: datetime) -> str:
    try:
        require_covered(voucher, offer, rules, at)
    except Refused as refusal:
        return str(refusal)
    return ""


def _at_price(
    voucher: Voucher,
    price: Price,
    caps: Mapping[CapKey, PriceCap],
    limit: int,
    rules: Policy,
    today: date,
) -> Buys:
    offer, unit_price = price.offer, None
    try:
        if is_currency(voucher.unit):
            cap = caps.get((offer.resource, offer.resource_class, price.currency))
            unit_price = require_price(voucher, offer, price, cap)
        else:
            require_class(voucher, offer)
    except Refused as refusal:
        return Buys(0, 0, 0, str(refusal))

    def parts(hours: int) -> tuple[int, int]:
        total = total_at(unit_price, voucher.unit, hours * GPU_MS_PER_HOUR, rules)
        covered = holds.covered_share(
            total, rules, on=today, organisation_kind=voucher.organisation.kind
        )
        return total, covered

    hours = _most(int(HOURS_MAX), lambda hours: parts(hours)[1] <= limit)
    return Buys(None if hours == HOURS_MAX else hours, *parts(hours))


def _most(highest: int, fits: Callable[[int], bool]) -> int:
    """Return the highest whole number up to `highest` that fits; 0 does, and those below do."""
    low = 0
    while low < highest:
        middle = (low + highest + 1) // 2
        if fits(middle):
            low = middle
        else:
            highest = middle - 1
    return low
