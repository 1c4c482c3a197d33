"""Every figure on the regulator's page equals the query beside it, at any instant."""

import csv
from datetime import timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.db import connection

from billing import actions as billing
from billing.models import UsageLine
from parties.roles import OrganisationKind
from scoring import indicators
from scoring.models import Outcome
from tests import cast
from tests.billing import stage
from tests.cast import HOUR, M1, M3, M5, NOON
from tests.scoring import road

pytestmark = pytest.mark.django_db

EVE = NOON - timedelta(days=1)


def asked(query: str) -> Decimal | None:
    """The answer of the stated query, run as anyone would."""
    with connection.cursor() as cursor:
        cursor.execute(query)
        (value,) = cursor.fetchone()
    return None if value is None else Decimal(value)


def values(at=road.PAID, programme: str = M3) -> dict:
    found = indicators.report(at, programme)
    return {one.code: one.value for one in found.figures}


@pytest.fixture
def scene():
    """40 of 100 held hours used, billed and settled: 60 % of 1,000.00 is the voucher's."""
    scene = cast.make_scene(M3)
    road.used_and_settled(scene.scheme, scene.seller, scene.voucher, scene.applicant, hours=40)
    return scene


def test_every_place_of_the_budget_is_counted_to_the_fen(scene):
    found = values()
    assert found["appropriated"] == 10_000_000_00
    assert found["available"] == 10_000_000_00 - 60_000_00
    assert found["committed"] == 60_000_00 - 600_00
    assert found["held"] == 1_500_00 - 600_00
    assert found["payable"] == 600_00
    assert found["paid"] == found["clearing"] == found["expired"] == found["lapsed"] == 0
    assert found["unexplained"] == 0


def test_use_and_cost_follow_from_what_was_metered_and_paid(scene):
    road.answered_by_bank(scene.scheme, road.sent_to_bank(scene.scheme))
    found = values()
    assert found["consumed"] == 600_00
    assert found["utilisation"] == Decimal("0.0100")
    assert found["metered"] == 40 * HOUR
    assert found["paid"] == 600_00
    assert found["cost_per_gpu_hour"] == Decimal("15.0000")
    assert found["absorption"] == Decimal("0.0001")
    assert found["days_to_first_use"] == Decimal("9.8333")


def test_the_funnel_counts_each_step_once(scene):
    other = cast.a_laboratory()
    cast.a_sent_application(scene.scheme, other)
    road.answered_by_bank(scene.scheme, road.sent_to_bank(scene.scheme))
    steps = {code: value for code, value in values().items() if code.startswith("funnel_")}
    assert steps == {
        "funnel_applied": 2,
        "funnel_approved": 1,
        "funnel_issued": 1,
        "funnel_first_hold": 1,
        "funnel_first_use": 1,
        "funnel_paid_out": 1,
        "funnel_outcome": 0,
    }


def test_use_that_a_correction_took_back_is_no_first_use():
    """Until it was taken back it was; the right line beside it is use like any other."""
    scene = cast.make_scene(M3)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    stage.record(scene.seller, stage.a_record(order.code))
    line = UsageLine.objects.get()
    taken = stage.LATER + timedelta(days=1)
    billing.correct_usage(
        line=line,
        reason="The node was down",
        right=None,
        actor=scene.seller.person,
        at=taken,
        key="correct",
    )

    def figures(at):
        found = {one.code: one for one in indicators.report(at, M3).figures}
        shown = [found[code] for code in ("funnel_first_use", "days_to_first_use")]
        for one in shown:
            assert asked(one.query_text) == one.value
        return [one.value for one in shown]

    assert figures(stage.LATER) == [1, Decimal("7.8333")]
    assert figures(taken) == [0, None]
    again = stage.a_record(order.code, "job-2", started=stage.START + timedelta(days=1))
    stage.record(scene.seller, again, at=taken)
    assert figures(taken) == [1, Decimal("8.8333")]


def test_a_returned_payment_is_no_longer_paid_out(scene):
    batch = road.sent_to_bank(scene.scheme)
    road.answered_by_bank(scene.scheme, batch, returned=True)
    found = values()
    assert (found["paid"], found["payable"], found["funnel_paid_out"]) == (0, 600_00, 0)


def test_a_past_instant_gives_what_was_true_then(scene):
    batch = road.sent_to_bank(scene.scheme)
    before = [
        values(at)
        for at in (EVE, NOON, road.BILLED, road.SETTLED, road.PREPARED, road.RELEASED)
    ]
    road.answered_by_bank(scene.scheme, batch)
    cast.a_hold(
        scene.voucher, scene.applicant, scene.seller, provider_reference="more", at=road.PAID
    )
    after = [
        values(at)
        for at in (EVE, NOON, road.BILLED, road.SETTLED, road.PREPARED, road.RELEASED)
    ]
    assert before == after
    assert [found.get("payable") for found in after] == [None, 0, 0, 600_00, 600_00, 0]
    assert [found.get("clearing") for found in after] == [None, 0, 0, 0, 0, 600_00]
    assert values()["paid"] == 600_00


def test_shares_are_withheld_for_fewer_than_five_organisations(scene):
    found = {one.code: one for one in indicators.report(road.PAID, M3).figures}
    assert found["providers"].value == 1
    assert found["providers_hhi"].value is None
    assert found["providers_hhi"].is_withheld
    assert asked(found["providers_hhi"].query_text) is None


def test_shares_of_five_organisations_are_exact():
    authority = cast.make_authority()
    scheme = cast.make_programme(authority, M3)
    for number, hours in enumerate((10, 20, 30, 40, 100), start=1):
        seller = cast.make_provider(authority, f"Provider {number}")
        applicant = cast.an_applicant(OrganisationKind.SME, f"Firm {number}")
        voucher = cast.an_issued_voucher(scheme, applicant)
        road.used_and_settled(scheme, seller, voucher, applicant, hours=hours)
    found = values()
    for group in ("providers", "beneficiaries"):
        assert found[group] == 5
        assert found[f"{group}_hhi"] == Decimal("0.3250")
        assert found[f"{group}_cr1"] == Decimal("0.5000")
        assert found[f"{group}_cr5"] == Decimal("1.0000")


def mixed_scene() -> None:
    """Set three programmes, one in each mode, with value in every place that can be reached."""
    authority = cast.make_authority()
    seller = cast.make_provider(authority)
    in_kind_seller = cast.make_provider(authority, "Fabric", currency="GBP")
    offset, in_kind = cast.make_programme(authority, M3), cast.make_programme(authority, M5)
    after_use = cast.make_programme(authority, M1)
    firm, laboratory = cast.an_sme(), cast.a_laboratory(country="GB", region="GB-LND")
    voucher = cast.an_issued_voucher(after_use, firm)
    road.claimed_and_settled(after_use, seller, voucher, firm, hours=2000)
    for hours in (7, 11):
        applicant = cast.an_sme(f"Firm of {hours}")
        voucher = cast.an_issued_voucher(offset, applicant)
        road.used_and_settled(offset, seller, voucher, applicant, hours=hours)
    road.answered_by_bank(offset, road.sent_to_bank(offset))
    voucher = cast.an_issued_voucher(offset, firm)
    road.used_and_settled(offset, seller, voucher, firm, hours=3)
    voucher = cast.an_issued_voucher(in_kind, laboratory)
    road.used_and_settled(in_kind, in_kind_seller, voucher, laboratory, hours=50)


def test_every_figure_equals_its_stated_query_at_every_instant():
    mixed_scene()
    checked = 0
    for at in (EVE, NOON, road.BILLED, road.SETTLED, road.RELEASED, road.PAID):
        for programme in (None, M1, M3, M5):
            for one in indicators.report(at, programme).figures:
                answer = asked(one.query_text)
                assert answer == one.value, (at, one.scope, one.code, one.query_text)
                checked += 1
    # At five instants: two units and three programmes together, then each programme alone.
    assert checked == 5 * (5 + 3) * len(indicators.report(NOON, M3).figures)


def test_the_csv_holds_every_figure_as_its_query_answers():
    mixed_scene()
    found = indicators.report(road.PAID)
    rows = list(csv.DictReader(StringIO(indicators.to_csv(found))))
    assert len(rows) == len(found.figures)
    for row, one in zip(rows, found.figures, strict=True):
        assert (row["code"], row["programme"]) == (one.code, one.scope.code)
        assert row["query"] == one.query_text
        answer = asked(row["query"])
        assert (Decimal(row["value"]) if row["value"] else None) == answer


def test_no_cell_of_the_csv_is_a_formula(scene):
    scene.scheme.programme.title = "=1+1"
    text = indicators.to_csv(indicators.report(road.PAID))
    for row in csv.reader(StringIO(text)):
        for cell in row:
            assert not cell.startswith(("=", "+", "@", "\t", "\r"))


def test_hours_in_kind_are_delivered_and_have_no_price():
    mixed_scene()
    found = values(programme=M5)
    assert found["delivered"] == found["consumed"] == 50 * HOUR
    assert found["funnel_paid_out"] == 1
    assert found["cost_per_gpu_hour"] is None


def test_a_claim_counts_for_its_provider_and_its_beneficiary():
    mixed_scene()
    found = values(programme=M1)
    assert found["consumed"] == found["payable"] == 15_000_00
    assert (found["providers"], found["beneficiaries"]) == (1, 1)
    assert found["funnel_first_hold"] == 1
    assert found["held"] == 0


def test_totals_of_a_unit_are_the_sums_of_its_programmes():
    mixed_scene()
    found = indicators.report(road.PAID)
    for whole in (one for one in found.scopes if not one.code):
        parts = [one for one in found.scopes if one.code and one.unit == whole.unit]
        for code in ("appropriated", "available", "committed", "paid", "metered"):
            total = sum(found.of(part)[code].value for part in parts)
            assert found.of(whole)[code].value == total


def test_an_outcome_counts_from_the_instant_of_its_report(scene):
    from scoring.actions import report_outcome

    report_outcome(
        voucher=scene.voucher,
        kind=Outcome.Kind.MODEL,
        title="Map reader",
        evidence_url="https://example.org/map-reader",
        happened_on=road.PAID.date(),
        actor=scene.applicant.person,
        at=road.PAID,
        key="outcome",
    )
    assert values(road.RELEASED)["funnel_outcome"] == 0
    assert values(road.PAID)["funnel_outcome"] == 1
