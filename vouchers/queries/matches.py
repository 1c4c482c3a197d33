"""Awards of other programmes that are followed: what is wrong with them, and what waits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from common.days import day_of
from common.money import major
from parties.models import Organisation
from policy.claims import FeeLine, Upstream
from vouchers.models import Application, Decision, Programme, Round, UpstreamAward
from vouchers.queries.programmes import policy_in_force

AMOUNT_BELOW = 10**17
ROWS_MOST = 1000


@dataclass(frozen=True, slots=True)
class AwardRow:
    """One award as an officer gives it: amounts in minor units, `row` as a spreadsheet counts."""

    row: int
    upstream: str
    reference: str
    identifier_scheme: str
    identifier: str
    base: int
    award: int
    facility: str
    awarded_on: date


@dataclass(frozen=True, slots=True)
class AwardProblem:
    """What is wrong with a row: its column, what stands there, and a code with values."""

    row: int
    column: str
    value: str
    code: str
    values: dict[str, Any]


def award_problems(
    round: Round, rows: Sequence[AwardRow], at: datetime
) -> tuple[AwardProblem, ...]:
    """Return what is wrong with awards that a round would follow, at most one a row.

    :raises NoPolicyInForce: if the programme has none today.
    """
    programme = round.programme
    today = day_of(at, programme.zone)
    _version, rules = policy_in_force(programme, today)
    wanted = rules.match.upstream if rules.match else ""
    facilities = tuple(dict.fromkeys(f for tier in rules.tiers for f in tier.when.facilities))
    known = _recorded(programme, rows)
    found = organisations_of_rows(rows)
    problems: list[AwardProblem] = []
    seen: dict[tuple[str, str], int] = {}
    for one in rows:
        key = (one.upstream, one.reference)
        problem = _own_problem(one, wanted, facilities, today)
        if problem is None and key in seen:
            problem = _problem(one, "reference", one.reference, "repeated", row=seen[key])
        if problem is None and key in known:
            problem = _problem(one, "reference", one.reference, "recorded", **_told(known[key]))
        if problem is None and (one.identifier_scheme, one.identifier) not in found:
            problem = _problem(one, "identifier", one.identifier, "organisation_unknown")
        seen.setdefault(key, one.row)
        if problem is not None:
            problems.append(problem)
    return tuple(problems)


def _own_problem(
    one: AwardRow, wanted: str, facilities: tuple[str, ...], today: date
) -> AwardProblem | None:
    if one.upstream != wanted:
        return _problem(one, "upstream", one.upstream, "upstream_other", wanted=wanted)
    if not 0 < len(one.reference) <= 60 or not one.reference.isprintable():
        return _problem(one, "reference", one.reference, "reference_invalid")
    if not 0 < one.base < AMOUNT_BELOW:
        return _problem(one, "base", str(one.base), "base_invalid")
    if not 0 <= one.award <= one.base:
        return _problem(one, "award", str(one.award), "award_invalid")
    if one.facility and one.facility not in facilities:
        known = ", ".join(facilities) or "–"
        return _problem(one, "facility", one.facility, "facility_unknown", known=known)
    if not date(2000, 1, 1) <= one.awarded_on <= today:
        return _problem(one, "awarded_on", str(one.awarded_on), "day_invalid")
    return None


def _problem(one: AwardRow, column: str, value: str, code: str, **values: Any) -> AwardProblem:
    return AwardProblem(one.row, column, value[:60], code, values)


def _told(award: UpstreamAward) -> dict[str, Any]:
    return {
        "organisation": award.organisation.name_here,
        "base": award.base_amount,
        "award": award.award_amount,
        "on": str(award.awarded_on),
        "unit": award.programme.unit,
    }


def _recorded(
    programme: Programme, rows: Sequence[AwardRow]
) -> dict[tuple[str, str], UpstreamAward]:
    found = UpstreamAward.objects.filter(
        programme=programme, reference__in=[one.reference for one in rows]
    ).select_related("organisation", "programme")
    return {(one.upstream, one.reference): one for one in found}


def organisations_of_rows(rows: Sequence[AwardRow]) -> dict[tuple[str, str], Organisation]:
    """Return the registered organisations that rows name, by register and number."""
    numbers = {one.identifier for one in rows}
    found = Organisation.objects.filter(identifier__in=numbers)
    return {(one.identifier_scheme, one.identifier): one for one in found}


def upstream_of(award: UpstreamAward) -> tuple[FeeLine, Upstream]:
    """Return a recorded award as the law sees it: the fees that were counted, and the approval."""
    unit = award.programme.unit
    base, given = major(award.base_amount, unit), major(award.award_amount, unit)
    upstream = Upstream(programme=award.upstream, approved=True, base=base, award=given)
    return FeeLine("compute", base, facility=award.facility), upstream


def upstream_awards_of(programme: Programme) -> QuerySet[UpstreamAward]:
    """Return the awards that a programme follows, newest first, with their applications."""
    return (
        UpstreamAward.objects.filter(programme=programme)
        .select_related("organisation", "application")
        .order_by("-pk")
    )


def matches_to_follow() -> QuerySet[Application]:
    """Return what the rule alone may still decide or issue for awards above, oldest first.

    That is what nobody has decided, and what the rule approved and the budget did not reach.
    """
    decided = Decision.objects.filter(application=OuterRef("pk"))
    waiting = decided.filter(
        outcome=Decision.Outcome.PASS,
        decided_by__isnull=True,
        voucher__isnull=True,
        undone_by__isnull=True,
    )
    due = (Q(status=Application.Status.SENT) & ~Exists(decided)) | (
        Q(status=Application.Status.APPROVED) & Exists(waiting)
    )
    return (
        Application.objects.filter(due, upstream_award__isnull=False)
        .select_related("round__programme__authority", "organisation")
        .order_by("sent_at", "pk")
    )
