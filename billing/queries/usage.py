"""What was metered, by whom it may be seen, and how much it comes to."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import (
    BigIntegerField,
    F,
    Func,
    Q,
    QuerySet,
    Sum,
    Value,
)

from billing.models import (
    UsageFile,
    UsageKey,
    UsageLine,
)
from billing.models.usage import MONTH_BITS, first_line_of_month
from billing.usage.record import RUN_DAYS_MAX
from common.errors import NotFound
from parties.models import User
from parties.queries import organisations_of
from parties.roles import Role
from providers.models import Provider
from vouchers.models import Order, Voucher
from vouchers.queries import programme_scope, programmes_visible_to


def lines_of_use(from_at: datetime, until_at: datetime) -> tuple[int, int]:
    """Return what the numbers of all lines with use in [from, until) lie between, [low, high).

    A line begins at most as long before its end as a run may last.
    """
    low = first_line_of_month(from_at - timedelta(days=RUN_DAYS_MAX))
    return low, first_line_of_month(until_at) + (1 << MONTH_BITS)


class DayOfUse(NamedTuple):
    """What was metered on one day, in resource-milliseconds."""

    day: date
    quantity_ms: int


def usage_visible_to(person: User) -> QuerySet[UsageLine]:
    """Return the usage lines that a person may see, newest first."""
    visible = (
        Q(provider__organisation__in=organisations_of(person, Role.PROVIDER))
        | Q(voucher__organisation__in=organisations_of(person, Role.APPLICANT))
        | programme_scope(person, "voucher__programme")
    )
    return (
        UsageLine.objects.filter(visible)
        .select_related("voucher", "order", "provider__organisation")
        .order_by("-started_at", "-pk")
    )


def usage_line_of(person: User, number: int) -> UsageLine:
    """Return one line of use that a person may see.

    :raises NotFound: if there is none, or it is not this person's to see.
    """
    visible = usage_visible_to(person).select_related(
        "voucher__programme", "order__offer", "provider__organisation", "act", "corrects"
    )
    line = visible.filter(pk=number).first()
    if line is None:
        raise NotFound(what=number)
    return line


def usage_line_named(provider: Provider, source: str, key: str) -> UsageLine:
    """Return a provider's own line of use by what its meter calls it.

    :raises NotFound: if the provider has none of that name.
    """
    named = UsageKey.objects.filter(provider=provider, source=source, key=key).first()
    if named is None:
        raise NotFound(what=f"{source}/{key}")
    return UsageLine.objects.select_related(
        "voucher__programme", "order__offer", "provider__organisation"
    ).get(pk=named.line_id)


def usage_files_visible_to(person: User) -> QuerySet[UsageFile]:
    """Return the usage files that a person may see, newest first."""
    visible = Q(provider__organisation__in=organisations_of(person, Role.PROVIDER))
    if programmes_visible_to(person).exists():
        visible = Q()
    return (
        UsageFile.objects.filter(visible)
        .select_related("provider__organisation")
        .order_by("-received_at", "-pk")
    )


def usage_file_of(person: User, number: int) -> UsageFile:
    """Return one usage file that a person may see.

    :raises NotFound: if there is none, or it is not this person's to see.
    """
    file = usage_files_visible_to(person).filter(pk=number).first()
    if file is None:
        raise NotFound(what=number)
    return file


def metered_ms(used: Order | Voucher, from_at: datetime, until_at: datetime) -> int:
    """Return what was metered under an order or a voucher within [from, until), in GPU-ms."""
    return metered_within(Q(**_used(used)), from_at, until_at)


def metered_within(lines: Q, from_at: datetime, until_at: datetime) -> int:
    """Return what some usage lines come to within [from, until), in GPU-ms, exactly."""
    found = UsageLine.objects.filter(lines, started_at__lt=until_at, ended_at__gt=from_at)
    return int(found.aggregate(total=Sum(_inside(from_at, until_at)))["total"] or 0)


class UseOfClass(NamedTuple):
    """What was metered of one class of one resource, in resource-milliseconds."""

    resource: str
    resource_class: str
    quantity_ms: int


def metered_by_class(lines: Q, from_at: datetime, until_at: datetime) -> list[UseOfClass]:
    """Return what some usage lines come to within [from, until) by what was used, exactly."""
    found = (
        UsageLine.objects.filter(lines, started_at__lt=until_at, ended_at__gt=from_at)
        .values("resource", "resource_class")
        .annotate(total=Sum(_inside(from_at, until_at)))
        .order_by("resource", "resource_class")
    )
    return [
        UseOfClass(row["resource"], row["resource_class"], int(row["total"]))
        for row in found
        if row["total"]
    ]


def _inside(from_at: datetime, until_at: datetime) -> Func:
    return Func(
        F("count_thousandths"),
        F("started_at"),
        F("ended_at"),
        Value(from_at),
        Value(until_at),
        function="billing_clipped_ms",
        output_field=BigIntegerField(),
    )


_DAILY = """
    select day::date, sum(billing_clipped_ms(u.count_thousandths, u.started_at, u.ended_at,
        day at time zone %s, (day + interval '1 day') at time zone %s))
    from billing_usageline u cross join lateral generate_series(
        date_trunc('day', u.started_at at time zone %s),
        date_trunc('day', u.ended_at at time zone %s), interval '1 day') as day
    where case when %s then u.order_id else u.voucher_id end = %s
    group by day having sum(billing_clipped_ms(u.count_thousandths, u.started_at, u.ended_at,
        day at time zone %s, (day + interval '1 day') at time zone %s)) > 0
    order by day
"""


def daily_usage(used: Voucher | Order) -> list[DayOfUse]:
    """Return what was metered each day, in the programme's time zone; days without are left out."""
    voucher = used.voucher if isinstance(used, Order) else used
    zone = voucher.programme.zone
    parameters = [zone] * 4 + [isinstance(used, Order), used.pk] + [zone] * 2
    with connection.cursor() as cursor:
        cursor.execute(_DAILY, parameters)
        return [DayOfUse(day, int(quantity)) for day, quantity in cursor.fetchall()]


def _used(used: Order | Voucher) -> Mapping[str, Any]:
    return {"order": used} if isinstance(used, Order) else {"voucher": used}
