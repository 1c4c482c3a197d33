"""Which settlements a payment pays, which payments paid a settlement, and the lines behind both."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import JSONObject

from billing.models import BankLine, BillLine, Payment, Settlement, Verdict
from billing.models.payments import NEVER_SENT
from ledger.kinds import Flow
from ledger.queries.lots import Lot, lots_owed, lots_paid, lots_to_pay
from vouchers.models import OrderChange


@dataclass(frozen=True, slots=True)
class Paid:
    """A part of a settlement that a payment pays; `amount` in the payment's unit.

    `owed_act` made it payable on `payable`; `sent_act` sent it to the bank, None before that.
    """

    settlement: int
    end_to_end_id: str
    amount: int
    payable: str
    owed_act: int
    sent_act: int | None


@dataclass(frozen=True, slots=True)
class _Known:
    """What tells to which settlement a transfer belongs."""

    pk: int
    act: int
    voucher: str
    hold: int | None
    order: int | None


def payments_traced(found: QuerySet[Payment]) -> QuerySet[Payment]:
    """Return payments with all that their part of a trace says, in one statement.

    `bank_lines_told` are the statement's lines that answered each, oldest first.
    """
    lines = BankLine.objects.filter(payment=OuterRef("pk")).order_by("pk")
    told = lines.values(
        told=JSONObject(
            pk="pk",
            statement="statement",
            name="statement__name",
            position="position",
            booked_on="booked_on",
            amount="amount",
            unit="unit",
            match="match",
            is_credit="is_credit",
        )
    )
    return (
        found.select_related("batch__programme", "batch__file", "payee", "bank_detail")
        .defer("batch__file__content")
        .annotate(bank_lines_told=ArraySubquery(told))
    )


def parts_paid(payments: Sequence[Payment]) -> list[Paid]:
    """Return the parts of settlements that payments pay, each payment's oldest first.

    A payment takes what was owed first; see `ledger.queries.lots`. Of one that was not sent yet
    it is what it will take, unless a correction comes between. A cancelled one pays nothing.
    """
    sent = [one for one in payments if one.status not in NEVER_SENT]
    lots = lots_paid(
        sorted({one.batch.address for one in sent}), [one.end_to_end_id for one in sent]
    )
    found = _parts(lots, {})
    for one in payments:
        if one.status == Payment.Status.PREPARED:
            waiting = Payment.objects.filter(
                payable=one.payable, status=Payment.Status.PREPARED, pk__lt=one.pk
            ).aggregate(total=Sum("amount"))["total"]
            to_pay = lots_to_pay(one.payable, one.amount, waiting or 0)
            found += _parts(to_pay, {-1: one.end_to_end_id})
    return found


def parts_open(payables: Mapping[str, int]) -> list[Paid]:
    """Return the parts of settlements that nobody has sent to the bank, oldest first.

    :param payables: what is owed on each account.
    """
    lots = [lot for address, owed in payables.items() for lot in lots_to_pay(address, owed)]
    return _parts(lots, {-1: ""})


def parts_owed(settlements: Collection[Settlement]) -> list[Paid]:
    """Return the parts of settlements that payments paid or tried to pay, oldest first."""
    wanted = {one.pk for one in settlements}
    lots = lots_owed([one.act_id for one in settlements])
    return [part for part in _parts(lots, {}) if part.settlement in wanted]


def _parts(lots: Sequence[Lot], names: dict[int, str]) -> list[Paid]:
    known = _settlements_by(lots)
    parts = []
    for lot in lots:
        if lot.taken_flow == Flow.APPORTION:
            continue  # It went on to another payer, whose own lot is among them.
        settlement = known.get(_owed_key(lot))
        if settlement is not None:
            name = names.get(lot.taken_transfer, lot.taken_ref)
            act = lot.taken_act or None
            parts.append(Paid(settlement, name, lot.amount, lot.payable, lot.owed_act, act))
    return parts


_Owed = tuple[int, str, int | None]


def _owed_key(lot: Lot) -> _Owed:
    """Return by what a lot's settlement is known; what another payer owes, by its reference."""
    if lot.owed_flow == Flow.APPORTION:
        return lot.owed_act, lot.owed_ref, None
    return lot.owed_act, lot.owed_from, lot.owed_hold


def _settlements_by(lots: Iterable[Lot]) -> dict[_Owed, int]:
    """Return the settlement of each act, voucher's account and hold that made something payable."""
    owed = {_owed_key(lot) for lot in lots}
    by_act: dict[tuple[int, str], list[_Known]] = defaultdict(list)
    rows = Settlement.objects.filter(act__in={act for act, _from, _hold in owed}, covered__gt=0)
    for row in rows.order_by("pk").values_list(
        "pk",
        "act_id",
        "voucher__code",
        "order__hold",
        "order_id",
        "order__code",
        "bill__number",
    ):
        one = _Known(*row[:5])
        by_act[one.act, one.voucher].append(one)
        by_act[one.act, row[5] or row[6]].append(one)
    found: dict[_Owed, int] = {}
    left: list[_Owed] = []
    for key in owed:
        act, source, hold = key
        candidates = by_act[act, source.rpartition(":")[2]]
        matching = [one for one in candidates if one.hold == hold] or candidates
        if len(matching) == 1:
            found[key] = matching[0].pk
        elif matching:
            left.append(key)
    return found | _by_former_holds(left, by_act)


def _by_former_holds(
    left: Sequence[_Owed], by_act: dict[tuple[int, str], list[_Known]]
) -> dict[_Owed, int]:
    """Return the settlements of orders that have another hold since they were settled."""
    if not left:
        return {}
    changes = dict(
        OrderChange.objects.filter(hold_before__in=[hold for *_rest, hold in left]).values_list(
            "hold_before", "order_id"
        )
    )
    return {
        (act, source, hold): one.pk
        for act, source, hold in left
        for one in by_act[act, source.rpartition(":")[2]]
        if hold is not None and one.order == changes.get(hold)
    }


def lines_traced(settlements: Sequence[Settlement]) -> QuerySet[BillLine]:
    """Return the bill lines that settlements were made of, each with its last verdict.

    `verdict_told` is the verdict, or None; `lines_count` how many lines there are in all.
    """
    of = Q(pk__in=[])
    by_bill: dict[int, list[Settlement]] = defaultdict(list)
    for one in settlements:
        by_bill[one.bill_id].append(one)
    for bill, own in by_bill.items():
        orders = [one.order_id for one in own if one.order_id is not None]
        vouchers = [one.voucher_id for one in own if one.order_id is None]
        named = Q(order__in=orders) if orders else Q(pk__in=[])
        of |= Q(bill=bill) & (
            named | Q(order=None, voucher__in=vouchers) if vouchers else named
        )
    return with_verdicts_told(BillLine.objects.filter(of))


def with_verdicts_told(lines: QuerySet[BillLine]) -> QuerySet[BillLine]:
    """Return bill lines with their last verdict and their number, in one statement."""
    last = Verdict.objects.filter(line=OuterRef("pk")).order_by("-pk")
    told = last.values(
        told=JSONObject(
            outcome="outcome",
            accepted="accepted",
            withheld="withheld",
            covered="covered",
            co_payment="co_payment",
            reason="reason",
            reason_values="reason_values",
            decided_at="decided_at",
        )
    )
    count = lines.order_by().values(one=Value(1)).annotate(count=Count("pk")).values("count")
    return (
        lines.select_related("bill", "order", "usage_line")
        .annotate(verdict_told=Subquery(told[:1]), lines_count=Subquery(count))
        .order_by("bill", "row")
    )


def settlements_traced(found: QuerySet[Settlement]) -> QuerySet[Settlement]:
    """Return settlements with their bill, order and policy version, oldest first."""
    return (
        found.select_related(
            "bill__programme", "order__offer__provider__organisation", "policy_version"
        )
        .defer("policy_version__text", "bill__facts")
        .annotate(voucher_code=F("voucher__code"))
        .order_by("bill", "pk")
    )
