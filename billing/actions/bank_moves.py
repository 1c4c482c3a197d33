"""What the bank's answers do to value: confirmed to paid, returned to payable, batch by batch."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection

from billing.actions.later_facts import note_later_fact
from billing.models import Batch, Payment
from ledger import actions as ledger
from ledger.actions import Act, Move, begin
from ledger.kinds import AccountKind, ActKind, Flow
from ledger.queries import standing_transfers
from parties.models import User

Status = Payment.Status
ANSWERED = (Status.PAID, Status.PART)
# The two acts of a bank's answer, which `begin_answer` alone begins.
CONFIRMED, SENT_BACK = ActKind.CONFIRM_PAYMENT, ActKind.RETURN_PAYMENT


@dataclass(slots=True)
class Changes:
    """What entries together do to the payments of one batch, by the payments' numbers."""

    confirmed: dict[int, Payment] = field(default_factory=dict)
    returned: dict[int, Payment] = field(default_factory=dict)
    # Returned after an earlier answer had confirmed them.
    taken_back: dict[int, Payment] = field(default_factory=dict)

    def confirm(self, payment: Payment) -> None:
        """Note that the bank has paid a payment that it was sent."""
        payment.status = Status.PAID
        self.confirmed[payment.pk] = payment

    def give_back(self, payment: Payment, reason_code: str) -> None:
        """Note that a payment came back, whether or not it had been confirmed."""
        was_paid = payment.status in ANSWERED
        payment.status = Status.RETURNED
        payment.answer_reason = reason_code[:140]
        if self.confirmed.pop(payment.pk, None) is None and was_paid:
            self.taken_back[payment.pk] = payment
        else:
            self.returned[payment.pk] = payment


def apply_changes(
    changes: Mapping[Batch, Changes], *, key: str, actor: User, at: datetime
) -> None:
    """Move the value of answered payments, in a number of statements that batches alone raise.

    :param key: of whatever answered; each batch's acts have their own from it.
    """
    for code in sorted({batch.programme.code for batch in changes}):
        ledger.await_closing(code)
    # In one order, so that two files with the same batches can wait for each other.
    for batch in sorted(changes, key=lambda one: one.pk):
        _apply(batch, changes[batch], f"{key}/{batch.code}", actor, at)


def _apply(batch: Batch, changes: Changes, key: str, actor: User, at: datetime) -> None:
    confirmed = list(changes.confirmed.values())
    taken_back = list(changes.taken_back.values())
    returned = [*changes.returned.values(), *taken_back]
    if confirmed:
        act = begin_answer(CONFIRMED, batch, confirmed, key, actor, at)
        open_paid(act, batch, confirmed)
        ledger.post(act, [paid_move(one, one.amount) for one in confirmed])
        Payment.objects.filter(pk__in=list(changes.confirmed)).update(
            status=Status.PAID, answered_at=at
        )
    if returned:
        act = begin_answer(SENT_BACK, batch, returned, key, actor, at)
        take_back(act, batch, taken_back)
        ledger.post(act, [return_move(one, one.answered_amount) for one in returned])
        assert batch.released_at is not None, "what comes back was released"
        amount = sum(one.answered_amount for one in returned)
        note_later_fact(act, batch.programme, batch.released_at, -amount)
        _mark_returned(returned, at)
    if confirmed or returned:
        close_if_answered(batch)


def begin_answer(
    kind: ActKind,
    batch: Batch,
    payments: Iterable[Payment],
    key: str,
    actor: User,
    at: datetime,
    reason: str = "",
    parts: Mapping[str, int] | None = None,
) -> Act:
    """Begin the act that confirms or returns payments of a batch.

    :param parts: of payments of which only a part is, by id, how much; minor units.
    """
    payments = list(payments)
    ids = [payment.end_to_end_id for payment in payments]
    known = {
        one.end_to_end_id: one.answered_amount
        for one in payments
        if one.paid_amount is not None
    }
    details: dict[str, object] = {"payments": ids}
    if known or parts:
        details["parts"] = {**known, **(parts or {})}
    return begin(
        kind=kind,
        key=key,
        actor=actor.address,
        about=batch.address,
        at=at,
        payload={"payments": ids},
        details=details,
        reason=reason,
    )


def open_paid(act: Act, batch: Batch, payments: Iterable[Payment]) -> None:
    """Open the accounts in which it stands what payees were paid."""
    # In one order, so that two files with the same new payees can wait for each other.
    addresses = sorted({_paid_account(one) for one in payments})
    ledger.open_accounts(act, addresses, AccountKind.PAID, batch.programme.unit)


def paid_move(payment: Payment, amount: int) -> Move:
    """Return the move by which so much of a payment is paid; minor units."""
    return Move(
        Flow.PAY, _clearing(payment), _paid_account(payment), amount, payment.end_to_end_id
    )


def return_move(payment: Payment, amount: int) -> Move:
    """Return the move by which so much of a payment is due again; minor units."""
    return Move(
        Flow.RETURN_PAYMENT,
        _clearing(payment),
        payment.payable,
        amount,
        payment.end_to_end_id,
    )


def take_back(act: Act, batch: Batch, payments: Iterable[Payment]) -> None:
    """Reverse the transfers by which payments of a batch were confirmed."""
    refs = [payment.end_to_end_id for payment in payments]
    if not refs:
        return
    found = standing_transfers(batch.address, Flow.PAY, refs)
    missing = set(refs) - found.keys()
    assert not missing, f"{missing} are paid and no act confirmed them"
    ledger.reverse_many(act, {found[ref]: ref for ref in refs})


def close_if_answered(batch: Batch) -> None:
    """Close a batch that was sent, when none of its payments waits for the bank any more."""
    waiting = Payment.objects.filter(batch=batch, status=Status.SENT)
    if not waiting.exists():
        # What the bank answered it had, whether or not anybody said that it was handed over.
        Batch.objects.filter(
            pk=batch.pk, status__in=[Batch.Status.RELEASED, Batch.Status.SENT]
        ).update(status=Batch.Status.CLOSED)


def _clearing(payment: Payment) -> str:
    return payment.batch.programme.account("clearing", payment.batch.code)


def _paid_account(payment: Payment) -> str:
    return ":".join(["paid", *payment.payable.split(":")[1:]])


def _mark_returned(payments: list[Payment], at: datetime) -> None:
    # One statement for any number: each has a reason of its own.
    with connection.cursor() as cursor:
        cursor.execute(
            "update billing_payment p set status = 'RETURNED', answered_at = %s, "
            "answer_reason = u.reason from unnest(%s::bigint[], %s::text[]) u (id, reason) "
            "where p.id = u.id",
            [at, [one.pk for one in payments], [one.answer_reason for one in payments]],
        )
