"""A few rows, likely all new: written in one statement, with what their hours come to.

A COPY, a sum of hours and a look at the register are three more for each request; where there is
one row a request, that is most of what it costs.
"""

from collections.abc import Sequence
from typing import Any

from psycopg.types.numeric import Int8

from billing.actions.desks import Desk, Desks
from billing.actions.known_rows import Tally
from billing.actions.line_numbers import numbers_of_session
from billing.actions.usage_hours import Hours, OverCapacity, at_hour, in_us
from billing.usage.record import UsageRecord
from common.statements import quick_rows
from ledger.actions import Act
from providers.models import Provider
from providers.queries import NEWEST_NODES, capacity_of_nodes

FEW = 16

_WRITE = f"""
    with added as (
        insert into billing_usageline (provider_id, act_id, recorded_at, id, source, key, order_id,
            voucher_id, rate, resource, resource_class, count_thousandths, started_at, ended_at,
            quantity_ms, state, amount, device)
        select %(provider)s, %(act)s, %(at)s, new.* from unnest(
            %(id)s::bigint[], %(source)s::text[], %(key)s::text[], %(order)s::bigint[],
            %(voucher)s::bigint[], %(rate)s::numeric[], %(resource)s::text[],
            %(resource_class)s::text[], %(count)s::bigint[], %(started_at)s::timestamptz[],
            %(ended_at)s::timestamptz[], %(quantity)s::bigint[], %(state)s::text[],
            %(amount)s::bigint[], %(device)s::text[]) new
    ), hours as (
        insert into billing_usagehour (provider_id, resource_class, hour, quantity_ms)
        select %(provider)s, name, hour, quantity
        from unnest(%(names)s::text[], %(hours)s::timestamptz[], %(quantities)s::bigint[])
            as new (name, hour, quantity)
        order by name, hour
        on conflict (provider_id, resource_class, hour) do update
            set quantity_ms = billing_usagehour.quantity_ms + excluded.quantity_ms
        returning resource_class, hour, quantity_ms
    )
    select true, resource_class, hour, null, quantity_ms from hours
    union all
    select false, nodes.* from ({NEWEST_NODES}) nodes
"""  # noqa: S608 - of constants


def write_few(
    provider: Provider,
    desks: Desks,
    records: Sequence[UsageRecord],
    act: Act,
    source: str,
) -> Tally:
    """Write the recordable of at most `FEW` rows, and return what became of each.

    :raises IntegrityError: if one is known, or of a GPU that is in use.
    :raises OverCapacity: if they come to more than the provider registered.
    """
    tally, hours, rows = Tally(), Hours(), []
    numbers = numbers_of_session()
    numbers.fetch(len(records))
    for record in records:
        desk, quantity = desks[record.account], record.quantity_ms
        error = desks.refusal(record, quantity)
        if error is not None:
            tally.note([error])
        elif isinstance(desk, Desk):
            if desk.window is not None:
                desks.note_late(desk, record)
            _add_hours(hours, desk, record)
            rows.append(_row(numbers.next(record.started_at), desk, record, quantity, source))
    if rows:
        _write(provider, act, rows, hours)
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
    amount = None if place.order is None else Int8(desk.amount(quantity))
    return {
        "id": Int8(number),
        "source": source or record.source,
        "key": record.key,
        "order": None if place.order is None else Int8(place.order),
        "voucher": Int8(place.voucher),
        "rate": place.rate,
        "resource": record.resource,
        "resource_class": record.resource_class,
        "count": Int8(record.count_thousandths),
        "started_at": record.started_at,
        "ended_at": record.ended_at,
        "quantity": Int8(quantity),
        "state": record.state,
        "amount": amount,
        "device": record.device,
    }


def _write(provider: Provider, act: Act, rows: list[dict[str, Any]], hours: Hours) -> None:
    counted = list(hours)
    names, at_hours = {name for name, _, _ in counted}, [hour for _, hour, _ in counted]
    first, last = min(at_hours, default=0), max(at_hours, default=0) + 1
    asked: dict[str, Any] = {name: [row[name] for row in rows] for name in rows[0]}
    asked |= {
        "provider": Int8(provider.pk),
        "act": Int8(act.id),
        "at": act.at,
        "names": [name for name, _, _ in counted],
        "hours": [at_hour(hour) for hour in at_hours],
        "quantities": [Int8(quantity) for _, _, quantity in counted],
        "from_at": at_hour(first),
        "until_at": at_hour(last),
    }
    found = quick_rows(_WRITE, asked)
    nodes = [tuple(row) for is_hour, *row in found if not is_hour]
    capacity = capacity_of_nodes(nodes, names, at_hour(first), at_hour(last))
    for is_hour, name, hour, _, quantity in found:
        if is_hour and quantity > capacity.get((name, hour), quantity):
            raise OverCapacity
