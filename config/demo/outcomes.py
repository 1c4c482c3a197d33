"""What vouchers led to, and the scores and standings that follow."""

from datetime import datetime
from functools import partial

from config.demo.world import ZONE, Applicant, World
from parties.roles import OrganisationKind
from scoring import actions, queries
from scoring.actions import NothingToScore
from scoring.models import Outcome
from vouchers.models import Voucher

SCORED_ON = (140.42, 190.42, 246.42, 268.42)
REPORTED_AFTER = 78
_WELL, _HALF, _LITTLE = 60, 30, 10

_KINDS = {
    OrganisationKind.SME: (Outcome.Kind.PRODUCT, Outcome.Kind.MODEL, Outcome.Kind.PATENT),
    OrganisationKind.LABORATORY: (Outcome.Kind.MODEL, Outcome.Kind.DATASET, Outcome.Kind.PAPER),
    OrganisationKind.UNIVERSITY: (Outcome.Kind.PAPER, Outcome.Kind.DATASET, Outcome.Kind.MODEL),
}
_TITLES = {
    Outcome.Kind.MODEL: "A model that others can use",
    Outcome.Kind.DATASET: "A data set with a description",
    Outcome.Kind.PAPER: "A paper that names the programme",
    Outcome.Kind.PATENT: "A patent application",
    Outcome.Kind.PRODUCT: "A product in use at three customers",
    Outcome.Kind.MILESTONE: "The milestone of the application",
    Outcome.Kind.NONE: "Nothing to report",
}


def plan_report(world: World, applicant: Applicant, voucher: Voucher, used: int) -> None:
    """Plan what a holder will report, by how much of the voucher it will have used."""
    kinds = _kinds(world, applicant, used)
    for turn, kind in enumerate(kinds):
        day = world.today() + REPORTED_AFTER + turn
        world.plan_on(day, partial(_report, world, applicant, voucher, kind))


def _kinds(world: World, applicant: Applicant, used: int) -> list[Outcome.Kind]:
    usual = _KINDS[OrganisationKind(applicant.organisation.kind)]
    if applicant.script:
        return [Outcome.Kind.MILESTONE, usual[0], usual[1]] if used > _WELL else []
    drawn = world.random.random()
    if used >= _WELL:
        some = usual[: 2 if drawn < 0.4 else 1]
        return [Outcome.Kind.MILESTONE, *some]
    if used >= _HALF:
        return [usual[2]] if drawn < 0.5 else [Outcome.Kind.MILESTONE]
    if used >= _LITTLE:
        return [Outcome.Kind.NONE] if drawn < 0.5 else []
    return []


def _report(
    world: World, applicant: Applicant, voucher: Voucher, kind: Outcome.Kind, at: datetime
) -> None:
    is_none = kind == Outcome.Kind.NONE
    actions.report_outcome(
        voucher=voucher,
        kind=kind,
        title=_TITLES[kind],
        evidence_url="" if is_none else "https://demo.example/evidence",
        happened_on=world.calendar.on(world.today() - 1, ZONE),
        actor=applicant.person,
        at=at,
        key=world.key(),
    )


def plan_scores(world: World) -> None:
    """Plan the days on which what ended or was reported is scored, and standings follow."""
    for day in SCORED_ON:
        world.plan_on(day, _score)


def _score(at: datetime) -> None:
    for due in queries.vouchers_due(at):
        try:
            actions.score_voucher(voucher=due.voucher, at=at, key=due.key)
        except NothingToScore:
            continue
    for organisation, score in queries.standings_due(at):
        actions.publish_standing(
            organisation=organisation, at=at, key=f"{organisation.code}:{score.pk}"
        )
