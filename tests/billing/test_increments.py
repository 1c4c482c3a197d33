"""A bill's quantity is the meter's up to the law's increment, and settlement judges by that."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.metering import billed_ms
from tests import cast
from tests.billing import stage

pytestmark = pytest.mark.django_db

JUNE = datetime(2025, 6, 1, tzinfo=UTC)


def a_law(*lines):
    """Return the offset law with more lines in its [settlement]."""
    return cast.policy_text(cast.M3).replace(
        "[settlement]\n", "\n".join(("[settlement]", *lines, ""))
    )


def a_scene(*lines):
    """Return a scene of such a law, and an order of 100 hours at 25.00 in it."""
    authority = cast.make_authority()
    seller = cast.make_provider(authority)
    scheme = cast.make_programme(authority, text=a_law(*lines))
    applicant = cast.an_sme()
    voucher = cast.an_issued_voucher(scheme, applicant)
    scene = cast.Scene(authority, seller, scheme, applicant, voucher)
    return scene, cast.a_hold(voucher, applicant, seller, hours="100")


@pytest.fixture
def by_the_hour():
    return a_scene("increment_seconds = 3600")


@given(
    count=st.integers(1, 64_000),
    starts=st.integers(0, 10_000),
    length=st.integers(0, 90_000),
    first=st.integers(-20_000, 120_000),
    reach=st.integers(0, 120_000),
    increment=st.integers(0, 7_200),
)
@settings(max_examples=200, deadline=None)
def test_the_database_says_what_the_policy_says(count, starts, length, first, reach, increment):
    started = JUNE + timedelta(seconds=starts)
    run = (count, started, started + timedelta(seconds=length))
    from_at = JUNE + timedelta(seconds=first)
    until_at = from_at + timedelta(seconds=reach)

    with connection.cursor() as cursor:
        cursor.execute(
            "select billing_billed_ms(%s, %s, %s, %s, %s, %s)",
            [*run, from_at, until_at, increment],
        )
        (said,) = cursor.fetchone()

    assert said == billed_ms(*run, from_at, until_at, increment)


def test_a_run_is_billed_by_the_started_hour_and_settled_without_a_doubt(by_the_hour):
    from billing.actions.verdicts import doubtful_rows

    scene, order = by_the_hour
    half = stage.START + timedelta(minutes=30)
    stage.record(
        scene.seller,
        stage.a_record(order.code, hours=2.5),
        stage.a_record(order.code, "job-2", hours=3, started=half),
    )

    bill = stage.bill(scene)

    lines = list(bill.lines.order_by("row"))
    assert [(one.quantity_ms, one.amount) for one in lines] == [
        (3 * stage.HOUR, 75_00),
        (3 * stage.HOUR, 75_00),
    ]
    assert [one.usage_line.quantity_ms for one in lines] == [
        5 * stage.HOUR // 2,
        3 * stage.HOUR,
    ]
    assert doubtful_rows(bill) == []
    (settlement,) = stage.settle(bill)
    assert (settlement.accepted, settlement.covered) == (150_00, 90_00)
    stage.assert_in_step()


def test_a_line_above_the_increment_is_withheld_down_to_it(by_the_hour):
    scene, order = by_the_hour
    stage.record(scene.seller, stage.a_record(order.code, hours=2.5))

    bill = stage.bill(scene, stage.a_line(hours=4))
    stage.settle(bill)

    assert stage.verdicts(bill) == [("REDUCED", 75_00, 25_00, 45_00, "billed_above_meter")]


def test_a_given_line_without_a_quantity_is_billed_by_the_increment(by_the_hour):
    scene, order = by_the_hour
    stage.record(scene.seller, stage.a_record(order.code, hours=2.5))

    bill = stage.bill(scene, stage.a_line())

    assert bill.lines.get().quantity_ms == 3 * stage.HOUR
    stage.settle(bill)
    assert stage.verdicts(bill) == [("ACCEPTED", 75_00, 0, 45_00, "")]


def test_what_the_increment_adds_is_billed_once_in_the_month_of_the_end(by_the_hour):
    scene, order = by_the_hour
    began = datetime(2025, 6, 30, 6, tzinfo=UTC)
    stage.record(scene.seller, stage.a_record(order.code, hours=10.5, started=began))

    june = stage.bill(scene)
    july = stage.bill(scene, invoice="INV-2", period=(stage.JULY, stage.JULY + timedelta(31)))

    # Shanghai's July begins at 16:00 UTC: ten hours before it, half an hour after, billed as one.
    assert june.lines.get().quantity_ms == 10 * stage.HOUR
    assert july.lines.get().quantity_ms == stage.HOUR
    stage.settle(june)
    stage.settle(july)
    assert stage.payable(scene) == 165_00


def test_only_the_price_without_tax_is_held_and_covered():
    scene, order = a_scene('tax_basis = "EXCLUSIVE"', 'tax_rate = "0.06"')
    assert order.hold_amount == 1_415_09

    stage.use(scene.seller, order, hours=40)
    bill = stage.bill(scene)
    (settlement,) = stage.settle(bill)

    # 1,000.00 with 6 % tax: 943.39 without it, of which 60 % are covered.
    assert (settlement.accepted, settlement.covered, settlement.co_payment) == (
        1_000_00,
        566_03,
        433_97,
    )
    assert [one["name"] for one in settlement.working][2] == "basis"
    stage.assert_in_step()
