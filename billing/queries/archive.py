"""Usage lines that lie in files of the archive, read where reports ask for them.

DuckDB reads of a file what is asked for; a line comes back as what it was, a `UsageLine`, so
that whoever shows lines needs not know where they lie.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.models import BillLine, UsageArchive, UsageLine
from billing.models.usage import MONTH_BITS, first_line_of_month
from billing.usage.record import RUN_DAYS_MAX
from common.errors import Refused

READ_AT_ONCE = 2_000
_INSTANTS = ("started_at", "ended_at", "recorded_at")


class ArchiveMissing(Refused):
    """A file of the archive that is not where it should be."""

    code = "archive_missing"
    sentence = _(
        "The archive file %(file)s is not in its folder, so the usage lines in it can't be shown. "
        "Ask the operator to put it back from the backup."
    )


def archive_folder() -> Path:
    """Return the folder of the archive's files, by the setting USAGE_ARCHIVE_FOLDER."""
    return Path(settings.USAGE_ARCHIVE_FOLDER)


def open_lines(low: int, high: int) -> int:
    """Return how many lines in [low, high) may still be billed, settled or decided on."""
    with connection.cursor() as cursor:
        cursor.execute("select billing_usage_open(%s, %s)", [low, high])
        return int(cursor.fetchone()[0])


def months_to_archive(at: datetime) -> list[date]:
    """Return the months, in UTC, whose lines are kept no longer at an instant, oldest first.

    A month is kept for `USAGE_ARCHIVED_AFTER_DAYS` days after its end.
    """
    last = at.astimezone(UTC) - timedelta(days=settings.USAGE_ARCHIVED_AFTER_DAYS)
    with connection.cursor() as cursor:
        cursor.execute(
            "select distinct id >> %s from billing_usageline where id < %s order by 1",
            [MONTH_BITS, first_line_of_month(last)],
        )
        return [date(1970 + n // 12, n % 12 + 1, 1) for (n,) in cursor.fetchall()]


def archives_within(from_at: datetime, until_at: datetime) -> list[UsageArchive]:
    """Return the files with lines that begin in the months (in UTC) of [from, until)."""
    first = from_at.astimezone(UTC).date().replace(day=1)
    last = until_at.astimezone(UTC) - timedelta(microseconds=1)
    found = UsageArchive.objects.filter(month__gte=first, month__lte=last.date())
    return list(found.order_by("month", "part"))


def lines_in(from_at: datetime, until_at: datetime, **wanted: Any) -> Iterator[UsageLine]:
    """Give the lines that begin in [from, until), wherever they lie, those of files first.

    :param wanted: what columns must be, such as `provider_id=7`.
    :raises ArchiveMissing: if a file that is asked for is not there.
    """
    conditions = {"started_at >= ?": _naive(from_at), "started_at < ?": _naive(until_at)}
    conditions |= _wanted(wanted)
    yield from read_lines(archives_within(from_at, until_at), conditions)
    low, high = first_line_of_month(from_at), first_line_of_month(until_at) + (1 << MONTH_BITS)
    within = Q(pk__gte=low, pk__lt=high, started_at__gte=from_at, started_at__lt=until_at)
    live = UsageLine.objects.filter(within, **wanted).order_by("pk")
    yield from live.iterator(chunk_size=READ_AT_ONCE)


class Run(NamedTuple):
    """How many of what ran from when until when, of a line in the archive."""

    count_thousandths: int
    started_at: datetime
    ended_at: datetime


def archived_runs(archives: Sequence[UsageArchive], **wanted: Any) -> Iterator[Run]:
    """Give the runs of lines in files of the archive.

    :param wanted: what columns must be, such as `order_id=7`.
    :raises ArchiveMissing: if a file that is asked for is not there.
    """
    what = "count_thousandths, started_at, ended_at"
    for count, started_at, ended_at in read_rows(archives, what, _wanted(wanted)):
        yield Run(int(count), started_at.replace(tzinfo=UTC), ended_at.replace(tzinfo=UTC))


# As billing_clipped_ms says it in the database: whole milliseconds of each line, cut towards 0.
_CLIPPED = """
    resource, resource_class, sum((count_thousandths::hugeint * (
        epoch_us(least(ended_at, ?)) - epoch_us(greatest(started_at, ?)))) // 1000000)
"""


def archived_use(
    from_at: datetime, until_at: datetime, **wanted: Any
) -> list[tuple[str, str, int]]:
    """Return what lines in the archive come to within [from, until), by what was used, exactly.

    :param wanted: what columns must be, such as `voucher_id=7`.
    :return: resource, class and resource-milliseconds of each.
    :raises ArchiveMissing: if a file that is asked for is not there.
    """
    low, high = _naive(from_at), _naive(until_at)
    # A line begins at most as long before its end as a run may last.
    archives = archives_within(from_at - timedelta(days=RUN_DAYS_MAX), until_at)
    within = {"started_at < ?": high, "ended_at > ?": low, **_wanted(wanted)}
    found = read_rows(
        archives, _CLIPPED, within, "group by resource, resource_class", given=(high, low)
    )
    return [(resource, resource_class, int(total)) for resource, resource_class, total in found]


def archived_lines(numbers: Iterable[int]) -> dict[int, UsageLine]:
    """Return the lines of these numbers that lie in the archive, by their numbers.

    :raises ArchiveMissing: if a file that is asked for is not there.
    """
    asked = sorted(set(numbers))
    months = {month for month in map(month_of, asked) if month is not None}
    files = list(UsageArchive.objects.filter(month__in=months)) if months else []
    if not files:
        return {}
    conditions = {
        # Files are in the order of the numbers: what these leave out is not read.
        "id >= ?": asked[0],
        "id <= ?": asked[-1],
        "id in (select unnest(?::bigint[]))": asked,
    }
    return {line.pk: line for line in read_lines(files, conditions)}


def lines_numbered(numbers: Iterable[int]) -> dict[int, UsageLine]:
    """Return the lines of these numbers, wherever they lie, by their numbers.

    :raises ArchiveMissing: if a file that is asked for is not there.
    """
    asked = set(numbers)
    found = UsageLine.objects.in_bulk(asked)
    return found | archived_lines(asked - found.keys())


def with_archived(lines: Sequence[BillLine]) -> Sequence[BillLine]:
    """Give bill lines that came without their usage lines those that lie in the archive.

    The lines must have been read together with their usage lines.

    :raises ArchiveMissing: if a file that is asked for is not there.
    """
    missing = {
        line.usage_line_id: line
        for line in lines
        if line.usage_line_id is not None and line.usage_line is None
    }
    if missing:
        found = archived_lines(missing)
        for line in lines:
            if line.usage_line_id in found:
                line.usage_line = found[line.usage_line_id]
    return lines


def month_of(number: int) -> date | None:
    """Return the month, in UTC, that a line's number says; None of no line's number."""
    months = number >> MONTH_BITS
    year = 1970 + months // 12
    return date(year, months % 12 + 1, 1) if date.min.year <= year <= date.max.year else None


def read_lines(
    archives: Sequence[UsageArchive], conditions: Mapping[str, Any], order: str = "id"
) -> Iterator[UsageLine]:
    """Give the lines in files that meet conditions, each saying in which file it lies.

    :param conditions: SQL of DuckDB, with what its parameters are; several as a tuple.
    :raises ArchiveMissing: if a file is not there.
    """
    columns = [str(field.column) for field in UsageLine._meta.concrete_fields]
    named = {one.file: one for one in archives}
    what = ", ".join(["parse_filename(filename)", *columns])
    for name, *row in read_rows(archives, what, conditions, f"order by {order}"):
        yield _line(dict(zip(columns, row, strict=True)), named[name])


def read_rows(
    archives: Sequence[UsageArchive],
    what: str,
    conditions: Mapping[str, Any],
    end: str = "",
    *,
    given: tuple[Any, ...] = (),
) -> Iterator[tuple[Any, ...]]:
    """Give what DuckDB finds in files; nothing without a file.

    :param given: the parameters of `what`; the others are as with `read_lines`.
    :raises ArchiveMissing: if a file is not there.
    """
    if not archives:
        return
    files = [str(_there(one)) for one in archives]
    where = " and ".join(conditions)
    statement = f"select {what} from read_parquet(?, filename = true) where {where} {end}"  # noqa: S608 - of our own columns
    with duckdb.connect(":memory:") as session:
        session.execute("set threads = 1; set memory_limit = '256MB'")
        answer = session.execute(statement, [*given, files, *_values(conditions)])
        while rows := answer.fetchmany(READ_AT_ONCE):
            yield from rows


def _values(conditions: Mapping[str, Any]) -> Iterator[Any]:
    for value in conditions.values():
        yield from value if isinstance(value, tuple) else (value,)


def _wanted(wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{_column(name)} = ?": value for name, value in wanted.items()}


def _line(found: dict[str, Any], archive: UsageArchive) -> UsageLine:
    for name in _INSTANTS:
        found[name] = found[name].replace(tzinfo=UTC)
    line = UsageLine(**found)
    line._state.adding = False  # it is read, not made
    line.archive = archive
    return line


def _there(archive: UsageArchive) -> Path:
    path = archive_folder() / archive.file
    if not path.is_file():
        raise ArchiveMissing(file=archive.file)
    return path


def _naive(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)


def _column(name: str) -> str:
    UsageLine._meta.get_field(name)
    return name
