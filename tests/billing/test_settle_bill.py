"""What is accepted of a bill is paid within the hold; what is doubtful is withheld with words."""

from datetime import UTC, datetime, timedelta

import pytest

from billing import actions
from billing.models import Bill, Settlement, Verdict
from billing.reasons import sentence
from parties.queries import NotAllowed, SamePerson
from safeguards.models import Alert, RuleResult
from tests import cast
from tests.billing import stage
from vouchers import actions as vouchers
from vouchers.models import Order
from vouchers.queries import voucher_balance

pytestmark = pytest.mark.django_db

HOUR = stage.HOUR


@pytest.fixture
def scene():
    return cast.make_scene(cast.M3)


@pytest.fixture
def order(scene):
    """100 hours at 25.00: 2,500.00, of which 1,500.00 is held."""
    return cast.a_hold(scene.voucher, scene.applicant, scene.seller, hours="100")


def test_chengdu_pays_600_000_of_a_purchase_of_1_000_000():
    # schemes.md W08: 60 % at the point of sale; the user pays the rest.
    authority = cast.make_authority()
    seller = cast.make_provider(authority)
    scheme = cast.make_programme(authority, cast.M3)
    applicant = cast.an_sme()
    voucher = cast.an_issued_voucher(scheme, applicant, fee_total="1000000.00")
    scene = cast.Scene(authority, seller, scheme, applicant, voucher)
    order = cast.a_hold(voucher, applicant, seller, hours="40000")
    stage.use(seller, order, hours=400, gpus=100)

    bill = stage.bill(scene)
    (settlement,) = stage.settle(bill)

    assert (bill.total, bill.unit) == (1_000_000_00, "CNY")
    assert (settlement.accepted, settlement.covered) == (1_000_000_00, 600_000_00)
    assert (settlement.co_payment, settlement.beyond_hold) == (400_000_00, 0)
    assert stage.payable(scene) == 600_000_00
    order.refresh_from_db()
    assert order.status == Order.Status.CLOSED
    stage.assert_in_step()


def test_a_bill_within_the_hold_leaves_the_rest_held(scene, order):
    stage.use(scene.seller, order, hours=40)

    bill = stage.bill(scene)
    (settlement,) = stage.settle(bill)

    assert bill.total == 1_000_00
    assert settlement.covered == 600_00
    assert stage.held(order) == 900_00
    order.refresh_from_db()
    assert order.status == Order.Status.OPEN
    bill.refresh_from_db()
    assert (bill.status, bill.settled_at) == (Bill.Status.SETTLED, stage.LATER)
    assert stage.verdicts(bill) == [("ACCEPTED", 1_000_00, 0, 600_00, "")]
    assert settlement.working[-1]["clause"]
    stage.assert_in_step()


def test_what_is_beyond_the_hold_is_not_covered_and_says_so(scene, order):
    """Use above a hold had no name and no place elsewhere (Blnk #62)."""
    stage.use(scene.seller, order, hours=60, gpus=2)

    bill = stage.bill(scene)
    (settlement,) = stage.settle(bill)

    # 120 hours x 25.00 = 3,000.00; 60 % = 1,800.00; the hold has 1,500.00.
    assert (settlement.covered, settlement.beyond_hold) == (1_500_00, 300_00)
    assert settlement.co_payment == 1_200_00
    assert stage.verdicts(bill) == [("ACCEPTED", 3_000_00, 0, 1_500_00, "beyond_hold")]
    verdict = Verdict.objects.get()
    assert sentence(verdict.reason, verdict.reason_values).startswith("¥300.00 is beyond")
    order.refresh_from_db()
    assert (stage.held(order), order.status) == (0, Order.Status.CLOSED)
    stage.assert_in_step()


def test_a_lapsed_order_has_nothing_left_to_cover(scene, order):
    stage.use(scene.seller, order, hours=40)
    vouchers.lapse_hold(order=order, at=order.lapses_at, key="lapse")

    bill = stage.bill(scene)
    (settlement,) = stage.settle(bill)

    assert (settlement.covered, settlement.beyond_hold) == (0, 600_00)
    assert stage.payable(scene) == 0
    assert voucher_balance(scene.voucher).net == 60_000_00
    stage.assert_in_step()


def test_only_the_part_of_a_job_inside_the_period_is_billed(scene, order):
    # Shanghai's July begins at 16:00 UTC on 30 June.
    began = datetime(2025, 6, 30, 6, tzinfo=UTC)
    stage.use(scene.seller, order, hours=24, started=began)

    june = stage.bill(scene)
    july = stage.bill(scene, invoice="INV-2", period=(stage.JULY, stage.JULY + timedelta(31)))

    assert [line.quantity_ms for line in june.lines.all()] == [10 * HOUR]
    assert [line.quantity_ms for line in july.lines.all()] == [14 * HOUR]
    stage.settle(june)
    stage.settle(july)
    assert stage.verdicts(june) == [("ACCEPTED", 250_00, 0, 150_00, "")]
    assert stage.verdicts(july) == [("ACCEPTED", 350_00, 0, 210_00, "")]
    assert stage.payable(scene) == 360_00


def test_billed_above_the_meter_only_the_metered_part_is_accepted(scene, order):
    stage.use(scene.seller, order, hours=8)

    bill = stage.bill(scene, stage.a_line(hours=10))
    (settlement,) = stage.settle(bill)

    assert (settlement.billed, settlement.accepted, settlement.withheld) == (
        250_00,
        200_00,
        50_00,
    )
    assert stage.verdicts(bill) == [("REDUCED", 200_00, 50_00, 120_00, "billed_above_meter")]
    values = Verdict.objects.get().reason_values
    assert (values["billed_ms"], values["metered_ms"]) == (10 * HOUR, 8 * HOUR)
    assert "10 GPU-hours" in sentence("billed_above_meter", values)
    alert = Alert.objects.get(rule__code="billed_above_meter")
    assert (alert.about, alert.value, alert.unit) == (bill.address, 50_00, "CNY")
    stage.assert_in_step()


def test_a_line_sent_twice_in_a_bill_is_paid_once(scene, order):
    stage.use(scene.seller, order, hours=8)

    bill = stage.bill(scene, stage.a_line(), stage.a_line())
    (settlement,) = stage.settle(bill)

    assert stage.verdicts(bill) == [
        ("ACCEPTED", 200_00, 0, 120_00, ""),
        ("WITHHELD", 0, 200_00, 0, "line_billed_before"),
    ]
    assert (settlement.billed, settlement.covered) == (400_00, 120_00)
    assert stage.payable(scene) == 120_00


def test_a_line_of_an_earlier_bill_is_paid_once(scene, order):
    stage.use(scene.seller, order, hours=8)
    stage.use(scene.seller, order, hours=2, key="job-2")
    first = stage.bill(scene, stage.a_line())
    stage.settle(first)

    second = stage.bill(scene, stage.a_line(), stage.a_line("job-2"), invoice="INV-2")
    stage.settle(second)

    assert stage.verdicts(second) == [
        ("WITHHELD", 0, 200_00, 0, "line_billed_before"),
        ("ACCEPTED", 50_00, 0, 30_00, ""),
    ]
    repeated = Verdict.objects.get(reason="line_billed_before")
    assert repeated.reason_values["bill"] == first.number
    assert stage.payable(scene) == 150_00


def test_a_period_that_overlaps_an_earlier_one_pays_nothing_twice(scene, order):
    stage.use(scene.seller, order, hours=8)
    stage.settle(stage.bill(scene))

    overlapping = (stage.JUNE + timedelta(days=3), stage.JULY)
    second = stage.bill(scene, stage.a_line(), invoice="INV-2", period=overlapping)
    stage.settle(second)

    assert stage.verdicts(second) == [("WITHHELD", 0, 200_00, 0, "line_billed_before")]


def test_a_later_bill_under_a_used_invoice_number_is_withheld_whole(scene, order):
    stage.use(scene.seller, order, hours=8)
    first = stage.bill(scene, invoice="INV-7")
    stage.settle(first)
    stage.use(scene.seller, order, hours=2, key="job-2")

    second = stage.bill(scene, invoice="inv-7")
    stage.settle(second)

    assert stage.verdicts(second) == [("WITHHELD", 0, 50_00, 0, "invoice_sent_before")]
    assert stage.payable(scene) == 120_00
    values = Verdict.objects.get(line__bill=second).reason_values
    assert values == {"bill": first.number, "invoice_number": "inv-7"}
    # Under a new number the same use can be billed again.
    third = stage.bill(scene, invoice="INV-8")
    stage.settle(third)
    assert stage.verdicts(third) == [("ACCEPTED", 50_00, 0, 30_00, "")]


def test_a_line_without_a_meter_is_withheld(scene, order):
    stage.use(scene.seller, order, hours=8)

    bill = stage.bill(scene, stage.a_line(), stage.a_line("ghost", hours=5, rate="25"))
    stage.settle(bill)

    assert bill.total == 325_00
    assert stage.verdicts(bill) == [
        ("ACCEPTED", 200_00, 0, 120_00, ""),
        ("WITHHELD", 0, 125_00, 0, "no_meter"),
    ]
    assert bill.lines.get(row=2).voucher is None


def test_a_rate_above_the_orders_is_cut_to_it(scene, order):
    stage.use(scene.seller, order, hours=8)

    bill = stage.bill(scene, stage.a_line(rate="30.50"))
    stage.settle(bill)

    assert bill.total == 244_00
    assert stage.verdicts(bill) == [("REDUCED", 200_00, 44_00, 120_00, "price_above_catalogue")]


def test_use_before_the_voucher_began_is_withheld(scene, order):
    # The voucher is valid from 2 June, which begins at 16:00 UTC on the day before.
    began = datetime(2025, 6, 1, 12, tzinfo=UTC)
    stage.use(scene.seller, order, hours=26, started=began)

    bill = stage.bill(scene)
    stage.settle(bill)

    assert stage.verdicts(bill) == [("REDUCED", 550_00, 100_00, 330_00, "outside_validity")]


def test_a_line_that_the_holder_objects_to_is_withheld(scene, order):
    stage.use(scene.seller, order, hours=8)
    stage.use(scene.seller, order, hours=2, key="job-2")
    bill = stage.bill(scene)
    actions.object_to_line(
        line=bill.lines.get(row=1),
        note="Not ours",
        actor=scene.applicant.person,
        at=stage.LATER,
        key="object",
    )

    stage.settle(bill)

    assert {verdict[0::4] for verdict in stage.verdicts(bill)} == {
        ("WITHHELD", "objected"),
        ("ACCEPTED", ""),
    }
    # Billing the line again does not get round the objection.
    again = stage.bill(scene, stage.a_line("job-1"), invoice="INV-2")
    stage.settle(again)
    assert stage.verdicts(again) == [("WITHHELD", 0, 200_00, 0, "line_billed_before")]


def test_each_rule_leaves_its_answer(scene, order):
    stage.use(scene.seller, order, hours=8)

    bill = stage.bill(scene)
    stage.settle(bill)

    results = RuleResult.objects.filter(about=bill.address).order_by("rule__code")
    assert [(one.rule.code, one.withheld) for one in results] == [
        ("billed_above_meter", 0),
        ("invoice_sent_before", 0),
        ("line_billed_before", 0),
    ]
    assert not Alert.objects.exists()


def test_hours_in_kind_are_delivered_and_nothing_is_paid():
    scene = cast.make_scene(cast.M5)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller, hours="100")
    stage.use(scene.seller, order, hours=10, gpus=4)

    bill = stage.bill(scene)
    (settlement,) = stage.settle(bill)

    assert (bill.unit, bill.total) == ("GPU:H100", 40 * HOUR)
    assert (settlement.covered, settlement.co_payment) == (40 * HOUR, 0)
    assert stage.held(order) == 60 * HOUR
    with pytest.raises(actions.NothingDue):
        stage.prepare(scene)
    stage.assert_in_step()


def test_a_slash_in_a_source_or_a_key_makes_no_two_uses_one(scene, order):
    job = stage.a_record(order.code, "x/y")
    other = stage.a_record(order.code, "y")._replace(source="slurm/x")
    stage.record(scene.seller, job)
    actions.record_usage(
        provider=scene.seller.provider,
        source="slurm/x",
        records=[other],
        actor=scene.seller.provider.address,
        at=stage.LATER,
        key="slash",
    )
    bill = stage.bill(scene)

    stage.settle(bill)

    assert [verdict[:2] for verdict in stage.verdicts(bill)] == [("ACCEPTED", 250_00)] * 2


def test_the_longest_names_of_usage_are_settled(scene, order):
    source, key = "量" * 80, "钥" * 160
    actions.record_usage(
        provider=scene.seller.provider,
        source=source,
        records=[stage.a_record(order.code, key)._replace(source=source)],
        actor=scene.seller.provider.address,
        at=stage.LATER,
        key="long",
    )
    # A period that begins at a time of day has the longest name.
    period = (stage.JUNE + timedelta(seconds=1), stage.JULY)
    bill = stage.bill(scene, period=period)

    stage.settle(bill)

    assert [verdict[:2] for verdict in stage.verdicts(bill)] == [("ACCEPTED", 250_00)]


def test_asked_twice_it_is_settled_once(scene, order):
    stage.use(scene.seller, order, hours=8)
    bill = stage.bill(scene)

    first = stage.settle(bill)
    second = stage.settle(bill)

    assert first == second
    assert Settlement.objects.count() == 1
    assert stage.payable(scene) == 120_00


def test_a_click_after_the_sweep_is_refused_and_moves_nothing(scene, order):
    stage.use(scene.seller, order, hours=8)
    bill = stage.bill(scene)
    stage.settle(bill)

    with pytest.raises(actions.BillSettled):
        stage.settle(bill, key="click", actor=scene.authority.finance[0])

    assert stage.payable(scene) == 120_00


def test_who_decided_the_award_does_not_settle_the_bill(scene, order):
    stage.use(scene.seller, order, hours=8)
    bill = stage.bill(scene)

    with pytest.raises(SamePerson):
        stage.settle(bill, key="click", actor=scene.authority.officer)
    with pytest.raises(NotAllowed):
        stage.settle(bill, key="click", actor=scene.seller.person)

    assert stage.verdicts(bill) == []
    assert stage.settle(bill, key="click", actor=scene.authority.finance[0])


def test_several_orders_are_settled_in_one_bill(scene, order):
    other = cast.a_hold(
        scene.voucher, scene.applicant, scene.seller, hours="10", provider_reference="lab-b"
    )
    stage.use(scene.seller, order, hours=8)
    stage.use(scene.seller, other, hours=4, key="job-2")

    settlements = stage.settle(stage.bill(scene))

    assert [(one.order, one.covered) for one in settlements] == [
        (order, 120_00),
        (other, 60_00),
    ]


def test_the_lines_add_up_to_the_settlement_to_the_cent(scene):
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller, hours="100")
    for number in range(7):
        # 100 seconds at 25.00 an hour are 0.694…, so 0.69.
        record = stage.a_record(order.code, f"job-{number}", hours=0)
        ended = record.started_at + timedelta(seconds=100)
        stage.record(scene.seller, record._replace(ended_at=ended))

    bill = stage.bill(scene)
    (settlement,) = stage.settle(bill)

    assert [line.amount for line in bill.lines.all()] == [69] * 7
    # 60 % of 4.83 is 2.898, cut to 2.89 once for the bill.
    assert (settlement.accepted, settlement.covered) == (4_83, 2_89)
    assert sum(verdict[3] for verdict in stage.verdicts(bill)) == 2_89
