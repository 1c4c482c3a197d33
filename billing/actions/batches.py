"""Put what is due into a batch, choose its payments, and lock its list or call it off."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _
from stdnum.iso7064 import mod_97_10

from billing.actions.attempts import attempts_kept
from billing.actions.batch_steps import (
    add_step,
    at_step,
    require_finance,
    require_part,
    rules_of,
)
from billing.actions.line_acts import checked_note
from billing.models import Batch, BatchStep, Payment
from billing.queries import (
    UNRELEASED,
    Payable,
    bank_details_in_force,
    list_of,
    list_sha256,
    payables_due,
    returned_and_not_followed,
)
from common.errors import Refused
from ledger.actions import begin
from ledger.kinds import ActKind
from parties.models import BankDetail, User
from vouchers.models import Programme
from vouchers.queries import unused_code

_Kind = BatchStep.Kind


class NothingDue(Refused):
    """The programme owes nothing that is not in a batch already."""

    code = "nothing_due"
    sentence = _(
        "Nothing is due in %(programme)s now: all that was settled is paid or in a batch."
    )


class BankDetailMissing(Refused):
    """Somebody can't be paid, or can't pay, for want of an approved bank detail."""

    code = "bank_detail_missing"
    sentence = _(
        "There is no approved bank detail of %(names)s. Ask them to propose one, and have a "
        "second person approve it."
    )


class NothingReturned(Refused):
    """The bank returned nothing of the batch that is not paid anew already."""

    code = "nothing_returned"
    sentence = _(
        "Nothing of batch %(batch)s is to be paid anew: nothing came back, or what did is in a "
        "later batch or not due any more."
    )


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


class BatchEmpty(Refused):
    """A batch without a payment can't be locked."""

    code = "batch_empty"
    sentence = _("Batch %(batch)s has no payments. Add one, or cancel the batch.")


@attempts_kept(ActKind.PREPARE_BATCH)
@transaction.atomic
def prepare_batch(*, programme: Programme, actor: User, at: datetime, key: str) -> Batch:
    """Open a batch of all that a programme owes, with a payment to each party it can pay.

    Parties without an approved bank detail are left out, and stay due; the act names them. Who
    opens it removes payments and adds them again until the list is locked.

    :raises NotAllowed: if the person is no finance officer of the programme.
    :raises NothingDue: if nothing is due.
    :raises BankDetailMissing: naming the parties, if none of them can be paid.
    :raises KeyReused: if the key was used for another batch.
    """
    require_finance(programme, actor)
    _queue(programme)
    due = payables_due(programme)
    details = bank_details_in_force([payable.payee.pk for payable in due], at)
    left_out = [one.payee.name for one in due if one.payee.pk not in details]
    act = begin(
        kind=ActKind.PREPARE_BATCH,
        key=key,
        actor=actor.address,
        about=f"programme:{programme.code}",
        at=at,
        payload={},
        details={"left_out": left_out},
    )
    if act.is_replay:
        return Batch.objects.get(act_id=act.id)
    payable = [one for one in due if one.payee.pk in details]
    if not due:
        raise NothingDue(programme=programme.title)
    if not payable:
        raise BankDetailMissing(names=", ".join(one.payee.name_here for one in due))
    return _opened(programme, payable, details, actor, at, act.id)


def _opened(
    programme: Programme,
    payable: list[Payable],
    details: Mapping[int, BankDetail],
    actor: User,
    at: datetime,
    act: int,
    follows: Batch | None = None,
    returned: Mapping[str, Payment] | None = None,
) -> Batch:
    """Open a batch of payables.

    :param returned: the returned payment that each is of, by its ledger account.
    """
    batch = Batch.objects.create(
        code=unused_code(Batch, "B"),
        programme=programme,
        follows=follows,
        total=sum(one.amount for one in payable),
        status=Batch.Status.OPEN,
        prepared_by=actor,
        prepared_at=at,
        act_id=act,
    )
    Payment.objects.bulk_create(
        _payment(batch, number, one, details[one.payee.pk], (returned or {}).get(one.address))
        for number, one in enumerate(payable, start=1)
    )
    add_step(batch, _Kind.OPENED, actor, at, act)
    return batch


@attempts_kept(ActKind.PREPARE_BATCH)
@transaction.atomic
def follow_up_batch(*, batch: Batch, actor: User, at: datetime, key: str) -> Batch:
    """Open a batch of what the bank returned of an earlier one, linked to it payment by payment.

    Each payment is of what was returned, or of what is still due of it where less is. A returned
    payment is followed once, unless that one was removed or its batch called off. Parties without
    an approved bank detail are left out, and stay due; the act names them.

    :raises NotAllowed: if the person is no finance officer of the programme.
    :raises NothingReturned: if nothing of it came back, or all that did is followed already.
    :raises BankDetailMissing: naming the parties, if none of them can be paid.
    :raises KeyReused: if the key was used for another batch.
    """
    programme = batch.programme
    require_finance(programme, actor)
    _queue(programme)
    returned = {one.payable: one for one in returned_and_not_followed(batch)}
    due = [
        one._replace(amount=min(one.amount, returned[one.address].amount))
        for one in payables_due(programme)
        if one.address in returned
    ]
    details = bank_details_in_force([one.payee.pk for one in due], at)
    left_out = [one.payee.name for one in due if one.payee.pk not in details]
    act = begin(
        kind=ActKind.PREPARE_BATCH,
        key=key,
        actor=actor.address,
        about=f"programme:{programme.code}",
        at=at,
        payload={"follows": batch.code},
        details={"follows": batch.code, "left_out": left_out},
    )
    if act.is_replay:
        return Batch.objects.get(act_id=act.id)
    if not due:
        raise NothingReturned(batch=batch.code)
    payable = [one for one in due if one.payee.pk in details]
    if not payable:
        raise BankDetailMissing(names=", ".join(one.payee.name_here for one in due))
    return _opened(programme, payable, details, actor, at, act.id, batch, returned)


def _queue(programme: Programme) -> None:
    """Wait for whoever else puts payments of a programme together: none pays what another holds."""
    Programme.objects.select_for_update(no_key=True).get(pk=programme.pk)


def _payment(
    batch: Batch,
    number: int,
    due: Payable,
    detail: BankDetail,
    follows: Payment | None = None,
) -> Payment:
    end_to_end_id = f"{batch.code}-{number:05}"
    return Payment(
        batch=batch,
        payee=due.payee,
        payable=due.address,
        follows=follows,
        bank_detail=detail,
        amount=due.amount,
        unit=batch.programme.unit,
        end_to_end_id=end_to_end_id,
        reference=creditor_reference(end_to_end_id),
        status=Payment.Status.PREPARED,
    )


def creditor_reference(end_to_end_id: str) -> str:
    """Return the payment's reference by ISO 11649: RF, two check digits, the id's letters.

    The check digits make the rest, with RF and them behind it, 1 modulo 97 (ISO/IEC 7064).
    """
    body = "".join(filter(str.isalnum, end_to_end_id)).upper()[:21]
    return f"RF{mod_97_10.calc_check_digits(f'{body}RF')}{body}"


@attempts_kept(ActKind.REMOVE_PAYMENT)
@transaction.atomic
def remove_payment(
    *, payment: Payment, note: str, actor: User, at: datetime, key: str
) -> Payment:
    """Take a payment out of an open batch, with a word why; its amount is due again.

    :raises NotAllowed: if the person is no finance officer of the programme.
    :raises NoteMissing: if there is no word why, or too many.
    :raises SamePerson: if the person approved or authorised an earlier list of the batch.
    :raises BatchNotReady: if the list is locked, or the batch cancelled.
    :raises PaymentNotInBatch: if it was removed before.
    :raises KeyReused: if the key was used for another payment.
    """
    require_finance(payment.batch.programme, actor)
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
        return Payment.objects.get(pk=payment.pk)
    batch = at_step(payment.batch, Batch.Status.OPEN)
    require_part("change_batch", batch, actor, at)
    payment = Payment.objects.select_for_update().get(pk=payment.pk)
    if payment.status != Payment.Status.PREPARED:
        raise PaymentNotInBatch(payment=payment.end_to_end_id, batch=batch.code)
    payment.status = Payment.Status.REMOVED
    payment.save(update_fields=["status"])
    _sum_up(batch)
    add_step(batch, _Kind.REMOVED, actor, at, act.id, note=note, payment=payment)
    return payment


@attempts_kept(ActKind.ADD_PAYMENT)
@transaction.atomic
def add_payment(*, batch: Batch, payable: str, actor: User, at: datetime, key: str) -> Payment:
    """Add what is due from one ledger account to an open batch, removed from it before or not.

    :param payable: the ledger account, as `payables_due` names it.
    :raises NotAllowed: if the person is no finance officer of the programme.
    :raises SamePerson: if the person approved or authorised an earlier list of the batch.
    :raises BatchNotReady: if the list is locked, or the batch cancelled.
    :raises PaymentInBatch: if the batch pays from this account already.
    :raises NothingDue: if nothing is due from this account.
    :raises BankDetailMissing: if the party has no approved bank detail.
    :raises KeyReused: if the key was used for another payment.
    """
    require_finance(batch.programme, actor)
    _queue(batch.programme)
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
        return BatchStep.objects.get(act_id=act.id).payment  # type: ignore[return-value]
    batch = at_step(batch, Batch.Status.OPEN)
    require_part("change_batch", batch, actor, at)
    payment = _added(batch, payable, at)
    _sum_up(batch)
    add_step(batch, _Kind.ADDED, actor, at, act.id, payment=payment)
    return payment


def _added(batch: Batch, payable: str, at: datetime) -> Payment:
    former = (
        Payment.objects.filter(batch=batch, payable=payable).select_related("payee").first()
    )
    if former is not None and former.status == Payment.Status.PREPARED:
        raise PaymentInBatch(payee=former.payee.name_here, batch=batch.code)
    due = next((one for one in payables_due(batch.programme) if one.address == payable), None)
    if due is None:
        raise NothingDue(programme=batch.programme.title)
    detail = bank_details_in_force([due.payee.pk], at).get(due.payee.pk)
    if detail is None:
        raise BankDetailMissing(names=due.payee.name_here)
    if former is None:
        number = Payment.objects.filter(batch=batch).count() + 1
        payment = _payment(batch, number, due, detail)
        payment.save()
        return payment
    former.status = Payment.Status.PREPARED
    former.amount, former.bank_detail = due.amount, detail
    former.save(update_fields=["status", "amount", "bank_detail"])
    return former


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
    require_finance(batch.programme, actor)
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
    require_part("change_batch", batch, actor, at)
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
    require_finance(batch.programme, actor)
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
    add_step(batch, _Kind.SENT_BACK, actor, at, act.id, note=note)
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
    require_finance(batch.programme, actor)
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
    add_step(batch, _Kind.CANCELLED, actor, at, act.id, note=note)
    return batch
