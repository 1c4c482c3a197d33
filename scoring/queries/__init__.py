"""What is to be scored, on which facts, and what a holder may see of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from statistics import median
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth

from billing.models import Bill, BillLine, MeteredUse, Verdict
from common.days import day_of, end_of, start_of
from ledger import queries as ledger
from ledger.queries import Entry
from parties.models import Organisation, User
from parties.queries import has_role, organisations_of
from parties.roles import Role
from policy.rules import Programme as Policy
from policy.standing import Effect
from policy.standing import effect as effect_of
from scoring.models import Outcome, Score
from scoring.performance import (
    OUTCOME_POINTS,
    PEERS_LEAST,
    REPORT_DUE,
    WEIGHTS,
    ScoredVoucher,
    VoucherFacts,
    outcome_points,
    planned_shares,
    shares,
)
from vouchers.models import Programme, Standing, Voucher
from vouchers.queries import (
    day_answer,
    read_policy,
    standing_of,
    voucher_account,
    voucher_balances,
    vouchers_visible_to,
)

_MONTH_DAYS = Decimal("30.4375")
_EARLY = Decimal("0.8")  # of the validity: until then what comes back counts as returned


# --- the facts of one voucher ----------------------------------------------------------------


def voucher_facts(voucher: Voucher, at: datetime) -> VoucherFacts:
    """Return what a voucher is scored on, as it stood at an instant."""
    zone = voucher.programme.zone
    today = day_of(at, zone)
    entries = [one for one in ledger.statement(voucher_account(voucher)) if one.at <= at]
    outcomes = list(Outcome.objects.filter(voucher=voucher, reported_at__lte=at))
    is_ended = bool(entries) and not entries[-1].balance
    # The claims first, and then their verdicts: of bills there may be thousands of lines. What a
    # target did not earn was never claimed as a fee.
    claimed = BillLine.objects.filter(
        bill__kind=Bill.Kind.CLAIM, bill__payee=voucher.organisation_id, voucher=voucher
    ).exclude(bill__programme__mode=Programme.Mode.M7)
    lines = Verdict.objects.filter(
        line__in=list(claimed.values_list("pk", flat=True)), decided_at__lte=at
    ).aggregate(
        lines=Count("line", distinct=True),
        declined=Count("line", distinct=True, filter=Q(outcome=Verdict.Outcome.DECLINED)),
    )
    due_on, done_on = _milestone(voucher, outcomes)
    return VoucherFacts(
        issued=_moved(entries, "available:", "voucher:"),
        consumed=-_moved(entries, "provider_payable:", "beneficiary_payable:", "delivered:"),
        returned_early=_returned_early(voucher, entries),
        is_ended=is_ended,
        milestone_due_on=due_on,
        milestone_done_on=done_on,
        outcomes=_counts(one.kind for one in outcomes if one.kind in OUTCOME_POINTS),
        is_report_due=today > report_due_on(voucher),
        is_reported=bool(outcomes),
        peer_yield=_peer_yield(voucher, at),
        planned=_planned(voucher),
        used=shares(_used_by_month(voucher, at)),
        claim_lines=lines["lines"],
        claim_lines_declined=lines["declined"],
        scored_on=today,
    )


def report_due_on(voucher: Voucher) -> date:
    """Return the last day on which the report on a voucher's outcomes is in time."""
    return voucher.valid_until_on + REPORT_DUE


def weights_of(voucher: Voucher) -> Mapping[str, Decimal]:
    """Return the components' weights in the policy that the voucher was awarded under."""
    policy = read_policy(voucher.award.policy_version.text)
    return dict(policy.standing.weights) if policy.standing else WEIGHTS


def _moved(entries: Iterable[Entry], *others: str) -> int:
    return sum(one.amount for one in entries if one.other.startswith(others))


def _returned_early(voucher: Voucher, entries: Iterable[Entry]) -> int:
    zone = voucher.programme.zone
    starts_at = start_of(voucher.valid_from_on, zone)
    lasts = end_of(voucher.valid_until_on, zone) - starts_at
    late_at = starts_at + timedelta(
        seconds=int(Decimal(lasts // timedelta(seconds=1)) * _EARLY)
    )
    early = (one for one in entries if one.act_kind == "return_voucher" and one.at < late_at)
    return -_moved(early, "expired:")


def _milestone(
    voucher: Voucher, outcomes: Iterable[Outcome]
) -> tuple[date | None, date | None]:
    answers = voucher.award.application.answers
    reached = [one.happened_on for one in outcomes if one.kind == Outcome.Kind.MILESTONE]
    if not (answers.get("milestone") or reached):
        return None, None
    due_on = day_answer(answers, "end_on") or voucher.valid_until_on
    return due_on, min(reached, default=None)


def _planned(voucher: Voucher) -> dict[str, Decimal]:
    answers = voucher.award.application.answers
    starts_on, ends_on = day_answer(answers, "start_on"), day_answer(answers, "end_on")
    if starts_on is None or ends_on is None or ends_on < starts_on:
        return {}
    return planned_shares(starts_on, ends_on)


def _used_by_month(voucher: Voucher, at: datetime) -> dict[str, int]:
    found = (
        MeteredUse.objects.filter(voucher=voucher, resource="GPU", recorded_at__lte=at)
        .annotate(month=TruncMonth("started_at", tzinfo=ZoneInfo(voucher.programme.zone)))
        .values_list("month")
        .annotate(total=Sum("quantity_ms"))
        .order_by("month")
    )
    return {f"{month:%Y-%m}": int(total) for month, total in found}


def _peer_yield(voucher: Voucher, at: datetime) -> Decimal | None:
    """Return the median outcome points for each unit of value, of peers with any."""
    counted = (
        Outcome.objects.filter(
            voucher__unit=voucher.unit,
            voucher__organisation__kind=voucher.organisation.kind,
            kind__in=OUTCOME_POINTS,
            reported_at__lte=at,
        )
        .exclude(voucher__organisation=voucher.organisation_id)
        .values_list("voucher", "voucher__amount", "kind")
        .annotate(count=Count("pk"))
    )
    points: dict[int, Decimal] = {}
    for peer, amount, kind, count in counted:
        points[peer] = points.get(peer, Decimal(0)) + outcome_points({kind: count}) / amount
    return median(points.values()) if len(points) >= PEERS_LEAST else None


def _counts(kinds: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for kind in kinds:
        found[kind] = found.get(kind, 0) + 1
    return found


# --- what is due -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Due:
    """A voucher to be scored, and the key that makes this reason for it count once."""

    voucher: Voucher
    key: str


def vouchers_due(at: datetime) -> list[Due]:
    """Return the vouchers that something happened to since they were last scored.

    That is: nothing is left on it (used up, expired, given back); an outcome was reported; or
    the report on outcomes is overdue.
    """
    vouchers = list(
        Voucher.objects.filter(issued_at__lte=at)
        .select_related("programme", "organisation", "decision__application")
        .select_related("decision__policy_version")
        .order_by("pk")
    )
    balances = voucher_balances(vouchers)
    reported = dict(
        Outcome.objects.filter(reported_at__lte=at)
        .values_list("voucher")
        .annotate(count=Count("pk"))
    )
    newest = {score.voucher_id: score for score in scores_newest(at)}
    due = []
    for voucher in vouchers:
        is_ended = voucher.code in balances and not balances[voucher.code].net
        is_overdue = day_of(at, voucher.programme.zone) > report_due_on(voucher)
        count = reported.get(voucher.pk, 0)
        score = newest.get(voucher.pk)
        now = (is_ended, is_overdue, count)
        if any(now) and (score is None or now != _state(score)):
            after = score.pk if score else 0
            key = f"{voucher.code}:{is_ended:d}:{is_overdue:d}:{count}:{after}"
            due.append(Due(voucher, key))
    return due


def _state(score: Score) -> tuple[bool, bool, int]:
    inputs = score.inputs
    return inputs["is_ended"], inputs["is_report_due"], inputs["reports"]


def reports_count(voucher: Voucher, at: datetime) -> int:
    """Return how many outcomes were reported of a voucher, "nothing to report" included."""
    return Outcome.objects.filter(voucher=voucher, reported_at__lte=at).count()


def scores_newest(at: datetime) -> QuerySet[Score]:
    """Return each voucher's newest score at an instant."""
    return (
        Score.objects.filter(scored_at__lte=at)
        .select_related("voucher__organisation", "voucher__programme")
        .order_by("voucher", "-scored_at", "-pk")
        .distinct("voucher")
    )


def standings_due(at: datetime) -> list[tuple[Organisation, Score]]:
    """Return the organisations with a score newer than their standing, with that score."""
    published: dict[int, datetime] = {}
    for organisation, published_at in Standing.objects.values_list(
        "organisation", "published_at"
    ):
        published[organisation] = max(published_at, published.get(organisation, published_at))
    newest: dict[int, Score] = {}
    for score in scores_newest(at):
        known = newest.get(score.voucher.organisation_id)
        if known is None or (score.scored_at, score.pk) > (known.scored_at, known.pk):
            newest[score.voucher.organisation_id] = score
    return [
        (score.voucher.organisation, score)
        for organisation, score in sorted(newest.items())
        if organisation not in published or published[organisation] < score.scored_at
    ]


def scored_vouchers(at: datetime) -> list[ScoredVoucher]:
    """Return every voucher's newest score at an instant, sized against its unit's median.

    A voucher of which nothing could be observed yet is left out.
    """
    scores = [one for one in scores_newest(at) if one.observed_weight]
    amounts: dict[str, list[int]] = {}
    for score in scores:
        amounts.setdefault(score.voucher.unit, []).append(score.voucher.amount)
    return [
        ScoredVoucher(
            organisation=score.voucher.organisation.code,
            kind=score.voucher.organisation.kind,
            voucher=score.voucher.code,
            x=score.x,
            observed_weight=score.observed_weight,
            size=Decimal(score.voucher.amount) / Decimal(median(amounts[score.voucher.unit])),
            age_months=_age_months(score, at),
        )
        for score in scores
    ]


def _age_months(score: Score, at: datetime) -> Decimal:
    voucher = score.voucher
    seen_at = min(score.scored_at, end_of(voucher.valid_until_on, voucher.programme.zone))
    return Decimal(max(0, (at - seen_at).days)) / _MONTH_DAYS


# --- what a person sees ----------------------------------------------------------------------


@dataclass(frozen=True)
class ProgrammeEffect:
    """What a standing does to the next award in one programme."""

    programme: Programme
    effect: Effect


@dataclass(frozen=True)
class OrganisationStanding:
    """An organisation's standing, the scores behind it, and what it changes next time."""

    organisation: Organisation
    standing: Standing | None
    scores: tuple[Score, ...]
    effects: tuple[ProgrammeEffect, ...]


def standings_visible_to(person: User, at: datetime) -> list[OrganisationStanding]:
    """Return the standings of the organisations that a person applies for."""
    return [
        OrganisationStanding(
            organisation=organisation,
            standing=(standing := standing_of(organisation)),
            scores=tuple(
                score
                for score in scores_newest(at)
                if score.voucher.organisation_id == organisation.pk
            ),
            effects=tuple(_effects(organisation, standing)),
        )
        for organisation in organisations_of(person, Role.APPLICANT)
    ]


def _effects(
    organisation: Organisation, standing: Standing | None
) -> Iterable[ProgrammeEffect]:
    for policy, programme in _policies_of(organisation):
        if policy.standing is None:
            continue
        z, n = (standing.z, standing.n) if standing else (Decimal(0), Decimal(0))
        yield ProgrammeEffect(programme, effect_of(z, n, policy))


def _policies_of(organisation: Organisation) -> list[tuple[Policy, Programme]]:
    """Return, for each programme with a voucher of theirs, the policy of the newest one."""
    found: dict[int, tuple[Policy, Programme]] = {}
    for voucher in (
        Voucher.objects.filter(organisation=organisation)
        .select_related("programme", "decision__policy_version")
        .order_by("issued_at", "pk")
    ):
        policy = read_policy(voucher.award.policy_version.text)
        found[voucher.programme_id] = (policy, voucher.programme)
    return [found[key] for key in sorted(found)]


def outcomes_of(voucher: Voucher) -> QuerySet[Outcome]:
    """Return what was reported of a voucher, newest first."""
    return Outcome.objects.filter(voucher=voucher).order_by("-reported_at", "-pk")


def vouchers_to_report_on(person: User) -> QuerySet[Voucher]:
    """Return the vouchers whose outcomes a person may report, newest first."""
    return vouchers_visible_to(person).filter(
        organisation__in=organisations_of(person, Role.APPLICANT)
    )


READS_THE_REPORT = (Role.REGULATOR, Role.OFFICER, Role.FINANCE)


def may_read_report(person: User) -> bool:
    """Say whether a person may see the figures of all programmes."""
    return any(has_role(person, role) for role in READS_THE_REPORT)
