"""A batch goes from open to the bank stage by stage, each by the person whose part it is."""

import pytest
from django.db import IntegrityError, transaction
from stdnum import iso11649

from billing import actions
from billing.bank.xml import BankFileInvalid, message_of, read_xml, schema_errors
from billing.models import Batch, BatchStep, Payment, PaymentFile
from billing.queries import differences, list_of, list_sha256, lists_locked, payables_due
from parties.queries import NotAllowed, SamePerson
from parties.roles import Role
from tests import cast
from tests.billing import stage
from tests.billing.test_batches import owe_another
from tests.parties.money_scenes import with_payable

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    """600.00 is due to one provider and 60.00 to another."""
    scene = with_payable()
    owe_another(scene, with_bank=True)
    return scene


def a_fourth(scene):
    person = cast.a_person("Fourth Officer")
    return cast.with_role(person, scene.authority.organisation, Role.FINANCE)


def remove(scene, payment, key="remove", actor=None, note="Paid by hand"):
    return actions.remove_payment(
        payment=payment,
        note=note,
        actor=actor or scene.authority.finance[0],
        at=stage.LATER,
        key=key,
    )


def add(scene, batch, payable, key="add"):
    return actions.add_payment(
        batch=batch,
        payable=payable,
        actor=scene.authority.finance[0],
        at=stage.LATER,
        key=key,
    )


def send_back(scene, batch, key="back", actor=None, note="A party was forgotten"):
    return actions.send_back_batch(
        batch=batch,
        note=note,
        actor=actor or scene.authority.finance[1],
        at=stage.LATER,
        key=key,
    )


def refuses(write, name):
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        write()
    assert refusal.value.__cause__.diag.constraint_name == name


# --- the open list ---------------------------------------------------------------------------


def test_a_removed_payment_is_due_again_and_can_be_added_again(scene):
    batch = stage.open_batch(scene)
    payment = batch.payments.get(amount=60_00)

    assert remove(scene, payment) == remove(scene, payment)
    batch.refresh_from_db()
    assert batch.total == 600_00
    assert [one.amount for one in payables_due(scene.scheme.programme)] == [60_00]
    step = BatchStep.objects.get(kind="REMOVED")
    assert (step.payment, step.note, step.doer) == (
        payment,
        "Paid by hand",
        scene.authority.finance[0],
    )

    added = add(scene, batch, payment.payable)

    assert add(scene, batch, payment.payable) == added
    batch.refresh_from_db()
    payment.refresh_from_db()
    assert (added.kind, added.payment) == ("ADDED", payment)
    assert (batch.total, payment.status) == (660_00, Payment.Status.PREPARED)
    # What was answered stays, whatever became of the payment since.
    assert remove(scene, payment) == step
    assert (step.kind, BatchStep.objects.filter(kind="REMOVED").count()) == ("REMOVED", 1)
    assert payables_due(scene.scheme.programme) == []
    stage.assert_in_step()


def test_a_payment_is_removed_once_with_words_and_added_once(scene):
    batch = stage.open_batch(scene)
    payment = batch.payments.get(amount=60_00)

    with pytest.raises(actions.NoteMissing):
        remove(scene, payment, note=" ")
    with pytest.raises(actions.PaymentInBatch):
        add(scene, batch, payment.payable)
    with pytest.raises(NotAllowed):
        remove(scene, payment, actor=scene.authority.officer)
    remove(scene, payment)
    with pytest.raises(actions.PaymentNotInBatch):
        remove(scene, payment, key="another click")

    batch.refresh_from_db()
    assert batch.total == 600_00


def test_what_comes_due_meanwhile_is_added_to_the_open_batch(scene):
    batch = stage.open_batch(scene)
    owe_another(scene, with_bank=True)
    (due,) = payables_due(scene.scheme.programme)

    added = add(scene, batch, due.address).payment

    batch.refresh_from_db()
    assert (added.amount, added.end_to_end_id) == (60_00, f"{batch.code}-00003")
    assert batch.total == 720_00


def test_an_empty_list_is_not_locked(scene):
    batch = stage.open_batch(scene)
    for number, payment in enumerate(batch.payments.all()):
        remove(scene, payment, key=f"remove {number}")

    with pytest.raises(actions.BatchEmpty):
        stage.lock(scene, batch)
    assert Batch.objects.get().status == Batch.Status.OPEN


def test_a_locked_list_is_frozen_for_actions_and_for_sql(scene):
    batch = stage.prepare(scene)
    payment = batch.payments.get(amount=60_00)
    rows = Payment.objects.filter(pk=payment.pk)

    with pytest.raises(actions.BatchNotReady):
        remove(scene, payment)
    refuses(lambda: rows.update(amount=1), "batch_list_frozen")
    refuses(lambda: rows.update(status="REMOVED"), "batch_list_frozen")
    refuses(lambda: rows.update(payable="provider_payable:x:y"), "batch_list_frozen")
    with pytest.raises(Exception, match="append-only"), transaction.atomic():
        rows.delete()
    payment.pk, payment.end_to_end_id, payment.payable = None, "X", "another"
    payment.reference = ""
    refuses(payment.save, "batch_list_frozen")


def test_no_stage_is_skipped_by_sql_either(scene):
    batch = stage.open_batch(scene)
    rows = Batch.objects.filter(pk=batch.pk)
    _first, second, third = scene.authority.finance

    for status in ("APPROVED", "AUTHORISED"):
        refuses(
            lambda s=status: rows.update(status=s, approved_by=second), "batch_stages_in_order"
        )
    refuses(
        lambda: rows.update(status="RELEASED", approved_by=second, released_by=third),
        "batch_stages_in_order",
    )
    stage.lock(scene, batch)
    refuses(
        lambda: rows.update(status="CLOSED", approved_by=second, released_by=third),
        ("batch_stages_in_order"),
    )


# --- four eyes, and six, and eight -----------------------------------------------------------


def test_above_the_law_s_amount_one_more_person_authorises():
    scene = with_payable(above="599.99")
    first, second, third = scene.authority.finance
    batch = stage.approve(scene, stage.prepare(scene))
    asked = {"batch": batch, "at": stage.LATER}
    assert batch.needs_authorisation

    with pytest.raises(actions.BatchNotReady):
        stage.release(scene, batch)
    for person in (first, second):
        with pytest.raises(SamePerson):
            actions.authorise_batch(**asked, actor=person, key="z")
    batch = stage.authorise(scene, batch, key="z")
    assert stage.authorise(scene, batch, key="z") == batch
    for person in (first, second, third):
        with pytest.raises(SamePerson):
            actions.release_batch(**asked, actor=person, key="r")
    assert stage.payable(scene) == 600_00

    actions.release_batch(**asked, actor=a_fourth(scene), key="r")

    assert Batch.objects.get().status == Batch.Status.RELEASED
    assert stage.payable(scene) == 0
    stage.assert_in_step()


def test_at_the_law_s_amount_approval_is_enough():
    scene = with_payable(above="600.00")
    batch = stage.approve(scene, stage.prepare(scene))

    with pytest.raises(actions.AuthorisationNotNeeded):
        stage.authorise(scene, batch)
    stage.release(scene, batch)

    assert Batch.objects.get().status == Batch.Status.RELEASED


def test_the_database_holds_that_what_must_be_authorised_is():
    scene = with_payable(above="1")
    batch = stage.approve(scene, stage.prepare(scene))
    rows = Batch.objects.filter(pk=batch.pk)

    refuses(
        lambda: rows.update(status="RELEASED", released_by=scene.authority.finance[2]),
        "billing_batch_authorised_by_somebody",
    )


def test_sent_back_a_list_is_approved_anew_and_parts_stay_parts(scene):
    _first, second, third = scene.authority.finance
    batch = stage.approve(scene, stage.prepare(scene))

    back = send_back(scene, batch, actor=third)

    assert send_back(scene, batch, actor=third) == back
    assert (back.status, back.approved_by) == (Batch.Status.OPEN, None)
    payment = batch.payments.get(amount=60_00)
    with pytest.raises(SamePerson):
        remove(scene, payment, actor=second)
    remove(scene, payment)
    batch = stage.approve(scene, stage.lock(scene, back))
    assert batch.approved_by == second
    (newer, kept), (older, former) = lists_locked(batch)
    assert [(one.before.amount, one.after) for one in differences(former, kept)] == [
        (60_00, None)
    ]
    assert newer.list_sha256 != older.list_sha256
    stage.release(scene, batch)
    assert [one.amount for one in payables_due(scene.scheme.programme)] == [60_00]


def test_a_maker_of_one_payment_is_a_maker(scene):
    _first, second, third = scene.authority.finance
    batch = stage.open_batch(scene)
    remove(scene, batch.payments.get(amount=60_00), actor=second)
    batch = stage.lock(scene, batch)

    with pytest.raises(SamePerson):
        actions.approve_batch(batch=batch, actor=second, at=stage.LATER, key="a")
    refuses(
        lambda: Batch.objects.filter(pk=batch.pk).update(
            status="APPROVED", approved_by=cast.another_account(second)
        ),
        "two_people",
    )
    actions.approve_batch(batch=batch, actor=third, at=stage.LATER, key="a")


def test_what_was_done_to_a_batch_stays_written(scene):
    batch = stage.prepare(scene)

    kinds = BatchStep.objects.order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["OPENED", "LOCKED"]
    with pytest.raises(Exception, match="permission denied"), transaction.atomic():
        BatchStep.objects.filter(batch=batch).update(note="other")


# --- what the next person is shown -----------------------------------------------------------


def test_who_was_shown_another_list_is_refused(scene):
    batch = stage.prepare(scene)
    seen = list_sha256(list_of(batch, stage.LATER))
    asked = {"actor": scene.authority.finance[1], "at": stage.LATER, "seen": seen}
    assert lists_locked(batch)[0][0].list_sha256 == seen
    newer = cast.a_bank_detail(scene.seller.organisation, scene.seller.person, scene.authority)

    with pytest.raises(actions.ListChanged):
        actions.approve_batch(batch=batch, key="a", **asked)

    batch.refresh_from_db()
    assert batch.status == Batch.Status.LOCKED
    (changed,) = differences(lists_locked(batch)[0][1], list_of(batch, stage.LATER))
    assert (changed.before.number, changed.after.number) == (
        scene.seller.bank_detail.number,
        newer.number,
    )
    asked["seen"] = list_sha256(list_of(batch, stage.LATER))
    actions.approve_batch(batch=batch, key="a", **asked)


# --- the file --------------------------------------------------------------------------------


@pytest.mark.parametrize("message", ["pain.001.001.09", "pain.001.001.03"])
def test_the_law_says_in_which_version_the_file_is_written(message):
    authority, applicant = cast.make_authority(), cast.an_sme()
    seller = cast.make_provider(authority)
    scheme = cast.make_programme(authority, text=cast.paying_text(message=message))
    voucher = cast.an_issued_voucher(scheme, applicant)
    scene = cast.Scene(authority, seller, scheme, applicant, voucher)
    stage.an_own_account(authority)
    order = cast.a_hold(voucher, applicant, seller)
    stage.use(seller, order, hours=40)
    stage.settle(stage.bill(scene))

    batch, content = stage.sent(scene)

    root = read_xml(content)
    assert message_of(root) == message
    assert schema_errors(root, message) == []
    payment = batch.payments.get()
    assert iso11649.is_valid(payment.reference)
    assert payment.reference[4:] == payment.end_to_end_id.replace("-", "")
    assert f"<Ref>{payment.reference}</Ref>".encode() in content
    stage.read(scene, stage.answer(content))
    batch.refresh_from_db()
    assert batch.status == Batch.Status.CLOSED
    stage.assert_in_step()


def test_a_file_that_the_bank_could_not_read_moves_nothing(scene):
    batch = stage.approve(scene, stage.prepare(scene))
    detail = scene.seller.bank_detail
    type(detail).objects.filter(pk=detail.pk).update(holder="Acme\u0007")

    with pytest.raises(BankFileInvalid):
        stage.release(scene, batch)

    batch.refresh_from_db()
    assert batch.status == Batch.Status.APPROVED
    assert stage.payable(scene) == 600_00
    assert not PaymentFile.objects.exists()
    assert {one.status for one in batch.payments.all()} == {"PREPARED"}


def test_a_person_says_that_the_bank_has_the_file(scene):
    batch, _content = stage.sent(scene)
    asked = {"batch": batch, "actor": scene.authority.finance[0], "at": stage.LATER}

    sent = actions.hand_over_batch(**asked, key="h")

    assert actions.hand_over_batch(**asked, key="h") == sent
    assert sent.status == Batch.Status.SENT
    with pytest.raises(actions.BatchNotReady):
        actions.hand_over_batch(**asked, key="another click")
    with pytest.raises(actions.BatchNotReady):
        send_back(scene, batch)
