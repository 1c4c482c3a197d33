"""Record what a programme above awarded, and follow it without a review."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.codes import new_code
from common.errors import Refused
from common.money import major
from ledger import actions as ledger
from ledger.kinds import ActKind
from parties.models import User
from policy import approval
from vouchers.actions.appeals import VoucherIssued
from vouchers.actions.applications import RoundClosed, require_open
from vouchers.actions.decisions import decide_automatically
from vouchers.actions.issuing import BudgetSpent, NoticeRunning, issue_voucher
from vouchers.models import Application, Decision, Programme, Round, UpstreamAward, Voucher
from vouchers.queries import (
    read_policy,
    require_officer,
)
from vouchers.queries.matches import (
    ROWS_MOST,
    AwardProblem,
    AwardRow,
    award_problems,
    organisations_of_rows,
)

__all__ = [
    "AwardsReport",
    "NoMatch",
    "NothingToRecord",
    "RoundClosed",
    "follow_upstream_award",
    "record_upstream_awards",
]


class NoMatch(Refused):
    """The programme follows no other."""

    code = "no_match"
    sentence = _("%(programme)s follows no other programme's awards.")


class NothingToRecord(Refused):
    """Not one row can be recorded."""

    code = "nothing_to_record"
    sentence = _(
        "None of these %(rows)s lines can be recorded. Correct what is wrong with them; at most "
        "%(most)s are taken at once."
    )


@dataclass(frozen=True, slots=True)
class AwardsReport:
    """What was recorded, and what is wrong with the other rows; nothing of those was kept."""

    recorded: tuple[UpstreamAward, ...]
    problems: tuple[AwardProblem, ...]


@transaction.atomic
def record_upstream_awards(
    *, round: Round, rows: Sequence[AwardRow], actor: User, at: datetime, key: str
) -> AwardsReport:
    """Record awards of the programme that a round's programme follows, each with its application.

    Rows in which something is wrong are left and told, the others count. An award is recorded
    once, by its reference; what was recorded before is told with it. `follow_upstream_award`
    decides afterwards. Asked again with the same key it records nothing.

    :raises NotAllowed: if the person is no officer of the programme.
    :raises NoMatch: if the programme follows no other.
    :raises RoundClosed: if the round takes no applications today.
    :raises NothingToRecord: if no row can be recorded, or there are too many.
    :raises KeyReused: if the key was used for other rows.
    """
    programme = round.programme
    require_officer(actor, programme)
    if programme.mode != Programme.Mode.M8:
        raise NoMatch(programme=programme.title)
    act = ledger.begin(
        kind=ActKind.RECORD_UPSTREAM_AWARDS,
        key=key,
        actor=actor.address,
        about=programme.address,
        at=at,
        payload={"round": round.code, "rows": [_told(one) for one in rows]},
        details={"round": round.code},
    )
    if act.is_replay:
        recorded = UpstreamAward.objects.filter(act_id=act.id).order_by("pk")
        return AwardsReport(tuple(recorded.select_related("application", "organisation")), ())
    require_open(round, at)
    # Two who record the same list queue here, so that the second sees what the first recorded.
    Programme.objects.select_for_update(no_key=True).get(pk=programme.pk)
    problems = award_problems(round, rows, at)
    wrong = {one.row for one in problems}
    good = [one for one in rows if one.row not in wrong]
    if not good or len(rows) > ROWS_MOST:
        raise NothingToRecord(rows=len(rows), most=ROWS_MOST)
    return AwardsReport(tuple(_write(round, good, actor, act)), problems)


def _told(one: AwardRow) -> list[object]:
    return [
        one.upstream,
        one.reference,
        one.identifier_scheme,
        one.identifier,
        one.base,
        one.award,
        one.facility,
        one.awarded_on,
    ]


def _write(
    round: Round, rows: Sequence[AwardRow], actor: User, act: ledger.Act
) -> list[UpstreamAward]:
    found = organisations_of_rows(rows)
    awards = UpstreamAward.objects.bulk_create(
        UpstreamAward(
            programme=round.programme,
            upstream=one.upstream,
            reference=one.reference,
            organisation=found[one.identifier_scheme, one.identifier],
            base_amount=one.base,
            award_amount=one.award,
            facility=one.facility,
            awarded_on=one.awarded_on,
            recorded_by=actor,
            recorded_at=act.at,
            act_id=act.id,
        )
        for one in rows
    )
    references = _unused_references(len(awards))
    Application.objects.bulk_create(
        Application(
            reference=reference,
            round=round,
            organisation=award.organisation,
            answers=_answers(award),
            status=Application.Status.SENT,
            started_by=actor,
            started_at=act.at,
            saved_at=act.at,
            sent_at=act.at,
            act_id=act.id,
            upstream_award=award,
        )
        for award, reference in zip(awards, references, strict=True)
    )
    return awards


def _answers(award: UpstreamAward) -> dict[str, object]:
    # Nobody was asked anything: this is what the award above tells, so that pages can show it.
    base = major(award.base_amount, award.programme.unit)
    return {
        "project_title": f"{award.upstream} {award.reference}",
        "fee_total": f"{base:f}",
        "other_public_money": True,
    }


def _unused_references(count: int) -> list[str]:
    references: dict[str, None] = {}
    while len(references) < count:
        drawn = {new_code("A"): None for _number in range(count - len(references))}
        taken = Application.objects.filter(reference__in=list(drawn))
        for reference in taken.values_list("reference", flat=True):
            del drawn[reference]
        references |= drawn
    return list(references)


def follow_upstream_award(
    *, application: Application, at: datetime, key: str
) -> Voucher | None:
    """Decide what follows an award above by the rule, and issue its voucher where none stops it.

    Two actions, one after the other, each its own: what the law refers or gives to a person
    waits for an officer, and where the budget does not reach, the award waits as approved.
    None where there is no voucher yet; asked again it goes on from where it stood.

    :raises NoPolicyInForce: if the programme has none today.
    """
    decision = decide_automatically(application=application, at=at, key=key)
    if decision is None or decision.outcome != Decision.Outcome.PASS:
        return None
    rules = read_policy(decision.policy_version.text)
    if approval.tier(decision.awarded, rules).people:
        return None
    try:
        return issue_voucher(decision=decision, actor=ledger.SYSTEM, at=at, key=f"{key}:issue")
    except (BudgetSpent, NoticeRunning, VoucherIssued):
        # It waits as approved, or the sweep was quicker.
        return None
