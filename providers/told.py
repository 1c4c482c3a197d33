"""How what a provider may and may not do, and asks for it, is told on pages and in letters."""

from typing import Any

from django.utils.translation import gettext as _

from common.days import day_of
from common.formatting import day_text, rate_words
from providers.models import Price, PriceCap, ServiceItem, Suspension


def items_told(items: list[str]) -> str:
    """Return service items in the language spoken, in the order of the list."""
    return ", ".join(str(one.label) for one in ServiceItem if one.value in items)


def time_told(suspension: Suspension) -> str:
    """Say from when until when a suspension is in force: until it was lifted, if it was."""
    values = {"from": day_text(day_of(suspension.from_at))}
    lift: Any = getattr(suspension, "lift", None)
    if lift is not None:
        values["until"] = day_text(day_of(lift.lifted_at))
        return _("From %(from)s until it was lifted on %(until)s.") % values
    if suspension.until_at is None:
        return _("From %(from)s until it is lifted.") % values
    # The instant after the last day: the day before it is the last.
    values["until"] = day_text(day_of(suspension.until_at - suspension.until_at.resolution))
    return _("From %(from)s to %(until)s.") % values


def effects_told(suspension: Suspension) -> list[str]:
    """Say what a suspension stops and what goes on, one sentence each."""
    orders = (
        _("It takes no new orders.")
        if suspension.stops_orders
        else _("It may take new orders.")
    )
    holds = (
        _("Orders without use are released, and their holds go back to the vouchers.")
        if suspension.holds == Suspension.Holds.RELEASE
        else _("Open orders go on, and their holds stay.")
    )
    bills = (
        _("Its bills are taken, and their settlement waits until the suspension is over.")
        if suspension.bills == Suspension.Bills.WAIT
        else _("Its bills are taken and settled.")
    )
    return [orders, holds, bills]


def suspension_told(suspension: Suspension) -> dict[str, Any]:
    """Return a suspension for a page: its reason, its time, and its effects."""
    return {
        "reason": suspension.reason,
        "time": time_told(suspension),
        "effects": effects_told(suspension),
    }


def price_told(price: Price) -> str:
    """Say what an hour of an offer costs."""
    return rate_words(price.rate, price.currency)


def cap_owner_told(cap: PriceCap) -> str:
    """Say whose cap it is: the authority's, with the programme where it is one's own."""
    if cap.programme_code:
        return f"{cap.authority.name_here}, {cap.programme_code}"
    return cap.authority.name_here
