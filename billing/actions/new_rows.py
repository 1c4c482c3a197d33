"""Among the new rows laid out, those that can't all be: more than there is, or one GPU twice."""

from collections.abc import Iterator
from typing import Any

from django.db import connection

from billing.actions import binary_rows as binary
from billing.actions.known_rows import Tally
from billing.actions.usage_hours import Hours, Room
from billing.reasons import UnrecordedRow
from billing.usage.record import RowError
from providers.models import Provider

_READ_AT_ONCE = 2_000
_NEW = """
    select r.* from (select *, row_number() over (partition by source, key order by "row") as nth
        from pg_temp.billing_usage_row) r
    where nth = 1 and not exists (select from billing_usagekey k
        where k.provider_id = %(provider)s and k.source = r.source and k.key = r.key)
"""
# Rows of a GPU in the order of their starts; what is recorded already comes first at its start.
_BY_DEVICE = f"""
    with new as materialized (
        select n."row", n.key, d.device, n.started_at, n.ended_at
        from ({_NEW}) n cross join lateral unnest(string_to_array(n.device, ' ')) d (device)
        where n.device <> '' and n.ended_at > n.started_at
    ), spans as (
        select device, min(started_at) as low, max(ended_at) as high from new group by device
    )
    select device, started_at, ended_at, key, "row" from new
    union all
    select u.device, u.started_at, u.ended_at, coalesce(l.key, ''), 0
    from spans s
    cross join lateral (
        select coalesce((select max(b.started_at) from billing_usagedevice b
            where b.provider_id = %(provider)s and b.device = s.device
                and b.started_at < s.low and b.ended_at > b.started_at), s.low) as low
    ) since
    join billing_usagedevice u on u.provider_id = %(provider)s and u.device = s.device
        and u.started_at >= since.low and u.started_at < s.high and u.ended_at > u.started_at
    -- In the archive a line has no key here; its time of the device stands all the same.
    left join billing_usageline l on l.id = u.line_id
    order by device, started_at, "row"
"""  # noqa: S608 - of constants
_IN_ORDER = f"""
    select n."row", coalesce(nullif(f.resource_class, ''), n.resource_class),
        n.count_thousandths, n.started_at, n.ended_at
    from ({_NEW}) n
    left join vouchers_order o on o.id = n.order_id
    left join providers_offer f on f.id = o.offer_id
    where n.resource = 'GPU' order by n."row"
"""  # noqa: S608 - of constants


def refuse_impossible(provider: Provider, tally: Tally, hours: Hours) -> int:
    """Take rows that can't be out of those laid out; return how many, and add up the others.

    A GPU runs one job at a time, and a provider's GPUs of a class do no more in an hour than it
    registered; rows are taken in their order while there is room.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "select exists (select from pg_temp.billing_usage_row where device <> '')"
        )
        (has_devices,) = cursor.fetchone()
    refused = _refuse(tally, list(_overlaps(provider))) if has_devices else 0
    return refused + _refuse(tally, list(_beyond(provider, hours)))


def _overlaps(provider: Provider) -> Iterator[RowError]:
    device, busy_until, holder, held_by = "", None, 0, ""
    refused: set[int] = set()
    for name, started_at, ended_at, key, row in _read(_BY_DEVICE, provider):
        if name != device:
            device, busy_until = name, None
        if row in refused:
            continue
        if busy_until is not None and started_at < busy_until:
            # What is recorded stays; of two new rows the later gives way.
            loser, other = (row, held_by) if row else (holder, key)
            until = busy_until if row else ended_at
            if loser and loser not in refused:
                refused.add(loser)
                values: dict[str, object] = {
                    "other": other,
                    "busy_until": f"{until:%Y-%m-%d %H:%M:%S} UTC",
                }
                yield UnrecordedRow(loser, "device", name, "device_in_use", values)
            if row:
                continue
        busy_until, holder, held_by = ended_at, row, key


def _beyond(provider: Provider, hours: Hours) -> Iterator[RowError]:
    room = Room(provider)
    for row, name, count, started_at, ended_at in _read(_IN_ORDER, provider):
        run = (name, count, binary.instant(started_at), binary.instant(ended_at))
        error = room.take(row, *run)
        if error is None:
            hours.add(*run)
        else:
            yield error


def _read(statement: str, provider: Provider) -> Iterator[tuple[Any, ...]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement, {"provider": provider.pk})
        while rows := cursor.fetchmany(_READ_AT_ONCE):
            yield from rows


def _refuse(tally: Tally, errors: list[RowError]) -> int:
    if not errors:
        return 0
    tally.note(errors)
    with connection.cursor() as cursor:
        cursor.execute(
            'delete from pg_temp.billing_usage_row where "row" = any(%s)',
            [[error.row for error in errors]],
        )
        return int(cursor.rowcount)
