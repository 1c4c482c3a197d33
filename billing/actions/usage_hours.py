"""What each hour's GPUs come to, and the rows that would make it more than the provider has."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db import connection

from billing.actions import binary_rows as binary
from billing.reasons import UnrecordedRow
from billing.usage.record import RowError
from common.statements import quick_rows
from providers.models import Provider
from providers.queries import capacity_by_hour

HOUR_US = 3_600_000_000
# Thousandths of a GPU times microseconds in a resource-millisecond.
_US_A_MS = 1_000_000
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def at_hour(hour: int) -> datetime:
    """Return when an hour begins, counted from the year 2000 in UTC."""
    return _EPOCH + timedelta(hours=hour)


class Hours:
    """GPU time by class and hour, added up run by run at the same cost however long a run is.

    A run adds what it has of its first and last hour to those, and its rate to all between, as
    the difference that it makes where it begins and where it ends.
    """

    def __init__(self) -> None:
        self._parts: defaultdict[str, defaultdict[int, int]] = defaultdict(_counter)
        self._rates: defaultdict[str, defaultdict[int, int]] = defaultdict(_counter)

    def add(self, name: str, count_thousandths: int, started_us: int, ended_us: int) -> None:
        """Add a run of so many thousandths of a GPU, in microseconds since the year 2000."""
        first, late = divmod(started_us, HOUR_US)
        last, over = divmod(ended_us, HOUR_US)
        parts = self._parts[name]
        if first == last:
            parts[first] += count_thousandths * (ended_us - started_us)
            return
        parts[first] += count_thousandths * (HOUR_US - late)
        if over:
            parts[last] += count_thousandths * over
        if last > first + 1:
            rates = self._rates[name]
            rates[first + 1] += count_thousandths
            rates[last] -= count_thousandths

    def __iter__(self) -> Iterator[tuple[str, int, int]]:
        """Give each class, hour and the GPU-milliseconds in it, in order."""
        for name, parts in self._parts.items():
            rates = self._rates.get(name, _counter())
            rate, reached = 0, 0
            for hour in sorted({*parts, *rates}):
                if rate:
                    for between in range(reached, hour):
                        yield name, between, rate * HOUR_US // _US_A_MS
                rate += rates.get(hour, 0)
                quantity = parts.get(hour, 0) + rate * HOUR_US
                if quantity:
                    yield name, hour, quantity // _US_A_MS
                reached = hour + 1


def _counter() -> defaultdict[int, int]:
    return defaultdict(int)


class OverCapacity(Exception):
    """Rows that were written come to more than the provider has; they have to be taken back."""


# What is there already grows; each hour says what it comes to then.
ADD_TO_HOURS = """
    on conflict (provider_id, resource_class, hour) do update
        set quantity_ms = billing_usagehour.quantity_ms + excluded.quantity_ms
    returning resource_class, hour, quantity_ms
"""
_ADD = f"""
    insert into billing_usagehour (provider_id, resource_class, hour, quantity_ms)
    select %s, name, hour, quantity
    from unnest(%s::text[], %s::timestamptz[], %s::bigint[]) as new (name, hour, quantity)
    order by name, hour {ADD_TO_HOURS}
"""  # noqa: S608 - of constants
_ADDED_AT_ONCE = 10_000


def keep_hours(provider: Provider, hours: Hours) -> None:
    """Add what was recorded to the hours there are.

    :raises OverCapacity: if an hour of a class of which the provider registered how many GPUs
        it has comes to more than they can do.
    """
    rows = list(hours)
    for first in range(0, len(rows), _ADDED_AT_ONCE):
        some = rows[first : first + _ADDED_AT_ONCE]
        names, counted, quantities = zip(*some, strict=True)
        at = [at_hour(hour) for hour in counted]
        found = quick_rows(_ADD, [provider.pk, list(names), at, list(quantities)])
        span = at_hour(min(counted)), at_hour(max(counted) + 1)
        capacity = capacity_by_hour(provider, set(names), *span)
        for name, hour, quantity in found:
            most = capacity.get((name, hour))
            if most is not None and quantity > most:
                raise OverCapacity


def take_back_hours(provider: Provider, hours: Hours) -> None:
    """Take what a line added out of the hours there are; that is never too much for anybody."""
    rows = list(hours)
    for first in range(0, len(rows), _ADDED_AT_ONCE):
        names, counted, quantities = zip(*rows[first : first + _ADDED_AT_ONCE], strict=True)
        at = [at_hour(hour) for hour in counted]
        less = [-quantity for quantity in quantities]
        quick_rows(_ADD, [provider.pk, list(names), at, less])


class _Run(NamedTuple):
    row: int
    name: str
    count_thousandths: int
    started_us: int
    ended_us: int


@dataclass(slots=True)
class _Full:
    """An hour that has no room for a run."""

    hour: int
    used_ms: int
    most_ms: int


class Room:
    """What is left of a provider's GPUs, hour by hour, while rows take it one after the other."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._used: dict[tuple[str, int], int] = {}
        self._most: dict[tuple[str, int], int | None] = {}

    def take(
        self, row: int, name: str, count_thousandths: int, started_us: int, ended_us: int
    ) -> RowError | None:
        """Let a run take its hours, or return that there is no room for it in one of them."""
        run = _Run(row, name, count_thousandths, started_us, ended_us)
        alone = Hours()
        alone.add(name, count_thousandths, started_us, ended_us)
        wanted = {hour: quantity for _name, hour, quantity in alone}
        self._look_up(name, wanted)
        for hour, quantity in wanted.items():
            most, used = self._most[name, hour], self._used[name, hour]
            if most is not None and used + quantity > most:
                return _no_room(run, _Full(hour, used, most))
        for hour, quantity in wanted.items():
            self._used[name, hour] += quantity
        return None

    def _look_up(self, name: str, wanted: Mapping[int, int]) -> None:
        missing = [hour for hour in wanted if (name, hour) not in self._used]
        if not missing:
            return
        # A day at a time, so that a month costs a look a day.
        low, high = min(missing) // 24 * 24, max(missing) // 24 * 24 + 24
        span = at_hour(low), at_hour(high)
        with connection.cursor() as cursor:
            cursor.execute(
                "select hour, quantity_ms from billing_usagehour where provider_id = %s"
                " and resource_class = %s and hour >= %s and hour < %s",
                [self._provider.pk, name, *span],
            )
            used = dict(cursor.fetchall())
        capacity = capacity_by_hour(self._provider, {name}, *span)
        for hour in range(low, high):
            at = at_hour(hour)
            self._used.setdefault((name, hour), used.get(at, 0))
            self._most[name, hour] = capacity.get((name, at))


def _no_room(run: _Run, full: _Full) -> RowError:
    from_at = at_hour(full.hour)
    values: dict[str, object] = {
        "class": run.name,
        "hour": f"{from_at:%Y-%m-%d %H:%M} UTC",
        "most": _hours(full.most_ms),
        "used": _hours(full.used_ms),
    }
    found = _hours(run.count_thousandths * (run.ended_us - run.started_us) // _US_A_MS)
    return UnrecordedRow(run.row, "count", found, "beyond_capacity", values)


def _hours(quantity_ms: int) -> str:
    whole, rest = divmod(quantity_ms, 3_600_000)
    return f"{whole}.{rest * 1000 // 3_600_000:03}".rstrip("0").rstrip(".")


def in_us(at: datetime) -> int:
    """Return microseconds since the year 2000."""
    return binary.instant(at)
