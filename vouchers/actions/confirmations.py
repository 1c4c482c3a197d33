"""Further people stand for an award that more than two must decide."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.errors import Refused
from ledger import actions as ledger
from ledger.kinds import ActKind
from parties.models import User
from parties.queries import require_apart
from vouchers.actions.appeals import NotDecided
from vouchers.actions.applications import locked_application
from vouchers.actions.decisions import NothingToAward
from vouchers.actions.reviews import require_no_conflict
from vouchers.models import Confirmation, Decision
from vouchers.queries import (
    confirmations_missing,
    decision_in_force,
    doers_of,
    require_officer,
)


class EnoughPeople(Refused):
    """As many people stand for the award as its law asks for before it is issued."""

    code = "enough_people"
    sentence = _(
        "The award on %(reference)s needs nobody more to confirm it. Another officer issues it."
    )


@transaction.atomic
def confirm_decision(
    *, decision: Decision, actor: User, at: datetime, key: str
) -> Confirmation:
    """Stand for an award as one of a committee: one decides, one issues, the others confirm.

    :raises NotAllowed: if the person is no officer of the programme.
    :raises SamePerson: if the person sent, decided or confirmed it.
    :raises ConflictOfInterest: if the person is too close to the applicant.
    :raises NotDecided: if the decision was undone or replaced.
    :raises NothingToAward: if it awards nothing.
    :raises EnoughPeople: if as many confirmed it as its law asks for.
    """
    application = decision.application
    require_officer(actor, application.round.programme)
    act = ledger.begin(
        kind=ActKind.CONFIRM_DECISION,
        key=key,
        actor=actor.address,
        about=application.address,
        at=at,
        payload={"decision": decision.pk},
    )
    if act.is_replay:
        return Confirmation.objects.get(act_id=act.id)
    require_no_conflict(actor, application)
    row = locked_application(application)
    newest = decision_in_force(row)
    if newest is None or newest.pk != decision.pk or hasattr(newest, "voucher"):
        raise NotDecided(reference=row.reference)
    if newest.outcome != Decision.Outcome.PASS:
        raise NothingToAward(reasons=newest.note)
    require_apart("confirm_decision", actor, doers_of(newest))
    if confirmations_missing(newest) <= 0:
        raise EnoughPeople(reference=row.reference)
    return Confirmation.objects.create(
        decision=newest, user=actor, confirmed_at=at, act_id=act.id
    )
