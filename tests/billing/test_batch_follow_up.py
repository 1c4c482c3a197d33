"""What the bank returned is paid anew by a batch that follows the first, each payment once."""

import pytest
from django.db import IntegrityError, transaction

from billing import actions
from billing.models import Batch, Payment
from billing.queries import returned_and_not_followed
from parties.queries import NotAllowed
from tests import cast
from tests.billing import stage
from tests.billing.test_batches import owe_another
from tests.parties.money_scenes import with_payable

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    scene = with_payable()
    owe_another(scene, with_bank=True)
    return scene


@pytest.fixture
def returned(scene):
    """A batch of 600.00 and 60.00, of which the bank sent 600.00 back."""
    batch, content = stage.sent(scene)
    back = batch.payments.get(amount=600_00)
    stage.read(scene, stage.answer(content, returned={back.end_to_end_id: "AC04"}))
    batch.refresh_from_db()
    assert batch.status == Batch.Status.CLOSED
    return batch


def follow(scene, batch, key="follow", actor=None):
    return actions.follow_up_batch(
        batch=batch, actor=actor or scene.authority.finance[0], at=stage.LATER, key=key
    )


def test_a_follow_up_pays_what_came_back_and_names_it(scene, returned):
    (back,) = returned_and_not_followed(returned)
    # What came due since is not of the first batch, and waits for another one.
    owe_another(scene, with_bank=True)

    batch = follow(scene, returned)

    assert follow(scene, returned) == batch
    assert (batch.follows, batch.status, batch.total) == (returned, "OPEN", 600_00)
    payment = batch.payments.get()
    assert (payment.follows, payment.payable) == (back, back.payable)
    assert payment.end_to_end_id != back.end_to_end_id
    assert payment.reference != back.reference
    batch = stage.approve(scene, stage.lock(scene, batch))
    content = bytes(stage.release(scene, batch).content)
    stage.read(scene, stage.answer(content, number="ST-2"))
    payment.refresh_from_db()
    assert payment.status == Payment.Status.PAID
    assert stage.payable(scene) == 0
    stage.assert_in_step()


def test_what_came_back_is_followed_once(scene, returned):
    first = follow(scene, returned)

    with pytest.raises(actions.NothingReturned):
        follow(scene, returned, key="another click")
    back = first.payments.get().follows
    with pytest.raises(IntegrityError), transaction.atomic():
        Payment.objects.filter(batch=returned, status="PAID").update(follows=back)

    actions.cancel_batch(
        batch=first,
        note="The account is still closed",
        actor=scene.authority.finance[1],
        at=stage.LATER,
        key="cancel",
    )
    again = follow(scene, returned, key="later")
    assert (again.follows, again.total) == (returned, 600_00)


def test_what_was_removed_is_not_added_again_once_another_batch_follows_it(scene, returned):
    first = follow(scene, returned)
    payment = first.payments.get()
    actions.remove_payment(
        payment=payment,
        note="Wait",
        actor=scene.authority.finance[0],
        at=stage.LATER,
        key="remove",
    )
    second = follow(scene, returned, key="later")
    settle_more(scene)
    before = (stage.payable(scene), list(Payment.objects.order_by("pk").values()))

    with pytest.raises(actions.ReturnFollowed) as refusal:
        add(scene, first, payment)

    assert second.code in str(refusal.value)
    assert (stage.payable(scene), list(Payment.objects.order_by("pk").values())) == before
    actions.cancel_batch(
        batch=second,
        note="Too many",
        actor=scene.authority.finance[1],
        at=stage.LATER,
        key="cancel",
    )

    step = add(scene, first, payment)

    # No more than what came back, though more is due since.
    assert (step.payment.amount, step.payment.follows) == (600_00, payment.follows)
    stage.assert_in_step()


def add(scene, batch, payment):
    return actions.add_payment(
        batch=batch,
        payable=payment.payable,
        actor=scene.authority.finance[0],
        at=stage.LATER,
        key="add",
    )


def settle_more(scene):
    order = cast.a_hold(
        scene.voucher, scene.applicant, scene.seller, provider_reference="order-2"
    )
    stage.use(scene.seller, order, hours=1, key="job-more")
    stage.settle(stage.bill(scene, invoice="INV-more"))


def test_nothing_came_back_of_a_batch_that_was_paid(scene):
    batch, content = stage.sent(scene)
    stage.read(scene, stage.answer(content))

    with pytest.raises(actions.NothingReturned):
        follow(scene, batch)
    with pytest.raises(NotAllowed):
        follow(scene, batch, actor=scene.authority.officer)

    assert Batch.objects.count() == 1


def test_what_another_batch_pays_already_is_not_followed(scene, returned):
    stage.open_batch(scene)

    with pytest.raises(actions.NothingReturned):
        follow(scene, returned)


def test_without_a_bank_detail_nothing_follows(scene, returned):
    details = type(scene.seller.bank_detail).objects
    details.filter(organisation=scene.seller.organisation).update(status="REPLACED")

    with pytest.raises(actions.BankDetailMissing):
        follow(scene, returned)

    cast.a_bank_detail(scene.seller.organisation, scene.seller.person, scene.authority)
    assert follow(scene, returned).total == 600_00
