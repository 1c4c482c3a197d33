"""Whoever clicks at the same moment: value moves once, and the sums stay in step."""

from itertools import pairwise

import pytest

from billing.models import BankLine, Batch, PaymentFile, Settlement, UsageLine
from common.errors import Refused
from ledger.queries import balances
from tests import cast
from tests.billing import stage
from tests.ledger.book import at_once

pytestmark = pytest.mark.slow

CROWD = 12


@pytest.fixture
def scene(committed_db):
    """A bill of 1,000.00 that waits to be settled; 600.00 of it is the voucher's."""
    scene = cast.make_scene(cast.M3)
    stage.an_own_account(scene.authority)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    stage.use(scene.seller, order, hours=40)
    return scene


def outcomes(answers):
    """Return how many were done and the refusals' codes; anything else is a bug."""
    bugs = [
        one for one in answers if isinstance(one, Exception) and not isinstance(one, Refused)
    ]
    assert bugs == []
    codes = {one.code for one in answers if isinstance(one, Refused)}
    return sum(not isinstance(one, Refused) for one in answers), codes


def test_one_bill_settled_by_many_at_once_with_one_key(scene):
    bill = stage.bill(scene)

    answers = at_once(CROWD, lambda number: stage.settle(bill))

    assert outcomes(answers) == (CROWD, set())
    assert all(one == two for one, two in pairwise(answers))
    assert Settlement.objects.count() == 1
    assert stage.payable(scene) == 600_00
    stage.assert_in_step()


def test_one_bill_settled_by_many_clicks(scene):
    bill = stage.bill(scene)

    answers = at_once(CROWD, lambda number: stage.settle(bill, key=f"click {number}"))

    assert outcomes(answers) == (1, {"bill_settled"})
    assert stage.payable(scene) == 600_00
    stage.assert_in_step()


def test_two_bills_of_the_same_use_are_paid_once(scene):
    bills = [
        stage.bill(scene, stage.a_line(), invoice=f"INV-{number}") for number in range(CROWD)
    ]

    answers = at_once(CROWD, lambda number: stage.settle(bills[number]))

    assert outcomes(answers) == (CROWD, set())
    assert stage.payable(scene) == 600_00
    reasons = sorted(stage.verdicts(bill)[0][4] for bill in bills)
    assert reasons == [""] + ["line_billed_before"] * (CROWD - 1)
    stage.assert_in_step()


def test_one_period_billed_by_many_at_once_is_billed_once(scene):
    answers = at_once(CROWD, lambda number: stage.bill(scene, invoice=f"INV-{number}"))

    assert outcomes(answers) == (1, {"nothing_to_bill"})


def test_one_batch_prepared_by_many_at_once(scene):
    stage.settle(stage.bill(scene))

    answers = at_once(CROWD, lambda number: stage.prepare(scene))

    assert outcomes(answers) == (1, {"nothing_due"})
    assert Batch.objects.get().total == 600_00


@pytest.mark.parametrize("keys", ["one", "many"])
def test_one_batch_released_by_many_at_once(scene, keys):
    stage.settle(stage.bill(scene))
    batch = stage.approve(scene, stage.prepare(scene))

    answers = at_once(
        CROWD,
        lambda number: stage.release(scene, batch, key=f"r{number if keys == 'many' else ''}"),
    )

    expected = (CROWD, set()) if keys == "one" else (1, {"batch_not_ready"})
    assert outcomes(answers) == expected
    assert PaymentFile.objects.count() == 1
    clearing = scene.scheme.programme.account("clearing", batch.code)
    assert balances([clearing])[clearing].net == 600_00
    stage.assert_in_step()


def test_one_statement_read_by_many_at_once(scene):
    stage.settle(stage.bill(scene))
    batch, file = stage.sent(scene)
    same, other = stage.answer(file), stage.answer(file, "ST-2")

    answers = at_once(
        CROWD, lambda number: stage.read(scene, same if number % 2 else other, key=f"s{number}")
    )

    assert outcomes(answers) == (CROWD, set())
    assert sorted(BankLine.objects.values_list("match", flat=True)) == ["ANSWERED", "PAID"]
    paid = scene.scheme.programme.account("paid", scene.seller.organisation.code)
    assert balances([paid])[paid].net == 600_00
    batch.refresh_from_db()
    assert batch.status == Batch.Status.CLOSED
    stage.assert_in_step()


def test_the_same_usage_sent_by_many_at_once_is_recorded_once(scene):
    account = scene.voucher.orders.get().code
    records = [stage.a_record(account, f"job-{number}") for number in range(40)]

    def send(number):
        mine = records[number:] + records[:number]
        return stage.record(scene.seller, *mine, key=f"batch {number}")

    answers = at_once(CROWD, send)

    assert outcomes(answers) == (CROWD, set())
    # The first of the forty keys was there before.
    assert UsageLine.objects.count() == 40
    assert sum(report.recorded for report in answers) == 39


def test_settling_races_the_lapse_of_the_hold(scene):
    from vouchers import actions as vouchers

    bill, order = stage.bill(scene), scene.voucher.orders.get()

    def one(number):
        if number % 2:
            return vouchers.lapse_hold(order=order, at=order.lapses_at, key="lapse")
        return stage.settle(bill)

    at_once(2, one)

    # A hold waits for the bill under it, so that it is paid whoever comes first.
    assert stage.payable(scene) == 600_00
    assert stage.held(order) in (0, 900_00)
    stage.assert_in_step()
    assert isinstance(stage.settle(bill), list)
