"""What waits for finance: each queue oldest first, each row with its clock."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery

from billing.models import (
    Batch,
    Bill,
    BillLine,
    Objection,
    Payment,
    Recovery,
    Settlement,
    Verdict,
)
from billing.queries.bills import bills_to_settle, programmes_overseen
from billing.queries.deadlines import SettlementRules
from billing.queries.oddities import clock_of, odd_lines
from billing.queries.own_shares import proofs_waiting, unproven
from billing.queries.payments import PAYABLE_KINDS
from billing.queries.provider_invoices import bills_behind
from billing.queries.traced import Paid, parts_open
from billing.reasons import OF_HOLDER
from common.days import end_of
from ledger import queries as ledger
from parties.models import User
from policy.objections import verdict_until
from vouchers.models import Programme


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that waits: since when, until when it should be done, and how much it is of.

    `kind` and `name` are as a trace names things. `due` is None where no rule sets a day; `who`
    is a status or a payee, and `amount` in the smallest parts of `unit`. `is_settled` says of a
    line whether its bill is, so that it can be decided.
    """

    kind: str
    name: str
    programme: str
    who: str
    amount: int
    unit: str
    since: datetime
    due: datetime | None
    why: str = ""
    why_values: Mapping[str, Any] = field(default_factory=dict)
    is_settled: bool = True


def bills_waiting(programmes: Sequence[Programme], _person: User) -> list[Waiting]:
    """Return the bills and claims to settle; due is when their days for an objection are over.

    A claim whose own share is not proven says so.
    """
    rules = SettlementRules()
    found = list(bills_to_settle().filter(programme__in=programmes).select_related("payee"))
    # The day tells the year alone that earlier claims are counted in.
    waits = unproven(found, found[-1].sent_at) if found else {}
    return [
        Waiting(
            "bill",
            one.number,
            one.programme.code,
            one.payee.name_here,
            one.total,
            one.unit,
            one.sent_at,
            one.sent_at + timedelta(days=rules.of(one.programme, one.sent_at).objection_days),
            "own_share_not_proven" if one.pk in waits else "",
            waits[one.pk].reason_values(one.unit) if one.pk in waits else {},
        )
        for one in found
    ]


def own_shares_waiting(programmes: Sequence[Programme], _person: User) -> list[Waiting]:
    """Return the proofs of own shares that an officer has to accept or refuse."""
    return [
        Waiting(
            "own_share",
            f"{one.bill.number}/{one.pk}",
            one.bill.programme.code,
            one.paid_to,
            one.amount,
            one.bill.unit,
            one.given_at,
            None,
        )
        for one in proofs_waiting(programmes)
    ]


def _lines(programmes: Sequence[Programme], condition: Q) -> list[Waiting]:
    last = Verdict.objects.filter(line=OuterRef("pk")).order_by("-pk")
    raised = Objection.objects.filter(line=OuterRef("pk"), withdrawal=None).order_by("-pk")
    rules = SettlementRules()
    found = (
        BillLine.objects.filter(
            bill__programme__in=programmes,
            # Only lines with an open verdict are looked at, of many that were accepted.
            pk__in=Verdict.objects.filter(
                line__bill__programme__in=programmes,
                outcome__in=[Verdict.Outcome.REDUCED, Verdict.Outcome.WITHHELD],
            ).values("line"),
        )
        .annotate(
            last_outcome=Subquery(last.values("outcome")[:1]),
            last_reason=Subquery(last.values("reason")[:1]),
            last_values=Subquery(last.values("reason_values")[:1]),
            open_amount=Subquery(last.values("withheld")[:1]),
            open_since=Subquery(last.values("decided_at")[:1]),
            raised_at=Subquery(raised.values("raised_at")[:1]),
        )
        .filter(
            condition,
            last_outcome__in=[Verdict.Outcome.REDUCED, Verdict.Outcome.WITHHELD],
        )
        .select_related("bill__programme", "bill__payee")
        .order_by("open_since", "pk")
    )
    return [
        Waiting(
            "bill_line",
            f"{one.bill.number}/{one.row}",
            one.bill.programme.code,
            one.bill.payee.name_here,
            one.open_amount,
            one.bill.unit,
            one.open_since,
            _verdict_due(one, rules),
            one.last_reason,
            one.last_values,
        )
        for one in found
    ]


def _verdict_due(line: Any, rules: SettlementRules) -> datetime | None:
    """Return until when an officer decides a line's objection; None where no rule sets a day."""
    bill = line.bill
    if line.last_reason != "objected" or line.raised_at is None:
        return None
    return verdict_until(
        rules.of(bill.programme, bill.sent_at), line.raised_at, bill.settled_at
    )


def lines_disputed(programmes: Sequence[Programme], _person: User) -> list[Waiting]:
    """Return the lines that a holder objects to and nobody has decided yet, settled or not.

    Before its bill is settled a line is due with it; afterwards an officer decides it, within
    the days that the law gives, where it does.
    """
    rules = SettlementRules()
    raised = Objection.objects.filter(
        line__bill__programme__in=programmes,
        line__bill__status=Bill.Status.SENT,
        withdrawal=None,
    ).select_related("line__bill__programme", "line__bill__payee")
    rows = [
        Waiting(
            "bill_line",
            f"{one.line.bill.number}/{one.line.row}",
            one.line.bill.programme.code,
            one.line.bill.payee.name_here,
            one.line.amount,
            one.line.bill.unit,
            one.raised_at,
            one.line.bill.sent_at
            + timedelta(
                days=rules.of(one.line.bill.programme, one.line.bill.sent_at).objection_days
            ),
            "objected",
            {"note": one.text},
            is_settled=False,
        )
        for one in raised
    ]
    rows += _lines(programmes, Q(last_reason__in=OF_HOLDER))
    return sorted(rows, key=lambda row: (row.since, row.name))


def lines_kept_back(programmes: Sequence[Programme], _person: User) -> list[Waiting]:
    """Return the lines of which a rule withheld something that nobody has decided yet."""
    return _lines(programmes, ~Q(last_reason__in=OF_HOLDER))


def batches_waiting(programmes: Sequence[Programme], _person: User) -> list[Waiting]:
    """Return the batches that wait for their next person, or for the bank."""
    done = [Batch.Status.CLOSED, Batch.Status.CANCELLED]
    found = Batch.objects.filter(programme__in=programmes).exclude(status__in=done)
    rows = [
        Waiting(
            "batch",
            one.code,
            one.programme.code,
            one.status,
            one.total,
            one.programme.unit,
            max(at for at in (one.prepared_at, one.approved_at, one.released_at) if at),
            None,
        )
        for one in found.select_related("programme")
    ]
    return sorted(rows, key=lambda row: (row.since, row.name))


def payments_at_bank(programmes: Sequence[Programme], _person: User) -> list[Waiting]:
    """Return the payments that were sent and that the bank has not answered."""
    found = (
        Payment.objects.filter(batch__programme__in=programmes, status=Payment.Status.SENT)
        .select_related("batch__programme", "payee")
        .order_by("batch__released_at", "end_to_end_id")
    )
    return [
        Waiting(
            "payment",
            one.end_to_end_id,
            one.batch.programme.code,
            one.payee.name_here,
            one.amount,
            one.unit,
            one.batch.released_at or one.batch.prepared_at,
            None,
        )
        for one in found
    ]


def bank_lines_odd(_programmes: Sequence[Programme], person: User) -> list[Waiting]:
    """Return the entries of bank statements that somebody has to look at, with their clocks."""
    rows = []
    for one in odd_lines(person):
        since = one.statement.read_at
        name = one.counterparty or one.end_to_end_id
        due = clock_of(one, since).due_at
        rows.append(
            Waiting(
                "bank_line",
                str(one.pk),
                "",
                name,
                one.amount,
                one.unit,
                since,
                due,
                one.reason,
                one.reason_values,
            )
        )
    return rows


def payments_due(programmes: Sequence[Programme], _person: User) -> list[Waiting]:
    """Return what was settled and not sent to the bank, by bill; due by the law's payment days.

    What was owed first is paid first, so of each payable the newest settlements are open.
    """
    rules = SettlementRules()
    parts = [
        (programme, part)
        for programme in programmes
        for part in parts_open(_payables(programme))
    ]
    settlements = Settlement.objects.select_related("bill__payee").in_bulk(
        {part.settlement for _programme, part in parts}
    )
    amounts: dict[tuple[int, int], int] = {}
    for programme, part in parts:
        key = (programme.pk, part.settlement)
        amounts[key] = amounts.get(key, 0) + part.amount
    by_key = {programme.pk: programme for programme in programmes}
    why = _held_back(parts)
    rows = []
    for (programme_key, number), amount in amounts.items():
        one, programme = settlements[number], by_key[programme_key]
        days = rules.of(programme, one.at).payment_days
        rows.append(
            Waiting(
                "settlement",
                str(number),
                programme.code,
                f"{one.bill.number}, {one.bill.payee.name_here}",
                amount,
                one.bill.unit,
                one.at,
                one.at + timedelta(days=days),
                *why.get((programme_key, number), ("", {})),
            )
        )
    return sorted(rows, key=lambda row: (row.since, int(row.name)))


def _held_back(
    parts: Sequence[tuple[Programme, Paid]],
) -> dict[tuple[int, int], tuple[str, Mapping[str, Any]]]:
    """Return which settlements of which programme are not paid yet for want of an invoice."""
    by_programme: dict[Programme, list[Paid]] = {}
    for programme, part in parts:
        by_programme.setdefault(programme, []).append(part)
    return {
        (programme.pk, settlement): (
            "invoice_missing" if is_own else "behind_invoice",
            {"bill": bill},
        )
        for programme, own in by_programme.items()
        for held in bills_behind(programme, own).values()
        for settlement, (bill, is_own) in held.items()
    }


def _payables(programme: Programme) -> dict[str, int]:
    """Return the payables of a programme on which something is owed, with how much."""
    prefixes = tuple(programme.account(kind, "") for kind in PAYABLE_KINDS)
    accounts = ledger.accounts_found(f"payable:{programme.code}:")
    addresses = [one.address for one in accounts if one.address.startswith(prefixes)]
    balances = ledger.balances(addresses)
    return {address: one.free for address, one in balances.items() if one.free > 0}


def recoveries_to_decide(programmes: Sequence[Programme], _person: User) -> list[Waiting]:
    """Return the recoveries that nobody has decided; due when their debtors' days are over."""
    found = Recovery.objects.filter(programme__in=programmes, status=Recovery.Status.OPEN)
    return [_case(one, one.opened_at, one.amount, one.reply_until) for one in _cases(found)]


def recoveries_owed(programmes: Sequence[Programme], _person: User) -> list[Waiting]:
    """Return the recoveries of which something is owed; due on the day until which it is paid."""
    found = Recovery.objects.filter(programme__in=programmes, status=Recovery.Status.UPHELD)
    return [
        _case(one, one.decided_at or one.opened_at, one.left, one.due_on)
        for one in _cases(found)
    ]


def _cases(found: QuerySet[Recovery]) -> QuerySet[Recovery]:
    return found.select_related("programme", "debtor").order_by("opened_at", "pk")


def _case(one: Recovery, since: datetime, amount: int, last: date | None) -> Waiting:
    programme = one.programme
    due = end_of(last, programme.zone) if last else None
    name = one.debtor.name_here
    return Waiting(
        "recovery", one.code, programme.code, name, amount, programme.unit, since, due
    )


Queue = Callable[[Sequence[Programme], User], list[Waiting]]
# In the order in which a bill goes through them.
QUEUES: dict[str, Queue] = {
    "own-shares": own_shares_waiting,
    "to-settle": bills_waiting,
    "disputed": lines_disputed,
    "withheld": lines_kept_back,
    "to-pay": payments_due,
    "batches": batches_waiting,
    "at-bank": payments_at_bank,
    "unmatched": bank_lines_odd,
    "recoveries-to-decide": recoveries_to_decide,
    "recoveries-owed": recoveries_owed,
}


def queue_of(person: User, code: str, programme: str = "") -> list[Waiting]:
    """Return one queue of a person's programmes, or of one of them, oldest first.

    :raises KeyError: if there is no such queue.
    """
    found: Iterable[Programme] = programmes_overseen(person)
    if programme:
        found = [one for one in found if one.code == programme]
    rows = QUEUES[code](list(found), person)
    return [row for row in rows if not programme or row.programme in ("", programme)]
