"""Pay what is due: a batch prepared, approved and released by three people, then a bank file."""

import hashlib
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from stdnum import bic

from billing.actions.lines import checked_note
from billing.bank.pain001 import Instruction, credit_transfer_file
from billing.bank.party import AccountNumber, Agent, Party
from billing.models import Batch, Payment, PaymentFile
from billing.queries import Payable, bank_details_in_force, payables_due, payments_of
from common.days import day_of
from common.errors import Refused
from ledger import actions as ledger
from ledger.actions import Move, begin
from ledger.kinds import AccountKind, ActKind, Flow
from parties.models import BankDetail, Organisation, User
from parties.queries import (
    bank_detail_in_force,
    is_one_person,
    require_apart,
    require_role,
)
from parties.roles import Role
from vouchers.models import Programme
from vouchers.queries import policy_in_force, unused_code


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


class BatchNotReady(Refused):
    """The batch is not at the step before this one."""

    code = "batch_not_ready"
    sentence = _("Batch %(batch)s is “%(status)s”, so this step can't be done now.")


class ApprovedByPreparer(Refused):
    """It has turned out that one person prepared and approved the batch, in two accounts."""

    code = "approved_by_preparer"
    sentence = _(
        "Batch %(batch)s was prepared and approved by one person in two accounts. Cancel it, "
        "and have it prepared and approved by two people."
    )


@transaction.atomic
def prepare_batch(
    *,
    programme: Programme,
    actor: User,
    at: datetime,
    key: str,
    payer: Organisation | None = None,
) -> Batch:
    """Put all that one payer owes into one batch, a payment to each party it can pay.

    The payer is the programme's authority, or who was named to pay a funder's part. Parties
    without an approved bank detail are left out, and stay due; the act names them.

    :raises NotAllowed: if the person is no finance officer of the programme.
    :raises NothingDue: if nothing is due.
    :raises BankDetailMissing: naming the parties, if none of them can be paid.
    :raises KeyReused: if the key was used for another batch.
    """
    _require_finance(programme, actor)
    # Two batches of a programme queue here, so that none pays what another holds.
    Programme.objects.select_for_update(no_key=True).get(pk=programme.pk)
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
    payable = [one for one in due if one.payee.pk in details]
    if not due:
        raise NothingDue(programme=programme.title)
    if not payable:
        raise BankDetailMissing(names=", ".join(one.payee.name_here for one in due))
    batch = Batch.objects.create(
        code=unused_code(Batch, "B"),
        programme=programme,
        payer=payer,
        total=sum(one.amount for one in payable),
        status=Batch.Status.PREPARED,
        prepared_by=actor,
        prepared_at=at,
        act_id=act.id,
    )
    Payment.objects.bulk_create(
        _payment(batch, number, one, details[one.payee.pk])
        for number, one in enumerate(payable, start=1)
    )
    return batch


def _payment(batch: Batch, number: int, due: Payable, detail: BankDetail) -> Payment:
    return Payment(
        batch=batch,
        payee=due.payee,
        payable=due.address,
        bank_detail=detail,
        amount=due.amount,
        unit=batch.programme.unit,
        end_to_end_id=f"{batch.code}-{number:05}",
        status=Payment.Status.PREPARED,
    )


@transaction.atomic
def approve_batch(*, batch: Batch, actor: User, at: datetime, key: str) -> Batch:
    """Approve a batch that another person prepared.

    :raises NotAllowed: if the person is no finance officer of the programme.
    :raises SamePerson: if the person prepared it.
    :raises BatchNotReady: if it does not wait for approval.
    :raises KeyReused: if the key was used for another batch.
    """
    _require_finance(batch.programme, actor)
    act = begin(
        kind=ActKind.APPROVE_BATCH,
        key=key,
        actor=actor.address,
        about=batch.address,
        at=at,
        payload={},
    )
    if act.is_replay:
        return Batch.objects.get(pk=batch.pk)
    batch = _at_step(batch, Batch.Status.PREPARED)
    _require_apart("approve_batch", batch, actor, at)
    batch.status = Batch.Status.APPROVED
    batch.approved_by = actor
    batch.approved_at = at
    batch.save(update_fields=["status", "approved_by", "approved_at"])
    return batch


@transaction.atomic
def release_batch(*, batch: Batch, actor: User, at: datetime, key: str) -> PaymentFile:
    """Send an approved batch to the bank: move its value to clearing, and write the bank's file.

    A third person does it. Each party is paid where it is paid at this instant: a bank detail that
    two people approved, and whose cooling-off has ended since the batch was prepared, takes the
    place of the former one; within its cooling-off none is paid.

    :raises NotAllowed: if the person is no finance officer of the programme.
    :raises SamePerson: if the person prepared or approved it.
    :raises ApprovedByPreparer: if the accounts of those two were joined since.
    :raises BatchNotReady: if it is not approved, or was released before.
    :raises BankDetailMissing: if the payer has no account to pay from, or a party none.
    :raises NotEnough: if a payable is short of a payment, after a correction; nothing is sent.
    :raises BankFileInvalid: in one of its kinds, if the bank could not read the file.
    :raises KeyReused: if the key was used for another batch.
    """
    _require_finance(batch.programme, actor)
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
    batch = _at_step(batch, Batch.Status.APPROVED)
    _require_apart("release_batch", batch, actor, at)
    payments = _sendable(batch, at)
    programme = batch.programme
    clearing = programme.account("clearing", batch.code)
    ledger.open_account(act, clearing, AccountKind.CLEARING, programme.unit)
    moves = [
        Move(Flow.INSTRUCT, one.payable, clearing, one.amount, one.end_to_end_id)
        for one in payments
    ]
    ledger.post(act, moves)
    Payment.objects.bulk_update(payments, ["status", "bank_detail"])
    batch.status = Batch.Status.RELEASED
    batch.released_by = actor
    batch.released_at = at
    batch.save(update_fields=["status", "released_by", "released_at"])
    content = _bank_file(batch, payments, at)
    return PaymentFile.objects.create(
        batch=batch,
        name=f"{programme.code}-{batch.code}.xml"[-80:],
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
        written_at=at,
        act_id=act.id,
    )


@transaction.atomic
def cancel_batch(*, batch: Batch, note: str, actor: User, at: datetime, key: str) -> Batch:
    """Call a batch off before it goes to the bank; all that it would have paid is due again.

    Any finance officer may, the one who prepared or approved it among them: no value moves.

    :raises NotAllowed: if the person is no finance officer of the programme.
    :raises NoteMissing: if there is no word why, or too many.
    :raises BatchNotReady: if it was sent to the bank, or cancelled before.
    :raises KeyReused: if the key was used for another batch.
    """
    _require_finance(batch.programme, actor)
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
    batch = _at_step(batch, Batch.Status.PREPARED, Batch.Status.APPROVED)
    batch.status = Batch.Status.CANCELLED
    batch.save(update_fields=["status"])
    Payment.objects.filter(batch=batch).update(status=Payment.Status.CANCELLED)
    return batch


def _require_finance(programme: Programme, actor: User) -> None:
    require_role(
        actor,
        Role.FINANCE,
        organisation=programme.authority,
        programme_code=programme.code,
    )


def _at_step(batch: Batch, *statuses: str) -> Batch:
    batch = (
        Batch.objects.select_for_update(of=("self",))
        .select_related("programme__authority", "payer", "prepared_by", "approved_by")
        .get(pk=batch.pk)
    )
    if batch.status not in statuses:
        raise BatchNotReady(batch=batch.code, status=Batch.Status(batch.status).label)
    return batch


def _require_apart(step: str, batch: Batch, actor: User, at: datetime) -> None:
    earlier = {"prepare_batch": batch.prepared_by.address}
    if batch.approved_by:
        earlier["approve_batch"] = batch.approved_by.address
    programme = batch.programme
    _version, rules = policy_in_force(programme, day_of(at, programme.zone))
    require_apart(step, actor, earlier, rules)
    if batch.approved_by and is_one_person(batch.prepared_by, batch.approved_by):
        raise ApprovedByPreparer(batch=batch.code)


def _sendable(batch: Batch, at: datetime) -> list[Payment]:
    """Return the payments, each to the bank detail in force and marked as sent; not saved yet."""
    payments = list(payments_of(batch).select_for_update(of=("self",)))
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
                remittance=f"{programme.code} {batch.code}",
            )
            for one in payments
        ],
        batch_id=batch.code,
    )


def _party(detail: BankDetail) -> Party:
    is_iban = detail.scheme == BankDetail.Scheme.IBAN
    account = AccountNumber(detail.number, "IBAN" if is_iban else "OTHER")
    return Party(detail.holder, account, _agent(detail.agent))


def _agent(text: str) -> Agent:
    if not text:
        return Agent()
    return Agent(bic=text) if bic.is_valid(text) else Agent(name=text)
