"""A month is closed once all in it is decided; from then on nothing more is billed for it."""

from datetime import UTC, date, datetime

import pytest
from django.db import ProgrammingError, connection

from billing import actions
from billing.models import Bill, ClosedPeriod, UsageLine
from billing.queries.periods import billing_period_rows, periods_of
from common.errors import Refused
from ledger.queries import acts_about
from parties.queries import NotAllowed
from tests import cast
from tests.billing import stage
from tests.ledger.book import at_once

MONTH = date(2025, 6, 1)
AUGUST = datetime(2025, 8, 2, tzinfo=UTC)


@pytest.fixture
def scene(db):
    return cast.make_scene(cast.M3)


@pytest.fixture
def order(scene):
    return cast.a_hold(scene.voucher, scene.applicant, scene.seller, hours="100")


def close(scene, *, month=MONTH, at=AUGUST, actor=None, key=None):
    return actions.close_period(
        programme=scene.scheme.programme,
        month=month,
        actor=actor or scene.authority.finance[0],
        at=at,
        key=key or cast.a_key("close"),
    )


def billed(scene, order, key="job-1"):
    stage.use(scene.seller, order, hours=10, key=key)
    return stage.bill(scene)


def test_a_month_whose_bills_are_decided_is_closed_for_good(scene, order):
    stage.settle(billed(scene, order))

    closed = close(scene)

    assert (closed.period_from, closed.period_until) == (stage.JUNE, stage.JULY)
    assert closed.closed_by == scene.authority.finance[0]
    assert acts_about(scene.scheme.programme.address).filter(kind="close_period").count() == 1


def test_nothing_more_is_billed_for_a_closed_month_and_nothing_moves(scene, order):
    stage.settle(billed(scene, order))
    close(scene)
    stage.use(scene.seller, order, hours=1, key="late")
    before = Bill.objects.count()

    with pytest.raises(actions.PeriodClosed) as refusal:
        stage.bill(scene)

    assert refusal.value.values["month"] == "2025-06"
    assert "Bill from the next month on" in str(refusal.value)
    assert Bill.objects.count() == before
    assert UsageLine.objects.count() == 2
    stage.assert_in_step()


def test_another_month_and_another_programme_stay_open(scene, order):
    stage.settle(billed(scene, order))
    close(scene, month=date(2025, 5, 1))

    stage.use(scene.seller, order, hours=1, key="late")

    assert stage.bill(scene).lines.count() == 1


def test_a_month_that_runs_is_not_closed(scene, order):
    with pytest.raises(actions.PeriodNotOver):
        close(scene, at=datetime(2025, 6, 30, 15, 59, 59, tzinfo=UTC))

    assert not ClosedPeriod.objects.exists()


def test_what_is_undecided_is_named(scene, order):
    bill = billed(scene, order)

    with pytest.raises(actions.PeriodUndecided) as refusal:
        close(scene)

    assert refusal.value.values["bills"] == bill.number
    assert not ClosedPeriod.objects.exists()


def test_a_withheld_line_keeps_its_month_open(scene, order):
    stage.use(scene.seller, order, hours=10)
    # Nobody's meter knows the second line.
    bill = stage.bill(
        scene, stage.a_line(), stage.a_line("never", hours=1, rate="25", amount=2500)
    )
    stage.settle(bill)

    waiting = [one.undecided for one in periods_of(scene.scheme.programme)]
    with pytest.raises(actions.PeriodUndecided):
        close(scene)

    assert waiting == [1]


def test_only_finance_of_the_programme_closes(scene, order):
    stage.settle(billed(scene, order))

    for person in (scene.seller.person, scene.applicant.person):
        with pytest.raises(NotAllowed):
            close(scene, actor=person)

    assert not ClosedPeriod.objects.exists()


def test_asked_twice_a_month_is_closed_once(scene, order):
    stage.settle(billed(scene, order))

    first = close(scene, key="once")

    assert close(scene, key="once") == first
    assert close(scene, key="again", actor=scene.authority.finance[1]) == first
    assert ClosedPeriod.objects.count() == 1


def test_what_was_closed_stays(scene, order):
    stage.settle(billed(scene, order))
    close(scene)

    with (
        connection.cursor() as cursor,
        pytest.raises(ProgrammingError, match="permission denied"),
    ):
        cursor.execute("delete from billing_closedperiod")


def test_a_period_in_focus_is_open_until_it_is_closed(scene, order):
    bill = billed(scene, order)
    stage.settle(bill)
    bill.refresh_from_db()

    (before,) = billing_period_rows(scene.scheme.programme)
    close(scene)
    (after,) = billing_period_rows(scene.scheme.programme)

    assert before == {
        "BillingPeriodCreated": f"{bill.sent_at:%Y-%m-%dT%H:%M:%SZ}",
        "BillingPeriodLastUpdated": f"{bill.settled_at:%Y-%m-%dT%H:%M:%SZ}",
        "BillingPeriodStart": "2025-05-31T16:00:00Z",
        "BillingPeriodEnd": "2025-06-30T16:00:00Z",
        "BillingPeriodStatus": "Open",
        "InvoiceIssuerName": scene.seller.organisation.name,
    }
    assert after == {
        **before,
        "BillingPeriodStatus": "Closed",
        "BillingPeriodLastUpdated": "2025-08-02T00:00:00Z",
    }


@pytest.mark.slow
def test_a_bill_and_the_closing_of_its_month_at_once_are_one_after_the_other(committed_db):
    scene = cast.make_scene(cast.M3)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller, hours="100")
    stage.use(scene.seller, order, hours=10)

    def one(number):
        try:
            return close(scene) if number % 2 else stage.bill(scene)
        except Refused as refusal:
            return refusal

    found = at_once(6, one)

    bills = [each for each in found if isinstance(each, Bill)]
    closed = [each for each in found if isinstance(each, ClosedPeriod)]
    # Either the bill came first, and the month waits for it, or no bill came.
    assert bool(bills) is not bool(closed), found
    assert Bill.objects.count() == len(bills) <= 1
