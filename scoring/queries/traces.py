"""The chain from appropriation to outcome that one thing stands in, both ways from it.

A trace is read in at most eight statements, however many lines and vouchers it has: what there
is much of is counted, and shown page by page.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import JSONObject

from billing.models import BankLine, Bill, BillLine, Payment, Settlement, UsageLine
from billing.queries.archive import with_archived
from billing.queries.traced import (
    Paid,
    lines_traced,
    parts_owed,
    parts_paid,
    payments_traced,
    settlements_traced,
    with_verdicts_told,
)
from common.errors import NotFound
from ledger import queries as ledger
from ledger.queries import Balance
from scoring.models import Outcome, Score
from scoring.queries.sight import Sight
from scoring.queries.starts import (
    Start,
    bill_lines_seen,
    orders_seen,
    payments_seen,
    settlements_seen,
    start_of,
    totals_seen,
    vouchers_seen,
)
from vouchers.models import Application, Order, Programme, Round, Standing, Voucher

ROWS = 20
# A download has whole lists up to here; a list that is longer is downloaded page by page.
ROWS_OF_DOWNLOAD = 20_000


@dataclass(frozen=True, slots=True)
class Part:
    """One page of a list: its rows, how many there are in all, and where this page begins."""

    rows: Sequence[Any]
    count: int
    begin: int = 0

    @property
    def pages(self) -> int:
        """How many pages of `ROWS` there are."""
        return max(1, -(-self.count // ROWS))


NONE = Part((), 0)


@dataclass
class Trace:
    """What of a chain a reader may see; a part that is another's is empty.

    `part` says how much of which payment is of which settlement; `totals` what of each bill, by its
    key, is shown to the reader. `paged` is the list that the
    page's number counts: payments, settlements or vouchers.
    """

    start: Start
    programme: Programme | None = None
    rounds: list[Round] = field(default_factory=list)
    applications: list[Application] = field(default_factory=list)
    vouchers: Part = NONE
    orders: Part = NONE
    lines: Part = NONE
    bills: list[Bill] = field(default_factory=list)
    totals: dict[int, int] = field(default_factory=dict)
    settlements: Part = NONE
    parts: list[Paid] = field(default_factory=list)
    payments: Part = NONE
    usage: UsageLine | None = None
    bank_line: BankLine | None = None
    balances: dict[str, Balance] = field(default_factory=dict)
    paged: str = "vouchers"
    shows_budget: bool = False


def trace_of(
    sight: Sight, kind: str, name: str, *, page: int = 1, lines: int = 1, whole: bool = False
) -> Trace:
    """Return the chain that a thing stands in, as far as a reader may see it.

    :param page: which twenty of the payments, settlements or vouchers to follow.
    :param lines: which twenty of the bill lines to show.
    :param whole: all of them at once, for a download.
    :raises NotFound: if there is no such thing, or it is not the reader's to see.
    """
    start = start_of(sight, kind, name)
    reader = _Reader(sight, start, page, lines, ROWS_OF_DOWNLOAD if whole else ROWS)
    return reader.read(name)


class _Reader:
    """Reads one trace, list by list."""

    def __init__(self, sight: Sight, start: Start, page: int, lines: int, rows: int) -> None:
        self.sight, self.start, self.rows = sight, start, rows
        self.page, self.lines_page = max(page, 1), max(lines, 1)
        self.trace = Trace(start, usage=start.usage, bank_line=start.bank_line)

    def read(self, name: str) -> Trace:
        trace, start = self.trace, self.start
        if start.payments is not None:
            self._from_payments(start.payments, name)
        elif start.settlements is not None and start.vouchers is None:
            self._from_settlements(start.settlements)
        elif start.vouchers is not None:
            self._from_vouchers(start.vouchers)
        self._lines()
        self._heads()
        return trace

    def _cut(self, found: Sequence[Any]) -> Part:
        begin = (self.page - 1) * self.rows
        return Part(found[begin : begin + self.rows], len(found), begin)

    def _paged(self, found: QuerySet[Any]) -> Part:
        """Return one page of rows; they are counted only where there can be more."""
        begin = (self.page - 1) * self.rows
        rows = list(found[begin : begin + self.rows])
        full = len(rows) == self.rows or (begin and not rows)
        return Part(rows, found.order_by().count() if full else begin + len(rows), begin)

    # --- from each end ---

    def _from_payments(self, condition: Q, name: str) -> None:
        trace = self.trace
        found = Payment.objects.filter(condition).filter(payments_seen(self.sight))
        payments = self._paged(payments_traced(found).order_by("end_to_end_id"))
        if not payments.count:
            raise NotFound(what=name)
        trace.payments = payments
        parts = parts_paid(payments.rows)
        ids = sorted({part.settlement for part in parts})
        if payments.count > 1:
            trace.paged = "payments"
            shown = Part(ids[:ROWS_OF_DOWNLOAD], len(ids))
        else:
            trace.paged = "settlements"
            shown = self._cut(ids)
        # A payment is of one payee: what its settlements are of, the payee may see.
        rows = list(settlements_traced(Settlement.objects.filter(pk__in=shown.rows)))
        trace.settlements = Part(rows, shown.count, shown.begin)
        trace.parts = parts
        self._vouchers_of_settlements()

    def _from_settlements(self, condition: Q) -> None:
        trace = self.trace
        found = Settlement.objects.filter(condition).filter(settlements_seen(self.sight))
        trace.paged = "settlements"
        trace.settlements = self._paged(settlements_traced(found.distinct()))
        self._payments_of_settlements()
        self._vouchers_of_settlements()

    def _from_vouchers(self, condition: Q) -> None:
        trace, start = self.trace, self.start
        seen = Voucher.objects.filter(condition).filter(vouchers_seen(self.sight))
        trace.vouchers = self._paged(vouchers_traced(seen))
        trace.paged = "vouchers"
        if start.settlements is not None:
            of = Settlement.objects.filter(start.settlements)
        else:
            of = Settlement.objects.filter(voucher__in=[one.pk for one in trace.vouchers.rows])
        of = of.filter(settlements_seen(self.sight)).distinct()
        most = min(self.rows * ROWS, ROWS_OF_DOWNLOAD)
        rows = list(settlements_traced(of)[:most])
        trace.settlements = Part(rows, of.count() if len(rows) == most else len(rows))
        self._payments_of_settlements()
        if start.orders is not None:
            orders = Order.objects.filter(start.orders)
        else:
            orders = Order.objects.filter(voucher__in=[one.pk for one in trace.vouchers.rows])
        self._orders(orders)

    # --- what hangs on what ---

    def _payments_of_settlements(self) -> None:
        trace = self.trace
        parts = parts_owed(trace.settlements.rows)
        names = {part.end_to_end_id for part in parts}
        if names:
            found = Payment.objects.filter(end_to_end_id__in=names)
            seen = found.filter(payments_seen(self.sight))
            rows = list(payments_traced(seen).order_by("end_to_end_id"))
            trace.payments = Part(rows, len(rows))
            shown = {one.end_to_end_id for one in rows}
            trace.parts = [part for part in parts if part.end_to_end_id in shown]

    def _vouchers_of_settlements(self) -> None:
        trace = self.trace
        keys = {one.voucher_id for one in trace.settlements.rows}
        if keys:
            found = Voucher.objects.filter(vouchers_seen(self.sight), pk__in=keys)
            rows = list(vouchers_traced(found))
            trace.vouchers = Part(rows, len(rows))
        orders = {one.order_id: one.order for one in trace.settlements.rows if one.order}
        trace.orders = Part(list(orders.values()), len(orders))

    def _orders(self, found: QuerySet[Order]) -> None:
        seen = found.filter(orders_seen(self.sight)).select_related(
            "offer__provider__organisation", "voucher__programme"
        )
        rows = list(seen.order_by("pk")[: self.rows])
        count = seen.count() if len(rows) == self.rows else len(rows)
        self.trace.orders = Part(rows, count)

    def _lines(self) -> None:
        trace, start = self.trace, self.start
        if start.lines is not None:
            seen = BillLine.objects.filter(start.lines).filter(bill_lines_seen(self.sight))
            found = with_verdicts_told(seen)
        elif trace.settlements.rows:
            found = lines_traced(trace.settlements.rows)
        else:
            return
        begin = 0 if self.rows > ROWS else (self.lines_page - 1) * ROWS
        rows = list(found[begin : begin + self.rows])
        with_archived(rows)
        count = getattr(rows[0], "lines_count", 0) if rows else 0
        trace.lines = Part(rows, count, begin)

    def _heads(self) -> None:
        """Note the bills, rounds and programme of what was found, and what the ledger has."""
        trace, start = self.trace, self.start
        bills = {one.bill_id: one.bill for one in trace.settlements.rows}
        if start.bill is not None:
            bills.setdefault(start.bill.pk, start.bill)
        trace.bills = list(bills.values())
        trace.totals = totals_seen(self.sight, trace.bills)
        applications = {
            one.award.application_id: one.award.application for one in trace.vouchers.rows
        }
        if start.application is not None:
            applications.setdefault(start.application.pk, start.application)
        trace.applications = list(applications.values())
        rounds = {one.round_id: one.round for one in trace.applications}
        if start.round is not None:
            rounds.setdefault(start.round.pk, start.round)
        trace.rounds = list(rounds.values())
        trace.programme = self._programme()
        self._budget()

    def _programme(self) -> Programme | None:
        trace = self.trace
        if self.start.programme is not None:
            return self.start.programme
        found = [one.programme for one in (*trace.vouchers.rows, *trace.bills)]
        found += [one.batch.programme for one in trace.payments.rows]
        return next(iter(found), None)

    def _budget(self) -> None:
        trace, programme = self.trace, self.trace.programme
        if programme is None or not self.sight.has_programme(
            programme.authority_id, programme.code
        ):
            return
        trace.shows_budget = True
        years = {one.fiscal_year for one in trace.rounds}
        if self.start.fiscal_year is not None:
            years.add(self.start.fiscal_year)
        addresses = [programme.account("appropriation", str(year)) for year in sorted(years)]
        trace.balances = ledger.balances([*addresses, programme.account("available")])


def vouchers_traced(found: QuerySet[Voucher]) -> QuerySet[Voucher]:
    """Return vouchers with their award, application and round, and what came of them.

    `outcomes_told`, `score_told` and `standing_told` are rows of those, or empty.
    """
    outcomes = Outcome.objects.filter(voucher=OuterRef("pk")).order_by("pk")
    outcomes_told = outcomes.values(
        told=JSONObject(
            pk="pk",
            kind="kind",
            title="title",
            evidence_url="evidence_url",
            happened_on="happened_on",
            reported_at="reported_at",
        )
    )
    scores = Score.objects.filter(voucher=OuterRef("pk")).order_by("-pk")
    score_told = scores.values(
        told=JSONObject(
            x="x", formula=F("formula_version"), at="scored_at", components="components"
        )
    )
    standings = Standing.objects.filter(organisation=OuterRef("organisation")).order_by("-pk")
    standing_told = standings.values(
        told=JSONObject(pk="pk", score="score", n="n", working="working", at="published_at")
    )
    path = "decision__application__round__programme"
    return (
        found.select_related(
            "programme",
            "organisation",
            path,
            f"parent__{path}",
            "decision__policy_version",
            "parent__decision__policy_version",
        )
        .defer(
            "decision__policy_version__text",
            "parent__decision__policy_version__text",
            "decision__facts",
            "parent__decision__facts",
            "decision__application__answers",
            "parent__decision__application__answers",
        )
        .annotate(
            outcomes_told=ArraySubquery(outcomes_told),
            score_told=Subquery(score_told[:1]),
            standing_told=Subquery(standing_told[:1]),
        )
        .order_by("issued_at", "pk")
    )
