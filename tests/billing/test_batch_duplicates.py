"""A payment that looks like an earlier one is shown, and is paid only with a word why."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from billing import actions
from billing.models import Batch, DuplicateAnswer, Payment
from billing.queries import duplicates_in
from ledger.actions import NotEnough
from tests import cast
from tests.billing import stage
from tests.parties.money_scenes import with_payable

pytestmark = pytest.mark.django_db
DAYS = 30


@pytest.fixture
def scene():
    """600.00 was sent to a provider, and 600.00 more is due to it."""
    scene = with_payable()
    stage.sent(scene)
    owe(scene, hours=40)
    return scene


def owe(scene, hours, key="job-2"):
    order = scene.voucher.orders.get()
    stage.use(
        scene.seller, order, hours=hours, key=key, started=stage.START + timedelta(days=3)
    )
    stage.settle(stage.bill(scene, stage.a_line(key), invoice=f"INV-{key}"))


def approve(scene, batch, reasons=None, key="approve"):
    return actions.approve_batch(
        batch=batch,
        actor=scene.authority.finance[1],
        at=stage.LATER,
        key=key,
        reasons=reasons,
    )


def test_a_twin_is_approved_with_a_word_why_and_not_without(scene):
    batch = stage.prepare(scene)
    (found,) = duplicates_in(batch, DAYS)
    assert found.payment.batch_id == batch.pk
    assert (found.twin.amount, found.twin.status, found.reason) == (600_00, "SENT", "")

    for said in (None, {}, {found.payment.end_to_end_id: " "}, {"another": "Right"}):
        with pytest.raises(actions.DuplicatesOpen) as refused:
            approve(scene, batch, said)
        assert refused.value.values["payments"] == found.payment.end_to_end_id
    batch.refresh_from_db()
    assert (batch.status, DuplicateAnswer.objects.count()) == (Batch.Status.LOCKED, 0)

    reasons = {found.payment.end_to_end_id: "Another week of the same order"}
    approved = approve(scene, batch, reasons)

    assert approve(scene, batch, reasons) == approved
    answer = DuplicateAnswer.objects.get()
    assert (answer.payment, answer.twin) == (found.payment, found.twin)
    assert answer.answered_by == scene.authority.finance[1]
    assert duplicates_in(batch, DAYS)[0].reason == "Another week of the same order"
    stage.release(scene, batch)
    stage.assert_in_step()


def test_a_twin_that_is_removed_is_no_twin_any_more(scene):
    batch = stage.open_batch(scene)
    payment = batch.payments.get()
    actions.remove_payment(
        payment=payment,
        note="Paid already",
        actor=scene.authority.finance[0],
        at=stage.LATER,
        key="remove",
    )

    assert duplicates_in(batch, DAYS) == []


@pytest.mark.parametrize(
    ("change", "is_twin"),
    [
        ({"amount": 600_01}, False),
        ({"unit": "GBP"}, False),
        ({"status": "RETURNED"}, False),
        ({"status": "PAID"}, True),
    ],
)
def test_what_makes_a_twin(scene, change, is_twin):
    batch = stage.prepare(scene)
    twin = Payment.objects.exclude(batch=batch).get()
    if change.keys() <= {"status"}:
        Payment.objects.filter(pk=twin.pk).update(**change)
    else:
        mine = batch.payments.get()
        batch = actions.send_back_batch(
            batch=batch,
            note="Look again",
            actor=scene.authority.finance[1],
            at=stage.LATER,
            key="back",
        )
        Payment.objects.filter(pk=mine.pk).update(**change)

    assert bool(duplicates_in(batch, DAYS)) == is_twin


def test_another_party_with_the_same_account_is_a_twin(scene):
    batch = stage.prepare(scene)
    twin = Payment.objects.exclude(batch=batch).get()
    other = cast.make_provider(scene.authority, "Other Compute")
    detail = type(other.bank_detail).objects.filter(pk=other.bank_detail.pk)
    detail.update(number=scene.seller.bank_detail.number)
    Payment.objects.filter(pk=twin.pk).update(bank_detail=other.bank_detail.pk)

    assert [one.twin for one in duplicates_in(batch, DAYS)] == [twin]


def test_outside_the_law_s_window_nothing_is_a_twin(scene):
    batch = stage.prepare(scene)
    Batch.objects.exclude(pk=batch.pk).update(prepared_at=stage.LATER - timedelta(days=DAYS))
    assert len(duplicates_in(batch, DAYS)) == 1

    Batch.objects.exclude(pk=batch.pk).update(
        prepared_at=stage.LATER - timedelta(days=DAYS, seconds=1)
    )
    assert duplicates_in(batch, DAYS) == []
    approve(scene, batch)


def test_one_id_twice_is_impossible(scene):
    batch = stage.open_batch(scene)
    mine, earlier = batch.payments.get(), Payment.objects.exclude(batch=batch).get()

    for field in ("end_to_end_id", "reference"):
        with pytest.raises(IntegrityError), transaction.atomic():
            Payment.objects.filter(pk=mine.pk).update(**{field: getattr(earlier, field)})


def test_what_was_settled_once_is_not_paid_twice_whatever_a_payment_says(scene):
    batch = stage.open_batch(scene)
    Payment.objects.filter(batch=batch).update(amount=600_01)
    batch = stage.approve(scene, stage.lock(scene, batch))

    with pytest.raises(NotEnough):
        stage.release(scene, batch)

    batch.refresh_from_db()
    assert batch.status == Batch.Status.APPROVED
    assert stage.payable(scene) == 600_00
    stage.assert_in_step()
