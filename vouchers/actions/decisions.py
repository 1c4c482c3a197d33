"""Decide applications by the law in force, and undo a decision."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.errors import Refused
from common.formatting import money
from ledger import actions as ledger
from ledger.kinds import ActKind
from parties.models import User
from parties.queries import require_apart
from policy.review import is_reviewed
from policy.rules import Programme as Policy
from vouchers.actions.applications import (
    ApplicationClosed,
    locked_application,
    require_not_barred,
)
from vouchers.actions.reviews import require_no_conflict
from vouchers.models import Application, Decision, RoundDecision
from vouchers.queries import (
    Proposal,
    decision_in_force,
    in_words,
    is_decidable,
    lock_together,
    proposal_of,
    request_open,
    require_officer,
    reviews_of,
    revocation_that_bars,
    score_of,
)


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


class RoundDecidesTogether(Refused):
    """The round's applications are ranked and decided together."""

    code = "round_decides_together"
    sentence = _(
        "The applications of %(round)s are decided together, when the round has closed. Settle "
        "what is open about %(reference)s, then decide the round."
    )


class ReviewsMissing(Refused):
    """Fewer reviews than the law asks for."""

    code = "reviews_missing"
    sentence = _(
        "%(reference)s has %(have)s of the %(need)s reviews that it needs. Assign reviewers, or "
        "remind them."
    )


class ScoreTooLow(Refused):
    """The reviewers' score is below what the law asks for."""

    code = "score_too_low"
    sentence = _(
        "%(reference)s has a score of %(score)s, and %(least)s is needed. Do not approve it; the "
        "applicant may appeal."
    )


class OfficerNeeded(Refused):
    """The amount or the answer is beyond what may be decided without a person."""

    code = "officer_needed"
    sentence = _("%(reference)s can't be decided without a programme officer.")


class AnswerAwaited(Refused):
    """The applicant has time to answer a question."""

    code = "answer_awaited"
    sentence = _(
        "%(reference)s has a question that the applicant may answer until %(due)s. Decide it "
        "when the answer is there, or after that day."
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
    :raises ConflictOfInterest: if the person is too close to the applicant.
    :raises RoundDecidesTogether: if the round is decided as a whole and is not yet.
    :raises MayNotApplyAgain: if the organisation may have nothing more of the programme.
    :raises ReviewsMissing: if the law asks for more reviews.
    :raises ScoreTooLow: if the reviews' score is below what the law asks.
    :raises ApplicationClosed: if it is not waiting for a decision.
    :raises AnswerAwaited: if the applicant still has time to answer a question.
    :raises OutcomeInvalid: for another outcome than PASS or FAIL.
    :raises NoteMissing: if it is not approved and no reason is given.
    :raises NotEligible: if the policy does not admit what would be approved.
    :raises NothingToAward: if the amount to approve is nothing.
    :raises AwardAboveRecommended: if more than recommended would be awarded.
    :raises OfficerNeeded: if nobody decides and a person must.
    """
    programme = application.round.programme
    if actor is not None:
        require_officer(actor, programme)
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
    if actor is not None:
        require_no_sender("decide_application", application, actor)
        require_no_conflict(actor, application)
    row = _locked_waiting(application, at)
    proposal = proposal_of(row, at)
    amount = 0
    if outcome == Decision.Outcome.PASS:
        require_not_barred(row.organisation, programme)
        _require_turn(row, proposal.rules)
        amount = _checked_award(proposal, awarded, programme.unit)
        require_reviews(row, amount, proposal.rules)
        if actor is None and not _is_automatic(proposal, amount):
            raise OfficerNeeded(reference=row.reference)
    elif actor is None:
        raise OfficerNeeded(reference=row.reference)
    return _write(row, proposal, outcome, amount, note=note, actor=actor, act=act)


def require_no_sender(step: str, application: Application, actor: User) -> None:
    """Refuse who sent an application to do a step about it.

    :raises SamePerson: if the person sent it.
    """
    submitter = application.act.actor if application.act else ()
    require_apart(step, actor, {"submit_application": submitter})


def _locked_waiting(application: Application, at: datetime) -> Application:
    row = locked_application(application)
    if not is_decidable(row, at):
        waiting = request_open(row)
        if row.status == Application.Status.INFO_NEEDED and waiting is not None:
            raise AnswerAwaited(reference=row.reference, due=waiting.due_on)
        raise ApplicationClosed(reference=row.reference)
    lock_together([row], at)
    return row


def _require_turn(application: Application, rules: Policy) -> None:
    is_together = rules.allocation is not None
    if is_together and not RoundDecision.objects.filter(round=application.round).exists():
        raise RoundDecidesTogether(
            round=application.round.code, reference=application.reference
        )


def require_reviews(application: Application, amount: int, rules: Policy) -> None:
    """Refuse to approve what has too few reviews, or too low a score, for its law.

    :raises ReviewsMissing: naming how many there are and how many it takes.
    :raises ScoreTooLow: naming the score and what is needed.
    """
    rule = rules.review
    if rule is None or not is_reviewed(amount, rules):
        return
    have = reviews_of(application).count()
    if have < rule.quorum:
        raise ReviewsMissing(reference=application.reference, have=have, need=rule.quorum)
    score = score_of(application, rules)
    if rule.least is not None and score is not None and score < rule.least:
        raise ScoreTooLow(reference=application.reference, score=score, least=rule.least)


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
        score=score_of(application, proposal.rules),
        decided_by=actor,
        decided_at=act.at,
        act_id=act.id,
    )
    application.status = STATUS_AFTER.get(outcome, Application.Status.REFERRED)
    application.save(update_fields=["status"])
    return decision


# What a decision makes of its application; one that refers has decided nothing.
STATUS_AFTER: dict[str, Application.Status] = {
    Decision.Outcome.PASS: Application.Status.APPROVED,
    Decision.Outcome.FAIL: Application.Status.NOT_APPROVED,
    Decision.Outcome.WAIT: Application.Status.WAITING,
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
    lock_together([row], at)
    proposal = proposal_of(row, at)
    outcome, amount = Decision.Outcome.REFER, 0
    if proposal.outcome == "PASS":
        amount = proposal.award.recommended
        is_judged = proposal.rules.allocation or is_reviewed(amount, proposal.rules)
        if is_judged or not _is_automatic(proposal, amount):
            return None
        if revocation_that_bars(row.organisation, row.round.programme) is not None:
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
