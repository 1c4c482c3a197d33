"""A person says what an odd entry of the bank is; where value moves, a second one agrees."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing.actions.bank import accounts_of, lock_answers
from billing.actions.bank_moves import (
    CONFIRMED,
    SENT_BACK,
    begin_answer,
    close_if_answered,
    open_paid,
    paid_move,
    return_move,
)
from billing.actions.later_facts import note_later_fact
from billing.actions.line_acts import checked_note
from billing.actions.matching import locked
from billing.actions.repayments import RepaymentStands, fit_case, repay
from billing.models import BankLine, BankResolution, BankStatement, Batch, Payment, Recovery
from common.errors import NotFound, Refused
from ledger import actions as ledger
from ledger.actions import Act, begin
from ledger.kinds import ActKind, Flow
from ledger.queries import standing_transfers
from parties.models import User
from parties.queries import require_apart, require_role
from parties.roles import Role

Kind, Step = BankResolution.Kind, BankResolution.Step
Status = Payment.Status
OF_VALUE = BankResolution.OF_VALUE


class EntryNotOdd(Refused):
    """An entry about which there is nothing to say."""

    code = "entry_not_odd"
    sentence = _("Entry %(position)s was matched, so there is nothing to resolve.")


class EntryResolved(Refused):
    """Something was said of the entry already."""

    code = "entry_resolved"
    sentence = _(
        "Somebody has said what entry %(position)s is. Open it again; undo that first if it is "
        "wrong."
    )


class NothingProposed(Refused):
    """There is no proposal for a second person to agree with, or nothing to undo."""

    code = "nothing_proposed"
    sentence = _("Nothing is said of entry %(position)s that this could change. Open it again.")


class PaymentUnfit(Refused):
    """A payment that an entry can't be of."""

    code = "payment_unfit"
    sentence = _(
        "Entry %(position)s can't be payment %(end_to_end_id)s. Amount and currency must be the "
        "payment's (for a part: less), the money must have gone out, and the payment must wait "
        "for the bank."
    )


class PaymentMoved(Refused):
    """The payment of a resolution has been answered anew since."""

    code = "payment_moved"
    sentence = _(
        "The bank has said something else of payment %(end_to_end_id)s since, so this can't be "
        "undone."
    )


@transaction.atomic
def resolve_entry(
    *,
    line: BankLine,
    kind: str,
    note: str,
    payment: Payment | None,
    actor: User,
    at: datetime,
    key: str,
    recovery: Recovery | None = None,
) -> BankResolution:
    """Say what an odd entry is, and why.

    That it is a payment, whole or in part, or the repayment of a recovery, is only proposed:
    nothing moves until a second person agrees (`second_resolution`). All else is done by that
    and moves nothing.

    :raises NotAllowed: if the person is no finance officer of the payment's programme.
    :raises NotFound: if the entry stands in an account of nobody the person acts for.
    :raises NoteMissing: if there is no word why, or too many.
    :raises EntryNotOdd: if the entry was matched.
    :raises EntryResolved: if it is proposed or said already what the entry is.
    :raises PaymentUnfit: if the entry can't be of that payment, or none is given.
    :raises RepaymentUnfit: if the entry can't be a repayment of that case, or none is given.
    :raises KeyReused: if the key was used for something else.
    """
    note = checked_note(note)
    named = {"recovery": recovery.code} if recovery else {}
    line, act = _begun(ActKind.RESOLVE_ENTRY, line, actor, at, key, note, kind, payment, named)
    if act.is_replay:
        return BankResolution.objects.get(act_id=act.id)
    if not line.oddity:
        raise EntryNotOdd(position=line.position)
    last = _last(line)
    is_open = last is None or last.step == Step.UNDONE or last.kind == Kind.ASKED_BANK
    if not is_open:
        raise EntryResolved(position=line.position)
    is_of_value, is_repayment = kind in OF_VALUE, kind == Kind.REPAYMENT
    if is_repayment:
        recovery = fit_case(line, recovery, actor)
    elif is_of_value:
        payment = _fit_payment(line, kind, payment, actor)
    return _say(
        line,
        last,
        Kind(kind),
        Step.PROPOSED if is_of_value else Step.DONE,
        note,
        act,
        payment=payment if kind in BankResolution.OF_PAYMENT else None,
        recovery=recovery if is_repayment else None,
        made_by=actor,
    )


@transaction.atomic
def second_resolution(
    *, line: BankLine, note: str, actor: User, at: datetime, key: str
) -> BankResolution:
    """Agree with what another person proposed; by that, and only now, value moves.

    A whole payment is confirmed. Of one that was paid in part, what came is confirmed and the
    rest is due again: a correction of the month it was sent in, where that is closed. A repayment
    takes what came off what is owed of its case.

    :raises NotAllowed: if the person is no finance officer of the payment's programme.
    :raises NotFound: if the entry stands in an account of nobody the person acts for.
    :raises NoteMissing: if there is no word why, or too many.
    :raises SamePerson: if the person proposed it, in whatever account.
    :raises NothingProposed: if nothing is proposed.
    :raises PaymentUnfit: if the payment has been answered since.
    :raises RepaymentUnfit: if nothing of the case is owed since, or the entry was used.
    :raises KeyReused: if the key was used for something else.
    """
    note = checked_note(note)
    line, act = _begun(ActKind.SECOND_RESOLUTION, line, actor, at, key, note)
    if act.is_replay:
        return BankResolution.objects.get(act_id=act.id)
    last = _last(line)
    if last is None or last.step != Step.PROPOSED:
        raise NothingProposed(position=line.position)
    require_apart("second_resolution", actor, {"resolve_entry": last.made_by.address})
    payment: Payment | None = None
    if last.kind == Kind.REPAYMENT:
        case = fit_case(line, last.recovery, actor)
        repay(line, case, note, (last.made_by, actor), at, key)
    else:
        payment = _fit_payment(line, last.kind, last.payment, actor)
        _pay(line, last.kind, payment, note, actor, at, key)
    return _say(
        line,
        last,
        Kind(last.kind),
        Step.DONE,
        note,
        act,
        payment=payment,
        recovery=last.recovery,
        made_by=last.made_by,
        seconded_by=actor,
    )


@transaction.atomic
def undo_resolution(
    *, line: BankLine, note: str, actor: User, at: datetime, key: str
) -> BankResolution:
    """Take back what was last said of an entry; it is to be looked at again.

    A proposal is withdrawn or turned down by that. Where value had moved, it is at the bank
    again, as before: one person may do that, since nothing is paid by it and the payment waits
    for the bank's word. Where the month it was sent in is closed, that is a correction of it.

    :raises NotAllowed: if the person is no finance officer of the payment's programme.
    :raises NotFound: if the entry stands in an account of nobody the person acts for.
    :raises NoteMissing: if there is no word why, or too many.
    :raises NothingProposed: if nothing is said of the entry.
    :raises RepaymentStands: if the entry has repaid a recovery.
    :raises PaymentMoved: if the bank has answered the payment anew since.
    :raises NotEnough: if the rest of a payment in part has been paid elsewhere since.
    :raises KeyReused: if the key was used for something else.
    """
    note = checked_note(note)
    line, act = _begun(ActKind.UNDO_RESOLUTION, line, actor, at, key, note)
    if act.is_replay:
        return BankResolution.objects.get(act_id=act.id)
    last = _last(line)
    if last is None or last.step == Step.UNDONE:
        raise NothingProposed(position=line.position)
    if last.recovery is not None and last.step == Step.DONE:
        raise RepaymentStands(position=line.position, case=last.recovery.code)
    if last.payment is not None and last.step == Step.DONE:
        _unpay(act, last, actor)
    return _say(
        line,
        last,
        Kind(last.kind),
        Step.UNDONE,
        note,
        act,
        payment=last.payment,
        recovery=last.recovery,
        made_by=actor,
    )


def _begun(
    act_kind: ActKind,
    line: BankLine,
    actor: User,
    at: datetime,
    key: str,
    note: str,
    kind: str = "",
    payment: Payment | None = None,
    named: Mapping[str, str] | None = None,
) -> tuple[BankLine, Act]:
    """Let one act at a time say something of entries; return the entry as it is now."""
    require_role(actor, Role.FINANCE)
    lock_answers()
    line = (
        BankLine.objects.select_related("statement").defer("statement__content").get(pk=line.pk)
    )
    if line.statement.account not in accounts_of(actor):
        raise NotFound(what=line.pk)
    act = begin(
        kind=act_kind,
        key=key,
        actor=actor.address,
        about=f"bankline:{line.pk}",
        at=at,
        payload={
            "kind": kind,
            "note": note,
            "payment": payment.end_to_end_id if payment else "",
            **(named or {}),
        },
        reason=note,
    )
    return line, act


def _last(line: BankLine) -> BankResolution | None:
    return (
        BankResolution.objects.filter(line=line)
        .select_related("made_by", "payment", "recovery")
        .order_by("-number")
        .first()
    )


def _say(
    line: BankLine,
    last: BankResolution | None,
    kind: str,
    step: str,
    note: str,
    act: Act,
    *,
    payment: Payment | None,
    recovery: Recovery | None = None,
    made_by: User,
    seconded_by: User | None = None,
) -> BankResolution:
    return BankResolution.objects.create(
        line=line,
        number=last.number + 1 if last else 1,
        kind=kind,
        step=step,
        payment=payment,
        recovery=recovery,
        note=note,
        made_by=made_by,
        seconded_by=seconded_by,
        made_at=act.at,
        act_id=act.id,
    )


def _fit_payment(line: BankLine, kind: str, payment: Payment | None, actor: User) -> Payment:
    """Return the payment, locked, if an entry can be of it.

    :raises NotAllowed: if the person is no finance officer of its programme.
    :raises PaymentUnfit: if amount, currency, direction or state speak against it.
    """
    if payment is None:
        raise PaymentUnfit(position=line.position, end_to_end_id="–")
    payment = locked([payment.pk])[payment.pk]
    _require_finance(payment, actor)
    owners = accounts_of(actor)[line.statement.account]
    is_whole = kind == Kind.THIS_PAYMENT and line.amount == payment.amount
    is_part = kind == Kind.PAID_IN_PART and 0 < line.amount < payment.amount
    fits = (
        (is_whole or is_part)
        and line.unit == payment.unit
        and not line.is_credit
        and line.statement.format != BankStatement.Format.REPORT
        and payment.status == Status.SENT
        and payment.batch.debtor.pk in owners
    )
    if not fits:
        raise PaymentUnfit(position=line.position, end_to_end_id=payment.end_to_end_id)
    return payment


def _require_finance(payment: Payment, actor: User) -> None:
    programme = payment.batch.programme
    require_role(
        actor,
        Role.FINANCE,
        organisation=programme.authority,
        programme_code=programme.code,
    )


def _pay(
    line: BankLine,
    kind: str,
    payment: Payment,
    note: str,
    actor: User,
    at: datetime,
    key: str,
) -> None:
    batch = payment.batch
    ref, rest = payment.end_to_end_id, payment.amount - line.amount
    is_part = kind == Kind.PAID_IN_PART
    ledger.await_closing(batch.programme.code)
    confirmed = begin_answer(
        CONFIRMED,
        batch,
        [payment],
        f"{key}/confirm",
        actor,
        at,
        note,
        {ref: line.amount} if is_part else None,
    )
    open_paid(confirmed, batch, [payment])
    ledger.post(confirmed, [paid_move(payment, line.amount)])
    payment.status, payment.answered_at = Status.PAID, at
    if is_part:
        due = begin_answer(
            SENT_BACK,
            batch,
            [payment],
            f"{key}/return",
            actor,
            at,
            note,
            {ref: rest},
        )
        ledger.post(due, [return_move(payment, rest)])
        note_later_fact(due, batch.programme, _sent_at(payment), -rest)
        payment.status, payment.paid_amount = Status.PART, line.amount
    payment.save(update_fields=["status", "answered_at", "paid_amount"])
    close_if_answered(batch)


def _unpay(act: Act, last: BankResolution, actor: User) -> None:
    """Bring the value of a confirmed payment back to where it waits for the bank."""
    assert last.payment_id is not None
    payment = locked([last.payment_id])[last.payment_id]
    _require_finance(payment, actor)
    is_part = last.kind == Kind.PAID_IN_PART
    if payment.status != (Status.PART if is_part else Status.PAID):
        raise PaymentMoved(end_to_end_id=payment.end_to_end_id)
    ref, programme = payment.end_to_end_id, payment.batch.programme
    ledger.await_closing(programme.code)
    flows = (Flow.PAY, Flow.RETURN_PAYMENT) if is_part else (Flow.PAY,)
    moved = [standing_transfers(payment.batch.address, flow, [ref])[ref] for flow in flows]
    ledger.reverse_many(act, dict.fromkeys(moved, ref))
    # What was due again is at the bank again; of a whole payment nothing was.
    sent_again = payment.amount - payment.answered_amount
    note_later_fact(act, programme, _sent_at(payment), sent_again)
    payment.status, payment.answered_at, payment.paid_amount = Status.SENT, None, None
    payment.save(update_fields=["status", "answered_at", "paid_amount"])
    Batch.objects.filter(pk=payment.batch_id, status=Batch.Status.CLOSED).update(
        status=Batch.Status.SENT
    )


def _sent_at(payment: Payment) -> datetime:
    """Return when a payment was sent to the bank: of that month is what is known of it later."""
    assert payment.batch.released_at is not None, "what the bank answered was released"
    return payment.batch.released_at
