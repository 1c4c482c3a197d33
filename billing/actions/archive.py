"""Put months of usage lines into files, when nobody decides on them any more.

A month goes in one transaction: its lines are written beside the file they will be, that file is
read back and compared with the database, gets its name and, where backups are made, a copy beside
them, and only then the lines go, together with the row that says where they are. Whatever stops
it on the way leaves the lines as they were, and a file that the next time is written over.
"""

import logging
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import duckdb
from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext_lazy as _

from billing.models import UsageArchive, UsageLine
from billing.models.usage import MONTH_BITS, first_line_of_month
from billing.queries.archive import archive_folder, months_to_archive, open_lines
from common.copies import copy_to, fingerprint, named, second_place, sync
from common.errors import Refused
from ledger.actions import SYSTEM, begin
from ledger.kinds import ActKind

logger = logging.getLogger(__name__)

# What the database says, as text that both it and DuckDB read alike; instants are those of UTC.
_TYPES = {
    "id": "BIGINT",
    "source": "VARCHAR",
    "key": "VARCHAR",
    "resource": "VARCHAR",
    "resource_class": "VARCHAR",
    "count_thousandths": "BIGINT",
    "started_at": "TIMESTAMP",
    "ended_at": "TIMESTAMP",
    "quantity_ms": "BIGINT",
    "state": "VARCHAR",
    "device": "VARCHAR",
    "rate": "DECIMAL(14,4)",
    "amount": "BIGINT",
    "recorded_at": "TIMESTAMP",
    "act_id": "BIGINT",
    "file_id": "BIGINT",
    "order_id": "BIGINT",
    "provider_id": "BIGINT",
    "voucher_id": "BIGINT",
    "corrects_id": "BIGINT",
}
_COLUMNS = ", ".join(
    f"{name} at time zone 'UTC' as {name}" if kind == "TIMESTAMP" else name
    for name, kind in _TYPES.items()
)
_TO_PARQUET = """
    copy (select * from read_csv($rows, header = false, columns = $types, nullstr = '\\N',
        allow_quoted_nulls = false, quote = '"', escape = '"', delim = ',', parallel = false))
    to '{place}' (format parquet, compression zstd)
"""
_SEAL = """
    select count(*), coalesce(sum(quantity_ms), 0), coalesce(sum(amount), 0),
        coalesce(sum(('0x' || left(md5(concat_ws('|', id, source, key, resource, resource_class,
            count_thousandths, epoch_us(started_at), epoch_us(ended_at), quantity_ms, state,
            device, coalesce(rate::varchar, '-'), coalesce(amount::varchar, '-'),
            epoch_us(recorded_at), act_id, coalesce(file_id::varchar, '-'),
            coalesce(order_id::varchar, '-'), provider_id, voucher_id,
            coalesce(corrects_id::varchar, '-'))), 15))::ubigint), 0)
    from read_parquet(?)
"""


class MonthNotDecided(Refused):
    """A month with lines that may still be billed or decided on."""

    code = "month_not_decided"
    sentence = _(
        "%(count)s usage lines of %(month)s are not billed or not decided yet. Settle their bills "
        "and decide what is withheld, or close the billing period, and archive it then."
    )


class ArchiveNotTrue(Refused):
    """A file that does not say what the database says."""

    code = "archive_not_true"
    sentence = _(
        "The file of %(month)s, read back, does not hold its usage lines. Nothing was archived. "
        "Check the disk of the archive's folder."
    )


class ArchiveNotCopied(Refused):
    """A file that can't be put beside the backups."""

    code = "archive_not_copied"
    sentence = _(
        "The file of %(month)s can't be copied to %(place)s (%(problem)s), so nothing was "
        "archived. Make room there or open it, or begin backups in another folder."
    )


class LinesCameMeanwhile(Refused):
    """A month to which lines were added while it was written."""

    code = "lines_came_meanwhile"
    sentence = _("Usage of %(month)s was recorded while it was archived. Archive it again.")


class Seal(NamedTuple):
    """What lines are: how many, their sums, and a digest of all that they say."""

    lines: int
    quantity_ms: int
    amount: int
    digest: int


@transaction.atomic
def archive_month(*, month: date, at: datetime) -> UsageArchive | None:
    """Put the lines of a month (in UTC) into a file; None if there are none.

    Who archives waits for who archives. Nobody reads or writes the month's lines while they go;
    for whoever does at that moment it waits five seconds.

    :raises MonthNotDecided: if lines of it are unbilled, undecided or under objection.
    :raises ArchiveNotTrue: if the file, read back, does not hold what the database does.
    :raises ArchiveNotCopied: if it can't be put beside the backups.
    :raises LinesCameMeanwhile: if lines were added to it at that moment.
    :raises OperationalError: if somebody used the lines for all that time.
    """
    low = first_line_of_month(datetime(month.year, month.month, 1, tzinfo=UTC))
    high = low + (1 << MONTH_BITS)
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtext('billing_archive_usage'))")
    if not UsageLine.objects.filter(pk__gte=low, pk__lt=high).exists():
        return None
    count = open_lines(low, high)
    if count:
        raise MonthNotDecided(month=f"{month:%Y-%m}", count=count)
    part = UsageArchive.objects.filter(month=month).count() + 1
    path, seal = _write(month, part, low, high)
    number = _let_go(month, part, path, seal, at)
    return UsageArchive.objects.get(pk=number)


def archive_usage(*, at: datetime) -> list[UsageArchive]:
    """Archive each month whose days of keeping are over, a transaction each; return the files.

    A month that is not decided, or in use at the moment, is left for another time, and stops none
    behind it.
    """
    made = []
    for month in months_to_archive(at):
        try:
            archived = archive_month(month=month, at=at)
        except (MonthNotDecided, LinesCameMeanwhile):
            continue
        except OperationalError as error:
            logger.warning("Usage of %s is not archived yet: %s", month, error)
            continue
        if archived is not None:
            made.append(archived)
    return made


def _write(month: date, part: int, low: int, high: int) -> tuple[Path, Seal]:
    """Write lines to a file that has its name once it is whole, true and on the disk.

    The name says the content, so that no file is ever written over by another.
    """
    folder = archive_folder()
    folder.mkdir(parents=True, exist_ok=True)
    seal = _seal(low, high)
    name = f"usage-{month:%Y-%m}.{part}"
    # Of this database alone, whose lock is held.
    begun = f".{connection.settings_dict['NAME']}-{name}"
    rows, unnamed = folder / f"{begun}.csv", folder / f"{begun}.parquet"
    try:
        _copy_out(rows, low, high)
        with duckdb.connect(":memory:") as session:
            session.execute("set threads = 1; set memory_limit = '256MB'")
            # DuckDB's COPY writes where its text says: a place can't be a parameter of it.
            place = str(unnamed).replace("'", "''")
            session.execute(
                _TO_PARQUET.format(place=place), {"rows": str(rows), "types": _TYPES}
            )
            sync(unnamed)
            found = session.execute(_SEAL, [str(unnamed)]).fetchone()
        if found is None or Seal(*map(int, found)) != seal:
            changed = _seal(low, high) != seal
            raise (LinesCameMeanwhile if changed else ArchiveNotTrue)(month=f"{month:%Y-%m}")
        path = folder / named(name, fingerprint(unnamed))
        unnamed.replace(path)
        sync(folder)
    finally:
        rows.unlink(missing_ok=True)
        unnamed.unlink(missing_ok=True)
    _copy_to_second_place(month, path)
    return path, seal


def _copy_to_second_place(month: date, path: Path) -> None:
    """Have a file beside the backups before anything is let go.

    It has its name by now: who changes the second place copies all names that there are.
    """
    place = second_place(path.parent)
    if place is None:
        return
    try:
        copy_to(path, place)
    except OSError as error:
        raise ArchiveNotCopied(
            month=f"{month:%Y-%m}", place=place, problem=error.strerror or error
        ) from error


def _copy_out(rows: Path, low: int, high: int) -> None:
    statement = (
        f"copy (select {_COLUMNS} from billing_usageline where id >= {int(low)}"  # noqa: S608 - of numbers
        f" and id < {int(high)} order by id)"
        " to stdout (format csv, null '\\N', force_quote (source, key, resource, resource_class,"
        " state, device))"
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy, rows.open("wb") as file:
        for chunk in copy:
            file.write(chunk)


def _seal(low: int, high: int) -> Seal:
    with connection.cursor() as cursor:
        cursor.execute("select * from billing_usage_seal(%s, %s)", [low, high])
        return Seal(*map(int, cursor.fetchone()))


def _let_go(month: date, part: int, path: Path, seal: Seal, at: datetime) -> int:
    about = f"usage:{month:%Y-%m}"
    digest = fingerprint(path)
    act = begin(
        kind=ActKind.ARCHIVE_USAGE,
        key=f"{about}:{part}",
        actor=SYSTEM,
        about=about,
        at=at,
        payload={"month": f"{month:%Y-%m}", "part": part, "sha256": digest},
        details={"month": f"{month:%Y-%m}", "file": path.name, "sha256": digest},
    )
    with connection.cursor() as cursor:
        cursor.execute("set local lock_timeout = '5s'")
        cursor.execute(
            "select billing_archive_usage(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                month,
                part,
                path.name,
                path.stat().st_size,
                digest,
                seal.lines,
                seal.quantity_ms,
                seal.amount,
                Decimal(seal.digest),
                act.id,
                at,
            ],
        )
        return int(cursor.fetchone()[0])
