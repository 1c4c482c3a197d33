"""Lay rows of usage out, record the new ones in one statement, and tell of all others."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from itertools import islice

from django.db import IntegrityError, connection, transaction
from psycopg.errors import UniqueViolation

from billing.actions import binary_rows as binary
from billing.actions.bills import AMOUNT_MAX
from billing.actions.known_rows import Tally, are_known, compare
from billing.actions.line_numbers import LineNumbers
from billing.actions.places import Place, places_of
from billing.queries import pricer
from billing.reasons import UnrecordedRow
from billing.usage.record import Parsed, RowError, UsageRecord
from ledger.actions import Act
from providers.models import Provider

QUANTITY_MS_MAX = 10**15
# The longest texts that a usage line keeps, and the columns that they come from.
LENGTHS = {"key": ("job_id", 160), "resource_class": ("class", 24), "state": ("state", 24)}
_ROWS_WRITTEN = 400
# A COPY ends after so many rows, for more numbers.
_ROWS_A_COPY = 100_000
# A file has as many accounts as a provider has orders; a hostile one has as many as rows.
_DESKS_KEPT_MAX = 5_000


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
    was known that is taken back, and all rows are laid out and compared with those known;
    then `read` is called a second time.
    """
    if is_new and not act.is_replay:
        with contextlib.suppress(_Known):
            return _record_new(provider, file_id, read(), act, source)
    parsed, tally = read(), Tally()
    laid_out = _lay_out(provider, parsed, tally, source)
    if is_file and not act.is_replay and not is_new and are_known(provider, laid_out):
        tally.known_before = laid_out
        return parsed, _with_unreadable(tally, parsed)
    recorded = 0 if act.is_replay else _insert(provider, file_id, act)
    if recorded == laid_out:
        tally.recorded = recorded
    else:
        compare(provider, act, tally, is_file=is_file)
    return parsed, _with_unreadable(tally, parsed)


class _Known(Exception):
    """A row is there already; what was written beside it has been taken back."""


def _record_new(
    provider: Provider, file_id: int | None, parsed: Parsed, act: Act, source: str
) -> tuple[Parsed, Tally]:
    tally = Tally()
    head = b"".join(
        [
            binary.fields(18),
            binary.bigint(8, provider.pk),
            binary.bigint_or_none(file_id),
            binary.bigint(8, act.id),
            binary.bigint(8, binary.instant(act.at)),
        ]
    )
    try:
        with transaction.atomic():
            tally.recorded = _write(
                _COPY_NEW, lambda _record: head, provider, parsed, tally, source
            )
    except (IntegrityError, UniqueViolation) as error:
        raise _Known from error
    return parsed, _with_unreadable(tally, parsed)


def _with_unreadable(tally: Tally, parsed: Parsed) -> Tally:
    """Return the tally with what was wrong with rows before they could be looked at."""
    tally.note(parsed.errors)
    tally.errors_total += parsed.errors_total - len(parsed.errors)
    tally.errors.sort(key=lambda error: error.row)
    return tally


class _Desk:
    """What an account leads to, looked up once, ready to be written beside its rows."""

    __slots__ = ("most", "order_code", "price", "resource", "words")

    def __init__(self, place: Place) -> None:
        self.order_code = place.order_code
        self.resource = place.resource
        self.words = b"".join(
            [
                binary.bigint_or_none(place.order),
                binary.bigint(8, place.voucher),
                binary.decimal_or_none(place.rate),
            ]
        )
        self.price = _price_of_place(place)
        self.most = _most_at(place)


def _price_of_place(place: Place) -> Callable[[int], bytes]:
    if place.order is None:
        return lambda _quantity: binary.NONE
    price = pricer(place.rate or Decimal(0), place.unit)
    return lambda quantity: binary.bigint(8, price(quantity))


def _most_at(place: Place) -> int:
    """Return a quantity that no row reaches, so that no price passes what can be paid."""
    if place.order is None:
        return QUANTITY_MS_MAX
    price = pricer(place.rate or Decimal(0), place.unit)(QUANTITY_MS_MAX)
    return min(QUANTITY_MS_MAX, QUANTITY_MS_MAX * AMOUNT_MAX // max(price, 1))


class _Desks(dict[str, "_Desk | int | None"]):
    """The desks of a provider's accounts; a number says how many orders one may mean."""

    def __init__(self, provider: Provider) -> None:
        super().__init__()
        self.texts = binary.Texts()
        self._provider = provider

    def new_in(self, records: Iterable[UsageRecord]) -> set[str]:
        """Return the accounts of records that were not met before."""
        return {record.account for record in records} - self.keys()

    def look_up(self, accounts: set[str]) -> None:
        """Find the places of accounts, all in one look; forget the others when there are many."""
        if len(self) > _DESKS_KEPT_MAX:
            self.clear()
        places = places_of(self._provider, accounts)
        for account in accounts:
            place = places.get(account)
            self[account] = _Desk(place) if isinstance(place, Place) else place


_COLUMNS = (
    "id, source, key, order_id, voucher_id, rate, resource, resource_class, count_thousandths, "
    "started_at, ended_at, quantity_ms, state, amount"
)
_COPY_NEW = f"""
    copy billing_usageline (provider_id, file_id, act_id, recorded_at, {_COLUMNS})
    from stdin (format binary)
"""
_COPY_LAID_OUT = f"""
    copy pg_temp.billing_usage_row ("row", account, {_COLUMNS}) from stdin (format binary)
"""


def _lay_out(provider: Provider, parsed: Parsed, tally: Tally, source: str) -> int:
    """Write the recordable rows to the connection's own table; return how many there were."""
    with connection.cursor() as cursor:
        cursor.execute("select billing_lay_out_usage()")

    count = binary.fields(16)

    def head(record: UsageRecord) -> bytes:
        return count + binary.integer(record.row) + binary.text(record.account)

    return _write(_COPY_LAID_OUT, head, provider, parsed, tally, source)


def _write(
    statement: str,
    head: Callable[[UsageRecord], bytes],
    provider: Provider,
    parsed: Parsed,
    tally: Tally,
    source: str,
) -> int:
    """Write the recordable rows where a COPY says, each behind its head; return how many."""
    count = 0
    desks, numbers = _Desks(provider), LineNumbers()
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
                    rows = list(_rows(chunk, head, desks, numbers, tally, source))
                    count += len(rows)
                    copy.write(b"".join(rows))
                    chunk = next(chunks, None)
                copy.write(binary.END)
    return count


def _chunks(records: Iterable[UsageRecord]) -> Iterator[list[UsageRecord]]:
    rest = iter(records)
    while chunk := list(islice(rest, _ROWS_WRITTEN)):
        yield chunk


def _rows(
    records: Iterable[UsageRecord],
    head: Callable[[UsageRecord], bytes],
    desks: _Desks,
    numbers: LineNumbers,
    tally: Tally,
    source: str,
) -> Iterator[bytes]:
    """Give each recordable record as a binary row; note what is wrong with the others."""
    texts = desks.texts
    for record in records:
        desk = desks[record.account]
        quantity = record.quantity_ms
        error = _unrecordable(record, desk, quantity)
        if error is not None:
            tally.note([error])
        elif isinstance(desk, _Desk):
            yield b"".join(
                (
                    head(record),
                    binary.bigint(8, numbers.next(record.started_at)),
                    texts[source or record.source],
                    binary.text(record.key),
                    desk.words,
                    texts[record.resource],
                    texts[record.resource_class],
                    binary.bigints(
                        8,
                        record.count_thousandths,
                        8,
                        binary.instant(record.started_at),
                        8,
                        binary.instant(record.ended_at),
                        8,
                        quantity,
                    ),
                    texts[record.state],
                    desk.price(quantity),
                )
            )


def _unrecordable(
    record: UsageRecord, desk: _Desk | int | None, quantity: int
) -> RowError | None:
    """Return what keeps a row from being recorded; a number is of the orders it may mean."""
    if not isinstance(desk, _Desk):
        return _placeless(record, desk)
    if desk.resource and desk.resource != record.resource:
        values: dict[str, object] = {
            "found": record.resource,
            "expected": desk.resource,
            "order": desk.order_code,
        }
        return UnrecordedRow(
            record.row, "resource", record.resource, "resource_differs", values
        )
    if quantity >= desk.most:
        values = {"count": record.count_thousandths // 1000}
        return UnrecordedRow(record.row, "count", "", "quantity_too_large", values)
    if len(record.key) > 160 or len(record.resource_class) > 24 or len(record.state) > 24:
        return _too_long(record)
    return None


def _placeless(record: UsageRecord, count: int | None) -> RowError:
    if count is None:
        return UnrecordedRow(record.row, "account", record.account, "account_unknown")
    values: dict[str, object] = {"count": count}
    return UnrecordedRow(record.row, "account", record.account, "account_ambiguous", values)


def _too_long(record: UsageRecord) -> RowError | None:
    for name, (column, most) in LENGTHS.items():
        text = getattr(record, name)
        if len(text) > most:
            values = {"length": len(text), "most": most}
            return RowError(record.row, column, text, "value_too_long", values)
    return None


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
