"""What is due is paid once, by three people, in a file that the bank can read."""

import hashlib
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from billing import actions
from billing.bank.demo_bank import MESSAGE
from billing.models import Batch, Payment, PaymentFile
from billing.queries import payables_due, payables_without_bank_detail
from ledger.queries import balances
from parties import actions as parties
from parties.queries import NotAllowed, SamePerson
from tests import cast
from tests.billing import stage

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    """600.00 is due to the provider."""
    scene = cast.make_scene(cast.M3)
    stage.an_own_account(scene.authority)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    stage.use(scene.seller, order, hours=40)
    stage.settle(stage.bill(scene))
    return scene


def owe_another(scene, *, with_bank):
    """Let 60.00 be due to a second provider."""
    seller = cast.make_provider(scene.authority, "Other Compute")
    if not with_bank:
        seller.bank_detail.status = "REPLACED"
        seller.bank_detail.save(update_fields=["status"])
    other = cast.Scene(scene.authority, seller, scene.scheme, scene.applicant, scene.voucher)
    order = cast.a_hold(scene.voucher, scene.applicant, seller)
    stage.use(seller, order, hours=4)
    stage.settle(stage.bill(other))
    return other


def test_a_batch_holds_what_is_due_once(scene):
    programme = scene.scheme.programme
    (due,) = payables_due(programme)
    assert (due.payee, due.amount) == (scene.seller.organisation, 600_00)

    batch = stage.prepare(scene)

    assert (batch.total, batch.status) == (600_00, Batch.Status.LOCKED)
    payment = Payment.objects.get()
    assert (payment.amount, payment.unit, payment.payable) == (600_00, "CNY", due.address)
    assert payment.end_to_end_id == f"{batch.code}-00001"
    assert payables_due(programme) == []
    with pytest.raises(actions.NothingDue):
        stage.prepare(scene)


def cancel(scene, batch, key="cancel", actor=None, note="A party was forgotten"):
    return actions.cancel_batch(
        batch=batch,
        note=note,
        actor=actor or scene.authority.finance[0],
        at=stage.LATER,
        key=key,
    )


@pytest.mark.parametrize("is_approved", [False, True])
def test_a_cancelled_batch_makes_its_payments_due_again_and_pays_nothing(scene, is_approved):
    (due,) = payables_due(scene.scheme.programme)
    batch = stage.prepare(scene)
    if is_approved:
        batch = stage.approve(scene, batch)

    cancelled = cancel(scene, batch)

    assert cancel(scene, batch) == cancelled
    assert cancelled.status == Batch.Status.CANCELLED
    assert [one.status for one in batch.payments.all()] == ["CANCELLED"]
    assert payables_due(scene.scheme.programme) == [due]
    for step in (stage.approve, stage.release):
        with pytest.raises(actions.BatchNotReady):
            step(scene, batch)
    again = stage.prepare(scene)
    assert again.total == 600_00
    stage.release(scene, stage.approve(scene, again))
    stage.assert_in_step()


def test_a_batch_is_cancelled_by_finance_with_words_before_it_is_sent(scene):
    batch = stage.prepare(scene)
    with pytest.raises(NotAllowed):
        cancel(scene, batch, actor=scene.authority.officer)
    with pytest.raises(actions.NoteMissing):
        cancel(scene, batch, note=" ")
    stage.release(scene, stage.approve(scene, batch))

    with pytest.raises(actions.BatchNotReady):
        cancel(scene, batch)

    batch.refresh_from_db()
    assert batch.status == Batch.Status.RELEASED
    assert Payment.objects.get().status == Payment.Status.SENT


def test_asked_twice_it_is_one_batch(scene):
    assert stage.prepare(scene, key="p") == stage.prepare(scene, key="p")
    assert Batch.objects.count() == 1


def test_who_has_no_bank_detail_is_left_out_and_named(scene):
    owe_another(scene, with_bank=False)

    batch = stage.prepare(scene)

    assert batch.total == 600_00
    assert batch.act.details == {"left_out": ["Other Compute"]}
    (waiting,) = payables_without_bank_detail(scene.scheme.programme, stage.LATER)
    assert (waiting.payee.name, waiting.amount) == ("Other Compute", 60_00)
    with pytest.raises(actions.BankDetailMissing) as refused:
        stage.prepare(scene)
    assert refused.value.values == {"names": "Other Compute"}


def test_release_moves_value_to_clearing_and_writes_the_banks_file(scene):
    owe_another(scene, with_bank=True)

    batch, content = stage.sent(scene)

    assert batch.status == Batch.Status.RELEASED
    clearing = scene.scheme.programme.account("clearing", batch.code)
    assert balances([clearing])[clearing].net == 660_00
    assert stage.payable(scene) == 0
    file = PaymentFile.objects.get()
    assert file.sha256 == hashlib.sha256(content).hexdigest()
    assert b"<CtrlSum>660.00</CtrlSum>" in content
    assert content.count(b"<CdtTrfTxInf>") == 2
    assert MESSAGE.encode() in stage.answer(content)
    stage.assert_in_step()


def test_release_asked_twice_gives_the_same_file(scene):
    batch = stage.approve(scene, stage.prepare(scene))

    first = stage.release(scene, batch, key="r")
    second = stage.release(scene, batch, key="r")

    assert first == second
    with pytest.raises(actions.BatchNotReady):
        stage.release(scene, batch, key="another click")
    assert PaymentFile.objects.count() == 1


def test_three_different_people_pay(scene):
    first, second, third = scene.authority.finance
    batch = stage.prepare(scene)
    asked = {"batch": batch, "at": stage.LATER}

    with pytest.raises(SamePerson):
        actions.approve_batch(**asked, actor=first, key="a")
    with pytest.raises(NotAllowed):
        actions.approve_batch(**asked, actor=scene.authority.officer, key="a")
    with pytest.raises(actions.BatchNotReady):
        actions.release_batch(**asked, actor=third, key="r")
    actions.approve_batch(**asked, actor=second, key="a")
    for person in (first, second):
        with pytest.raises(SamePerson):
            actions.release_batch(**asked, actor=person, key="r")

    assert not PaymentFile.objects.exists()
    assert stage.payable(scene) == 600_00


def test_the_database_itself_refuses_two_people(scene):
    batch = stage.prepare(scene)

    with pytest.raises(IntegrityError), transaction.atomic():
        Batch.objects.filter(pk=batch.pk).update(approved_by=batch.prepared_by)


def test_without_an_account_of_its_own_the_authority_sends_nothing():
    scene = cast.make_scene(cast.M3)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    stage.use(scene.seller, order, hours=40)
    stage.settle(stage.bill(scene))
    batch = stage.approve(scene, stage.prepare(scene))

    with pytest.raises(actions.BankDetailMissing):
        stage.release(scene, batch)

    batch.refresh_from_db()
    assert batch.status == Batch.Status.APPROVED
    assert stage.payable(scene) == 600_00


def test_a_payee_is_paid_where_it_is_paid_on_the_day_of_release(scene):
    batch = stage.approve(scene, stage.prepare(scene))
    newer = cast.a_bank_detail(scene.seller.organisation, scene.seller.person, scene.authority)

    content = bytes(stage.release(scene, batch).content)

    assert newer.number.encode() in content
    assert scene.seller.bank_detail.number.encode() not in content


def test_a_batch_never_pays_to_a_bank_detail_within_its_cooling_off(scene):
    former = scene.seller.bank_detail
    changed = parties.propose_bank_detail(
        organisation=scene.seller.organisation,
        scheme="OTHER",
        number="6222000000009999",
        agent="BKCHCNBJ",
        holder="Acme Compute",
        actor=scene.seller.person,
        at=cast.NOON,
        key="change",
    )
    # Approved a second too late to be paid on the day of the batch.
    parties.approve_bank_detail(
        bank_detail=changed,
        actor=scene.authority.finance[0],
        at=stage.LATER - timedelta(days=7) + timedelta(seconds=1),
        key="approve",
    )
    batch = stage.approve(scene, stage.prepare(scene))
    (payment,) = batch.payments.all()
    assert payment.bank_detail == former

    content = bytes(stage.release(scene, batch).content)

    assert former.number.encode() in content
    assert changed.number.encode() not in content
