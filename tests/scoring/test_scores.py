"""What ended or was reported on is scored once, and the next award knows of it."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction

from parties.queries import NotAllowed
from scoring import actions, queries
from scoring.models import Outcome, Score
from scoring.performance import VoucherFacts, perform
from tests import cast
from tests.cast import NOON
from tests.scoring import road
from vouchers import actions as vouchers
from vouchers.models import Application, Standing
from vouchers.queries import standing_of

pytestmark = pytest.mark.django_db

LATE = NOON + timedelta(days=30)


def report(scene: cast.Scene, **more):
    given = {
        "voucher": scene.voucher,
        "kind": Outcome.Kind.MODEL,
        "title": "Map reader",
        "evidence_url": "https://example.org/map-reader",
        "happened_on": date(2025, 6, 20),
        "actor": scene.applicant.person,
        "at": LATE,
        "key": "outcome",
    }
    return actions.report_outcome(**{**given, **more})


def score_all(at=LATE) -> list[Score]:
    return [
        actions.score_voucher(voucher=due.voucher, at=at, key=due.key)
        for due in queries.vouchers_due(at)
    ]


def test_a_report_is_kept_with_its_evidence():
    scene = cast.make_scene()
    outcome = report(scene)
    assert report(scene) == outcome
    assert Outcome.objects.get().evidence_url == "https://example.org/map-reader"
    with pytest.raises(DatabaseError), transaction.atomic():
        Outcome.objects.update(title="Other")


def test_only_the_holder_reports():
    scene = cast.make_scene()
    with pytest.raises(NotAllowed):
        report(scene, actor=scene.seller.person)
    assert not Outcome.objects.exists()


def test_an_outcome_without_evidence_is_refused_in_words():
    scene = cast.make_scene()
    with pytest.raises(actions.EvidenceMissing) as refused:
        report(scene, evidence_url="")
    assert "Map reader" in str(refused.value)
    assert not Outcome.objects.exists()
    assert report(scene, kind=Outcome.Kind.NONE, evidence_url="").kind == "NONE"


def test_an_outcome_can_not_lie_ahead():
    scene = cast.make_scene()
    with pytest.raises(actions.OutcomeAhead):
        report(scene, happened_on=LATE.date() + timedelta(days=2))
    assert not Outcome.objects.exists()


def test_a_voucher_is_due_when_something_is_reported_and_once():
    scene = cast.make_scene()
    assert queries.vouchers_due(LATE) == []
    report(scene)
    (score,) = score_all()
    assert score.components == {
        "use": None,
        "milestones": None,
        "outcomes": "0.5000",
        "forecast": None,
        "compliance": "1.0000",
    }
    assert score.x == Decimal("0.6429")
    assert score.observed_weight == Decimal("0.3500")
    assert queries.vouchers_due(LATE) == []


def test_a_voucher_given_back_is_scored_on_its_use():
    scene = cast.make_scene()
    road.used_and_settled(scene.scheme, scene.seller, scene.voucher, scene.applicant, hours=100)
    vouchers.return_voucher(
        voucher=scene.voucher,
        amount=None,
        actor=scene.applicant.person,
        at=road.PAID,
        key="return",
    )
    (score,) = score_all(road.PAID)
    assert score.inputs["consumed"] == 1_500_00
    assert score.inputs["returned_early"] == 60_000_00 - 1_500_00
    assert score.components["use"] == "1.0000"
    # All in June; planned from 10 June to 30 September: 21 of 113 days.
    assert score.components["forecast"] == "0.1858"


def test_a_voucher_that_expired_unused_scores_nothing_for_use():
    scene = cast.make_scene()
    late = NOON + timedelta(days=400)
    vouchers.expire_voucher(voucher=scene.voucher, at=late, key="expire")
    (score,) = score_all(late)
    assert score.components["use"] == "0.0000"
    overdue = late + timedelta(days=90)
    (score,) = score_all(overdue)
    assert score.components["outcomes"] == "0.0000"
    assert score.components["compliance"] == "0.5000"


def test_a_score_can_be_worked_out_again_from_what_it_kept():
    scene = cast.make_scene()
    road.used_and_settled(scene.scheme, scene.seller, scene.voucher, scene.applicant, hours=40)
    report(scene, at=road.PAID)
    (score,) = score_all(road.PAID)
    weights = {name: Decimal(one) for name, one in score.inputs["weights"].items()}
    again = perform(VoucherFacts.from_dict(score.inputs), weights)
    assert (again.x, again.observed_weight) == (score.x, score.observed_weight)


def test_a_published_standing_changes_the_next_award_with_its_working():
    scene = cast.make_scene()
    report(scene)
    score_all()
    ((organisation, _score),) = queries.standings_due(LATE)
    actions.publish_standing(organisation=organisation, at=LATE, key="standing")
    standing = standing_of(scene.applicant.organisation)
    # n = 0.35 of a voucher; B = 0.01 / (0.01 + 0.0484 / 0.35); z = B x (0.6429 - 0.5) / 0.1.
    assert standing.n == Decimal("0.3500")
    assert standing.z == Decimal("0.0964")
    assert standing.working["lines"][0]["label_zh"].startswith(f"算力券 {scene.voucher.code}")
    assert queries.standings_due(LATE) == []
    assert Standing.objects.count() == 1
    (shown,) = queries.standings_visible_to(scene.applicant.person, LATE)
    (effect,) = shown.effects
    assert effect.programme == scene.scheme.programme
    assert effect.effect.amount_multiplier == Decimal("1.0385")
    assert effect.effect.validity_multiplier == Decimal("1.0254")


def test_the_sweep_scores_and_publishes_and_may_run_again():
    from scoring.tasks import score_due_vouchers

    scene = cast.make_scene()
    report(scene)
    score_due_vouchers()
    score_due_vouchers()
    assert Score.objects.count() == Standing.objects.count() == 1


def test_a_voucher_that_is_broken_does_not_keep_the_next_from_its_score(caplog):
    from scoring.tasks import score_due_vouchers

    scene = cast.make_scene()
    other = cast.an_sme("Other Ltd")
    whole = cast.an_issued_voucher(scene.scheme, other)
    report(scene)
    report(scene, voucher=whole, actor=other.person, key="other")
    # Answers by name are what they are; a list can't be read.
    Application.objects.filter(organisation=scene.applicant.organisation).update(answers=[1])

    score_due_vouchers()

    assert Score.objects.get().voucher == whole
    assert Standing.objects.get().organisation == other.organisation
    assert f"Voucher {scene.voucher.code} was not scored" in caplog.text


def test_answers_with_days_at_the_end_of_the_calendar_are_scored():
    scene = cast.make_scene()
    application = scene.voucher.decision.application
    application.answers |= {"start_on": "9999-01-01", "end_on": "9999-12-31"}
    application.save(update_fields=["answers"])
    report(scene)

    (score,) = score_all()

    assert score.inputs["planned"] == {}
    assert score.inputs["milestone_due_on"] == str(scene.voucher.valid_until_on)
