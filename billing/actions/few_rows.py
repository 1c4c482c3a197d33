"""A few rows, likely all new: act, lines and hours in one statement.

Each by itself asks the database once more; where a request has one row, that is most of what it
costs, and others of the provider wait as long.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from psycopg.types.numeric import Int8

from billing.actions.desks import Desk, Desks
from billing.actions.known_rows import Tally
from billing.actions.line_numbers import numbers_left
from billing.actions.usage_hours import ADD_TO_HOURS, Hours, OverCapacity, at_hour, in_us
from billing.usage.record import UsageRecord
from ledger.actions import ACT_BEGUN, Request, ask_with_act
from providers.models import Provider
from providers.queries import NEWEST_NODES, capacity_of_nodes

FEW = 16

# One provider's files and batches queue behind its row; nothing is written before that is had.
_WRITE = f"""
    with queued as materialized (
        select id from providers_provider where id = %(provider)s for no key update
    ), act as materialized (
        select b.act_id, b.replayed from queued cross join lateral {ACT_BEGUN} b
    ), added as (
        insert into billing_usageline (provider_id, act_id, recorded_at, id, source, key, order_id,
            voucher_id, rate, resource, resource_class, count_thousandths, started_at, ended_at,
            quantity_ms, state, amount, device)
        select %(provider)s, act.act_id, %(act_at)s, new.* from act
        cross join json_to_recordset(%(rows)s::json) new (id bigint, source text, key text,
            order_id bigint, voucher_id bigint, rate numeric, resource text, resource_class text,
            count_thousandths bigint, started_at timestamptz, ended_at timestamptz,
            quantity_ms bigint, state text, amount bigint, device text)
        where not act.replayed
    ), hours as (
        insert into billing_usagehour (provider_id, resource_class, hour, quantity_ms)
        select %(provider)s, new.name, new.hour, new.quantity from act
        cross join json_to_recordset(%(hours)s::json) new (name text, hour timestamptz,
            quantity bigint)
        where not act.replayed
        order by new.name, new.hour {ADD_TO_HOURS}
    )
    select 'act', null::text, null::timestamptz, null::timestamptz, replayed::int::bigint from act
    union all
    select 'hour', resource_class, hour, null, quantity_ms from hours
    union all
    select 'node', nodes.* from ({NEWEST_NODES}) nodes
"""  # noqa: S608 - of constants


class AskedBefore(Exception):
    """The act was begun by an earlier request; nothing was written."""


def write_few(
    provider: Provider,
    desks: Desks,
    records: Iterable[UsageRecord],
    request: Request,
    source: str,
) -> Tally:
    """Begin the act and write the recordable of a few rows; return what became of each.

    The accounts have been looked up. Must be called in a transaction, which has to be taken back
    where this raises anything.

    :raises AskedBefore: if the act is there already.
    :raises IntegrityError: if a row is known, or of a GPU that is in use.
    :raises OverCapacity: if they come to more than the provider registered.
    """
    tally, hours, rows = Tally(), Hours(), []
    numbers = numbers_left()
    for record in records:
        desk, quantity = desks[record.account], record.quantity_ms
        error = desks.refusal(record, quantity)
        if error is not None:
            tally.note([error])
        elif isinstance(desk, Desk):
            if desk.window is not None:
                desks.note_late(desk, record)
            _add_hours(hours, desk, record)
            numbers.fetch(1)
            number = numbers.next(record.started_at)
            rows.append(_row(number, desk, record, quantity, source))
    _write(provider, request, rows, hours)
    tally.recorded = len(rows)
    return tally


def _add_hours(hours: Hours, desk: Desk, record: UsageRecord) -> None:
    if record.resource == "GPU":
        name = desk.class_name or record.resource_class
        run = (in_us(record.started_at), in_us(record.ended_at))
        hours.add(name, record.count_thousandths, *run)


def _row(
    number: int, desk: Desk, record: UsageRecord, quantity: int, source: str
) -> dict[str, Any]:
    place = desk.place
    return {
        "id": number,
        "source": source or record.source,
        "key": record.key,
        "order_id": place.order,
        "voucher_id": place.voucher,
        # An exact decimal stays the digits that it is.
        "rate": None if place.rate is None else str(place.rate),
        "resource": record.resource,
        "resource_class": record.resource_class,
        "count_thousandths": record.count_thousandths,
        "started_at": record.started_at.isoformat(),
        "ended_at": record.ended_at.isoformat(),
        "quantity_ms": quantity,
        "state": record.state,
        "amount": None if place.order is None else desk.amount(quantity),
        "device": record.device,
    }


def _write(
    provider: Provider, request: Request, rows: Sequence[dict[str, Any]], hours: Hours
) -> None:
    counted = list(hours)
    at_hours = [hour for _, hour, _ in counted]
    span = at_hour(min(at_hours, default=0)), at_hour(max(at_hours, default=0) + 1)
    # One text each is sent at a fraction of what a list of each column costs.
    asked: dict[str, Any] = {
        "provider": Int8(provider.pk),
        "rows": json.dumps(rows),
        "hours": json.dumps(
            [
                {"name": name, "hour": at_hour(hour).isoformat(), "quantity": quantity}
                for name, hour, quantity in counted
            ]
        ),
        "from_at": span[0],
        "until_at": span[1],
    }
    found: dict[str, list[tuple[Any, ...]]] = {"act": [], "hour": [], "node": []}
    for what, *row in ask_with_act(_WRITE, asked, request):
        found[what].append(tuple(row))
    ((*_, is_replay),) = found["act"]
    if is_replay:
        raise AskedBefore
    names = {name for name, _, _ in counted}
    capacity = capacity_of_nodes(found["node"], names, *span)
    for name, hour, _, quantity in found["hour"]:
        if quantity > capacity.get((name, hour), quantity):
            raise OverCapacity
