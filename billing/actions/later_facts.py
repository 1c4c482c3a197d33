"""What comes to light of a month after it was closed is kept beside it, and never within it."""

from datetime import datetime

from billing.models import ClosedPeriod, PeriodCorrection
from ledger import actions as ledger
from ledger.actions import Act
from vouchers.models import Programme


def note_later_fact(
    act: Act, programme: Programme, belongs_at: datetime, amount: int
) -> PeriodCorrection | None:
    """Keep that an act corrects the closed month of an instant; of an open one nothing is kept.

    The act and its transfers are dated in the open month in which they happen: the ledger
    refuses any other. Call it once an act and month. A month that is being closed is waited for,
    and none is closed until the commit. Whoever moves value first waits before that
    (`ledger.await_closing`): who closes a month waits for what is dated in it in turn.

    :param amount: what it adds to what was settled or paid in the month, in the programme's
        unit; below nothing where it takes away.
    """
    ledger.await_closing(programme.code)
    closed = ClosedPeriod.objects.filter(
        programme=programme, period_from__lte=belongs_at, period_until__gt=belongs_at
    ).first()
    if closed is None:
        return None
    return PeriodCorrection.objects.create(
        period=closed, amount=amount, at=act.at, act_id=act.id
    )
