"""What came of a voucher is reported, scored, and told to whoever makes the next award."""

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

import vouchers.actions
from common.days import day_of
from common.errors import Refused
from ledger import actions as ledger
from ledger.actions import SYSTEM
from ledger.kinds import ActKind
from parties.models import Organisation, User
from parties.queries import require_role
from parties.roles import Role
from scoring.models import Outcome, Score
from scoring.performance import FORMULA_VERSION, perform, standing_of
from scoring.queries import reports_count, scored_vouchers, voucher_facts, weights_of
from vouchers.models import Standing, Voucher


class EvidenceMissing(Refused):
    """An outcome needs an address where it can be seen."""

    code = "evidence_missing"
    sentence = _(
        "“%(title)s” has no web address. Enter one where it can be seen, or choose "
        "“Nothing to report”."
    )


class OutcomeAhead(Refused):
    """An outcome has not happened yet."""

    code = "outcome_ahead"
    sentence = _(
        "%(happened_on)s is after today, %(today)s. Enter the day on which it happened."
    )


class NothingToScore(Refused):
    """Nothing of a voucher can be observed yet."""

    code = "nothing_to_score"
    sentence = _(
        "Voucher %(voucher)s can't be scored yet. It is scored when it is used up or has "
        "expired, when an outcome is reported, or 90 days after its last day."
    )


@transaction.atomic
def report_outcome(
    *,
    voucher: Voucher,
    kind: Outcome.Kind,
    title: str,
    evidence_url: str,
    happened_on: date,
    actor: User,
    at: datetime,
    key: str,
) -> Outcome:
    """Write down something that a voucher led to, or that there is nothing to report.

    It is never changed; a later report adds to it.

    :raises NotAllowed: if the person is no applicant of the holder.
    :raises EvidenceMissing: without an address, unless there is nothing to report.
    :raises OutcomeAhead: for a day that has not come in the programme's time zone.
    """
    require_role(actor, Role.APPLICANT, organisation=voucher.organisation)
    today = day_of(at, voucher.programme.zone)
    if kind != Outcome.Kind.NONE and not evidence_url:
        raise EvidenceMissing(title=title)
    if happened_on > today:
        raise OutcomeAhead(happened_on=happened_on, today=today)
    act = ledger.begin(
        kind=ActKind.REPORT_OUTCOME,
        key=key,
        actor=actor.address,
        about=voucher.address,
        at=at,
        payload={
            "kind": str(kind),
            "title": title,
            "evidence_url": evidence_url,
            "happened_on": happened_on,
        },
    )
    if act.is_replay:
        return Outcome.objects.get(act_id=act.id)
    return Outcome.objects.create(
        voucher=voucher,
        kind=kind,
        title=title,
        evidence_url=evidence_url,
        happened_on=happened_on,
        reported_by=actor,
        reported_at=at,
        act_id=act.id,
    )


@transaction.atomic
def score_voucher(*, voucher: Voucher, at: datetime, key: str) -> Score:
    """Score how well a voucher was used, and keep the facts so that it can be worked out again.

    `perform(VoucherFacts.from_dict(score.inputs), weights)` with the stored weights gives the
    same score for ever.

    :raises NothingToScore: while no component can be observed.
    """
    act = ledger.begin(
        kind=ActKind.SCORE_VOUCHER,
        key=key,
        actor=SYSTEM,
        about=voucher.address,
        at=at,
        payload={"formula": FORMULA_VERSION},
    )
    if act.is_replay:
        return Score.objects.get(act_id=act.id)
    facts, weights = voucher_facts(voucher, at), weights_of(voucher)
    found = perform(facts, weights)
    if not found.observed_weight:
        raise NothingToScore(voucher=voucher.code)
    return Score.objects.create(
        voucher=voucher,
        x=found.x,
        observed_weight=found.observed_weight,
        components={
            name: None if value is None else f"{value:f}"
            for name, value in found.components.items()
        },
        inputs={
            **facts.to_dict(),
            "weights": {name: f"{weight:f}" for name, weight in weights.items()},
            "reports": reports_count(voucher, at),
        },
        formula_version=FORMULA_VERSION,
        scored_at=at,
        act_id=act.id,
    )


@transaction.atomic
def publish_standing(*, organisation: Organisation, at: datetime, key: str) -> Standing:
    """Tell vouchers what an organisation's scored vouchers say about its next award.

    The working stands beside it in both languages: each voucher's part, the peers, the weight
    of its own record. A newcomer is published as z = 0, like its peers.
    """
    figures = standing_of(scored_vouchers(at), organisation.code)
    return vouchers.actions.set_standing(
        organisation=organisation,
        z=figures.z,
        n=figures.n,
        score=figures.score,
        working={"lines": [line.to_dict() for line in figures.working]},
        actor=SYSTEM,
        at=at,
        key=key,
    )
