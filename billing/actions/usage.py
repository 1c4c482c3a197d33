"""Record metered usage: a file or a batch, each row once, in flat memory."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, BinaryIO

from django.db import connection, transaction

from billing.actions.places import Place, places_of
from billing.models import UsageFile, UsageLine
from billing.reasons import UnrecordedRow, stored_row_error
from billing.usage.intake import CHUNK_BYTES, read_usage
from billing.usage.record import Parsed, Resource, RowError, UsageRecord
from ledger.actions import Act, begin
from ledger.kinds import ActKind
from providers.models import Provider

CHUNK_ROWS = 5_000
ERRORS_KEPT = 1_000
QUANTITY_MS_MAX = 10**15
# The longest texts that a usage line keeps, and the columns that they come from.
LENGTHS = {"key": ("job_id", 160), "resource_class": ("class", 24), "state": ("state", 24)}


@dataclass(frozen=True, slots=True)
class UsageReport:
    """What became of each row: recorded now, known before, skipped by reason, or in error.

    `errors` are the first of `errors_total`. `file` is None for a batch and for a dry run.
    """

    rows: int
    recorded: int
    known_before: int
    skipped: dict[str, int]
    errors: tuple[RowError, ...]
    errors_total: int
    file: UsageFile | None


_Placed = tuple[UsageRecord, Place]


@dataclass(slots=True)
class _Tally:
    recorded: int = 0
    known_before: int = 0
    errors_total: int = 0
    errors: list[RowError] = field(default_factory=list)

    def note(self, errors: Iterable[RowError]) -> None:
        for error in errors:
            self.errors_total += 1
            if len(self.errors) < ERRORS_KEPT:
                self.errors.append(error)


@transaction.atomic
def record_usage_file(
    *,
    provider: Provider,
    name: str,
    format: str,
    stream: BinaryIO,
    source: str,
    resource: Resource | None,
    is_dry_run: bool,
    actor: str,
    at: datetime,
    key: str,
    zone: str = "UTC",
    columns: Mapping[str, str] | None = None,
) -> UsageReport:
    """Record a file of metered usage, `sacct` or `csv`, plain or .gz; good rows count.

    Each row finds its order by its account: an order's code, the provider's own reference, or
    a voucher's code. A row that was recorded before with the same content is known; with other
    content it is an error of that row. The same file again records only what is new in it. A
    dry run reports all that and keeps nothing. `zone` is that of times without an offset;
    `columns` names the file's own columns for ours.

    :raises FileUnreadable: in one of its kinds, if the file can't be read as a whole.
    :raises KeyReused: if the key was used for another file.
    """
    sha256 = _fingerprint(stream)
    parsed = read_usage(
        stream, format.upper(), source=source, zone=zone, resource=resource, columns=columns
    )
    payload = {"sha256": sha256, "format": format, "source": source, "resource": resource}
    with transaction.atomic():
        act = _begin(
            provider, actor, at, f"dry:{key}" if is_dry_run else key, {**payload, "zone": zone}
        )
        file = UsageFile.objects.filter(provider=provider, sha256=sha256).first()
        file_id = file.pk if file else _next_file_id()
        tally = _record(provider, file_id, parsed, act)
        if is_dry_run:
            transaction.set_rollback(True)
    tally.note(parsed.errors)
    tally.errors.sort(key=lambda error: error.row)
    if file is None and not is_dry_run:
        file = _keep_file(file_id, provider, name, format, sha256, parsed, tally, actor, act)
    return UsageReport(
        rows=parsed.rows,
        recorded=tally.recorded,
        known_before=tally.known_before,
        skipped=dict(parsed.skipped),
        errors=tuple(tally.errors),
        errors_total=tally.errors_total,
        file=None if is_dry_run else file,
    )


@transaction.atomic
def record_usage(
    *,
    provider: Provider,
    source: str,
    records: Sequence[UsageRecord],
    actor: str,
    at: datetime,
    key: str,
) -> UsageReport:
    """Record a batch of metered usage, with an answer a row; good rows count.

    Rows find their orders and are known again as those of a file. Asking again with the same
    key gives the same answer.

    :raises KeyReused: if the key was used for another batch.
    """
    content = [
        [r.key, r.account, r.resource, r.count_thousandths, r.started_at, r.ended_at, r.state]
        for r in records
    ]
    act = _begin(provider, actor, at, key, {"source": source, "records": content})
    parsed = Parsed(iter(records))
    tally = _record(provider, None, parsed, act, source)
    return UsageReport(
        rows=parsed.rows,
        recorded=tally.recorded,
        known_before=tally.known_before,
        skipped={},
        errors=tuple(tally.errors),
        errors_total=tally.errors_total,
        file=None,
    )


def _begin(
    provider: Provider, actor: str, at: datetime, key: str, payload: Mapping[str, Any]
) -> Act:
    # One provider's files and batches queue here, so that two with the same rows can't wait
    # for each other's rows in different orders.
    Provider.objects.select_for_update(no_key=True).get(pk=provider.pk)
    return begin(
        kind=ActKind.RECORD_USAGE,
        key=key,
        actor=actor,
        about=provider.address,
        at=at,
        payload=payload,
    )


def _fingerprint(stream: BinaryIO) -> str:
    digest = hashlib.sha256()
    stream.seek(0)
    while chunk := stream.read(CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def _next_file_id() -> int:
    # Lines name their file before its counts are known, and a file's row is never changed.
    with connection.cursor() as cursor:
        cursor.execute("select nextval(pg_get_serial_sequence('billing_usagefile', 'id'))")
        return int(cursor.fetchone()[0])


def _keep_file(
    file_id: int,
    provider: Provider,
    name: str,
    format: str,
    sha256: str,
    parsed: Parsed,
    tally: _Tally,
    actor: str,
    act: Act,
) -> UsageFile:
    return UsageFile.objects.create(
        pk=file_id,
        provider=provider,
        name=name[:200],
        format=format.upper(),
        sha256=sha256,
        rows=parsed.rows,
        recorded=tally.recorded,
        known_before=tally.known_before,
        skipped=dict(parsed.skipped),
        errors=[stored_row_error(error) for error in tally.errors],
        errors_total=tally.errors_total,
        received_by=actor,
        received_at=act.at,
        act_id=act.id,
    )


def _record(
    provider: Provider, file_id: int | None, parsed: Parsed, act: Act, source: str = ""
) -> _Tally:
    tally = _Tally()
    for chunk in _chunks(parsed):
        placed = list(_placed(provider, chunk, tally))
        firsts: dict[tuple[str, str], _Placed] = {}
        repeats = []
        for one in placed:
            identity = (source or one[0].source, one[0].key)
            if identity in firsts:
                repeats.append((identity, one))
            else:
                firsts[identity] = one
        new = set() if act.is_replay else _insert(provider, file_id, firsts, act)
        tally.recorded += len(new)
        known = [(identity, one) for identity, one in firsts.items() if identity not in new]
        _compare(provider, known, act, tally, is_repeat=False)
        _compare(provider, repeats, act, tally, is_repeat=True)
    return tally


def _chunks(records: Iterable[UsageRecord]) -> Iterator[list[UsageRecord]]:
    rest = iter(records)
    while chunk := list(islice(rest, CHUNK_ROWS)):
        yield chunk


def _placed(
    provider: Provider, records: Sequence[UsageRecord], tally: _Tally
) -> Iterator[_Placed]:
    places = places_of(provider, {record.account for record in records})
    for record in records:
        place = places.get(record.account)
        error = _unrecordable(record, place)
        if error is not None:
            tally.note([error])
        elif isinstance(place, Place):
            yield record, place


def _unrecordable(record: UsageRecord, place: Place | int | None) -> RowError | None:
    """Return what keeps a row from being recorded; a number is of the orders it may mean."""
    if place is None:
        return UnrecordedRow(record.row, "account", record.account, "account_unknown")
    if isinstance(place, int):
        values: dict[str, object] = {"count": place}
        return UnrecordedRow(record.row, "account", record.account, "account_ambiguous", values)
    if place.resource and place.resource != record.resource:
        values = {
            "found": record.resource,
            "expected": place.resource,
            "order": place.order_code,
        }
        return UnrecordedRow(
            record.row, "resource", record.resource, "resource_differs", values
        )
    if record.quantity_ms >= QUANTITY_MS_MAX:
        values = {"count": record.count_thousandths // 1000}
        return UnrecordedRow(record.row, "count", "", "quantity_too_large", values)
    for name, (column, most) in LENGTHS.items():
        text = getattr(record, name)
        if len(text) > most:
            values = {"length": len(text), "most": most}
            return RowError(record.row, column, text, "value_too_long", values)
    return None


# Sorted by key, so that the index is filled in its own order.
_INSERT = """
    insert into billing_usageline (
        provider_id, file_id, act_id, recorded_at, source, key, order_id, voucher_id, resource,
        resource_class, count_thousandths, started_at, ended_at, quantity_ms, state)
    select %s, %s, %s, %s, g.* from unnest(
        %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::bigint[],
        %s::timestamptz[], %s::timestamptz[], %s::bigint[], %s::text[]) as g (source, key)
    order by g.source, g.key
    on conflict (provider_id, source, key) do nothing
    returning source, key
"""


def _insert(
    provider: Provider,
    file_id: int | None,
    firsts: Mapping[tuple[str, str], _Placed],
    act: Act,
) -> set[tuple[str, str]]:
    rows = [
        (
            source,
            key,
            place.order,
            place.voucher,
            record.resource,
            record.resource_class,
            record.count_thousandths,
            record.started_at,
            record.ended_at,
            record.quantity_ms,
            record.state,
        )
        for (source, key), (record, place) in firsts.items()
    ]
    if not rows:
        return set()
    columns = [list(column) for column in zip(*rows, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [provider.pk, file_id, act.id, act.at, *columns])
        return set(cursor.fetchall())


def _compare(
    provider: Provider,
    pairs: Sequence[tuple[tuple[str, str], _Placed]],
    act: Act,
    tally: _Tally,
    *,
    is_repeat: bool,
) -> None:
    """Tell rows that are there already apart: the same content, or another."""
    if not pairs:
        return
    sources = {source for (source, _key), _placed in pairs}
    keys = [key for (_source, key), _placed in pairs]
    lines = {
        (line.source, line.key): line
        for line in UsageLine.objects.filter(
            provider=provider, source__in=sources, key__in=keys
        )
    }
    for identity, (record, place) in pairs:
        line = lines.get(identity)
        if line is None:
            # Only when a request is answered again: it could not be recorded the first time.
            tally.note(
                [UnrecordedRow(record.row, "account", record.account, "account_unknown")]
            )
        elif _content_of(line) != _content(record, place):
            values = {"before": _words(line), "now": _words(record)}
            tally.note(
                [UnrecordedRow(record.row, "job_id", record.key, "recorded_before", values)]
            )
        elif line.act_id == act.id and not is_repeat:
            tally.recorded += 1
        else:
            tally.known_before += 1


def _content(record: UsageRecord, place: Place) -> tuple[object, ...]:
    what = (record.resource, record.count_thousandths, record.started_at, record.ended_at)
    return (*what, place.voucher, place.order)


def _content_of(line: UsageLine) -> tuple[object, ...]:
    what = (line.resource, line.count_thousandths, line.started_at, line.ended_at)
    return (*what, line.voucher_id, line.order_id)


def _words(usage: UsageLine | UsageRecord) -> str:
    whole, part = divmod(usage.count_thousandths, 1000)
    count = f"{whole}.{part:03}".rstrip("0").rstrip(".")
    return (
        f"{count} {usage.resource}, {usage.started_at:%Y-%m-%d %H:%M:%S} – "
        f"{usage.ended_at:%Y-%m-%d %H:%M:%S} UTC"
    )
