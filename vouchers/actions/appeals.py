"""Undo a decision by a further one: of an officer, or on an applicant's appeal."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.days import day_of
from common.errors import Refused
from ledger import actions as ledger
from ledger.kinds import ActKind
from parties.models import User
from parties.queries import require_apart, require_role
from parties.roles import Role
from vouchers.actions.applications import locked_application
from vouchers.actions.decisions import STATUS_AFTER, NoteMissing, require_no_sender
from vouchers.actions.reviews import require_no_conflict
from vouchers.models import Appeal, AppealVerdict, Application, Decision
from vouchers.queries import (
    appeal_ends_on,
    decision_in_force,
    doers_of,
    require_officer,
)

GROUNDS_LENGTH_MAX = 4000


class NotDecided(Refused):
    """The decision isn't the one in force."""

    code = "not_decided"
    sentence = _("This decision on %(reference)s was undone or replaced by a newer one.")


class VoucherIssued(Refused):
    """A voucher was issued on the decision."""

    code = "voucher_issued"
    sentence = _(
        "The voucher %(voucher)s was issued on this decision, so it can't be undone. "
        "Suspend the voucher if something is wrong."
    )


class AnotherApplicationOpen(Refused):
    """The organisation has applied anew in the round."""

    code = "another_application_open"
    sentence = _(
        "%(organisation)s has another application in this round, %(reference)s. "
        "Decide that one instead."
    )


@transaction.atomic
def undo_decision(
    *, decision: Decision, note: str, actor: User, at: datetime, key: str
) -> Decision:
    """Undo a decision of which no voucher was issued; the application waits again.

    The undone decision stays as it was written; another one that names it follows.

    :raises NotAllowed: if the person is no officer of the programme.
    :raises SamePerson: if the person sent the application.
    :raises NoteMissing: if no reason is given.
    :raises NotDecided: if the decision is not the one in force.
    :raises VoucherIssued: if a voucher was issued on it.
    :raises AnotherApplicationOpen: if the organisation applied anew in the round.
    """
    application = decision.application
    require_officer(actor, application.round.programme)
    if not note.strip():
        raise NoteMissing
    act = ledger.begin(
        kind=ActKind.UNDO_DECISION,
        key=key,
        actor=actor.address,
        about=application.address,
        at=at,
        payload={"decision": decision.pk, "note": note},
        reason=note,
    )
    if act.is_replay:
        return Decision.objects.select_related("application").get(act_id=act.id)
    require_no_sender("undo_decision", application, actor)
    require_no_conflict(actor, application)
    row = locked_application(application)
    newest = _undoable(row, decision)
    _require_only_one(row)
    return _write_undoing(row, newest, note, actor, act)


def _undoable(row: Application, decision: Decision) -> Decision:
    """Return the decision in force, if it decided and its application stands as it left it."""
    newest = decision_in_force(row)
    stands = newest is not None and row.status == STATUS_AFTER.get(newest.outcome)
    if newest is None or newest.pk != decision.pk or not stands:
        raise NotDecided(reference=row.reference)
    if hasattr(newest, "voucher"):
        raise VoucherIssued(voucher=newest.voucher.code)
    return newest


def _write_undoing(
    row: Application, newest: Decision, note: str, actor: User, act: ledger.Act
) -> Decision:
    undoing = Decision.objects.create(
        application=row,
        outcome=Decision.Outcome.REFER,
        recommended=newest.recommended,
        awarded=0,
        validity_days=newest.validity_days,
        facts=newest.facts,
        working=newest.working,
        reasons=newest.reasons,
        note=note,
        policy_version=newest.policy_version,
        decided_by=actor,
        decided_at=act.at,
        undoes=newest,
        act_id=act.id,
    )
    row.status = Application.Status.REFERRED
    row.save(update_fields=["status"])
    return undoing


def _require_only_one(application: Application) -> None:
    if application.upstream_award_id:
        return
    gone = (Application.Status.WITHDRAWN, Application.Status.NOT_APPROVED)
    other = (
        Application.objects.filter(
            round=application.round_id, organisation=application.organisation_id
        )
        .exclude(pk=application.pk)
        .exclude(status__in=gone)
        .first()
    )
    if other is not None:
        name = application.organisation.name_here
        raise AnotherApplicationOpen(organisation=name, reference=other.reference)


# --- appeals ---------------------------------------------------------------------------------


class GroundsMissing(Refused):
    """An appeal says why."""

    code = "grounds_missing"
    sentence = _("Write down what is wrong with the decision, in up to %(most)s characters.")


class AppealTooLate(Refused):
    """The days for an appeal are over."""

    code = "appeal_too_late"
    sentence = _(
        "An appeal against this decision on %(reference)s could be sent until %(until)s. You may "
        "apply again while a round is open."
    )


class Appealed(Refused):
    """There is an appeal against this decision already."""

    code = "appealed"
    sentence = _("There is an appeal against this decision on %(reference)s already.")


class AppealDecided(Refused):
    """The appeal has its verdict."""

    code = "appeal_decided"
    sentence = _("The appeal about %(reference)s is decided. What was decided stays.")


@transaction.atomic
def appeal_decision(
    *, decision: Decision, grounds: str, actor: User, at: datetime, key: str
) -> Appeal:
    """Ask for a decision to be looked at by somebody who had no part in it.

    Nothing else waits for it: what others were awarded stays theirs.

    :raises NotAllowed: if the person may not apply for the organisation.
    :raises GroundsMissing: without grounds, or with too many words.
    :raises NotDecided: if the decision is not the one in force.
    :raises VoucherIssued: if a voucher was issued on it.
    :raises AppealTooLate: if its days are over.
    :raises Appealed: if there is an appeal against it already.
    """
    application = decision.application
    require_role(actor, Role.APPLICANT, organisation=application.organisation)
    if not 0 < len(grounds.strip()) <= GROUNDS_LENGTH_MAX:
        raise GroundsMissing(most=GROUNDS_LENGTH_MAX)
    act = ledger.begin(
        kind=ActKind.APPEAL_DECISION,
        key=key,
        actor=actor.address,
        about=application.address,
        at=at,
        payload={"decision": decision.pk, "grounds": grounds},
        reason=grounds.strip(),
    )
    row = locked_application(application)
    if act.is_replay:
        return Appeal.objects.get(act_id=act.id)
    newest = _undoable(row, decision)
    if Appeal.objects.filter(decision=newest).exists():
        raise Appealed(reference=row.reference)
    until = appeal_ends_on(newest)
    if day_of(at, row.round.programme.zone) > until:
        raise AppealTooLate(reference=row.reference, until=until)
    return Appeal.objects.create(
        decision=newest, grounds=grounds.strip(), sent_by=actor, sent_at=at, act_id=act.id
    )


@transaction.atomic
def decide_appeal(
    *, appeal: Appeal, outcome: str, note: str, actor: User, at: datetime, key: str
) -> AppealVerdict:
    """Dismiss an appeal, or uphold it: then the decision is undone and the application waits anew.

    :raises NotAllowed: if the person is no officer of the programme.
    :raises SamePerson: if the person sent, decided or confirmed what is appealed against.
    :raises ConflictOfInterest: if the person is too close to the applicant.
    :raises NoteMissing: without reasons.
    :raises AppealDecided: if it has its verdict.
    :raises NotDecided: if the decision is not in force any more.
    :raises VoucherIssued: if a voucher was issued meanwhile and the appeal is to be upheld.
    :raises AnotherApplicationOpen: if the organisation applied anew in the round.
    """
    decision = appeal.decision
    application = decision.application
    require_officer(actor, application.round.programme)
    if not note.strip():
        raise NoteMissing
    act = ledger.begin(
        kind=ActKind.DECIDE_APPEAL,
        key=key,
        actor=actor.address,
        about=application.address,
        at=at,
        payload={"appeal": appeal.pk, "outcome": outcome, "note": note},
        reason=note.strip(),
        details={"outcome": outcome},
    )
    if act.is_replay:
        return AppealVerdict.objects.get(act_id=act.id)
    require_apart("decide_appeal", actor, doers_of(decision))
    require_no_conflict(actor, application)
    row = locked_application(application)
    if AppealVerdict.objects.filter(appeal=appeal).exists():
        raise AppealDecided(reference=row.reference)
    # What an officer undid meanwhile is undone already.
    if outcome == AppealVerdict.Outcome.UPHELD and not hasattr(decision, "undone_by"):
        newest = _undoable(row, decision)
        _require_only_one(row)
        _write_undoing(row, newest, note.strip(), actor, act)
    return AppealVerdict.objects.create(
        appeal=appeal,
        outcome=AppealVerdict.Outcome(outcome),
        note=note.strip(),
        decided_by=actor,
        decided_at=at,
        act_id=act.id,
    )
