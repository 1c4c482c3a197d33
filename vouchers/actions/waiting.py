"""Serve the waiting list of a round: award what became free again, in the round's order."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.days import day_of
from common.errors import Refused
from ledger import actions as ledger
from ledger.kinds import ActKind
from vouchers.actions.applications import ApplicationClosed, locked_application
from vouchers.actions.decisions import STATUS_AFTER
from vouchers.models import Application, Decision, Programme, RoundDecision
from vouchers.queries import (
    budget_uncommitted,
    lock_together,
    proposal_of,
    revocation_that_bars,
)


class NothingFree(Refused):
    """What is free does not reach for the next award."""

    code = "nothing_free"
    sentence = _(
        "What %(programme)s has free does not reach for %(reference)s yet, or something about it "
        "is open. It stays on the waiting list."
    )


@transaction.atomic
def award_waiting(*, application: Application, at: datetime, key: str) -> Decision:
    """Award what became free to who waits for it; when the waiting list ends, say so.

    The order is the round's. The officer who decided the round made this decision too, unless
    nobody is needed for the amount; so another one issues where two are needed.

    :raises ApplicationClosed: if it is not on the waiting list.
    :raises NothingFree: if what is free does not reach for it.
    """
    act = ledger.begin(
        kind=ActKind.AWARD_WAITING,
        key=key,
        actor=ledger.SYSTEM,
        about=application.address,
        at=at,
        payload={},
    )
    row = locked_application(application)
    if act.is_replay:
        return Decision.objects.get(act_id=act.id)
    if row.status != Application.Status.WAITING:
        raise ApplicationClosed(reference=row.reference)
    decided = _decision_of_round(row)
    earlier = Decision.objects.filter(application=row).order_by("-pk").first()
    assert earlier is not None
    today = day_of(at, row.round.programme.zone)
    is_over = decided.waits_until_on is not None and today > decided.waits_until_on
    facts = _given_up(earlier, decided) if is_over else _free_award(row, decided, at)
    decision = Decision.objects.create(
        application=row,
        note="",
        place=earlier.place,
        score=earlier.score,
        probability=earlier.probability,
        decided_at=at,
        act_id=act.id,
        **facts,
    )
    row.status = STATUS_AFTER[decision.outcome]
    row.save(update_fields=["status"])
    return decision


def _given_up(earlier: Decision, decided: RoundDecision) -> dict[str, Any]:
    """Return what ends a wait: all as it was decided with the round, and nothing awarded."""
    return {
        "outcome": Decision.Outcome.FAIL,
        "recommended": earlier.recommended,
        "awarded": 0,
        "validity_days": earlier.validity_days,
        "facts": earlier.facts,
        "working": earlier.working,
        "reasons": earlier.reasons,
        "policy_version": earlier.policy_version,
        "decided_by": decided.decided_by,
    }


def _free_award(row: Application, decided: RoundDecision, at: datetime) -> dict[str, Any]:
    """Return an award out of what is free now, worked out anew by the law in force."""
    programme = row.round.programme
    lock_together([row], at)
    proposal = proposal_of(row, at)
    amount = proposal.award.recommended
    is_short = any(reason.code == "POOL_REACHED" for reason in proposal.award.reasons)
    is_admitted = proposal.outcome == "REFER" and hasattr(row, "admission")
    is_clear = proposal.outcome == "PASS" or is_admitted
    is_barred = revocation_that_bars(row.organisation, programme) is not None
    is_affordable = not is_short and 0 < amount <= budget_uncommitted(programme)
    if not (is_clear and is_affordable) or is_barred:
        raise NothingFree(programme=programme.title_here, reference=row.reference)
    return {
        "outcome": Decision.Outcome.PASS,
        "recommended": amount,
        "awarded": amount,
        "validity_days": proposal.award.validity_days,
        "facts": proposal.facts,
        "working": [line.to_dict() for line in proposal.award.working],
        "reasons": [reason.to_dict() for reason in proposal.reasons],
        "policy_version": proposal.version,
        "decided_by": decided.decided_by if proposal.people else None,
    }


def _decision_of_round(row: Application) -> RoundDecision:
    """Return what decided an application's round; no other award is made meanwhile."""
    Programme.objects.select_for_update(no_key=True).get(pk=row.round.programme_id)
    return RoundDecision.objects.select_related("decided_by").get(round=row.round)
