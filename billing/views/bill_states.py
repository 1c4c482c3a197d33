"""Where bills stand: sent, queried, to be paid, at the bank, paid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db.models import Exists, OuterRef, Sum

from billing import statuses
from billing.models import Bill, FunderShare, Payment, Settlement, Verdict
from billing.queries import is_own_claim, unproven
from billing.queries.owed import owed_to
from common.money import is_currency
from common.statuses import Status
from ledger.kinds import Flow
from providers.queries import suspensions_of_settlement
from vouchers.models import Programme

OPEN = (Verdict.Outcome.REDUCED, Verdict.Outcome.WITHHELD)


class BillState(NamedTuple):
    """A bill's status, what is covered and withheld of it, and the payment that pays it.

    Where several pay it, of several payers or since one came back, the payment is the newest.
    """

    status: Status
    covered: int
    withheld: int
    payment: Payment | None


@dataclass(slots=True)
class _Money:
    """Where the money of a bill is: what is borne of it, and of that set off or paid, and sent."""

    due: int = 0
    done: int = 0
    at_bank: int = 0
    newest_sent: Payment | None = None
    newest_returned: Payment | None = None

    def add(self, kept: int, back: int, payment: Payment | None) -> None:
        """Count what a payment took of the bill and kept, and what came back of that.

        Without a payment it is something else that left nothing to pay, a set-off.
        """
        if payment is not None and payment.status == Payment.Status.SENT:
            self.at_bank += kept
        else:
            self.done += kept
        if kept and payment is not None:
            self.newest_sent = _newer(self.newest_sent, payment)
        if back and payment is not None:
            self.newest_returned = _newer(self.newest_returned, payment)


def _newer(one: Payment | None, other: Payment) -> Payment:
    return other if one is None or other.pk > one.pk else one


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
    moneys, waiting = _moneys(settled), _waiting(settled)
    to_prove = unproven(bills, at)
    return {
        bill.pk: _state(
            bill,
            covered.get(bill.pk, 0),
            withheld.get(bill.pk, 0),
            moneys.get(bill.pk, _Money()),
            waiting.get((bill.programme_id, bill.payee_id), []),
            is_stopped=bill.provider_id in stopped,
            is_unproven=bill.pk in to_prove,
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


def _moneys(bills: Sequence[Bill]) -> dict[int, _Money]:
    """Return where the money of settled bills is, by their key, as the ledger has it."""
    in_money = [bill for bill in bills if is_currency(bill.unit)]
    settlements = Settlement.objects.filter(bill__in=in_money, covered__gt=0)
    bill_of = dict(settlements.values_list("act", "bill"))
    found = {bill.pk: _Money() for bill in in_money}
    shares = FunderShare.objects.filter(settlement__in=settlements).values_list(
        "settlement__bill"
    )
    for bill, amount in shares.annotate(sum=Sum("amount")):
        found[bill].due = amount
    taken = _taken(in_money, bill_of)
    payments = Payment.objects.filter(
        end_to_end_id__in={ref for _bill, ref, _kept, _back in taken}
    )
    by_ref = {one.end_to_end_id: one for one in payments.select_related("batch")}
    for bill, ref, kept, back in taken:
        found[bill].add(kept, back, by_ref.get(ref))
    return found


def _taken(
    bills: Sequence[Bill], bill_of: Mapping[int, int]
) -> list[tuple[int, str, int, int]]:
    """Return what left the payables of each bill: by what, how much, and how much came back."""
    parties = {(bill.programme_id, bill.payee_id): bill for bill in bills}
    accounts = [(bill.programme, bill.payee) for bill in parties.values()]
    found = []
    for owed in owed_to(accounts).values():
        for paid in owed.debits.values():
            back = paid.returned
            ref = paid.entry.ref if paid.entry.flow == Flow.INSTRUCT else ""
            for entry, amount in paid.parts:
                returned = min(back, amount)
                back -= returned
                if (bill := bill_of.get(entry.act_id)) is not None:
                    found.append((bill, ref, amount - returned, returned))
    return found


def _waiting(bills: Sequence[Bill]) -> dict[tuple[int, int], list[Payment]]:
    """Return the payments that were not sent yet, by programme and payee."""
    found: dict[tuple[int, int], list[Payment]] = {}
    prepared = Payment.objects.filter(
        status=Payment.Status.PREPARED,
        payee__in={bill.payee_id for bill in bills},
        batch__programme__in={bill.programme_id for bill in bills},
    )
    for one in prepared.select_related("batch").order_by("batch__prepared_at", "pk"):
        found.setdefault((one.batch.programme_id, one.payee_id), []).append(one)
    return found


def _state(
    bill: Bill,
    covered: int,
    withheld: int,
    money: _Money,
    prepared: Sequence[Payment],
    *,
    is_stopped: bool,
    is_unproven: bool,
) -> BillState:
    code = _code(bill, withheld, money)
    # A holder's claim is its own, and goes on.
    if code == "SENT" and is_stopped and not is_own_claim(bill):
        code = "STOPPED"
    elif code == "SENT" and is_unproven:
        code = "UNPROVEN"
    payment = money.newest_sent
    if code == "TO_PAY":
        # A batch that was opened after its settlement takes in what is due of it.
        waiting = (
            one
            for one in prepared
            if bill.settled_at is not None and one.batch.prepared_at >= bill.settled_at
        )
        payment = next(waiting, None) or money.newest_returned or payment
    return BillState(statuses.BILL[code], covered, withheld, payment)


def _code(bill: Bill, withheld: int, money: _Money) -> str:
    if bill.status == Bill.Status.SENT:
        return "SENT"
    if withheld:
        return "QUERIED"
    if bill.programme.mode == Programme.Mode.M5:
        return "DELIVERED"
    if not money.due:
        return "NOT_ACCEPTED"
    if money.done >= money.due:
        return "PAID"
    return "AT_BANK" if money.done + money.at_bank >= money.due else "TO_PAY"
