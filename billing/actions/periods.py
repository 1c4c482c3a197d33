"""Close a month of a programme: two people look, the ledger locks it, what is not paid is kept."""

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing.actions.line_acts import NOTE_CHARACTERS_MAX, NoteMissing
from billing.models import ClosedPeriod, PeriodAccrual, PeriodProposal
from billing.queries.accruals import accruals_at_end
from billing.queries.periods import bills_unsettled, month_bounds
from common.days import day_of
from common.errors import Refused
from ledger import actions as ledger
from ledger.actions import begin
from ledger.kinds import ActKind
from parties.models import User
from parties.queries import require_apart, require_role
from parties.roles import Role
from vouchers.models import Programme
from vouchers.queries import policy_in_force


class PeriodNotOver(Refused):
    """A month that still runs."""

    code = "period_not_over"
    sentence = _("%(month)s is not over. Close it when it is.")


class PeriodUndecided(Refused):
    """A month of which a bill is not settled."""

    code = "period_undecided"
    sentence = _("These bills of %(month)s are not settled yet: %(bills)s. Settle them first.")


class PeriodNotProposed(Refused):
    """A month that nobody proposed to close."""

    code = "period_not_proposed"
    sentence = _(
        "Nobody has proposed to close %(month)s yet. Propose it, and have another person close it."
    )


@transaction.atomic
def propose_period(
    *, programme: Programme, month: date, note: str, actor: User, at: datetime, key: str
) -> PeriodProposal:
    """Propose to close the month of a day, having looked at what is open in it.

    Proposed before, the first proposal is returned as it is. Nothing is locked by it.

    :raises NotAllowed: if the person is no finance officer of the programme.
    :raises NoteMissing: if there are too many words.
    :raises PeriodNotOver: if the month still runs.
    :raises PeriodUndecided: naming bills of it that are not settled.
    :raises KeyReused: if the key was used for another month.
    """
    _require_finance(programme, actor)
    note = note.strip()
    if len(note) > NOTE_CHARACTERS_MAX:
        raise NoteMissing(most=NOTE_CHARACTERS_MAX)
    begins, _ends = month_bounds(programme, month)
    name = f"{month:%Y-%m}"
    act = begin(
        kind=ActKind.PROPOSE_PERIOD,
        key=key,
        actor=actor.address,
        about=programme.address,
        at=at,
        payload={"month": name, "note": note},
        reason=note,
        details={"month": name},
    )
    # Proposals of a programme queue here, so that a month has one.
    Programme.objects.select_for_update(no_key=True).get(pk=programme.pk)
    proposals = PeriodProposal.objects.filter(programme=programme, period_from=begins)
    if (first := proposals.first()) is not None:
        return first
    _require_closable(programme, month, at)
    return PeriodProposal.objects.create(
        programme=programme,
        period_from=begins,
        proposed_by=actor,
        proposed_at=at,
        note=note,
        act_id=act.id,
    )


@transaction.atomic
def close_period(
    *, programme: Programme, month: date, actor: User, at: datetime, key: str
) -> ClosedPeriod:
    """Close the month of a day for good. Closed before, it is returned as it is.

    A month is closed when it is over, every bill of it is settled, and another person proposed
    it. The ledger then refuses whatever is dated in it, no bill for any part of it is taken, and
    what was metered, billed or settled and not paid at its end is kept. Lines still withheld
    are decided later, as corrections (`note_later_fact`). There is no way to open it again.

    :raises NotAllowed: if the person is no finance officer of the programme.
    :raises PeriodNotOver: if the month still runs.
    :raises PeriodNotProposed: if nobody proposed it.
    :raises SamePerson: if the person proposed it.
    :raises PeriodUndecided: naming bills of it that are not settled.
    :raises KeyReused: if the key was used for another month.
    """
    _require_finance(programme, actor)
    begins, ends = month_bounds(programme, month)
    name = f"{month:%Y-%m}"
    act = begin(
        kind=ActKind.CLOSE_PERIOD,
        key=key,
        actor=actor.address,
        about=programme.address,
        at=at,
        payload={"month": name},
        details={"month": name},
    )
    periods = ClosedPeriod.objects.filter(programme=programme, period_from=begins)
    if (closed := periods.first()) is not None:
        return closed
    if at < ends:
        raise PeriodNotOver(month=name)
    proposal = PeriodProposal.objects.filter(programme=programme, period_from=begins).first()
    if proposal is None:
        raise PeriodNotProposed(month=name)
    _version, rules = policy_in_force(programme, day_of(at, programme.zone))
    require_apart(
        "close_period", actor, {"propose_period": proposal.proposed_by.address}, rules
    )
    # A bill that is being sent, and value that is being dated in the month, are waited for. Who
    # closed it meanwhile is seen after that.
    try:
        with transaction.atomic():
            ledger.close_period(act, programme.code, begins, ends)
    except ledger.PeriodNotLockable:
        return periods.get()
    _require_closable(programme, month, at)
    closed = ClosedPeriod.objects.create(
        programme=programme,
        period_from=begins,
        period_until=ends,
        proposed_by=proposal.proposed_by,
        closed_by=actor,
        closed_at=at,
        act_id=act.id,
    )
    PeriodAccrual.objects.bulk_create(
        PeriodAccrual(period=closed, stage=one.stage, payee_id=one.payee, amount=one.amount)
        for one in accruals_at_end(programme, begins, ends)
    )
    return closed


def _require_finance(programme: Programme, actor: User) -> None:
    require_role(
        actor, Role.FINANCE, organisation=programme.authority, programme_code=programme.code
    )


def _require_closable(programme: Programme, month: date, at: datetime) -> None:
    begins, ends = month_bounds(programme, month)
    if at < ends:
        raise PeriodNotOver(month=f"{month:%Y-%m}")
    unsettled = bills_unsettled(programme, begins, ends)
    if unsettled:
        raise PeriodUndecided(month=f"{month:%Y-%m}", bills=", ".join(unsettled[:5]))
