"""The rows of a file that are to be fixed: as they came, with what is wrong and how to fix it.

What is written here can be corrected in place and sent again: our readers pass over the columns
that were added.
"""

import csv
import gzip
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, BinaryIO, cast

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from billing.usage.guide import expected_of
from billing.usage.recognise import KNOWN, cells_of, decoded, separator_in
from billing.usage.record import RowError
from common.spreadsheets import FORMULA_STARTS, safe_cell
from common.workbook import is_workbook, lay_out

CELL_CHARACTERS_MAX = 2_000
WIDTH_MAX = 60
WRONG = PatternFill("solid", fgColor="F8D7DA")
WRAPPED = Alignment(wrap_text=True, vertical="top")


@dataclass(frozen=True, slots=True)
class RowToFix:
    """A row as it came, by the number that a person sees, and all that is wrong with it."""

    number: int
    cells: tuple[str, ...]
    errors: tuple[RowError, ...]


@dataclass(frozen=True, slots=True)
class Fixes:
    """The rows of one file that are to be fixed, under the file's own header."""

    header: tuple[str, ...]
    rows: tuple[RowToFix, ...]
    columns: Mapping[str, str]

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return the header and the rows of the report, in the language of the moment."""
        width = max([len(self.header), *(len(row.cells) for row in self.rows)])
        header = [*self.header, *[""] * (width - len(self.header))]
        added = [_("row"), _("error"), _("what to fix"), _("what we expected"), _("rule")]
        return [*header, *added], [self._row(row, width) for row in self.rows]

    def _row(self, row: RowToFix, width: int) -> list[str]:
        cells = [*row.cells, *[""] * (width - len(row.cells))]
        return [
            *cells,
            str(row.number),
            _lines(error.problem for error in row.errors),
            _lines(error.fix for error in row.errors),
            _lines(expected_of(error.column, dict(self.columns)) for error in row.errors),
            _lines(error.code for error in row.errors),
        ]


def fixes_of(
    stream: BinaryIO | None,
    errors: Iterable[RowError],
    columns: Mapping[str, str] | None = None,
) -> Fixes:
    """Find the rows with errors in a file, plain, .gz or a workbook, in the file's order.

    Without the file (one that came by program and was not kept) a row is the cells that are
    known of it: those in error.
    """
    by_row: dict[int, list[RowError]] = {}
    for error in errors:
        by_row.setdefault(error.row, []).append(error)
    header, cells = (
        _originals(stream, set(by_row), (columns or {}).values())
        if stream
        else _known_of(by_row)
    )
    rows = tuple(
        RowToFix(number, cells.get(number, ()), tuple(found))
        for number, found in sorted(by_row.items())
    )
    return Fixes(header, rows, columns or {})


_Found = tuple[tuple[str, ...], dict[int, tuple[str, ...]]]


def _originals(stream: BinaryIO, wanted: set[int], named: Iterable[str]) -> _Found:
    lines = lay_out(stream, (*KNOWN, *named)).lines if is_workbook(stream) else stream
    lines.seek(0)
    is_packed = lines.read(2) == b"\x1f\x8b"
    lines.seek(0)
    opened = cast(IO[bytes], gzip.GzipFile(fileobj=lines) if is_packed else lines)
    numbers: list[int] = []
    found: list[bytes] = []
    last = max(wanted, default=0)
    for number, line in enumerate(opened, start=1):
        is_header = not found and bool(line.strip())
        if is_header or number in wanted:
            numbers.append(number)
            found.append(line)
        if number >= last and found:
            break
    stream.seek(0)
    if not found:
        return (), {}
    texts = decoded(found)
    separator = separator_in(texts[0])
    rows = [tuple(cells_of(text, separator)) for text in texts]
    # A log without a header begins with a row like any other.
    if numbers[0] in wanted:
        return (), dict(zip(numbers, rows, strict=True))
    return rows[0], dict(zip(numbers[1:], rows[1:], strict=True))


def _known_of(by_row: Mapping[int, Sequence[RowError]]) -> _Found:
    names = {error.column: None for found in by_row.values() for error in found if error.column}
    header = tuple(names)
    cells = {
        number: tuple(
            next((error.value for error in found if error.column == name), "")
            for name in header
        )
        for number, found in by_row.items()
    }
    return header, cells


def _lines(texts: Iterable[str]) -> str:
    """Return texts one under the other, each once."""
    return "\n".join(dict.fromkeys(text for text in texts if text))


# --- written ---------------------------------------------------------------------------------


def as_csv(fixes: Fixes) -> bytes:
    """Return the rows to fix as a CSV that a spreadsheet opens as it is, and cannot run."""
    header, rows = fixes.table()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    for row in (header, *rows):
        # One row is one line, for our own reader as well.
        writer.writerow([safe_cell(cell.replace("\n", " ")) for cell in row])
    return b"\xef\xbb\xbf" + text.getvalue().encode("utf-8", "replace")


def as_workbook(fixes: Fixes) -> bytes:
    """Return the rows to fix as a workbook: all cells text, wrong ones marked, widths fitted.

    Text stays text: numbers of jobs keep their noughts, and what begins like a formula is
    none, also when its cell is opened and left again (the cell's quote prefix).
    """
    header, rows = fixes.table()
    book = Workbook(write_only=True)
    sheet = book.create_sheet(_("To fix"))
    fit_columns(sheet, header, rows)
    sheet.freeze_panes = "A2"
    sheet.append([text_cell(sheet, name, bold=True) for name in header])
    width = len(header) - 5
    for fix, row in zip(fixes.rows, rows, strict=True):
        wrong = {error.column for error in fix.errors}
        cells = [text_cell(sheet, cell) for cell in row]
        for place, name in enumerate(header[:width]):
            if name in wrong:
                cells[place].fill = WRONG
        for cell in cells[width + 1 : width + 4]:
            cell.alignment = WRAPPED
        sheet.append(cells)
    return saved(book)


def text_cell(sheet: Any, text: str, *, bold: bool = False) -> Any:
    """Return a cell that is text and nothing else."""
    cell = WriteOnlyCell(sheet)
    cell.value = ILLEGAL_CHARACTERS_RE.sub("\ufffd", text)[:CELL_CHARACTERS_MAX]
    cell.data_type = "s"
    cell.number_format = "@"
    if text.lstrip(" ").startswith(FORMULA_STARTS):
        cell.quotePrefix = True
    if bold:
        cell.font = Font(bold=True)
    return cell


def fit_columns(sheet: Any, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Make each column as wide as its longest line, within reason."""
    widths = [_width(name) for name in header]
    for row in rows:
        widths = [max(width, _width(cell)) for width, cell in zip(widths, row, strict=True)]
    for place, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(place)].width = min(width + 2, WIDTH_MAX)


def _width(text: str) -> int:
    # A Chinese character is as wide as two letters.
    return max(
        (sum(1 + (one > "\u2e7f") for one in line) for line in text.split("\n")), default=0
    )


def saved(book: Workbook) -> bytes:
    """Return a workbook as the bytes of its file."""
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


WRITERS: Mapping[str, tuple[Callable[[Fixes], bytes], str]] = {
    "xlsx": (
        as_workbook,
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    "csv": (as_csv, "text/csv; charset=utf-8"),
}
