"""What was true at an instant, as frames: one read of each source, whatever the page shows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from django.db.models import Exists, Min, OuterRef, Q, Sum

from billing.models import BankLine, MeteredUse, Settlement
from ledger import queries as ledger
from scoring.models import Outcome
from vouchers.models import Application, Decision, Order, OrderChange, Voucher


@dataclass(frozen=True)
class Frames:
    """Every row carries `programme` and `unit`, so that a scope is a filter."""

    flows: pd.DataFrame
    vouchers: pd.DataFrame
    consumed: pd.DataFrame
    usage: pd.DataFrame
    applications: pd.DataFrame
    outcomes: pd.DataFrame

    def within(self, column: str, value: str) -> "Frames":
        """Return the rows of one programme, or of one unit."""
        return Frames(*(frame[frame[column] == value] for frame in vars(self).values()))


def frames_at(at: datetime, programme: str = "") -> Frames:
    """Return everything that the figures need, as it stood at an instant."""
    only = Q(voucher__programme__code=programme) if programme else Q()
    return Frames(
        flows=_flows(at, programme),
        vouchers=_vouchers(at, programme),
        consumed=_consumed(at, programme),
        usage=_usage(at, only),
        applications=_applications(at, programme),
        outcomes=_outcomes(at, only),
    )


def _frame(rows: Iterable[Mapping[str, Any]], columns: Mapping[str, str]) -> pd.DataFrame:
    """Return rows with a type a column; empty columns keep theirs, so that no sum is a float."""
    frame = pd.DataFrame(list(rows), columns=list(columns))
    return frame.astype(dict(columns))


def _flows(at: datetime, programme: str) -> pd.DataFrame:
    columns = {
        "programme": "object",
        "unit": "object",
        "flow": "int64",
        "transfer_kind": "int64",
        "debit_kind": "int64",
        "credit_kind": "int64",
        "amount": "object",
    }
    rows = (
        {name: getattr(row, name) for name in columns}
        for row in ledger.flows_as_of(at, programme)
    )
    return _frame(rows, columns)


def _vouchers(at: datetime, programme: str) -> pd.DataFrame:
    rows = (
        {
            "programme": row.programme,
            "unit": row.unit,
            "address": row.address,
            "has_moved": row.first_at is not None,
        }
        for row in ledger.vouchers_as_of(at, programme)
    )
    columns = {
        "programme": "object",
        "unit": "object",
        "address": "object",
        "has_moved": "bool",
    }
    return _frame(rows, columns)


def _consumed(at: datetime, programme: str) -> pd.DataFrame:
    """Return what was taken from vouchers, with whose voucher, which provider, and if paid."""
    known = _providers_known(at)
    holders = dict(Voucher.objects.values_list("code", "organisation__code"))
    paid = _paid_until(at)
    rows = (
        {
            "programme": row.programme,
            "unit": row.unit,
            "voucher": row.voucher,
            "provider": _provider_of(row, known),
            "beneficiary": holders.get(row.voucher.rpartition(":")[2], ""),
            "is_paid": row.toward.startswith("delivered:")
            or (row.toward in paid and row.first_at <= paid[row.toward]),
            "amount": row.amount,
        }
        for row in ledger.consumed_as_of(at, programme)
    )
    columns = dict.fromkeys(
        ("programme", "unit", "voucher", "provider", "beneficiary"), "object"
    )
    return _frame(rows, {**columns, "is_paid": "bool", "amount": "object"})


Known = dict[tuple[int | None, int | None], str]


def _providers_known(at: datetime) -> Known:
    """Return the provider of each hold and, where value moved without one, of each act."""
    known: Known = {}
    orders = Order.objects.values_list("hold", "offer__provider__organisation__code")
    # An order that was changed had other holds before.
    changes = OrderChange.objects.values_list(
        "hold_before", "order__offer__provider__organisation__code"
    )
    for hold, code in [*orders, *changes]:
        known[hold, None] = code
    claims = Settlement.objects.filter(at__lte=at, order__isnull=True).values_list(
        "act_id", "bill__provider__organisation__code"
    )
    for act_id, code in claims:
        known[None, act_id] = code
    return known


def _provider_of(row: ledger.Consumed, known: Known) -> str:
    kind, _colon, rest = row.toward.partition(":")
    if kind == "provider_payable":
        return rest.rpartition(":")[2]
    return known.get((row.hold, row.act_id), "")


def _paid_until(at: datetime) -> dict[str, datetime]:
    """Return, for each payable account, until when what it was owed is confirmed as paid."""
    returned = BankLine.objects.filter(
        payment=OuterRef("payment"),
        match=BankLine.Match.RETURNED,
        pk__gt=OuterRef("pk"),
        statement__read_at__lte=at,
    )
    found = (
        BankLine.objects.filter(match=BankLine.Match.PAID, statement__read_at__lte=at)
        .filter(~Exists(returned))
        .values_list("payment__payable", "payment__batch__prepared_at")
    )
    until: dict[str, datetime] = {}
    for payable, prepared_at in found:
        until[payable] = max(prepared_at, until.get(payable, prepared_at))
    return until


def _usage(at: datetime, only: Q) -> pd.DataFrame:
    """Return each voucher's metered GPU time, and the microseconds from issue to first use.

    Use that a correction took back by then is none: a voucher of which nothing else was used is
    not among them.
    """
    stands = Q(is_opposite=False) & (Q(taken_back_at=None) | Q(taken_back_at__gt=at))
    found = (
        MeteredUse.objects.filter(only, recorded_at__lte=at)
        .values_list(
            "voucher__programme__code",
            "voucher__programme__unit",
            "voucher__code",
            "voucher__issued_at",
        )
        .annotate(
            ms=Sum("quantity_ms", filter=Q(resource="GPU")),
            first_at=Min("started_at", filter=stands),
        )
        .exclude(first_at=None)
    )
    rows = (
        {
            "programme": programme,
            "unit": unit,
            "voucher": voucher,
            "ms": int(ms or 0),
            "waited_us": _microseconds(issued_at, first_at),
        }
        for programme, unit, voucher, issued_at, ms, first_at in found
    )
    columns = dict.fromkeys(("programme", "unit", "voucher"), "object")
    return _frame(rows, {**columns, "ms": "object", "waited_us": "object"})


def _microseconds(earlier: datetime, later: datetime) -> int:
    apart = later - earlier
    return (apart.days * 86_400 + apart.seconds) * 1_000_000 + apart.microseconds


def _applications(at: datetime, programme: str) -> pd.DataFrame:
    undone = Decision.objects.filter(undoes=OuterRef("pk"), decided_at__lte=at)
    approved = Decision.objects.filter(
        ~Exists(undone),
        application=OuterRef("pk"),
        outcome=Decision.Outcome.PASS,
        undoes__isnull=True,
        decided_at__lte=at,
    )
    found = Application.objects.annotate(is_approved=Exists(approved)).filter(
        Q(sent_at__lte=at) | Q(is_approved=True)
    )
    if programme:
        found = found.filter(round__programme__code=programme)
    rows = (
        {
            "programme": code,
            "unit": unit,
            "is_sent": sent_at is not None and sent_at <= at,
            "is_approved": is_approved,
        }
        for code, unit, sent_at, is_approved in found.values_list(
            "round__programme__code", "round__programme__unit", "sent_at", "is_approved"
        )
    )
    columns = {
        "programme": "object",
        "unit": "object",
        "is_sent": "bool",
        "is_approved": "bool",
    }
    return _frame(rows, columns)


def _outcomes(at: datetime, only: Q) -> pd.DataFrame:
    found = Outcome.objects.filter(only, reported_at__lte=at).exclude(kind=Outcome.Kind.NONE)
    rows = (
        {"programme": programme, "unit": unit, "voucher": voucher}
        for programme, unit, voucher in found.values_list(
            "voucher__programme__code", "voucher__programme__unit", "voucher__code"
        ).distinct()
    )
    return _frame(rows, dict.fromkeys(("programme", "unit", "voucher"), "object"))
