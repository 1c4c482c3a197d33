"""A bill is taken as it is sent, once, and its sum is that of its lines."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from billing import actions
from billing.models import Bill, BillLine
from ledger.actions import KeyReused
from tests import cast
from tests.billing import stage

pytestmark = pytest.mark.django_db

HOUR = stage.HOUR


@pytest.fixture
def scene():
    return cast.make_scene(cast.M3)


@pytest.fixture
def order(scene):
    return cast.a_hold(scene.voucher, scene.applicant, scene.seller)


def test_without_lines_everything_metered_and_not_billed_before_is_billed(scene, order):
    stage.use(scene.seller, order, hours=8)
    first = stage.bill(scene)
    stage.use(scene.seller, order, hours=1, gpus=3, key="job-2")

    second = stage.bill(scene, invoice="INV-2")

    assert [(line.key, line.amount) for line in first.lines.all()] == [("job-1", 200_00)]
    assert [(line.key, line.amount) for line in second.lines.all()] == [("job-2", 75_00)]
    assert (first.total, second.total) == (200_00, 75_00)
    assert first.payee == scene.seller.organisation
    with pytest.raises(actions.NothingToBill):
        stage.bill(scene, invoice="INV-3")
    assert Bill.objects.count() == 2


def test_what_a_line_leaves_out_is_taken_from_meter_and_order(scene, order):
    stage.use(scene.seller, order, hours=8)

    bill = stage.bill(
        scene,
        stage.a_line(),
        stage.a_line(hours="7.5"),
        stage.a_line(rate="20"),
        stage.a_line(amount=1),
    )

    assert [
        (line.quantity_ms, line.rate, line.amount) for line in bill.lines.order_by("row")
    ] == [
        (8 * HOUR, Decimal(25), 200_00),
        (27_000_000, Decimal(25), 187_50),
        (8 * HOUR, Decimal(20), 160_00),
        (8 * HOUR, Decimal(25), 1),
    ]
    assert bill.total == 547_51


def test_asked_twice_it_is_one_bill(scene, order):
    stage.use(scene.seller, order, hours=8)

    first = stage.bill(scene, key="b")
    second = stage.bill(scene, key="b")

    assert first == second
    assert BillLine.objects.count() == 1
    with pytest.raises(KeyReused):
        stage.bill(scene, key="b", invoice="INV-2")


@pytest.mark.parametrize(
    "line",
    [
        {"quantity_ms": -1},
        {"quantity_ms": 10**15},
        {"rate": Decimal("-0.01")},
        {"rate": Decimal("0.00001")},
        {"rate": Decimal(10**10)},
        {"amount": -1},
        {"key": ""},
        {"key": "k" * 161},
    ],
)
def test_an_impossible_line_is_named(scene, order, line):
    stage.use(scene.seller, order, hours=8)
    bad = actions.BillLineInput(**{"source": "slurm", "key": "job-1", **line})

    with pytest.raises(actions.LineInvalid) as refused:
        stage.bill(scene, stage.a_line(), bad)

    assert refused.value.values["row"] == 2
    assert not Bill.objects.exists()


def test_an_amount_that_nobody_could_pay_is_refused(scene, order):
    stage.use(scene.seller, order, hours=8)
    line = stage.a_line(hours=270_000_000, rate="9999999999")

    with pytest.raises(actions.AmountTooLarge):
        stage.bill(scene, line)

    assert not Bill.objects.exists()


def test_a_period_must_end_after_it_begins_at_whole_seconds(scene, order):
    for until in (stage.JUNE, stage.JUNE + timedelta(microseconds=1)):
        with pytest.raises(actions.PeriodInvalid):
            stage.bill(scene, stage.a_line(), period=(stage.JUNE, until))


@pytest.mark.parametrize("years", [(1, 2025), (1998, 2025), (2025, 2102), (2025, 9999)])
def test_a_period_of_another_century_is_refused_with_words(scene, order, years):
    first, last = (datetime(year, 6, 1, tzinfo=UTC) for year in years)

    with pytest.raises(actions.PeriodFarOff, match="the years 2000 to 2100"):
        stage.bill(scene, stage.a_line(), period=(first, last))

    assert not Bill.objects.exists()


def test_a_bill_needs_an_invoice_number(scene, order):
    for number in ("", "  ", "9" * 61):
        with pytest.raises(actions.InvoiceNumberMissing):
            stage.bill(scene, stage.a_line(), invoice=number)


def test_where_the_holder_is_paid_a_provider_sends_no_bill():
    scene = cast.make_scene(cast.M1)

    with pytest.raises(actions.BillNotForMode):
        stage.bill(scene, stage.a_line())
