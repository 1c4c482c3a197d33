"""A bill is paid when the ledger's lots of it are, whatever day its batches were opened."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import Bill, BillLine
from billing.views.bill_states import state_of, states_of
from tests import cast
from tests.billing import bank_scene, recovering, sharing, stage
from tests.billing.test_several_funders import a_sent_batch
from tests.cast import M3

pytestmark = pytest.mark.django_db


def label(bill):
    bill.refresh_from_db()
    return str(state_of(bill, stage.LATER).status.label)


def a_bill(scene, order, key, hours=10):
    stage.use(scene.seller, order, hours=hours, key=key)
    bill = stage.bill(scene, invoice=key)
    stage.settle(bill)
    return bill


@pytest.fixture
def scene():
    scene = cast.make_scene(M3)
    stage.an_own_account(scene.authority)
    return scene


def test_what_is_settled_after_the_batch_was_made_waits_for_the_next(scene):
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    first = a_bill(scene, order, "job-1")
    _batch, file = stage.sent(scene)
    # In the very same instant.
    second = a_bill(scene, order, "job-2")

    assert (label(first), label(second)) == ("Sent to bank", "Approved for payment")
    stage.read(scene, stage.answer(file))

    assert (label(first), label(second)) == ("Paid", "Approved for payment")


def test_a_bill_of_several_payers_is_paid_when_each_has_paid():
    scene, province = sharing.a_scene()
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    bill = a_bill(scene, order, "job-1")
    first, of_city = a_sent_batch(scene, scene.authority)
    stage.read(scene, stage.answer(of_city, "ST-1"))
    assert label(bill) == "Approved for payment"

    second, of_province = a_sent_batch(scene, province)
    assert label(bill) == "Sent to bank"
    name = second.payments.get().end_to_end_id
    stage.read(scene, stage.answer(of_province, "ST-2", returned={name: "AC04"}))
    assert label(bill) == "Approved for payment"
    assert state_of(bill, stage.LATER).payment.end_to_end_id == name

    third, again = a_sent_batch(scene, province)
    stage.read(scene, stage.answer(again, "ST-3"))
    assert label(bill) == "Paid"
    assert state_of(bill, stage.LATER).payment == third.payments.get()
    assert first.payments.get().status == "PAID"


def test_what_was_paid_in_part_is_paid_with_the_rest():
    scene, batch = bank_scene.make()
    bill = Bill.objects.get()
    line = bank_scene.odd_line(scene, "-450.00", f"{batch.code}-00001")
    bank_scene.resolve(scene, line, "PAID_IN_PART", batch.payments.get())
    assert label(bill) == "Sent to bank"
    bank_scene.agree(scene, line)
    assert label(bill) == "Approved for payment"

    _rest, file = stage.sent(scene)
    assert label(bill) == "Sent to bank"
    stage.read(scene, stage.answer(file, "ST-9"))

    assert label(bill) == "Paid"


def test_what_was_set_off_is_not_waited_for():
    scene = recovering.a_scene()
    order, line = recovering.paid(scene)
    case = recovering.upheld(scene, line, amount=150_00)
    bill = a_bill(scene, order, "job-2")
    assert label(bill) == "Approved for payment"

    recovering.offset(scene, case)

    assert label(bill) == "Paid"
    assert BillLine.objects.filter(bill=bill).count() == 1


def test_the_statements_do_not_depend_on_the_bills(scene):
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller, hours="200")
    bills = [a_bill(scene, order, f"job-{number}") for number in range(3)]
    stage.sent(scene)
    counts = []
    for some in (bills[:1], bills):
        with CaptureQueriesContext(connection) as asked:
            states_of(some, stage.LATER)
        counts.append(len(asked))
    assert counts[0] == counts[1]
