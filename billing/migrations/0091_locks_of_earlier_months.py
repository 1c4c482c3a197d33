"""Months that were closed before the ledger locked any are locked in it too, as of their closing."""

from django.db import migrations

from common.days import day_of
from ledger import actions as ledger
from ledger.kinds import ActKind
from ledger.queries import periods_closed


def lock_earlier(apps, _editor):
    """Lock each closed month that the ledger does not know; nothing is dated in it from now on."""
    closed = apps.get_model("billing", "ClosedPeriod").objects.select_related("programme")
    for one in closed.order_by("pk"):
        programme = one.programme
        bounds = (one.period_from, one.period_until)
        if bounds in periods_closed(programme.code):
            continue
        month = f"{day_of(one.period_from, programme.zone):%Y-%m}"
        act = ledger.begin(
            kind=ActKind.CLOSE_PERIOD,
            key=f"lock/{programme.code}/{month}",
            actor=ledger.SYSTEM,
            about=f"programme:{programme.code}",
            at=one.closed_at,
            payload={"month": month},
            reason="The month was closed before the ledger could lock it.",
            details={"month": month},
        )
        ledger.close_period(act, programme.code, *bounds)


class Migration(migrations.Migration):
    dependencies = [("billing", "0090_parts_of_recoveries"), ("ledger", "0010_apportion")]
    operations = [migrations.RunPython(lock_earlier, migrations.RunPython.noop)]
