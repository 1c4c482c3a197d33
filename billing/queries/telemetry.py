"""What telemetry there is: batches and their gaps, meters' keys, and evidence beside each line."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet

from billing.models import BillLine, MeterKey, TelemetryBatch, UsageLine
from billing.queries.archive import with_archived
from billing.usage.evidence import LineEvidence, Seen, Tolerance, compare
from billing.usage.minutes import IDLE_BELOW, device_name
from parties.models import User
from parties.queries import organisations_of
from parties.roles import Role
from providers.models import Provider
from vouchers.queries import programmes_visible_to


def meter_key_in_force(provider: Provider, source: str) -> MeterKey | None:
    """Return the key that a meter signs with, its newest, or None if it does not sign."""
    found = MeterKey.objects.filter(provider=provider, source=source)
    return found.order_by("-registered_at", "-pk").first()


def meter_keys_of(person: User) -> QuerySet[MeterKey]:
    """Return the keys of the meters of a person's own provider, newest first."""
    own = organisations_of(person, Role.PROVIDER)
    return MeterKey.objects.filter(provider__organisation__in=own).order_by(
        "source", "-registered_at", "-pk"
    )


def telemetry_visible_to(person: User) -> QuerySet[TelemetryBatch]:
    """Return the batches of telemetry that a person may see, newest first.

    Those of the person's own provider; an authority's people see all.
    """
    visible = Q(provider__organisation__in=organisations_of(person, Role.PROVIDER))
    if programmes_visible_to(person).exists():
        visible = Q()
    return (
        TelemetryBatch.objects.filter(visible)
        .select_related("provider__organisation")
        .order_by("-received_at", "-pk")
    )


class Gap(NamedTuple):
    """Numbers that a meter's batches lack, from the first to the last of them."""

    source: str
    first: int
    last: int


_GAPS = """
    select source, previous + 1, sequence - 1
    from (select source, sequence, lag(sequence, 1, 0::bigint) over (
            partition by provider_id, source order by sequence) as previous
        from billing_telemetrybatch where provider_id = any(%s) and sequence is not null
            and (%s = '' or source = %s)) n
    where sequence > previous + 1 order by 1, 2 limit %s
"""
GAPS_SHOWN = 100


def gaps_of(providers: Sequence[int], source: str = "") -> list[Gap]:
    """Return what is missing of providers' signed batches, which each meter counts from 1.

    Of all their meters or of one, the first hundred.
    """
    with connection.cursor() as cursor:
        cursor.execute(_GAPS, [list(providers), source, source, GAPS_SHOWN])
        return [Gap(*row) for row in cursor.fetchall()]


class Asked(NamedTuple):
    """A usage line, the interval of it that is asked about, and what was billed for that."""

    line: UsageLine
    from_at: datetime
    until_at: datetime
    billed_ms: int


def evidence_of_usage(lines: Iterable[UsageLine]) -> list[LineEvidence | None]:
    """Return what telemetry says of each usage line; None of those that are not of GPUs."""
    return _evidence(
        [Asked(one, one.started_at, one.ended_at, one.quantity_ms) for one in lines]
    )


def evidence_of_bill(lines: Iterable[BillLine]) -> list[LineEvidence | None]:
    """Return what telemetry says of each line of a bill, within the bill's period.

    None of those that are not of GPUs, or that no meter knows.

    :raises ArchiveMissing: if usage lines lie in a file of the archive that is not there.
    """
    asked: list[Asked | None] = []
    for one in with_archived(list(lines)):
        used = one.usage_line
        if used is None:
            asked.append(None)
            continue
        from_at = max(used.started_at, one.bill.period_from)
        until_at = max(from_at, min(used.ended_at, one.bill.period_until))
        asked.append(Asked(used, from_at, until_at, one.quantity_ms))
    return _evidence(asked)


# Of each minute the most believed meter counts alone; a minute is cut at the ends of the line.
_SEEN = """
    select nth, trunc(sum(extract(epoch from
            least(minute + interval '1 minute', high) - greatest(minute, low))) * 1000)::bigint,
        count(*),
        count(*) filter (where samples > 0 and used >= samples * %(idle)s),
        count(*) filter (where samples > 0 and used < samples * %(idle)s), max(rank)
    from (select a.nth, a.low, a.high, m.minute, m.rank, sum(m.samples) as samples,
            sum(m.utilisation_total) as used, row_number() over (
                partition by a.nth, a.device, m.minute order by m.rank) as place
        from unnest(%(nth)s::int[], %(provider)s::bigint[], %(device)s::text[],
            %(low)s::timestamptz[], %(high)s::timestamptz[]) a (nth, provider, device, low, high)
        join billing_telemetryminute m on m.provider_id = a.provider and m.device = a.device
            and m.minute > a.low - interval '1 minute' and m.minute < a.high
        group by a.nth, a.device, a.low, a.high, m.minute, m.rank) ranked
    where place = 1 group by nth
"""


def _evidence(asked: Sequence[Asked | None]) -> list[LineEvidence | None]:
    devices = [_devices(one) for one in asked]
    rows = [
        (nth, one.line.provider_id, device, one.from_at, one.until_at)
        for nth, (one, named) in enumerate(zip(asked, devices, strict=True))
        if one is not None
        for device in sorted(named)
    ]
    seen = _seen(rows) if rows else {}
    tolerance = Tolerance(
        settings.EVIDENCE_TOLERANCE_THOUSANDTHS, settings.EVIDENCE_TOLERANCE_MS
    )
    return [
        compare(
            billed_ms=one.billed_ms,
            count_thousandths=one.line.count_thousandths,
            devices=len(named),
            seen=seen.get(nth),
            tolerance=tolerance,
        )
        if one is not None and one.line.resource == "GPU"
        else None
        for nth, (one, named) in enumerate(zip(asked, devices, strict=True))
    ]


def _devices(asked: Asked | None) -> set[str]:
    if asked is None or asked.line.resource != "GPU":
        return set()
    return {device_name(name) for name in asked.line.device.split(" ") if name}


def _seen(rows: list[tuple[Any, ...]]) -> dict[int, Seen]:
    names = ("nth", "provider", "device", "low", "high")
    values = dict(zip(names, (list(column) for column in zip(*rows, strict=True)), strict=True))
    with connection.cursor() as cursor:
        cursor.execute(_SEEN, {**values, "idle": IDLE_BELOW})
        return {nth: Seen(*map(int, found)) for nth, *found in cursor.fetchall()}
