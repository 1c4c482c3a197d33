"""Decide a round as a whole, by the method of its law."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.days import day_of
from common.errors import Refused
from ledger import actions as ledger
from ledger.kinds import ActKind
from parties.models import User
from parties.queries import require_apart
from policy.allocation import Allotted
from policy.answers import Reason
from policy.rules import Programme as Policy
from vouchers.actions.decisions import STATUS_AFTER
from vouchers.actions.reviews import ConflictOfInterest
from vouchers.models import Application, Decision, Lot, Programme, Round, RoundDecision
from vouchers.queries import (
    Ranked,
    Ranking,
    allotted_of,
    as_json,
    conflicted_with,
    policy_in_force,
    ranking_of,
    require_officer,
)

_CHUNK = 1_000
_SHOWN = 5  # references that a refusal names


class NotDecidedTogether(Refused):
    """The programme's law decides each application by itself."""

    code = "not_decided_together"
    sentence = _(
        "The policy of %(programme)s has no section [allocation], so each application is decided "
        "by itself."
    )


class RoundStillOpen(Refused):
    """Applications may still come."""

    code = "round_still_open"
    sentence = _(
        "The round %(round)s takes applications until %(closes)s. Decide it after that."
    )


class RoundDecided(Refused):
    """The round was decided before."""

    code = "round_decided"
    sentence = _("The round %(round)s was decided on %(on)s. What was decided stays.")


class RoundNotReady(Refused):
    """Something about the round's applications has to be settled first."""

    code = "round_not_ready"
    sentence = _("%(count)s applications are not ready: %(references)s. %(fix)s")


class LotMissing(Refused):
    """A lottery without a seed that was committed to before the round closed."""

    code = "lot_missing"
    sentence = _(
        "No seed was committed to before the round %(round)s closed, so no draw of it could be "
        "trusted. Propose a policy with another method."
    )


class LotTooLate(Refused):
    """The round has closed, so a seed could be chosen for its result."""

    code = "lot_too_late"
    sentence = _("The round %(round)s closed on %(closes)s. Commit to a seed before that.")


@transaction.atomic
def commit_lot(*, round: Round, actor: User, at: datetime, key: str) -> Lot:
    """Draw a round's seed and commit to it: its SHA-256 is public from now on, the seed later.

    :raises NotAllowed: if the person is no officer of the programme.
    :raises NotDecidedTogether: if the law draws no lots.
    :raises LotTooLate: if the round has closed.
    """
    programme = round.programme
    require_officer(actor, programme)
    act = ledger.begin(
        kind=ActKind.COMMIT_LOT,
        key=key,
        actor=actor.address,
        about=programme.address,
        at=at,
        payload={"round": round.pk},
        details={"round": round.code},
    )
    known = Lot.objects.filter(round=_locked(round)).first()
    if known is not None:
        return known
    today = day_of(at, programme.zone)
    _version, rules = policy_in_force(programme, today)
    if rules.allocation is None or rules.allocation.method != "LOTTERY":
        raise NotDecidedTogether(programme=programme.title_here)
    if today > round.closes_on:
        raise LotTooLate(round=round.code, closes=round.closes_on)
    seed = secrets.token_bytes(32)
    return Lot.objects.create(
        round=round,
        seed=seed,
        commitment=hashlib.sha256(seed).hexdigest(),
        committed_by=actor,
        committed_at=at,
        act_id=act.id,
    )


def _locked(round: Round) -> Round:
    """Return a round of which nobody else decides anything until the action ends."""
    # Rounds stay as they were written, so what is locked is the programme.
    Programme.objects.select_for_update(no_key=True).get(pk=round.programme_id)
    return round


@transaction.atomic
def decide_round(*, round: Round, actor: User, at: datetime, key: str) -> RoundDecision:
    """Decide all of a closed round's applications by the method of its law, in one act.

    Who is awarded something is approved; who would be and whom the budget does not reach waits;
    whom the law or the score shuts out is not approved. What the law refers, and no officer has
    admitted, is left waiting for a decision of its own. Vouchers are issued afterwards.

    :raises NotAllowed: if the person is no officer of the programme.
    :raises NotDecidedTogether: if the law decides each application by itself.
    :raises RoundStillOpen: if the round has not closed.
    :raises RoundDecided: if it was decided before.
    :raises SamePerson: if the person sent one of the applications.
    :raises ConflictOfInterest: if the person is too close to one of the applicants.
    :raises RoundNotReady: naming applications that lack reviews or wait for an answer in time.
    :raises LotMissing: if lots are to be drawn and no seed was committed to.
    """
    programme = round.programme
    require_officer(actor, programme)
    act = ledger.begin(
        kind=ActKind.DECIDE_ROUND,
        key=key,
        actor=actor.address,
        about=programme.address,
        at=at,
        payload={"round": round.pk},
        details={"round": round.code},
    )
    row = _locked(round)
    if act.is_replay:
        return RoundDecision.objects.get(act_id=act.id)
    earlier = RoundDecision.objects.filter(round=row).first()
    if earlier is not None:
        raise RoundDecided(round=row.code, on=day_of(earlier.decided_at, programme.zone))
    ranking = ranking_of(round, at, lock=True)
    _require_ready(ranking, actor)
    found = allotted_of(ranking)
    _write(ranking, found, actor, act)
    return _write_round(round, ranking, found, actor, act)


def _require_ready(ranking: Ranking, actor: User) -> None:
    round = ranking.round
    rule = ranking.rules.allocation
    if rule is None:
        raise NotDecidedTogether(programme=round.programme.title_here)
    if not ranking.is_closed:
        raise RoundStillOpen(round=round.code, closes=round.closes_on)
    applications = [one.application for one in ranking.entries]
    senders = {one.act.actor for one in applications if one.act is not None}
    require_apart("decide_application", actor, {"submit_application": senders})
    for application in conflicted_with(actor, applications)[:1]:
        raise ConflictOfInterest(
            person=actor.name,
            organisation=application.organisation.name_here,
            reference=application.reference,
        )
    _refuse(ranking.awaited, _("Wait for their answers, or for the day by which they are due."))
    _refuse(ranking.unreviewed, _("They need more reviews. Assign reviewers, or remind them."))
    if rule.method == "LOTTERY" and ranking.lot is None:
        raise LotMissing(round=round.code)


def _refuse(applications: Sequence[Application], fix: object) -> None:
    if applications:
        references = ", ".join(one.reference for one in applications[:_SHOWN])
        dots = " …" if len(applications) > _SHOWN else ""
        raise RoundNotReady(count=len(applications), references=references + dots, fix=fix)


@dataclass(frozen=True, slots=True)
class _Verdict:
    outcome: Decision.Outcome
    awarded: int
    reasons: tuple[Reason, ...]


def _write(
    ranking: Ranking,
    found: Sequence[tuple[Ranked, Allotted | None]],
    actor: User,
    act: ledger.Act,
) -> None:
    """Write each application's decision; what stays referred gets none."""
    decisions: list[Decision] = []
    statuses: dict[Application.Status, list[int]] = {}
    for entry, allotted in found:
        verdict = _verdict(entry, allotted, ranking.rules)
        if verdict is None:
            continue
        decisions.append(_decision(entry, allotted, verdict, ranking, actor, act))
        statuses.setdefault(STATUS_AFTER[verdict.outcome], []).append(entry.application.pk)
    Decision.objects.bulk_create(decisions, batch_size=_CHUNK)
    for status, keys in statuses.items():
        Application.objects.filter(pk__in=keys).update(status=status)


def _verdict(entry: Ranked, allotted: Allotted | None, rules: Policy) -> _Verdict | None:
    reasons = entry.proposal.reasons
    if allotted is None:
        assert rules.review is not None
        below = _score_reason(entry.score, rules.review.least, rules.review.clause)
        return _Verdict(Decision.Outcome.FAIL, 0, (*reasons, below))
    reasons = allotted.opinion.reasons
    if allotted.awarded:
        return _Verdict(Decision.Outcome.PASS, allotted.awarded, reasons)
    if allotted.is_waiting:
        return _without_budget(rules, reasons)
    if allotted.opinion.outcome == "FAIL":
        return _Verdict(Decision.Outcome.FAIL, 0, reasons)
    return None


def _without_budget(rules: Policy, reasons: tuple[Reason, ...]) -> _Verdict:
    assert rules.allocation is not None
    clause = rules.allocation.clause
    said = Reason(
        "BUDGET_REACHED",
        "The budget of this round did not reach so far.",
        "本批次预算已分配完毕，未能轮到该申请。",
        clause,
    )
    outcome = Decision.Outcome.WAIT if rules.allocation.waiting_days else Decision.Outcome.FAIL
    return _Verdict(outcome, 0, (*reasons, said))


def _score_reason(score: Decimal | None, least: Decimal | None, clause: str) -> Reason:
    return Reason(
        "SCORE_TOO_LOW",
        f"The reviewers' score is {score} of 100; {least} is needed.",
        f"评审得分为 {score} 分（满分 100 分），须达到 {least} 分。",
        clause,
    )


def _decision(
    entry: Ranked,
    allotted: Allotted | None,
    verdict: _Verdict,
    ranking: Ranking,
    actor: User,
    act: ledger.Act,
) -> Decision:
    proposal = entry.proposal
    opinion = allotted.opinion if allotted else proposal.opinion
    award = opinion.award
    chance = allotted.probability if allotted else None
    return Decision(
        application=entry.application,
        outcome=verdict.outcome,
        recommended=award.recommended,
        awarded=verdict.awarded,
        validity_days=award.validity_days,
        facts={**proposal.facts, "claim": as_json(opinion.claim)},
        working=[line.to_dict() for line in award.working],
        reasons=[reason.to_dict() for reason in verdict.reasons],
        note="",
        policy_version=proposal.version,
        place=allotted.place if allotted else None,
        score=entry.score,
        probability="" if chance is None else str(chance),
        decided_by=actor,
        decided_at=act.at,
        act_id=act.id,
    )


def _write_round(
    round: Round,
    ranking: Ranking,
    found: Sequence[tuple[Ranked, Allotted | None]],
    actor: User,
    act: ledger.Act,
) -> RoundDecision:
    rule = ranking.rules.allocation
    assert rule is not None
    today = day_of(act.at, round.programme.zone)
    return RoundDecision.objects.create(
        round=round,
        method=rule.method,
        budget=ranking.budget,
        awarded_total=sum(one.awarded for _entry, one in found if one is not None),
        waits_until_on=today + timedelta(days=rule.waiting_days) if rule.waiting_days else None,
        policy_version=ranking.version,
        draw_key=ranking.draw_key,
        decided_by=actor,
        decided_at=act.at,
        act_id=act.id,
    )
