"""Say what an order would cost and who would pay which part, before anybody commits to it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from common.days import day_of, end_of
from policy import holds
from policy.answers import Line
from providers.models import Offer
from vouchers.actions.terms import (
    amount_to_hold,
    price_of,
    quantity_of,
    require_covered,
    require_usable,
)
from vouchers.models import Voucher
from vouchers.queries import policy_in_force


@dataclass(frozen=True, slots=True)
class Quote:
    """An order's price and its parts, in the voucher's unit, with the working of the hold."""

    quantity_ms: int
    price_total: int
    hold_amount: int
    lapses_at: datetime
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
    _unit_price, total = price_of(voucher, offer, quantity, rules, at)
    amount, working = amount_to_hold(voucher, total, rules, today)
    lapses_at = end_of(holds.last_day(today, rules), programme.zone)
    return Quote(quantity, total, amount, lapses_at, working)
