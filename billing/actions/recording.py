"""Lay rows of usage out, record the new ones in one statement, and tell of all others."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from django.db import IntegrityError, connection, transaction
from psycopg.errors import ExclusionViolation, UniqueViolation

from billing.actions import binary_rows as binary
from billing.actions.copying import ROWS_MOST, Copying
from billing.actions.desks import Desks
from billing.actions.few_rows import AskedBefore, write_few
from billing.actions.known_rows import Tally, are_known, compare
from billing.actions.line_numbers import LineNumbers
from billing.actions.new_rows import refuse_impossible
from billing.actions.progress import tell_progress
from billing.actions.rows_written import COLUMNS, AlikeRows, rows_of
from billing.actions.usage_hours import Hours, OverCapacity, keep_hours
from billing.usage.record import Parsed, UsageRecord
from ledger.actions import Act, Request
from providers.models import Provider

# Rows are looked over so many at a time: a batch of the API, which has at most 1,000, at once.
_ROWS_WRITTEN = 1_024
# So many numbers are there before a COPY begins: for its rows, and for those made ready meanwhile.
_NUMBERS_FETCHED = 2 * ROWS_MOST


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
        alike = AlikeRows(desks, lambda _account: head, source)
        tally.recorded = _write(_COPY_NEW, alike, desks, parsed, tally, hours)
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


_COPY_NEW = f"""
    copy billing_usageline (provider_id, file_id, act_id, recorded_at, {COLUMNS})
    from stdin (format binary)
"""
_COPY_LAID_OUT = f"""
    copy pg_temp.billing_usage_row (account, {COLUMNS}, "row") from stdin (format binary)
"""


def _lay_out(desks: Desks, parsed: Parsed, tally: Tally, source: str) -> int:
    """Write the recordable rows to the connection's own table; return how many there were."""
    with connection.cursor() as cursor:
        cursor.execute("select billing_lay_out_usage()")

    count = binary.fields(17)
    alike = AlikeRows(desks, lambda account: count + binary.text(account), source)
    return _write(_COPY_LAID_OUT, alike, desks, parsed, tally, Hours(), has_place=True)


def _write(
    statement: str,
    alike: AlikeRows,
    desks: Desks,
    parsed: Parsed,
    tally: Tally,
    hours: Hours,
    *,
    has_place: bool = False,
) -> int:
    """Write the recordable rows where a COPY says, each behind its head; return how many."""
    count, numbers, fetched = 0, LineNumbers(), 0

    def fetch() -> None:
        numbers.fetch(fetched)

    with Copying(statement, fetch) as copying:
        for chunk in _chunks(parsed):
            # A connection that takes rows can't be asked for an account or for numbers meanwhile.
            new = desks.new_in(chunk)
            if new:
                copying.settle()
                desks.look_up(new)
            if len(numbers) < len(chunk):
                copying.settle()
                fetched = len(chunk) if len(chunk) < _ROWS_WRITTEN else _NUMBERS_FETCHED
                numbers.fetch(fetched)
                # A batch needs no more than it has rows.
                fetched = 0 if len(chunk) < _ROWS_WRITTEN else fetched
            taken = numbers.take(len(chunk))
            rows, written = rows_of(
                chunk, taken, desks, alike, tally, hours, has_place=has_place
            )
            count += written
            copying.write(rows, written)
    return count


def _chunks(records: Iterable[UsageRecord]) -> Iterator[list[UsageRecord]]:
    rest = iter(records)
    while chunk := list(islice(rest, _ROWS_WRITTEN)):
        tell_progress(len(chunk))
        yield chunk


# Sorted by the natural key, so that its index is filled in its own order; the first row of a
# key is the one that counts. One provider's rows come one file after the other, so that none of
# these keys can be taken meanwhile.
_INSERT = f"""
    insert into billing_usageline (provider_id, file_id, act_id, recorded_at, {COLUMNS})
    select %(provider)s, %(file)s, %(act)s, %(at)s, {COLUMNS}
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
