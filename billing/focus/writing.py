"""Writing a FOCUS table: each row is held against the published model before it is given."""

import csv
import io
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from tempfile import SpooledTemporaryFile
from typing import IO, cast

from billing.focus.model import TABLES, FocusBroken, columns_of, problems_of
from common.spreadsheets import safe_cell

KEPT_IN_MEMORY = 8 << 20
Row = Mapping[str, str]


def written(
    table: str, rows: Iterable[Row], own: Iterable[str] = (), without: Container[str] = ()
) -> IO[bytes]:
    """Return a table as a CSV in UTF-8, at its beginning: all its columns, then `own` ones.

    `without` are columns whose condition is not ours, such as prices in a second currency. A
    column that a row does not name is empty. Texts that a spreadsheet would run are neutralised.
    The file is closed, and gone, with the last that reads it.

    :raises FocusBroken: at the first row that does not keep to the model; nothing is given.
    """
    header = [*(name for name in columns_of(table) if name not in without), *own]
    file = cast(IO[bytes], SpooledTemporaryFile(max_size=KEPT_IN_MEMORY))  # noqa: SIM115
    file.write(_line(header))

    def cells() -> Iterator[list[str]]:
        for row in rows:
            made = [row.get(name, "") for name in header]
            file.write(_line([_harmless(cell) for cell in made]))
            yield made

    for problem in problems_of(table, header, cells()):
        file.close()
        raise FocusBroken(
            row=problem.row,
            table=table,
            version=TABLES[table],
            column=problem.column,
            problem=problem.sentence,
        )
    file.seek(0)
    return file


def _line(cells: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().encode("utf-8", "replace")


def _harmless(cell: str) -> str:
    # A negative number begins like a formula and is none.
    is_number = cell[:1] == "-" and cell[1:].replace(".", "", 1).isdigit()
    return cell if is_number else safe_cell(cell)


def instant(at: datetime) -> str:
    """Return an instant as FOCUS writes it, cut to the second."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def instant_after(at: datetime) -> str:
    """Return the first whole second that is not before an instant."""
    return instant(at + timedelta(microseconds=-at.microsecond % 1_000_000))


def number(value: Decimal, places: int = 2) -> str:
    """Return a number in digits, with a point and so many places at least."""
    text = f"{value:f}"
    whole, _point, part = text.partition(".")
    return f"{whole}.{part.rstrip('0'):0<{places}}"
