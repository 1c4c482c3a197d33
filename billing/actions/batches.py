"""Put what is due into a batch: all of it, or what came back of an earlier batch."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing.actions.attempts import attempts_kept
from billing.actions.batch_steps import (
    add_step,
    require_finance,
)
from billing.actions.collections import offset_before_batch
from billing.bank.references import rf_reference
from billing.models import Batch, BatchStep, Payment
from billing.queries import (
    Payable,
    bank_details_in_force,
    payables_due,
    returned_and_not_followed,
)
from common.errors import Refused
from ledger.actions import begin
from ledger.kinds import ActKind
from parties.models import BankDetail, Organisation, User
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


@attempts_kept(ActKind.PREPARE_BATCH)
@transaction.atomic
def prepare_batch(
    *,
    programme: Programme,
    actor: User,
    at: datetime,
    key: str,
    payer: Organisation | None = None,
) -> Batch:
    """Open a batch of all that one payer owes, with a payment to each party it can pay.

    The payer is the programme's authority, or who was named to pay a funder's part. Parties
    without an approved bank detail are left out, and stay due; the act names them. What a party
    owes is set off first, where the law says that it sets itself off. Who opens it removes
    payments and adds them again until the list is locked.

    :raises NotAllowed: if the person is no finance officer of the programme.
    :raises NothingDue: if nothing is due.
    :raises BankDetailMissing: naming the parties, if none of them can be paid.
    :raises KeyReused: if the key was used for another batch.
    """
    officers = require_finance(programme, actor, at)
    queue_for(programme)
    payer = payer or programme.authority
    due = payables_due(programme, payer)
    details = bank_details_in_force([payable.payee.pk for payable in due], at)
    left_out = [one.payee.name for one in due if one.payee.pk not in details]
    act = begin(
        kind=ActKind.PREPARE_BATCH,
        key=key,
        actor=actor.address,
        about=f"programme:{programme.code}",
        at=at,
        payload={} if payer == programme.authority else {"payer": payer.code},
        details={"left_out": left_out},
    )
    if act.is_replay:
        return Batch.objects.get(act_id=act.id)
    if offset_before_batch(programme, at=at, key=key):
        due = payables_due(programme, payer)
    payable = [one for one in due if one.payee.pk in details]
    if not due:
        raise NothingDue(programme=programme.title)
    if not payable:
        raise BankDetailMissing(names=", ".join(one.payee.name_here for one in due))
    stands_for = next(iter(officers), None)
    return _opened(programme, payer, payable, details, (actor, stands_for), at, act.id)


def _opened(
    programme: Programme,
    payer: Organisation,
    payable: list[Payable],
    details: Mapping[int, BankDetail],
    doer: tuple[User, User | None],
    at: datetime,
    act: int,
    follows: Batch | None = None,
    returned: Mapping[str, Payment] | None = None,
) -> Batch:
    """Open a batch of payables.

    :param doer: who opens it, and for whom.
    :param returned: the returned payment that each is of, by its ledger account.
    """
    batch = Batch.objects.create(
        code=unused_code(Batch, "B"),
        programme=programme,
        payer=payer,
        follows=follows,
        total=sum(one.amount for one in payable),
        status=Batch.Status.OPEN,
        prepared_by=doer[0],
        prepared_at=at,
        act_id=act,
    )
    Payment.objects.bulk_create(
        payment_of(batch, number, one, details[one.payee.pk], (returned or {}).get(one.address))
        for number, one in enumerate(payable, start=1)
    )
    add_step(batch, _Kind.OPENED, doer[0], at, act, stands_for=doer[1])
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
    officers = require_finance(programme, actor, at)
    queue_for(programme)
    returned = {one.payable: one for one in returned_and_not_followed(batch)}
    due = _due_again(batch, returned)
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
    if offset_before_batch(programme, at=at, key=key):
        due = _due_again(batch, returned)
    if not due:
        raise NothingReturned(batch=batch.code)
    payable = [one for one in due if one.payee.pk in details]
    if not payable:
        raise BankDetailMissing(names=", ".join(one.payee.name_here for one in due))
    stands_for = next(iter(officers), None)
    doers = (actor, stands_for)
    return _opened(
        programme, batch.debtor, payable, details, doers, at, act.id, batch, returned
    )


def queue_for(programme: Programme) -> None:
    """Wait for whoever else puts payments of a programme together: none pays what another holds."""
    Programme.objects.select_for_update(no_key=True).get(pk=programme.pk)


def _due_again(batch: Batch, returned: Mapping[str, Payment]) -> list[Payable]:
    """Return what is due of what came back, at most what came back of each account."""
    return [
        one._replace(amount=min(one.amount, returned[one.address].amount))
        for one in payables_due(batch.programme, batch.debtor)
        if one.address in returned
    ]


def payment_of(
    batch: Batch,
    number: int,
    due: Payable,
    detail: BankDetail,
    follows: Payment | None = None,
) -> Payment:
    """Return a payment of a batch that is not saved yet, numbered within it from 1."""
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
        reference=rf_reference(end_to_end_id),
        status=Payment.Status.PREPARED,
    )
