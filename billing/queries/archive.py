"""Usage lines that lie in files of the archive, read where reports ask for them.

DuckDB reads of a file what is asked for; a line comes back as what it was, a `UsageLine`, so
that whoever shows lines needs not know where they lie.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from billing.models import BillLine, UsageArchive, UsageFile, UsageLine
from billing.models.usage import MONTH_BITS, first_line_of_month
from common.errors import Refused
from parties.models import User
from parties.queries import organisations_of
from parties.roles import Role
from vouchers.models import Order, Voucher
from vouchers.queries import programme_scope

_READ_AT_ONCE = 2_000
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
    conditions |= {f"{_column(name)} = ?": value for name, value in wanted.items()}
    yield from _read(archives_within(from_at, until_at), conditions)
    low, high = first_line_of_month(from_at), first_line_of_month(until_at) + (1 << MONTH_BITS)
    within = Q(pk__gte=low, pk__lt=high, started_at__gte=from_at, started_at__lt=until_at)
    live = UsageLine.objects.filter(within, **wanted).order_by("pk")
    yield from live.iterator(chunk_size=_READ_AT_ONCE)


def archived_lines(numbers: Iterable[int]) -> dict[int, UsageLine]:
    """Return the lines of these numbers that lie in the archive, by their numbers.

    :raises ArchiveMissing: if a file that is asked for is not there.
    """
    asked = sorted(set(numbers))
    months = {_month(number) for number in asked}
    files = list(UsageArchive.objects.filter(month__in=months)) if asked else []
    found = _read(files, {"id in (select unnest(?::bigint[]))": asked})
    return {line.pk: line for line in found}


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


def archives_of(file: UsageFile) -> list[tuple[UsageArchive, int]]:
    """Return in which files of the archive lines of a usage file lie, and how many in each.

    :raises ArchiveMissing: if a file of the archive is not there.
    """
    later = UsageArchive.objects.filter(archived_at__gt=file.received_at)
    counted = [
        (archive, int(count))
        for archive in later.order_by("month", "part")
        for (count,) in _rows([archive], "count(*)", {"file_id = ?": file.pk})
    ]
    return [(archive, count) for archive, count in counted if count]


class LinesOfFile:
    """The lines of a usage file that a person may see, those in the archive first, as a list.

    The file's provider sees all, everybody else those of programmes that they oversee. Only the
    lines that are asked for are read.

    :raises ArchiveMissing: if a file of the archive is not there.
    """

    def __init__(
        self,
        person: User,
        file: UsageFile,
        archives: Sequence[UsageArchive],
        live: QuerySet[UsageLine],
    ) -> None:
        self._archives, self._live = archives, live
        self._conditions: dict[str, Any] = {"file_id = ?": file.pk}
        used = [row[0] for row in _rows(archives, "distinct voucher_id", self._conditions)]
        if file.provider.organisation not in organisations_of(person, Role.PROVIDER):
            mine = Voucher.objects.filter(programme_scope(person), pk__in=used)
            allowed = list(mine.values_list("pk", flat=True))
            self._conditions["voucher_id in (select unnest(?::bigint[]))"] = allowed
        counted = list(_rows(archives, "count(*)", self._conditions))
        self._archived = int(counted[0][0]) if counted else 0

    def __len__(self) -> int:
        return self._archived + self._live.count()

    def __getitem__(self, part: slice) -> list[UsageLine]:
        begin, end = part.start or 0, len(self) if part.stop is None else part.stop
        count = max(min(end, self._archived) - begin, 0)
        order = f"started_at, id limit {count:d} offset {begin:d}"
        found = list(_read(self._archives, self._conditions, order)) if count else []
        vouchers = Voucher.objects.in_bulk({line.voucher_id for line in found})
        orders = Order.objects.in_bulk({line.order_id for line in found if line.order_id})
        for line in found:
            line.voucher = vouchers[line.voucher_id]
            line.order = orders[line.order_id] if line.order_id else None
        low = max(begin - self._archived, 0)
        high = max(end - self._archived, 0)
        return [*found, *self._live[low:high]]


def archived_until() -> date | None:
    """Return the newest month with lines in the archive; None while there is none."""
    newest = UsageArchive.objects.order_by("-month").first()
    return newest.month if newest else None


def _read(
    archives: Sequence[UsageArchive], conditions: dict[str, Any], order: str = "id"
) -> Iterator[UsageLine]:
    columns = [str(field.column) for field in UsageLine._meta.concrete_fields]
    for row in _rows(archives, ", ".join(columns), conditions, f"order by {order}"):
        yield _line(dict(zip(columns, row, strict=True)))


def _rows(
    archives: Sequence[UsageArchive], what: str, conditions: dict[str, Any], end: str = ""
) -> Iterator[tuple[Any, ...]]:
    """Give what DuckDB finds in files; nothing without a file."""
    if not archives:
        return
    files = [str(_there(one)) for one in archives]
    statement = f"select {what} from read_parquet(?) where {' and '.join(conditions)} {end}"  # noqa: S608 - of our own columns
    with duckdb.connect(":memory:") as session:
        session.execute("set threads = 1; set memory_limit = '256MB'")
        answer = session.execute(statement, [files, *conditions.values()])
        while rows := answer.fetchmany(_READ_AT_ONCE):
            yield from rows


def _line(found: dict[str, Any]) -> UsageLine:
    for name in _INSTANTS:
        found[name] = found[name].replace(tzinfo=UTC)
    line = UsageLine(**found)
    line._state.adding = False  # it is read, not made
    return line


def _there(archive: UsageArchive) -> Path:
    path = archive_folder() / archive.file
    if not path.is_file():
        raise ArchiveMissing(file=archive.file)
    return path


def _month(number: int) -> date:
    months = number >> MONTH_BITS
    return date(1970 + months // 12, months % 12 + 1, 1)


def _naive(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)


def _column(name: str) -> str:
    UsageLine._meta.get_field(name)
    return name
