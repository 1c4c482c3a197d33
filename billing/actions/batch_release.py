"""Release a batch to the bank: its value goes to clearing, and its file is written with it."""

import hashlib
from datetime import datetime

from django.db import transaction
from stdnum import bic

from billing.actions.attempts import attempts_kept
from billing.actions.batch_approvals import seen_as_it_is
from billing.actions.batch_steps import (
    BatchNotReady,
    add_step,
    at_step,
    require_finance,
    require_part,
    rules_of,
)
from billing.actions.batches import BankDetailMissing
from billing.bank.pain001 import CreditorReference, Instruction, credit_transfer_file
from billing.bank.party import AccountNumber, Agent, Party
from billing.models import Batch, BatchStep, Payment, PaymentFile
from billing.queries import bank_details_in_force, payments_of
from common.days import day_of
from ledger import actions as ledger
from ledger.actions import Move, begin
from ledger.kinds import AccountKind, ActKind, Flow
from parties.models import BankDetail, User
from parties.queries import bank_detail_in_force


@attempts_kept(ActKind.RELEASE_BATCH)
@transaction.atomic
def release_batch(
    *, batch: Batch, actor: User, at: datetime, key: str, seen: str = ""
) -> PaymentFile:
    """Release a batch to the bank: move its value to clearing, and write the bank's file.

    One more person does it. Each party is paid where it is paid at this instant: a bank detail
    that two people approved, and whose cooling-off has ended since the batch was prepared, takes
    the place of the former one; within its cooling-off none is paid. A file that its schema does
    not take moves nothing.

    :param seen: the fingerprint of the list that the person was shown.
    :raises NotAllowed: if the person is no finance officer of the programme.
    :raises SamePerson: if the person prepared, approved or authorised it.
    :raises ApprovedByPreparer: if the accounts of those were joined since.
    :raises BatchNotReady: if it is not approved, or still to be authorised, or released before.
    :raises ListChanged: if it is not what the person was shown.
    :raises BankDetailMissing: if the authority has no account to pay from, or a party none.
    :raises NotEnough: if a payable is short of a payment, after a correction; nothing is sent.
    :raises BankFileInvalid: in one of its kinds, if the bank could not read the file.
    :raises KeyReused: if the key was used for another batch.
    """
    officers = require_finance(batch.programme, actor, at)
    act = begin(
        kind=ActKind.RELEASE_BATCH,
        key=key,
        actor=actor.address,
        about=batch.address,
        at=at,
        payload={},
    )
    if act.is_replay:
        return PaymentFile.objects.get(act_id=act.id)
    batch = releasable(batch)
    stands_for = require_part("release_batch", batch, actor, at, officers)
    now = seen_as_it_is(batch, seen, at)
    payments = _sendable(batch, at)
    programme = batch.programme
    clearing = programme.account("clearing", batch.code)
    ledger.open_account(act, clearing, AccountKind.CLEARING, programme.unit)
    moves = [
        Move(Flow.INSTRUCT, one.payable, clearing, one.amount, one.end_to_end_id)
        for one in payments
    ]
    ledger.post(act, moves)
    batch.status = Batch.Status.RELEASED
    batch.released_by = actor
    batch.released_at = at
    batch.save(update_fields=["status", "released_by", "released_at"])
    Payment.objects.bulk_update(payments, ["status", "bank_detail"], batch_size=1_000)
    add_step(batch, BatchStep.Kind.RELEASED, actor, at, act.id, seen=now, stands_for=stands_for)
    content = _bank_file(batch, payments, at)
    return PaymentFile.objects.create(
        batch=batch,
        name=f"{programme.code}-{batch.code}.xml"[-80:],
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
        written_at=at,
        act_id=act.id,
    )


def releasable(batch: Batch) -> Batch:
    """Return a batch that can be released now, kept there until the transaction ends.

    :raises BatchNotReady: if it is not approved, or still to be authorised, or released before.
    """
    batch = at_step(batch, Batch.Status.APPROVED, Batch.Status.AUTHORISED)
    if batch.needs_authorisation and batch.status == Batch.Status.APPROVED:
        raise BatchNotReady(batch=batch.code, status=Batch.Status(batch.status).label)
    return batch


@attempts_kept(ActKind.HAND_OVER_BATCH)
@transaction.atomic
def hand_over_batch(*, batch: Batch, actor: User, at: datetime, key: str) -> Batch:
    """Say that the file of a released batch was given to the bank.

    Any finance officer may. A bank's answer that comes before that word counts all the same.

    :raises NotAllowed: if the person is no finance officer of the programme.
    :raises BatchNotReady: if it is not released, or was answered or handed over before.
    :raises KeyReused: if the key was used for another batch.
    """
    officers = require_finance(batch.programme, actor, at)
    act = begin(
        kind=ActKind.HAND_OVER_BATCH,
        key=key,
        actor=actor.address,
        about=batch.address,
        at=at,
        payload={},
    )
    if act.is_replay:
        return Batch.objects.get(pk=batch.pk)
    batch = at_step(batch, Batch.Status.RELEASED)
    batch.status = Batch.Status.SENT
    batch.save(update_fields=["status"])
    add_step(
        batch, BatchStep.Kind.SENT, actor, at, act.id, stands_for=next(iter(officers), None)
    )
    return batch


def _sendable(batch: Batch, at: datetime) -> list[Payment]:
    """Return the payments, each to the bank detail in force and marked as sent; not saved yet."""
    payments = list(
        payments_of(batch)
        .filter(status=Payment.Status.PREPARED)
        .select_for_update(of=("self",))
    )
    details = bank_details_in_force([one.payee_id for one in payments], at)
    missing = [one.payee.name_here for one in payments if one.payee_id not in details]
    if missing:
        raise BankDetailMissing(names=", ".join(missing))
    for one in payments:
        one.bank_detail = details[one.payee_id]
        one.status = Payment.Status.SENT
    return payments


def _bank_file(batch: Batch, payments: list[Payment], at: datetime) -> bytes:
    programme = batch.programme
    own = bank_detail_in_force(batch.debtor, at)
    if own is None:
        raise BankDetailMissing(names=batch.debtor.name_here)
    return credit_transfer_file(
        message_id=batch.code,
        created_at=at,
        execution_on=day_of(at, programme.zone),
        debtor=_party(own),
        payments=[
            Instruction(
                end_to_end_id=one.end_to_end_id,
                amount_minor=one.amount,
                currency=one.unit,
                creditor=_party(one.bank_detail),
                remittance=_remittance(one, programme.code, batch.code),
            )
            for one in payments
        ],
        batch_id=batch.code,
        message=rules_of(programme, at).paying.message,
    )


def _remittance(payment: Payment, *names: str) -> str | CreditorReference:
    """Return the payment's reference; payments of earlier years have words alone."""
    return CreditorReference(payment.reference) if payment.reference else " ".join(names)


def _party(detail: BankDetail) -> Party:
    is_iban = detail.scheme == BankDetail.Scheme.IBAN
    account = AccountNumber(detail.number, "IBAN" if is_iban else "OTHER")
    return Party(detail.holder, account, _agent(detail.agent))


def _agent(text: str) -> Agent:
    if not text:
        return Agent()
    return Agent(bic=text) if bic.is_valid(text) else Agent(name=text)
