"""What comes to light of a closed month is kept beside it, however it comes and however soon."""

import threading
import time
from datetime import date

import pytest
from django.db import connection

from billing import actions
from billing.actions import periods
from billing.models import BankResolution, Payment
from common.errors import Refused
from ledger.queries import transfers_of
from tests import cast
from tests.billing import bank_scene as bank
from tests.billing import stage
from tests.billing.closing import AUGUST, close, closed, propose

Kind = BankResolution.Kind
JULY = date(2025, 7, 1)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "amount", "kept"),
    [(Kind.PAID_IN_PART, "-450.00", [-150_00, 150_00]), (Kind.THIS_PAYMENT, "-600.00", [0])],
)
def test_a_part_payment_and_what_is_undone_correct_the_month_it_was_sent_in(kind, amount, kept):
    scene, batch = bank.make()
    payment = batch.payments.get()
    name = payment.end_to_end_id if kind == Kind.PAID_IN_PART else ""
    line = bank.odd_line(scene, amount, name)
    month = closed(scene, month=JULY)

    bank.resolve(scene, line, kind, payment, at=AUGUST)
    for _turn in range(2):
        bank.agree(scene, line, key="agree", at=AUGUST)
    for _turn in range(2):
        bank.undo(scene, line, key="undo", at=AUGUST)

    assert [one.amount for one in month.corrections.order_by("pk")] == kept
    assert Payment.objects.get().status == Payment.Status.SENT
    stage.assert_in_step()


@pytest.mark.slow
def test_what_comes_in_the_instant_of_closing_is_kept_beside_the_month(
    committed_db, monkeypatch
):
    scene = cast.make_scene(cast.M3)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    stage.use(scene.seller, order, hours=10)
    (settlement,) = stage.settle(stage.bill(scene))
    propose(scene)
    is_locked, look = threading.Event(), periods._require_closable

    def look_slowly(*given):
        look(*given)
        is_locked.set()
        time.sleep(1)

    monkeypatch.setattr(periods, "_require_closable", look_slowly)
    done = []

    def shut():
        try:
            done.append(close(scene))
        except Refused as refusal:
            done.append(refusal)
        finally:
            connection.close()

    closing = threading.Thread(target=shut)
    closing.start()
    assert is_locked.wait(60)

    actions.correct_transfer(**correction(scene, settlement))

    closing.join(60)
    (month,) = done
    assert [one.amount for one in month.corrections.all()] == [-150_00]
    stage.assert_in_step()


def correction(scene, settlement):
    moved = transfers_of(settlement.act_id).get(hold_id=settlement.order.hold)
    return {
        "transfer_id": moved.id,
        "reason": "Billed to the wrong order",
        "actor": scene.authority.finance[0],
        "at": AUGUST,
        "key": "correct",
    }
