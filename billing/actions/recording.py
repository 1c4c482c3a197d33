"""Lay rows of usage out, record the new ones in one statement, and tell of all others."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from django.db import IntegrityError, connection, transaction
from psycopg.errors import ExclusionViolation, UniqueViolation

from billing.actions import binary_rows as binary
from billing.actions.desks import Desk, Desks
from billing.actions.few_rows import AskedBefore, write_few
from billing.actions.known_rows import Tally, are_known, compare
from billing.actions.line_numbers import LineNumbers
from billing.actions.new_rows import refuse_impossible
from billing.actions.progress import tell_progress
from billing.actions.usage_hours import Hours, OverCapacity, keep_hours
from billing.usage.record import Parsed, UsageRecord
from ledger.actions import Act, Request
from providers.models import Provider

# Rows are looked over so many at a time: a batch of the API, which has at most 1,000, at once.
_ROWS_WRITTEN = 1_024
# A COPY ends after so many rows, for more numbers.
_ROWS_A_COPY = 100_000


def record(
    provider: Provider,
    file_id: int | None,
    read: Callable[[], Parsed],
    act: Act,
    *,
    source: str = "",
    is_file: bool = False,
    is_new: bool = False,
) -> tuple[Parsed, Tally]:
    """Record every row that is new, and return what was read and what became of it.

    Memory does not grow with the number of rows, nor does the number of statements. `source`,
    where given, stands for the rows' own. Within a file a repeat is an error; a batch that says
    a thing twice in the same words has merely been careful.

    What is likely all new (`is_new`) is written straight to where it belongs. Where one row
    was known, or all of them together can't be, that is taken back, and all rows are laid out
    and told apart; then `read` is called a second time.
    """
    if is_new and not act.is_replay:
        with contextlib.suppress(NotAllNew), transaction.atomic():
            return _record_new(provider, file_id, read(), act, source)
    parsed, tally = read(), Tally()
    desks = Desks(provider, act.at)
    laid_out = _lay_out(desks, parsed, tally, source)
    if is_file and not act.is_replay and not is_new and are_known(provider, laid_out):
        tally.known_before = laid_out
        return parsed, _with_unreadable(tally, parsed)
    recorded = 0
    if not act.is_replay:
        refused, hours = refuse_impossible(provider, tally, desks.late)
        laid_out -= refused
        recorded = _insert(provider, file_id, act)
        keep_hours(provider, hours)
    if recorded == laid_out:
        tally.recorded = recorded
    else:
        compare(provider, act, tally, is_file=is_file)
    return parsed, _with_unreadable(tally, parsed)


class NotAllNew(Exception):
    """A row or the act is known, or a row impossible: what was written has to be taken back."""


def record_few(
    provider: Provider,
    desks: Desks,
    records: Sequence[UsageRecord],
    request: Request,
    source: str,
) -> tuple[Parsed, Tally]:
    """Begin an act and record a few rows that are likely all new; return what became of them.

    `desks` have looked the rows' accounts up.

    :raises NotAllNew: if they are not; then the caller's transaction has to be taken back.
    :raises KeyReused: if the key was used with another payload.
    """
    parsed = Parsed(iter(records))
    with _all_new(desks):
        return parsed, write_few(provider, desks, parsed, request, source)


def _record_new(
    provider: Provider, file_id: int | None, parsed: Parsed, act: Act, source: str
) -> tuple[Parsed, Tally]:
    tally = Tally()
    head = b"".join(
        [
            binary.fields(19),
            binary.bigint(8, provider.pk),
            binary.bigint_or_none(file_id),
            binary.bigint(8, act.id),
            binary.bigint(8, binary.instant(act.at)),
        ]
    )
    desks, hours = Desks(provider, act.at), Hours()
    with _all_new(desks):
        tally.recorded = _write(
            _COPY_NEW, lambda _record: head, desks, parsed, tally, source, hours
        )
        keep_hours(provider, hours)
    return parsed, _with_unreadable(tally, parsed)


@contextlib.contextmanager
def _all_new(desks: Desks) -> Iterator[None]:
    try:
        yield
    except (
        AskedBefore,
        ExclusionViolation,
        IntegrityError,
        OverCapacity,
        UniqueViolation,
    ) as error:
        raise NotAllNew from error
    if desks.late:
        raise NotAllNew


def _with_unreadable(tally: Tally, parsed: Parsed) -> Tally:
    """Return the tally with what was wrong with rows before they could be looked at."""
    tally.note(parsed.errors)
    tally.errors_total += parsed.errors_total - len(parsed.errors)
    tally.errors.sort(key=lambda error: error.row)
    return tally


_COLUMNS = (
    "id, source, key, order_id, voucher_id, rate, resource, resource_class, count_thousandths, "
    "started_at, ended_at, quantity_ms, state, amount, device"
)
_COPY_NEW = f"""
    copy billing_usageline (provider_id, file_id, act_id, recorded_at, {_COLUMNS})
    from stdin (format binary)
"""
_COPY_LAID_OUT = f"""
    copy pg_temp.billing_usage_row ("row", account, {_COLUMNS}) from stdin (format binary)
"""


def _lay_out(desks: Desks, parsed: Parsed, tally: Tally, source: str) -> int:
    """Write the recordable rows to the connection's own table; return how many there were."""
    with connection.cursor() as cursor:
        cursor.execute("select billing_lay_out_usage()")

    count = binary.fields(17)

    def head(record: UsageRecord) -> bytes:
        return count + binary.integer(record.row) + binary.text(record.account)

    return _write(_COPY_LAID_OUT, head, desks, parsed, tally, source, Hours())


def _write(
    statement: str,
    head: Callable[[UsageRecord], bytes],
    desks: Desks,
    parsed: Parsed,
    tally: Tally,
    source: str,
    hours: Hours,
) -> int:
    """Write the recordable rows where a COPY says, each behind its head; return how many."""
    count, numbers = 0, LineNumbers()
    chunks = _chunks(parsed)
    chunk = next(chunks, None)
    with connection.cursor() as cursor:
        while chunk:
            # A connection that takes rows can't be asked for an account or for numbers meanwhile.
            desks.look_up(desks.new_in(chunk))
            numbers.fetch(len(chunk) if len(chunk) < _ROWS_WRITTEN else _ROWS_A_COPY)
            with cursor.copy(statement) as copy:
                copy.write(binary.BEGIN)
                while chunk and len(numbers) >= len(chunk) and not desks.new_in(chunk):
                    rows = list(_rows(chunk, head, desks, numbers, tally, source, hours))
                    count += len(rows)
                    copy.write(b"".join(rows))
                    chunk = next(chunks, None)
                copy.write(binary.END)
    return count


def _chunks(records: Iterable[UsageRecord]) -> Iterator[list[UsageRecord]]:
    rest = iter(records)
    while chunk := list(islice(rest, _ROWS_WRITTEN)):
        tell_progress(len(chunk))
        yield chunk


def _rows(
    records: Iterable[UsageRecord],
    head: Callable[[UsageRecord], bytes],
    desks: Desks,
    numbers: LineNumbers,
    tally: Tally,
    source: str,
    hours: Hours,
) -> Iterator[bytes]:
    """Give each recordable record as a binary row; note what is wrong with the others."""
    texts = desks.texts
    for record in records:
        desk = desks[record.account]
        quantity = record.quantity_ms
        error = desks.refusal(record, quantity)
        if error is not None:
            tally.note([error])
        elif isinstance(desk, Desk):
            if desk.window is not None:
                desks.note_late(desk, record)
            count = record.count_thousandths
            started, ended = (
                binary.instant(record.started_at),
                binary.instant(record.ended_at),
            )
            if record.resource == "GPU":
                hours.add(desk.class_name or record.resource_class, count, started, ended)
            yield b"".join(
                (
                    head(record),
                    binary.bigint(8, numbers.next(record.started_at)),
                    texts[source or record.source],
                    binary.text(record.key),
                    desk.words,
                    texts[record.resource],
                    texts[record.resource_class],
                    binary.bigints(8, count, 8, started, 8, ended, 8, quantity),
                    texts[record.state],
                    desk.price(quantity),
                    texts[record.device],
                )
            )


# Sorted by the natural key, so that its index is filled in its own order; the first row of a
# key is the one that counts. One provider's rows come one file after the other, so that none of
# these keys can be taken meanwhile.
_INSERT = f"""
    insert into billing_usageline (provider_id, file_id, act_id, recorded_at, {_COLUMNS})
    select %(provider)s, %(file)s, %(act)s, %(at)s, {_COLUMNS}
    from (select *, row_number() over (partition by source, key order by "row") as nth
        from pg_temp.billing_usage_row) r
    where nth = 1 and not exists (select from billing_usagekey k
        where k.provider_id = %(provider)s and k.source = r.source and k.key = r.key)
    order by source, key
"""  # noqa: S608 - of constants


def _insert(provider: Provider, file_id: int | None, act: Act) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            {"provider": provider.pk, "file": file_id, "act": act.id, "at": act.at},
        )
        return int(cursor.rowcount)
