"""The months of a programme: what was billed for each, and whether it is closed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth

from billing.focus.writing import Row, instant
from billing.models import Bill, ClosedPeriod, Payment, PeriodProposal, Verdict
from common.days import day_of, start_of
from ledger.queries import balances_as_of, extent
from vouchers.models import Programme


@dataclass(frozen=True, slots=True)
class Period:
    """A month of a programme in which bills begin; `total` is in the programme's unit.

    Of its bills `undecided` are not settled or have lines withheld, `unsettled` are not settled.
    """

    month: date
    bills: int
    undecided: int
    unsettled: int
    total: int
    proposed: PeriodProposal | None
    closed: ClosedPeriod | None


def month_bounds(programme: Programme, day: date) -> tuple[datetime, datetime]:
    """Return the first instant of a day's month, and that of the next, in the programme's zone."""
    first = day.replace(day=1)
    after = (first + timedelta(days=32)).replace(day=1)
    return start_of(first, programme.zone), start_of(after, programme.zone)


def _undecided() -> Q:
    later = Verdict.objects.filter(line=OuterRef("line"), pk__gt=OuterRef("pk"))
    waiting = Verdict.objects.filter(
        ~Exists(later),
        line__bill=OuterRef("pk"),
        outcome__in=[Verdict.Outcome.REDUCED, Verdict.Outcome.WITHHELD],
    )
    return Q(status=Bill.Status.SENT) | Q(Exists(waiting))


def bills_of_period(programme: Programme, begins: datetime, ends: datetime) -> QuerySet[Bill]:
    """Return the bills for any part of [begins, ends)."""
    return Bill.objects.filter(
        programme=programme,
        kind=Bill.Kind.BILL,
        period_from__lt=ends,
        period_until__gt=begins,
    )


def bills_unsettled(programme: Programme, begins: datetime, ends: datetime) -> list[str]:
    """Return the numbers of bills for any part of [begins, ends) that are not settled."""
    bills = bills_of_period(programme, begins, ends).filter(status=Bill.Status.SENT)
    return list(bills.order_by("number").values_list("number", flat=True))


def bills_withheld(programme: Programme, begins: datetime, ends: datetime) -> list[str]:
    """Return the numbers of settled bills for any part of [begins, ends) with lines withheld."""
    bills = bills_of_period(programme, begins, ends).exclude(status=Bill.Status.SENT)
    return list(bills.filter(_undecided()).order_by("number").values_list("number", flat=True))


def periods_of(programme: Programme) -> list[Period]:
    """Return the months in which bills of a programme begin, newest first."""
    zone = programme.zone
    closed = {
        day_of(one.period_from, zone): one
        for one in ClosedPeriod.objects.filter(programme=programme)
    }
    proposed = {
        day_of(one.period_from, zone): one
        for one in PeriodProposal.objects.filter(programme=programme)
    }
    months = (
        Bill.objects.filter(programme=programme, kind=Bill.Kind.BILL)
        .annotate(month=TruncMonth("period_from", tzinfo=ZoneInfo(zone)))
        .values("month")
        .annotate(
            bills=Count("pk"),
            open=Count("pk", filter=_undecided()),
            unsettled=Count("pk", filter=Q(status=Bill.Status.SENT)),
            sum=Sum("total"),
        )
        .order_by("-month")
    )
    found = {one["month"].date(): one for one in months}
    return [
        Period(
            month,
            found[month]["bills"] if month in found else 0,
            found[month]["open"] if month in found else 0,
            found[month]["unsettled"] if month in found else 0,
            int(found[month]["sum"]) if month in found else 0,
            proposed.get(month),
            closed.get(month),
        )
        for month in sorted(found.keys() | proposed.keys() | closed.keys(), reverse=True)
    ]


class Check(NamedTuple):
    """One thing to look at before a month is closed.

    `open` counts what is not done, and `amount` what it comes to in the programme's unit where it
    is value; a thing that `blocks` must be done first, any other is kept as it is.
    """

    code: str
    open: int
    amount: int | None
    blocks: bool


def checks_of(programme: Programme, month: date, at: datetime) -> list[Check]:
    """Return what to look at before the month of a day is closed, in the order of a payment."""
    begins, ends = month_bounds(programme, month)
    unanswered = Payment.objects.filter(
        batch__programme=programme, batch__released_at__lt=ends, status=Payment.Status.SENT
    ).aggregate(count=Count("pk"), sum=Sum("amount"))
    clearing = balances_as_of([programme.account("clearing", "")], at)
    undrained = [one.net for one in clearing.values() if one.net]
    withheld = _withheld_lines(programme, begins, ends)
    return [
        Check("over", int(at < ends), None, True),
        Check("unsettled", len(bills_unsettled(programme, begins, ends)), None, True),
        Check("withheld", withheld["count"], int(withheld["sum"] or 0), False),
        Check("unanswered", unanswered["count"], int(unanswered["sum"] or 0), False),
        Check("clearing", len(undrained), sum(undrained), False),
        Check("unsealed", extent().unsealed, None, False),
    ]


def _withheld_lines(programme: Programme, begins: datetime, ends: datetime) -> dict[str, Any]:
    later = Verdict.objects.filter(line=OuterRef("line"), pk__gt=OuterRef("pk"))
    return Verdict.objects.filter(
        ~Exists(later),
        line__bill__in=bills_of_period(programme, begins, ends),
        outcome__in=[Verdict.Outcome.REDUCED, Verdict.Outcome.WITHHELD],
    ).aggregate(count=Count("pk"), sum=Sum("withheld"))


def proposal_of(programme: Programme, month: date) -> PeriodProposal | None:
    """Return who proposed to close the month of a day, or nothing."""
    begins, _ends = month_bounds(programme, month)
    found = PeriodProposal.objects.filter(programme=programme, period_from=begins)
    return found.select_related("proposed_by").first()


def closed_period(programme: Programme, month: date) -> ClosedPeriod | None:
    """Return the closed month of a day, or nothing while it is open."""
    begins, _ends = month_bounds(programme, month)
    closed = ClosedPeriod.objects.filter(programme=programme, period_from=begins)
    return closed.select_related("proposed_by", "closed_by").first()


def billing_period_rows(programme: Programme) -> Iterator[Row]:
    """Give a programme's months by who bills in them (Billing Period 1.4), oldest first.

    A period is there from its first bill on, and last changed by the last bill, settlement or
    by being closed.
    """
    zone = ZoneInfo(programme.zone)
    closed = {
        one.period_from: one.closed_at
        for one in ClosedPeriod.objects.filter(programme=programme)
    }
    periods = (
        Bill.objects.filter(programme=programme, kind=Bill.Kind.BILL)
        .annotate(month=TruncMonth("period_from", tzinfo=zone))
        .values("month", "payee__name")
        .annotate(first=Min("sent_at"), last=Max("sent_at"), settled=Max("settled_at"))
        .order_by("month", "payee__name")
    )
    for one in periods:
        begins, ends = month_bounds(programme, one["month"].date())
        changes = [one["last"], one["settled"], closed.get(begins)]
        yield {
            "BillingPeriodCreated": instant(one["first"]),
            "BillingPeriodLastUpdated": instant(max(at for at in changes if at)),
            "BillingPeriodStart": instant(begins),
            "BillingPeriodEnd": instant(ends),
            "BillingPeriodStatus": "Closed" if begins in closed else "Open",
            "InvoiceIssuerName": one["payee__name"],
        }
