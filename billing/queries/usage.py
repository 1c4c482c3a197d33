"""What was metered, by whom it may be seen, and how much it comes to."""

from collections import Counter
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

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
    ArchivedSum,
    UsageArchive,
    UsageCorrection,
    UsageFile,
    UsageKey,
    UsageLine,
)
from billing.models.usage import MONTH_BITS, first_line_of_month
from billing.queries.archive import (
    Run,
    archived_lines,
    archived_runs,
    archived_use,
    lines_numbered,
    month_of,
)
from billing.queries.archived_lists import LinesSeen
from billing.usage.record import RUN_DAYS_MAX
from common.days import end_of, start_of
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
    """Return the usage lines here that a person may see, newest first; not those archived."""
    return (
        UsageLine.objects.filter(_visible(person))
        .select_related("voucher", "order", "provider__organisation")
        .order_by("-started_at", "-pk")
    )


def usage_seen_by(person: User) -> LinesSeen:
    """Return all usage lines that a person may see, newest first, those in the archive last."""
    return LinesSeen(usage_visible_to(person), ArchivedSum.objects.filter(_visible(person)))


def _visible(person: User) -> Q:
    return (
        Q(provider__organisation__in=organisations_of(person, Role.PROVIDER))
        | Q(voucher__organisation__in=organisations_of(person, Role.APPLICANT))
        | programme_scope(person, "voucher__programme")
    )


def usage_line_of(person: User, number: int) -> UsageLine:
    """Return one line of use that a person may see, wherever it lies.

    :raises NotFound: if there is none, or it is not this person's to see.
    :raises ArchiveMissing: if it lies in a file of the archive that is not there.
    """
    visible = usage_visible_to(person).select_related(
        "voucher__programme", "order__offer", "provider__organisation", "act", "corrects"
    )
    line = visible.filter(pk=number).first()
    if line is not None:
        return line
    month = month_of(number)
    if month is None:
        raise NotFound(what=number)
    sums = ArchivedSum.objects.filter(_visible(person), archive__month=month)
    # Of a month of which nothing is this person's to see no file is opened.
    archived = archived_lines([number]).get(number) if sums.exists() else None
    if (
        archived is None
        or not sums.filter(provider=archived.provider_id, voucher=archived.voucher_id).exists()
    ):
        raise NotFound(what=number)
    if archived.corrects_id is not None:
        archived.corrects = lines_numbered([archived.corrects_id])[archived.corrects_id]
    return archived


def usage_line_named(provider: Provider, source: str, key: str) -> UsageLine:
    """Return a provider's own line of use by what its meter calls it, wherever it lies.

    :raises NotFound: if the provider has none of that name.
    :raises ArchiveMissing: if it lies in a file of the archive that is not there.
    """
    named = UsageKey.objects.filter(provider=provider, source=source, key=key).first()
    if named is None:
        raise NotFound(what=f"{source}/{key}")
    here = UsageLine.objects.select_related(
        "voucher__programme", "order__offer", "provider__organisation"
    )
    return (
        here.filter(pk=named.line_id).first() or lines_numbered([named.line_id])[named.line_id]
    )


def correction_of(line: UsageLine) -> UsageCorrection | None:
    """Return that a line was taken back, with its opposite, or None if it was not.

    :raises ArchiveMissing: if that lies in a file of the archive that is not there.
    """
    found = UsageCorrection.objects.filter(line_id=line.pk).first()
    if found is not None:
        found.opposite = lines_numbered([found.opposite_id])[found.opposite_id]
    return found


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
    """Return what was metered under an order or a voucher within [from, until), in GPU-ms.

    :raises ArchiveMissing: if lines of it lie in a file of the archive that is not there.
    """
    return metered_within(from_at, until_at, **_used(used))


def metered_within(from_at: datetime, until_at: datetime, **wanted: int | None) -> int:
    """Return what usage lines come to within [from, until), in GPU-ms, exactly.

    :param wanted: what columns of them must be, such as `voucher_id=7`.
    :raises ArchiveMissing: if lines of it lie in a file of the archive that is not there.
    """
    return sum(one.quantity_ms for one in metered_by_class(from_at, until_at, **wanted))


class UseOfClass(NamedTuple):
    """What was metered of one class of one resource, in resource-milliseconds."""

    resource: str
    resource_class: str
    quantity_ms: int


def metered_by_class(
    from_at: datetime, until_at: datetime, **wanted: int | None
) -> list[UseOfClass]:
    """Return what usage lines come to within [from, until) by what was used, exactly.

    :param wanted: what columns of them must be, such as `voucher_id=7`.
    :raises ArchiveMissing: if lines of it lie in a file of the archive that is not there.
    """
    found = (
        UsageLine.objects.filter(started_at__lt=until_at, ended_at__gt=from_at, **wanted)
        .order_by()
        .values_list("resource", "resource_class")
        .annotate(total=Sum(_inside(from_at, until_at)))
    )
    totals: Counter[tuple[str, str]] = Counter()
    for resource, resource_class, total in [*found, *archived_use(from_at, until_at, **wanted)]:
        totals[resource, resource_class] += int(total)
    return [UseOfClass(*what, total) for what, total in sorted(totals.items()) if total]


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
    group by day
"""


def daily_usage(used: Voucher | Order) -> list[DayOfUse]:
    """Return what was metered each day, in the programme's time zone; days without are left out.

    :raises ArchiveMissing: if lines of it lie in a file of the archive that is not there.
    """
    voucher = used.voucher if isinstance(used, Order) else used
    zone = voucher.programme.zone
    parameters = [zone] * 4 + [isinstance(used, Order), used.pk]
    totals: Counter[date] = Counter()
    with connection.cursor() as cursor:
        cursor.execute(_DAILY, parameters)
        for day, quantity in cursor.fetchall():
            totals[day] += int(quantity)
    archives = UsageArchive.objects.filter(
        pk__in=ArchivedSum.objects.filter(**_used(used)).values("archive")
    )
    for run in archived_runs(list(archives), **_used(used)):
        totals.update(_by_day(run, zone))
    return [DayOfUse(day, total) for day, total in sorted(totals.items()) if total > 0]


def _by_day(run: Run, zone: str) -> dict[date, int]:
    """Return the milliseconds of a run on each day that it reaches, cut towards 0 as above."""
    parts = {}
    day = run.started_at.astimezone(ZoneInfo(zone)).date()
    while start_of(day, zone) < run.ended_at:
        inside = min(run.ended_at, end_of(day, zone)) - max(run.started_at, start_of(day, zone))
        whole = abs(run.count_thousandths) * (inside // timedelta(microseconds=1)) // 1_000_000
        parts[day] = whole if run.count_thousandths >= 0 else -whole
        day += timedelta(days=1)
    return parts


def _used(used: Order | Voucher) -> dict[str, int]:
    return {"order_id" if isinstance(used, Order) else "voucher_id": used.pk}
