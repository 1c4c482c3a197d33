"""Among the new rows laid out, those that can't be: late, one GPU twice, more than there is."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.db import connection

from billing.actions import binary_rows as binary
from billing.actions.desks import LateWindow
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
_LATE = f"""
    select n."row", n.voucher_id, n.ended_at from ({_NEW}) n
    join unnest(%(vouchers)s::bigint[], %(closed)s::timestamptz[]) c (voucher, closed_at)
        on c.voucher = n.voucher_id and n.ended_at <= c.closed_at
    order by n."row"
"""  # noqa: S608 - of constants
_IN_ORDER = f"""
    select n."row", coalesce(nullif(f.resource_class, ''), n.resource_class),
        n.count_thousandths, n.started_at, n.ended_at
    from ({_NEW}) n
    left join vouchers_order o on o.id = n.order_id
    left join providers_offer f on f.id = o.offer_id
    where n.resource = 'GPU' order by n."row"
"""  # noqa: S608 - of constants


def refuse_impossible(
    provider: Provider, tally: Tally, late: Mapping[int, LateWindow]
) -> tuple[int, Hours]:
    """Take rows that can't be out of those laid out; return how many, and the others' hours.

    A GPU runs one job at a time, and a provider's GPUs of a class do no more in an hour than it
    registered; rows are taken in their order while there is room. `late` are the windows of
    vouchers of which rows came too late.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "select exists (select from pg_temp.billing_usage_row where device <> '')"
        )
        (has_devices,) = cursor.fetchone()
    total = 0
    while True:
        hours = Hours()
        some = [
            _refuse(tally, list(_too_late(provider, late))) if late else _NONE,
            _refuse(tally, list(_overlaps(provider))) if has_devices else _NONE,
            _refuse(tally, list(_beyond(provider, hours))),
        ]
        total += sum(refused for refused, _again in some)
        # Where a key comes twice, the row that comes next stands for it now.
        if not any(again for _refused, again in some):
            return total, hours


def _too_late(provider: Provider, late: Mapping[int, LateWindow]) -> Iterator[RowError]:
    asked = {
        "vouchers": list(late),
        "closed": [window.closed_at for window in late.values()],
    }
    for row, voucher, ended_at in _read(_LATE, provider, asked):
        window = late[voucher]
        values: dict[str, object] = {
            "until": f"{window.last_day(ended_at):%Y-%m-%d}",
            "clause": window.rule.clause,
        }
        found = f"{ended_at:%Y-%m-%d %H:%M:%S} UTC"
        yield UnrecordedRow(row, "end", found, "too_late", values)


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
                values = {"other": other, "busy_until": f"{until:%Y-%m-%d %H:%M:%S} UTC"}
                if other:
                    yield RowError(loser, "device", name, "device_in_use", values)
                else:
                    code = "device_in_use_archived"
                    yield UnrecordedRow(loser, "device", name, code, values)
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


def _read(
    statement: str, provider: Provider, asked: Mapping[str, Any] | None = None
) -> Iterator[tuple[Any, ...]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement, {"provider": provider.pk, **(asked or {})})
        while rows := cursor.fetchmany(_READ_AT_ONCE):
            yield from rows


# How many rows were taken out, and whether others of their keys are still there.
_TAKE_OUT = """
    with gone as (
        delete from pg_temp.billing_usage_row where "row" = any(%s) returning "row", source, key
    )
    select (select count(*) from gone), exists (
        select from pg_temp.billing_usage_row r
        join gone same on same.source = r.source and same.key = r.key
        left join gone it on it."row" = r."row"
        where it."row" is null)
"""
_NONE = (0, False)


def _refuse(tally: Tally, errors: list[RowError]) -> tuple[int, bool]:
    if not errors:
        return _NONE
    tally.note(errors)
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_OUT, [[error.row for error in errors]])
        refused, again = cursor.fetchone()
    return int(refused), bool(again)
