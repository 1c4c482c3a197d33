"""Where bills stand: sent, queried, to be paid, at the bank, paid."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db.models import Exists, OuterRef, QuerySet, Sum

from billing import statuses
from billing.models import Bill, Payment, Settlement, Verdict
from billing.queries import is_own_claim, unproven
from common.statuses import Status
from providers.queries import suspensions_of_settlement
from vouchers.models import Programme

OPEN = (Verdict.Outcome.REDUCED, Verdict.Outcome.WITHHELD)


class BillState(NamedTuple):
    """A bill's status, what is covered and withheld of it, and the payment that pays it."""

    status: Status
    covered: int
    withheld: int
    payment: Payment | None


def state_of(bill: Bill, at: datetime) -> BillState:
    """Return where one bill stands at an instant."""
    return states_of([bill], at)[bill.pk]


def states_of(bills: Sequence[Bill], at: datetime) -> dict[int, BillState]:
    """Return where bills stand, by their key.

    In a constant number of statements, but for claims whose own share is to be proven.
    """
    stopped = set(
        suspensions_of_settlement(at)
        .filter(provider__in={bill.provider_id for bill in bills})
        .values_list("provider", flat=True)
    )
    settled = [bill for bill in bills if bill.status == Bill.Status.SETTLED]
    covered = dict(
        Settlement.objects.filter(bill__in=settled)
        .values_list("bill")
        .annotate(covered=Sum("covered"))
    )
    withheld = _withheld(settled)
    payments = _payments(settled)
    waiting = unproven(bills, at)
    return {
        bill.pk: _state(
            bill,
            covered.get(bill.pk, 0),
            withheld.get(bill.pk, 0),
            _paying(bill, payments),
            is_stopped=bill.provider_id in stopped,
            is_unproven=bill.pk in waiting,
        )
        for bill in bills
    }


def _withheld(bills: Sequence[Bill]) -> dict[int, int]:
    later = Verdict.objects.filter(line=OuterRef("line"), pk__gt=OuterRef("pk"))
    return dict(
        Verdict.objects.filter(line__bill__in=bills, outcome__in=OPEN)
        .filter(~Exists(later))
        .values_list("line__bill")
        .annotate(withheld=Sum("withheld"))
    )


def _payments(bills: Sequence[Bill]) -> list[Payment]:
    found: QuerySet[Payment] = (
        Payment.objects.filter(
            payee__in={bill.payee_id for bill in bills},
            batch__programme__in={bill.programme_id for bill in bills},
        )
        .exclude(status__in=[Payment.Status.REMOVED, Payment.Status.CANCELLED])
        .select_related("batch")
        .order_by("batch__prepared_at", "pk")
    )
    return list(found) if bills else []


def _paying(bill: Bill, payments: Sequence[Payment]) -> Payment | None:
    """Return the payment that took in a bill: the first batch after its settlement.

    A batch pays all that is due to a payee; a payment that came back is ordered again by a
    later batch, so the newest counts until one is paid.
    """
    mine = [
        payment
        for payment in payments
        if payment.payee_id == bill.payee_id
        and payment.batch.programme_id == bill.programme_id
        and bill.settled_at is not None
        and payment.batch.prepared_at >= bill.settled_at
    ]
    for payment in mine:
        if payment.status != Payment.Status.RETURNED:
            return payment
    return mine[-1] if mine else None


def _state(
    bill: Bill,
    covered: int,
    withheld: int,
    payment: Payment | None,
    *,
    is_stopped: bool,
    is_unproven: bool,
) -> BillState:
    code = _code(bill, covered, withheld, payment)
    # A holder's claim is its own, and goes on.
    if code == "SENT" and is_stopped and not is_own_claim(bill):
        code = "STOPPED"
    elif code == "SENT" and is_unproven:
        code = "UNPROVEN"
    return BillState(statuses.BILL[code], covered, withheld, payment)


def _code(bill: Bill, covered: int, withheld: int, payment: Payment | None) -> str:
    if bill.status == Bill.Status.SENT:
        return "SENT"
    if withheld:
        return "QUERIED"
    if bill.programme.mode == Programme.Mode.M5:
        return "DELIVERED"
    if not covered:
        return "NOT_ACCEPTED"
    if payment is None or payment.status == Payment.Status.RETURNED:
        return "TO_PAY"
    return {"PAID": "PAID", "SENT": "AT_BANK"}.get(payment.status, "TO_PAY")
