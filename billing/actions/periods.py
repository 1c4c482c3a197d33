"""Close a month of a programme: what was billed for it is decided, and nothing more is."""

from datetime import date, datetime

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from billing.models import Bill, ClosedPeriod
from billing.queries.periods import bills_undecided, month_bounds
from common.days import day_of
from common.errors import Refused
from common.formatting import day_text
from ledger.actions import begin
from ledger.kinds import ActKind
from parties.models import User
from parties.queries import require_role
from parties.roles import Role
from vouchers.models import Programme


class PeriodNotOver(Refused):
    """A month that still runs."""

    code = "period_not_over"
    sentence = _("%(month)s is not over. Close it when it is.")


class PeriodUndecided(Refused):
    """A month of which something is not decided."""

    code = "period_undecided"
    sentence = _(
        "Of %(month)s something is not decided yet: %(bills)s. Settle these bills and decide "
        "their withheld lines first."
    )


class PeriodClosed(Refused):
    """Something for a month that was closed."""

    code = "period_closed"
    sentence = _(
        "%(month)s was closed on %(day)s, so nothing more can be billed for it. Bill from the "
        "next month on, or ask the authority."
    )


@transaction.atomic
def close_period(
    *, programme: Programme, month: date, actor: User, at: datetime, key: str
) -> ClosedPeriod:
    """Close the month of a day; it stays closed. Closed before, it is returned as it is.

    A month is closed when it is over and every bill of it is settled with no line withheld.
    From then on no bill for any part of it is taken.

    :raises NotAllowed: if the person is no finance officer of the programme.
    :raises PeriodNotOver: if the month still runs.
    :raises PeriodUndecided: naming bills of it that are not settled or have lines withheld.
    :raises KeyReused: if the key was used for another month.
    """
    require_role(
        actor, Role.FINANCE, organisation=programme.authority, programme_code=programme.code
    )
    begins, ends = month_bounds(programme, month)
    act = begin(
        kind=ActKind.CLOSE_PERIOD,
        key=key,
        actor=actor.address,
        about=programme.address,
        at=at,
        payload={"month": f"{month:%Y-%m}"},
        details={"month": f"{month:%Y-%m}"},
    )
    # A bill that is being sent shares the programme: it is waited for, and seen below.
    Programme.objects.select_for_update().get(pk=programme.pk)
    closed = ClosedPeriod.objects.filter(programme=programme, period_from=begins).first()
    if closed is not None:
        return closed
    if at < ends:
        raise PeriodNotOver(month=f"{month:%Y-%m}")
    undecided = bills_undecided(programme, begins, ends)
    if undecided:
        raise PeriodUndecided(month=f"{month:%Y-%m}", bills=", ".join(undecided[:5]))
    return ClosedPeriod.objects.create(
        programme=programme,
        period_from=begins,
        period_until=ends,
        closed_by=actor,
        closed_at=at,
        act_id=act.id,
    )


def require_open(bill: Bill) -> None:
    """Refuse a bill for any part of a month that was closed.

    Within the bill's transaction: bills share the programme, and its closing waits for them.

    :raises PeriodClosed: naming the month.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "select 1 from vouchers_programme where id = %s for key share", [bill.programme_id]
        )
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
