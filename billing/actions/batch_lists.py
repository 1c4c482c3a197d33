"""Choose the payments of an open batch, lock its list, send it back, or call the batch off."""

from datetime import datetime

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from billing.actions.attempts import attempts_kept
from billing.actions.batch_steps import (
    add_step,
    at_step,
    require_finance,
    require_part,
    rules_of,
)
from billing.actions.batches import BankDetailMissing, NothingDue, payment_of, queue_for
from billing.actions.collections import offset_before_batch
from billing.actions.line_acts import checked_note
from billing.models import Batch, BatchStep, Payment
from billing.queries import (
    UNRELEASED,
    bank_details_in_force,
    list_of,
    list_sha256,
    payables_due,
)
from common.errors import Refused
from ledger.actions import begin
from ledger.kinds import ActKind
from parties.models import User

_Kind = BatchStep.Kind


class PaymentNotInBatch(Refused):
    """A payment that was removed already, or is of another batch."""

    code = "payment_not_in_batch"
    sentence = _("Payment %(payment)s is not in batch %(batch)s any more.")


class PaymentInBatch(Refused):
    """What is to be added is in the batch already."""

    code = "payment_in_batch"
    sentence = _(
        "%(payee)s is in batch %(batch)s already. What came due since goes into the next batch."
    )


class ReturnFollowed(Refused):
    """What came back is in another batch that follows the same one."""

    code = "return_followed"
    sentence = _(
        "What came back of payment %(returned)s is paid by payment %(follower)s of batch "
        "%(batch)s. Remove it there first, or leave it there."
    )


class BatchEmpty(Refused):
    """A batch without a payment can't be locked."""

    code = "batch_empty"
    sentence = _("Batch %(batch)s has no payments. Add one, or cancel the batch.")


@attempts_kept(ActKind.REMOVE_PAYMENT)
@transaction.atomic
def remove_payment(
    *, payment: Payment, note: str, actor: User, at: datetime, key: str
) -> BatchStep:
    """Take a payment out of an open batch, with a word why; its amount is due again.

    Returns the step, which stays as it is whatever becomes of the payment later.

    :raises NotAllowed: if the person is no finance officer of the programme.
    :raises NoteMissing: if there is no word why, or too many.
    :raises SamePerson: if the person approved or authorised an earlier list of the batch.
    :raises BatchNotReady: if the list is locked, or the batch cancelled.
    :raises PaymentNotInBatch: if it was removed before.
    :raises KeyReused: if the key was used for another payment.
    """
    officers = require_finance(payment.batch.programme, actor, at)
    note = checked_note(note)
    act = begin(
        kind=ActKind.REMOVE_PAYMENT,
        key=key,
        actor=actor.address,
        about=payment.batch.address,
        at=at,
        payload={"payment": payment.end_to_end_id, "note": note},
        reason=note,
        details={"payment": payment.end_to_end_id},
    )
    if act.is_replay:
        return BatchStep.objects.get(act_id=act.id)
    batch = at_step(payment.batch, Batch.Status.OPEN)
    stands_for = require_part("change_batch", batch, actor, at, officers)
    payment = Payment.objects.select_for_update().get(pk=payment.pk)
    if payment.status != Payment.Status.PREPARED:
        raise PaymentNotInBatch(payment=payment.end_to_end_id, batch=batch.code)
    payment.status = Payment.Status.REMOVED
    payment.save(update_fields=["status"])
    _sum_up(batch)
    return add_step(
        batch,
        _Kind.REMOVED,
        actor,
        at,
        act.id,
        note=note,
        payment=payment,
        stands_for=stands_for,
    )


@attempts_kept(ActKind.ADD_PAYMENT)
@transaction.atomic
def add_payment(
    *, batch: Batch, payable: str, actor: User, at: datetime, key: str
) -> BatchStep:
    """Add what is due from one ledger account to an open batch, removed from it before or not.

    What the party owes is set off first, where the law says that it sets itself off. What follows
    a returned payment is of what came back, as in `follow_up_batch`. Returns the step, which stays
    as it is whatever becomes of the payment later.

    :param payable: the ledger account, as `payables_due` names it.
    :raises NotAllowed: if the person is no finance officer of the programme.
    :raises SamePerson: if the person approved or authorised an earlier list of the batch.
    :raises BatchNotReady: if the list is locked, or the batch cancelled.
    :raises PaymentInBatch: if the batch pays from this account already.
    :raises ReturnFollowed: if another batch follows the same returned payment meanwhile.
    :raises NothingDue: if nothing is due from this account.
    :raises BankDetailMissing: if the party has no approved bank detail.
    :raises KeyReused: if the key was used for another payment.
    """
    officers = require_finance(batch.programme, actor, at)
    queue_for(batch.programme)
    act = begin(
        kind=ActKind.ADD_PAYMENT,
        key=key,
        actor=actor.address,
        about=batch.address,
        at=at,
        payload={"payable": payable},
        details={"payable": payable},
    )
    if act.is_replay:
        return BatchStep.objects.get(act_id=act.id)
    batch = at_step(batch, Batch.Status.OPEN)
    stands_for = require_part("change_batch", batch, actor, at, officers)
    offset_before_batch(batch.programme, at=at, key=key)
    payment = _added(batch, payable, at)
    _sum_up(batch)
    return add_step(
        batch, _Kind.ADDED, actor, at, act.id, payment=payment, stands_for=stands_for
    )


def _added(batch: Batch, payable: str, at: datetime) -> Payment:
    former = (
        Payment.objects.filter(batch=batch, payable=payable)
        .select_related("payee", "follows")
        .first()
    )
    if former is not None and former.status == Payment.Status.PREPARED:
        raise PaymentInBatch(payee=former.payee.name_here, batch=batch.code)
    due = next(
        (one for one in payables_due(batch.programme, batch.debtor) if one.address == payable),
        None,
    )
    if due is None:
        raise NothingDue(programme=batch.programme.title)
    detail = bank_details_in_force([due.payee.pk], at).get(due.payee.pk)
    if detail is None:
        raise BankDetailMissing(names=due.payee.name_here)
    if former is None:
        number = Payment.objects.filter(batch=batch).count() + 1
        payment = payment_of(batch, number, due, detail)
        payment.save()
        return payment
    former.status = Payment.Status.PREPARED
    former.amount, former.bank_detail = due.amount, detail
    if former.follows is not None:
        _require_not_followed(former.follows)
        former.amount = min(due.amount, former.follows.amount)
    former.save(update_fields=["status", "amount", "bank_detail"])
    return former


def _require_not_followed(returned: Payment) -> None:
    """Refuse to follow what another batch follows; batches of a programme queue before this."""
    follower = (
        Payment.objects.filter(follows=returned)
        .exclude(status__in=[Payment.Status.REMOVED, Payment.Status.CANCELLED])
        .select_related("batch")
        .first()
    )
    if follower is not None:
        raise ReturnFollowed(
            returned=returned.end_to_end_id,
            follower=follower.end_to_end_id,
            batch=follower.batch.code,
        )


def _sum_up(batch: Batch) -> None:
    """Say in an open batch what its payments come to."""
    batch.total = (
        Payment.objects.filter(batch=batch, status=Payment.Status.PREPARED).aggregate(
            total=Sum("amount")
        )["total"]
        or 0
    )
    batch.save(update_fields=["total"])


@attempts_kept(ActKind.LOCK_BATCH)
@transaction.atomic
def lock_batch(*, batch: Batch, actor: User, at: datetime, key: str) -> Batch:
    """Lock an open batch's list, so that another person can approve it as it is.

    The list is kept with its fingerprint. Whether one more person must authorise it is told by
    the law of this day and its total.

    :raises NotAllowed: if the person is no finance officer of the programme.
    :raises SamePerson: if the person approved or authorised an earlier list of the batch.
    :raises BatchNotReady: if it is not open.
    :raises BatchEmpty: if it has no payments.
    :raises KeyReused: if the key was used for another batch.
    """
    officers = require_finance(batch.programme, actor, at)
    act = begin(
        kind=ActKind.LOCK_BATCH,
        key=key,
        actor=actor.address,
        about=batch.address,
        at=at,
        payload={},
    )
    if act.is_replay:
        return Batch.objects.get(pk=batch.pk)
    batch = at_step(batch, Batch.Status.OPEN)
    stands_for = require_part("change_batch", batch, actor, at, officers)
    if not batch.total:
        raise BatchEmpty(batch=batch.code)
    paying = rules_of(batch.programme, at).paying
    batch.needs_authorisation = paying.needs_authorisation(batch.total, batch.programme.unit)
    listed = list_of(batch, at)
    batch.status = Batch.Status.LOCKED
    batch.save(update_fields=["status", "needs_authorisation"])
    BatchStep.objects.create(
        batch=batch,
        kind=_Kind.LOCKED,
        doer=actor,
        stands_for=stands_for,
        at=at,
        list=listed,
        list_sha256=list_sha256(listed),
        act_id=act.id,
    )
    return batch


@attempts_kept(ActKind.SEND_BACK_BATCH)
@transaction.atomic
def send_back_batch(*, batch: Batch, note: str, actor: User, at: datetime, key: str) -> Batch:
    """Open a locked list again, with a word why; what was approved of it counts no more.

    Any finance officer may. Who had another part in the batch still has no part in its making.

    :raises NotAllowed: if the person is no finance officer of the programme.
    :raises NoteMissing: if there is no word why, or too many.
    :raises BatchNotReady: if it is open, released or cancelled.
    :raises KeyReused: if the key was used for another batch.
    """
    officers = require_finance(batch.programme, actor, at)
    note = checked_note(note)
    act = begin(
        kind=ActKind.SEND_BACK_BATCH,
        key=key,
        actor=actor.address,
        about=batch.address,
        at=at,
        payload={"note": note},
        reason=note,
        details={"note": note},
    )
    if act.is_replay:
        return Batch.objects.get(pk=batch.pk)
    status = Batch.Status
    batch = at_step(batch, status.LOCKED, status.APPROVED, status.AUTHORISED)
    batch.status, batch.needs_authorisation = status.OPEN, False
    batch.approved_by = batch.approved_at = None
    batch.authorised_by = batch.authorised_at = None
    batch.save()
    add_step(
        batch,
        _Kind.SENT_BACK,
        actor,
        at,
        act.id,
        note=note,
        stands_for=next(iter(officers), None),
    )
    return batch


@attempts_kept(ActKind.CANCEL_BATCH)
@transaction.atomic
def cancel_batch(*, batch: Batch, note: str, actor: User, at: datetime, key: str) -> Batch:
    """Call a batch off before it is released; all that it would have paid is due again.

    Any finance officer may, the one who prepared or approved it among them: no value moves.

    :raises NotAllowed: if the person is no finance officer of the programme.
    :raises NoteMissing: if there is no word why, or too many.
    :raises BatchNotReady: if it was released, or cancelled before.
    :raises KeyReused: if the key was used for another batch.
    """
    officers = require_finance(batch.programme, actor, at)
    note = checked_note(note)
    act = begin(
        kind=ActKind.CANCEL_BATCH,
        key=key,
        actor=actor.address,
        about=batch.address,
        at=at,
        payload={"note": note},
        reason=note,
    )
    if act.is_replay:
        return Batch.objects.get(pk=batch.pk)
    batch = at_step(batch, *UNRELEASED)
    batch.status = Batch.Status.CANCELLED
    batch.save(update_fields=["status"])
    Payment.objects.filter(batch=batch, status=Payment.Status.PREPARED).update(
        status=Payment.Status.CANCELLED
    )
    add_step(
        batch,
        _Kind.CANCELLED,
        actor,
        at,
        act.id,
        note=note,
        stands_for=next(iter(officers), None),
    )
    return batch
