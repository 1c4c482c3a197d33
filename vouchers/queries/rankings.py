"""A round's applications in the order of its law, and what each would get."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Sum

from common.days import day_of
from policy.allocation import Allotted, Entry, Lottery, allot, draw_key
from policy.dossiers import Dossier
from policy.process_rules import BY_SCORE
from policy.review import is_reviewed
from policy.rules import Programme as Policy
from vouchers.models import (
    Admission,
    Application,
    Decision,
    Lot,
    PolicyVersion,
    Programme,
    Round,
)
from vouchers.queries.programmes import budget_uncommitted, policy_in_force
from vouchers.queries.proposals import Proposal, lock_together, proposal_of
from vouchers.queries.requests import is_decidable
from vouchers.queries.reviews import reviews_of, score_of


@dataclass(frozen=True, slots=True)
class Ranked:
    """One application of a round, with what its law says of it alone."""

    application: Application
    proposal: Proposal
    arrived: int
    score: Decimal | None
    reviews: int
    is_admitted: bool


@dataclass(frozen=True, slots=True)
class Ranking:
    """All that a round's decision is made from.

    `budget` is what the programme has and has not awarded yet, and no more than what the round's
    own budget leaves; in the programme's unit. `awaited` wait for an
    applicant's answer that is in time; `unreviewed` have fewer reviews than the law asks.
    """

    round: Round
    version: PolicyVersion
    rules: Policy
    entries: tuple[Ranked, ...]
    budget: int
    lot: Lot | None
    is_closed: bool
    awaited: tuple[Application, ...]
    unreviewed: tuple[Application, ...]

    @property
    def draw_key(self) -> str:
        """What a lottery is drawn by, in hexadecimal digits; empty without one."""
        if self.lot is None:
            return ""
        references = (one.application.reference for one in self.entries)
        return draw_key(bytes(self.lot.seed), references).hex()


def ranking_of(round: Round, at: datetime, *, lock: bool = False) -> Ranking:
    """Return a round's waiting applications with what the law in force says of each.

    :param lock: keep them from being changed until the action ends.
    :raises NoPolicyInForce: if the programme has none.
    """
    programme = round.programme
    today = day_of(at, programme.zone)
    version, rules = policy_in_force(programme, today)
    statuses = [
        Application.Status.SENT,
        Application.Status.REFERRED,
        Application.Status.INFO_NEEDED,
    ]
    found = (
        Application.objects.filter(round=round, status__in=statuses)
        .select_related("round__programme__authority", "organisation", "act")
        .order_by("sent_at", "pk")
    )
    if lock:
        found = found.select_for_update(of=("self",), no_key=True)
    applications = list(found)
    if lock:
        lock_together(applications, at)
    admitted = set(
        Admission.objects.filter(application__round=round).values_list(
            "application_id", flat=True
        )
    )
    entries = tuple(_ranked(applications, admitted, at))
    return Ranking(
        round=round,
        version=version,
        rules=rules,
        entries=entries,
        budget=min(budget_uncommitted(programme), _left_of(round)),
        lot=Lot.objects.filter(round=round).first(),
        is_closed=today > round.closes_on,
        awaited=tuple(one for one in applications if not is_decidable(one, at)),
        unreviewed=tuple(one.application for one in entries if _lacks_reviews(one, rules)),
    )


def _left_of(round: Round) -> int:
    """Return what of a round's own budget was not awarded yet."""
    awarded = Decision.objects.filter(
        application__round=round,
        application__status=Application.Status.APPROVED,
        outcome=Decision.Outcome.PASS,
        undone_by__isnull=True,
    ).aggregate(total=Sum("awarded"))["total"]
    return max(round.budget - int(awarded or 0), 0)


def _ranked(
    applications: Sequence[Application], admitted: set[int], at: datetime
) -> Iterator[Ranked]:
    for arrived, application in enumerate(applications, start=1):
        proposal = proposal_of(application, at)
        is_scored = proposal.rules.review is not None
        yield Ranked(
            application=application,
            proposal=proposal,
            arrived=arrived,
            score=score_of(application, proposal.rules) if is_scored else None,
            reviews=reviews_of(application).count() if is_scored else 0,
            is_admitted=application.pk in admitted,
        )


def _lacks_reviews(one: Ranked, rules: Policy) -> bool:
    rule = rules.review
    if rule is None or one.proposal.outcome == "FAIL":
        return False
    is_asked = is_reviewed(one.proposal.award.recommended, rules)
    return is_asked and one.reviews < rule.quorum


def allotted_of(ranking: Ranking) -> list[tuple[Ranked, Allotted | None]]:
    """Return what each application of a ranking gets, in the order of the law's method.

    None stands for who has too low a score to be counted at all; they come last.

    :raises ValueError: if the law shares nothing out, or a lottery has no seed.
    """
    rule = ranking.rules.allocation
    if rule is None:
        raise ValueError(f"{ranking.rules.code} decides each application by itself.")
    counted = [one for one in ranking.entries if not _is_below(one, ranking.rules)]
    by_reference = {one.application.reference: one for one in counted}
    lottery = None
    if rule.method == "LOTTERY":
        assert rule.lottery_least is not None
        assert rule.lottery_most is not None
        seed = bytes.fromhex(ranking.draw_key)
        lottery = Lottery(least=rule.lottery_least, most=rule.lottery_most, seed=seed)
    found = allot(
        [_entry(one, by_score=rule.method in BY_SCORE) for one in counted],
        ranking.rules,
        ranking.budget,
        rule.method,
        lottery=lottery,
        is_part_given=rule.part_given,
    )
    below = [one for one in ranking.entries if one.application.reference not in by_reference]
    return [
        *((by_reference[one.reference], one) for one in found),
        *((one, None) for one in below),
    ]


def _is_below(one: Ranked, rules: Policy) -> bool:
    rule = rules.review
    if rule is None or rule.least is None or one.score is None:
        return False
    is_asked = is_reviewed(one.proposal.award.recommended, rules)
    return one.proposal.outcome != "FAIL" and is_asked and one.score < rule.least


def _entry(one: Ranked, *, by_score: bool) -> Entry:
    opinion = one.proposal.opinion
    return Entry(
        reference=one.application.reference,
        dossier=Dossier(opinion.claim, one.proposal.applicant),
        organisation=str(one.application.organisation_id),
        undertaking=str(min(one.proposal.together)),
        arrived=one.arrived,
        score=(one.score or Decimal(0)) if by_score else Decimal(0),
        is_admitted=one.is_admitted,
    )


def waiting_list(programme: Programme) -> Iterator[Application]:
    """Give the applications that wait for money to become free, those of earlier rounds first."""
    newest = (
        Decision.objects.filter(
            application__round__programme=programme,
            application__status=Application.Status.WAITING,
            outcome=Decision.Outcome.WAIT,
        )
        .select_related("application__round__programme__authority", "application__organisation")
        .order_by("application__round__closes_on", "application__round__pk", "place", "-pk")
    )
    seen: set[int] = set()
    for decision in newest:
        if decision.application_id not in seen:
            seen.add(decision.application_id)
            yield decision.application


def programmes_with_waiting() -> list[Programme]:
    """Return the programmes in which somebody waits for money to become free."""
    return list(
        Programme.objects.filter(rounds__applications__status=Application.Status.WAITING)
        .distinct()
        .select_related("authority")
        .order_by("code")
    )
