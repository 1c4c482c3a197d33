"""How long a voucher lasts."""

from datetime import date, timedelta
from decimal import ROUND_CEILING, Decimal

from policy.dates import months_after
from policy.rules import Programme


def days(
    programme: Programme,
    multiplier: Decimal = Decimal(1),
    *,
    route: str | None = None,
    issued_on: date | None = None,
) -> int:
    """Return how many days a voucher lasts after the day of its issue.

    A route's months come first where the programme has routes and the day of issue is
    known. Standing may lengthen or shorten the days within the policy's reach, never below
    the policy's fewest (so that a short voucher need not be burned); a part of a day counts
    as a whole one.
    """
    way = programme.route(route)
    if way is not None and issued_on is not None:
        plain_days = (months_after(issued_on, way.months) - issued_on).days
    else:
        plain_days = int(programme.validity.days.on(issued_on))
    rule = programme.standing
    if rule is None or multiplier == 1:
        return plain_days
    bounded = min(max(multiplier, 1 - rule.validity_reach), 1 + rule.validity_reach)
    changed = int((plain_days * bounded).to_integral_value(rounding=ROUND_CEILING))
    return max(changed, min(programme.validity.days_min, plain_days))


def last_day(
    issued_on: date,
    programme: Programme,
    multiplier: Decimal = Decimal(1),
    *,
    route: str | None = None,
) -> date:
    """Return the last day on which a voucher may be used, in the programme's time zone."""
    return issued_on + timedelta(
        days=days(programme, multiplier, route=route, issued_on=issued_on)
    )
