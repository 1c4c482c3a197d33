"""The increments by which runs are billed, as the statements about bill lines need them."""

from dataclasses import dataclass, field
from typing import Any

from vouchers.models import Programme
from vouchers.queries import laws_of

# What counts is the law on the day when a line's order was placed.
_ORDERS = """increments as materialized (
        select o.id as order_id, coalesce((
            select l.seconds from unnest(%(law_days)s::date[], %(law_seconds)s::integer[])
                with ordinality as l (from_on, seconds, n)
            where l.from_on <= (o.placed_at at time zone %(zone)s)::date
            order by l.n desc limit 1), 0) as seconds
        from vouchers_order o join providers_offer f on f.id = o.offer_id
        where f.provider_id = %(provider)s
    ), """
_BILLED = """billing_billed_ms(u.count_thousandths, u.started_at, u.ended_at,
            {from_at}, {until_at}, coalesce(n.seconds, 0))"""
_METERED = """billing_clipped_ms(u.count_thousandths, u.started_at, u.ended_at,
            {from_at}, {until_at})"""


@dataclass(frozen=True, slots=True)
class Increments:
    """What a statement about usage lines `u` says of billed quantities, and its parameters.

    `orders` goes before the statement's first common table, `join` after its tables. Where no
    law of the programme has an increment, nothing of it stands in the statement.
    """

    orders: str = ""
    join: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)

    def billed(self, from_at: str, until_at: str) -> str:
        """Return the expression of what of a usage line is billed between two others."""
        words = _BILLED if self.join else _METERED
        return words.format(from_at=from_at, until_at=until_at)


def increments_of(programme: Programme) -> Increments:
    """Return the increments of a programme; `provider` and `zone` are the caller's parameters."""
    laws = laws_of(programme).by_day()
    seconds = [rules.settlement.increment_seconds or 0 for _from_on, rules in laws]
    if not any(seconds):
        return Increments()
    return Increments(
        _ORDERS,
        "left join increments n on n.order_id = u.order_id",
        {"law_days": [from_on for from_on, _rules in laws], "law_seconds": seconds},
    )
