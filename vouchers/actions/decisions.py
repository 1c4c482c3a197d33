"""Decide applications by the law in force, and undo a decision."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.errors import Refused
from common.formatting import money
from ledger import actions as ledger
from ledger.kinds import ActKind
from parties.models import Organisation, User
from parties.queries import require_apart, require_role
from parties.roles import Role
from vouchers.actions.applications import ApplicationClosed, locked_application
from vouchers.models import Application, Decision, Programme
from vouchers.queries import Proposal, decision_in_force, in_words, proposal_of


class NotEligible(Refused):
    """The policy does not admit the applicant or the request."""

    code = "not_eligible"
    sentence = _("The policy doesn't allow this award. %(reasons)s")


class AwardAboveRecommended(Refused):
    """More was awarded than the policy allows."""

    code = "award_above_recommended"
    sentence = _(
        "%(awarded)s is more than the policy allows, which is %(recommended)s. "
        "Award that or less."
    )


class NothingToAward(Refused):
    """The policy gives nothing, so there is nothing to approve."""

    code = "nothing_to_award"
    sentence = _("There is nothing to award. %(reasons)s")


class NoteMissing(Refused):
    """A decision against somebody needs its reason in words."""

    code = "note_missing"
    sentence = _("Write a note that tells the applicant why.")


class OutcomeInvalid(Refused):
    """A person decides yes or no."""

    code = "outcome_invalid"
    sentence = _("“%(outcome)s” is no decision. Approve the application, or don't.")


class OfficerNeeded(Refused):
    """The amount or the answer is beyond what may be decided without a person."""

    code = "officer_needed"
    sentence = _("%(reference)s can't be decided without a programme officer.")


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
def decide_application(
    *,
    application: Application,
    outcome: str,
    awarded: int | None,
    note: str,
    actor: User | None,
    at: datetime,
    key: str,
) -> Decision:
    """Approve an application or don't, with the facts, the working and the law of this moment.

    The policy recommends the most that may be awarded; an officer may award less, and without
    an amount awards that. Nobody (`actor` None) may approve what needs no person, in full.

    :raises NotAllowed: if the person is no officer of the programme.
    :raises SamePerson: if the person sent the application.
    :raises ApplicationClosed: if it is not waiting for a decision.
    :raises OutcomeInvalid: for another outcome than PASS or FAIL.
    :raises NoteMissing: if it is not approved and no reason is given.
    :raises NotEligible: if the policy does not admit what would be approved.
    :raises NothingToAward: if the amount to approve is nothing.
    :raises AwardAboveRecommended: if more than recommended would be awarded.
    :raises OfficerNeeded: if nobody decides and a person must.
    """
    programme = application.round.programme
    if actor is not None:
        _require_officer(actor, programme)
        submitter = application.act.actor if application.act else ()
        require_apart("decide_application", actor, {"submit_application": submitter})
    if outcome not in (Decision.Outcome.PASS, Decision.Outcome.FAIL):
        raise OutcomeInvalid(outcome=outcome)
    if outcome == Decision.Outcome.FAIL and not note.strip():
        raise NoteMissing
    act = ledger.begin(
        kind=ActKind.DECIDE_APPLICATION,
        key=key,
        actor=actor.address if actor else ledger.SYSTEM,
        about=application.address,
        at=at,
        payload={"outcome": outcome, "awarded": awarded, "note": note},
        reason=note,
        details={"outcome": outcome},
    )
    if act.is_replay:
        return Decision.objects.select_related("application").get(act_id=act.id)
    row = _locked_waiting(application)
    proposal = proposal_of(row, at)
    amount = 0
    if outcome == Decision.Outcome.PASS:
        amount = _checked_award(proposal, awarded, programme.unit)
        if actor is None and not _is_automatic(proposal, amount):
            raise OfficerNeeded(reference=row.reference)
    elif actor is None:
        raise OfficerNeeded(reference=row.reference)
    return _write(row, proposal, outcome, amount, note=note, actor=actor, act=act)


def _require_officer(actor: User, programme: Programme) -> None:
    require_role(
        actor, Role.OFFICER, organisation=programme.authority, programme_code=programme.code
    )


def _locked_waiting(application: Application) -> Application:
    row = locked_application(application)
    if row.status not in (Application.Status.SENT, Application.Status.REFERRED):
        raise ApplicationClosed(reference=row.reference)
    # Two awards to one organisation are worked out in turn, so that its yearly cap holds.
    Organisation.objects.select_for_update(no_key=True).get(pk=row.organisation_id)
    return row


def _checked_award(proposal: Proposal, awarded: int | None, unit: str) -> int:
    if proposal.outcome == "FAIL":
        raise NotEligible(reasons=in_words(proposal.reasons))
    recommended = proposal.award.recommended
    amount = recommended if awarded is None else awarded
    if amount > recommended > 0:
        raise AwardAboveRecommended(
            awarded=money(amount, unit), recommended=money(recommended, unit)
        )
    if amount <= 0 or not recommended:
        raise NothingToAward(reasons=in_words(proposal.award.reasons))
    return amount


def _is_automatic(proposal: Proposal, amount: int) -> bool:
    is_full = 0 < amount == proposal.award.recommended
    return proposal.outcome == "PASS" and is_full and proposal.people == 0


def _write(
    application: Application,
    proposal: Proposal,
    outcome: str,
    awarded: int,
    *,
    note: str,
    actor: User | None,
    act: ledger.Act,
) -> Decision:
    decision = Decision.objects.create(
        application=application,
        outcome=outcome,
        recommended=proposal.award.recommended,
        awarded=awarded,
        validity_days=proposal.award.validity_days,
        facts=proposal.facts,
        working=[line.to_dict() for line in proposal.award.working],
        reasons=[reason.to_dict() for reason in proposal.reasons],
        note=note,
        policy_version=proposal.version,
        decided_by=actor,
        decided_at=act.at,
        act_id=act.id,
    )
    application.status = _STATUS_AFTER[Decision.Outcome(outcome)]
    application.save(update_fields=["status"])
    return decision


_STATUS_AFTER = {
    Decision.Outcome.PASS: Application.Status.APPROVED,
    Decision.Outcome.FAIL: Application.Status.NOT_APPROVED,
    Decision.Outcome.REFER: Application.Status.REFERRED,
}


@transaction.atomic
def decide_automatically(
    *, application: Application, at: datetime, key: str
) -> Decision | None:
    """Decide an application that was just sent, as far as no person is needed.

    A small amount for which all conditions are met is approved in full. Where a condition is
    not met, or not known, the application is referred to an officer with the reasons: nobody
    is turned down without a person. Anything else waits as it was sent, and None is returned.

    Asking again returns the decision that was made so.

    :raises NoPolicyInForce: if the programme has none today.
    """
    row = locked_application(application)
    if row.status != Application.Status.SENT:
        found = decision_in_force(row)
        return found if found is not None and found.decided_by_id is None else None
    Organisation.objects.select_for_update(no_key=True).get(pk=row.organisation_id)
    proposal = proposal_of(row, at)
    outcome, amount = Decision.Outcome.REFER, 0
    if proposal.outcome == "PASS":
        amount = proposal.award.recommended
        if not _is_automatic(proposal, amount):
            return None
        outcome = Decision.Outcome.PASS
    act = ledger.begin(
        kind=ActKind.DECIDE_APPLICATION,
        key=key,
        actor=ledger.SYSTEM,
        about=row.address,
        at=at,
        payload={},
        details={"outcome": outcome.value},
    )
    return _write(row, proposal, outcome, amount, note="", actor=None, act=act)


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
    _require_officer(actor, application.round.programme)
    submitter = application.act.actor if application.act else ()
    require_apart("undo_decision", actor, {"submit_application": submitter})
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
    row = locked_application(application)
    newest = decision_in_force(row)
    if newest is None or newest.pk != decision.pk:
        raise NotDecided(reference=row.reference)
    if hasattr(newest, "voucher"):
        raise VoucherIssued(voucher=newest.voucher.code)
    _require_only_one(row)
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
        decided_at=at,
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
        name = application.organisation.name
        raise AnotherApplicationOpen(organisation=name, reference=other.reference)
