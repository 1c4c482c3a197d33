"""What a month that was closed takes no more: a bill for any part of it."""

from django.utils.translation import gettext_lazy as _

from billing.models import Bill, ClosedPeriod
from common.days import day_of
from common.errors import Refused
from common.formatting import day_text
from ledger import actions as ledger


class PeriodClosed(Refused):
    """Something for a month that was closed."""

    code = "period_closed"
    sentence = _(
        "%(month)s was closed on %(day)s, so nothing more can be billed for it. Bill from the "
        "next month on, or ask the authority."
    )


def require_open(bill: Bill) -> None:
    """Refuse a bill for any part of a month that was closed.

    Within the bill's transaction: the closing of a month waits for the bills of its programme.

    :raises PeriodClosed: naming the month.
    """
    ledger.await_closing(bill.programme.code)
    closed = (
        ClosedPeriod.objects.filter(
            programme=bill.programme,
            period_from__lt=bill.period_until,
            period_until__gt=bill.period_from,
        )
        .order_by("period_from")
        .first()
    )
    if closed is not None:
        zone = bill.programme.zone
        raise PeriodClosed(
            month=f"{day_of(closed.period_from, zone):%Y-%m}",
            day=day_text(day_of(closed.closed_at, zone)),
        )
