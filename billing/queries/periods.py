"""The months of a programme: what was billed for each, and whether it is closed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, Max, Min, OuterRef, Q, Sum
from django.db.models.functions import TruncMonth

from billing.focus.writing import Row, instant
from billing.models import Bill, ClosedPeriod, Verdict
from common.days import day_of, start_of
from vouchers.models import Programme


@dataclass(frozen=True, slots=True)
class Period:
    """A month of a programme in which bills begin; `total` is in the programme's unit."""

    month: date
    bills: int
    undecided: int
    total: int
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


def bills_undecided(programme: Programme, begins: datetime, ends: datetime) -> list[str]:
    """Return the numbers of bills within [begins, ends) that are not wholly decided."""
    bills = Bill.objects.filter(
        _undecided(),
        programme=programme,
        kind=Bill.Kind.BILL,
        period_from__lt=ends,
        period_until__gt=begins,
    )
    return list(bills.order_by("number").values_list("number", flat=True))


def periods_of(programme: Programme) -> list[Period]:
    """Return the months in which bills of a programme begin, newest first."""
    zone = programme.zone
    closed = {
        day_of(one.period_from, zone): one
        for one in ClosedPeriod.objects.filter(programme=programme)
    }
    months = (
        Bill.objects.filter(programme=programme, kind=Bill.Kind.BILL)
        .annotate(month=TruncMonth("period_from", tzinfo=ZoneInfo(zone)))
        .values("month")
        .annotate(bills=Count("pk"), open=Count("pk", filter=_undecided()), sum=Sum("total"))
        .order_by("-month")
    )
    found = {one["month"].date(): one for one in months}
    return [
        Period(
            month,
            found[month]["bills"] if month in found else 0,
            found[month]["open"] if month in found else 0,
            int(found[month]["sum"]) if month in found else 0,
            closed.get(month),
        )
        for month in sorted(found.keys() | closed.keys(), reverse=True)
    ]


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
