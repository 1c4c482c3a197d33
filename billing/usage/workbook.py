"""A workbook (XLSX) in: measured before it is opened, then laid out as lines of text.

Each row of the sheet becomes the line of the same number, its cells parted by tabulators, so that
every reader of tables reads workbooks too and tells of rows by the numbers that a person sees. A
formula is what it showed when the workbook was saved; nothing is ever worked out.
"""

import csv
import re
import zipfile
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import IO, Any, BinaryIO, cast

from django.utils.translation import gettext_lazy as _
from python_calamine import (
    CalamineError,
    CalamineSheet,
    SheetTypeEnum,
    SheetVisibleEnum,
    load_workbook,
)

from billing.usage.options import FileEmpty, FileUnreadable

ZIP_MAGIC = b"PK\x03\x04"
# Compound files: workbooks from before 2007, and those locked with a password.
OLE_MAGIC = b"\xd0\xcf\x11\xe0"
# Rows before the header: a title, a date, an empty line.
HEADER_SOUGHT_IN = 10
CHUNK_BYTES = 1 << 20
KEPT_IN_MEMORY = 8 << 20


@dataclass(frozen=True, slots=True)
class Measures:
    """How much of a stranger's workbook is taken; each is counted before it is opened.

    Bytes are unpacked ones. A small archive that unpacks to much more than `ratio_max` times
    its size is a bomb and no workbook. `cells_max` is of the rectangle that a sheet's cells
    span, which is laid out whole; `text_max` of the characters of all cells together, which
    may name one long text a million times.
    """

    entries_max: int = 1_000
    bytes_max: int = 256 << 20
    ratio_max: int = 200
    cells_max: int = 5_000_000
    text_max: int = 128 << 20


class WorkbookLocked(FileUnreadable):
    """A workbook in the old format, or behind a password."""

    code = "workbook_locked"
    sentence = _(
        "This workbook is in the format from before 2007, or locked with a password. Save it "
        "as .xlsx without a password, and send that."
    )


class WorkbookBroken(FileUnreadable):
    """An archive that is no workbook, or a damaged one."""

    code = "workbook_broken"
    sentence = _(
        "We cannot open this workbook. Open it in your spreadsheet program, save it as .xlsx "
        "again, and send that."
    )


class WorkbookTooLarge(FileUnreadable):
    """A workbook that would unpack to more than is taken."""

    code = "workbook_too_large"
    sentence = _(
        "This workbook unpacks to more than we take (%(what)s: %(found)s; %(most)s are the "
        "most). Send it as CSV, packed as .gz, or in parts."
    )


def is_workbook(stream: BinaryIO) -> bool:
    """Say whether a file begins as workbooks do, old and new; it is left at its beginning."""
    stream.seek(0)
    magic = stream.read(4)
    stream.seek(0)
    return magic in (ZIP_MAGIC, OLE_MAGIC)


def as_text(
    stream: BinaryIO, *, known: Iterable[str] = (), measures: Measures = Measures()
) -> BinaryIO:
    """Return a workbook as lines of text in UTF-8, and any other file as it is.

    :raises WorkbookLocked: if it is in the old format, or behind a password.
    :raises WorkbookBroken: if it does not open.
    :raises WorkbookTooLarge: if it would unpack to more than `measures` takes.
    :raises FileEmpty: if no visible sheet has a row.
    """
    return lay_out(stream, known, measures).lines if is_workbook(stream) else stream


@dataclass(frozen=True, slots=True)
class LaidOut:
    """A sheet as lines of text, and what the sheet is called."""

    sheet: str
    lines: BinaryIO


def lay_out(
    stream: BinaryIO, known: Iterable[str] = (), measures: Measures = Measures()
) -> LaidOut:
    """Lay out the sheet of a workbook that looks most like usage, row by row as lines.

    That is the visible sheet in whose first rows the most `known` names of columns stand in
    one row, else the first one with content. What stands above that row is left out; the rows
    keep their numbers. The refusals are those of `as_text`.
    """
    stream.seek(0)
    if stream.read(4) == OLE_MAGIC:
        raise WorkbookLocked
    measure(stream, measures)
    stream.seek(0)
    try:
        workbook = load_workbook(cast(Any, stream))
        sheets = [
            workbook.get_sheet_by_name(one.name)
            for one in workbook.sheets_metadata
            if one.typ == SheetTypeEnum.WorkSheet and one.visible == SheetVisibleEnum.Visible
        ]
    except (CalamineError, ValueError, KeyError, OSError) as error:
        raise WorkbookBroken from error
    sheet, header = _most_alike(sheets, {_folded(name) for name in known})
    # Closed, and gone, with the last that reads it.
    lines = cast(BinaryIO, SpooledTemporaryFile(max_size=KEPT_IN_MEMORY))  # noqa: SIM115
    _write(_rows(sheet), header, lines)
    return LaidOut(sheet.name, lines)


# --- measured --------------------------------------------------------------------------------

_CELL = re.compile(rb"""<(?:\w+:)?c\s[^>]*?\br\s*=\s*["']([A-Za-z]{1,3})(\d{1,7})["']""")
_ANY_CELL = re.compile(rb"<(?:\w+:)?c[\s/>]")
_SHARED = re.compile(
    rb"""<(?:\w+:)?c\s[^>]*?\bt\s*=\s*["']s["'][^>]*>(?:(?!</(?:\w+:)?c>).)*?"""
    rb"<(?:\w+:)?v>\s*(\d{1,9})\s*</",
    re.DOTALL,
)
_TEXT_ENDS = re.compile(rb"</(?:\w+:)?si>")
_ROW_ENDS = re.compile(rb"</(?:\w+:)?row>")


def measure(stream: BinaryIO, measures: Measures = Measures()) -> None:
    """Unpack every part of a workbook piece by piece, and see that it is within measures.

    What the archive says of itself is not believed: bytes are counted as they come out.

    :raises WorkbookBroken: if it is no archive of a workbook, or a part does not unpack.
    :raises WorkbookTooLarge: naming the measure that is passed.
    """
    try:
        with zipfile.ZipFile(cast(IO[bytes], stream)) as archive:
            _Scale(archive, measures).weigh()
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise WorkbookBroken from error
    except RuntimeError as error:  # how zipfile says that an entry is encrypted
        raise WorkbookLocked from error


class _Scale:
    """Weighs the parts of one archive."""

    def __init__(self, archive: zipfile.ZipFile, measures: Measures) -> None:
        self._archive = archive
        self._measures = measures
        self._bytes = 0
        self._lengths = array("L")

    def weigh(self) -> None:
        """Go through all parts: the shared texts first, which the sheets refer to."""
        entries = self._archive.infolist()
        names = {entry.filename.lower() for entry in entries}
        self._hold(_("entries"), len(entries), self._measures.entries_max)
        if "[content_types].xml" not in names:
            raise WorkbookBroken
        for entry in sorted(
            entries, key=lambda one: "sharedstrings" not in one.filename.lower()
        ):
            self._weigh_entry(entry)

    def _weigh_entry(self, entry: zipfile.ZipInfo) -> None:
        name, unpacked = entry.filename.lower(), 0
        is_sheet = "worksheets/" in name and not name.endswith(".rels")
        sheet = _SheetScale() if is_sheet else None
        is_texts = name.endswith("sharedstrings.xml")
        left_over = b""
        with self._archive.open(entry) as part:
            while chunk := part.read(CHUNK_BYTES):
                unpacked += len(chunk)
                self._count(len(chunk))
                ratio = unpacked // max(entry.compress_size, 1)
                if unpacked > CHUNK_BYTES:
                    self._hold(_("ratio"), ratio, self._measures.ratio_max)
                if sheet:
                    left_over = sheet.take(left_over + chunk, self._lengths)
                    self._hold_sheet(sheet)
                elif is_texts:
                    left_over = self._take_texts(left_over + chunk)
        if sheet:
            sheet.take_last(left_over, self._lengths)
            self._hold_sheet(sheet)

    def _count(self, count: int) -> None:
        self._bytes += count
        self._hold(_("bytes"), self._bytes, self._measures.bytes_max)

    def _take_texts(self, data: bytes) -> bytes:
        *texts, left_over = _TEXT_ENDS.split(data)
        self._lengths.extend(len(text) for text in texts)
        return left_over

    def _hold_sheet(self, sheet: "_SheetScale") -> None:
        self._hold(_("cells"), sheet.cells, self._measures.cells_max)
        self._hold(_("characters"), sheet.characters, self._measures.text_max)

    def _hold(self, what: Any, found: int, most: int) -> None:
        if found > most:
            raise WorkbookTooLarge(what=what, found=found, most=most)


class _SheetScale:
    """What the cells of one sheet span, and how long the shared texts are that they show."""

    def __init__(self) -> None:
        self.characters = 0
        self._rows = 0
        self._columns = 0
        self._count = 0

    @property
    def cells(self) -> int:
        """Return how many cells the sheet spans, or names without saying where they are."""
        return max(self._rows * self._columns, self._count)

    def take(self, data: bytes, lengths: "array[int]") -> bytes:
        """Take what ends with a row into account; return the beginning of the next one."""
        ends = [match.end() for match in _ROW_ENDS.finditer(data)]
        if not ends:
            if len(data) > 8 * CHUNK_BYTES or b"\0" in data:
                raise WorkbookBroken
            return data
        self.take_last(data[: ends[-1]], lengths)
        return data[ends[-1] :]

    def take_last(self, data: bytes, lengths: "array[int]") -> None:
        """Take whole rows, or what is left of a sheet, into account."""
        if b"\0" in data:
            raise WorkbookBroken
        self._count += len(_ANY_CELL.findall(data))
        for column, row in _CELL.findall(data):
            self._rows = max(self._rows, int(row))
            self._columns = max(self._columns, _column_number(column))
        for number in _SHARED.findall(data):
            place = int(number)
            self.characters += lengths[place] if place < len(lengths) else 0


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


# --- laid out --------------------------------------------------------------------------------


def _most_alike(sheets: Sequence[CalamineSheet], known: set[str]) -> tuple[CalamineSheet, int]:
    """Return the sheet to read, and the number of the row that its header stands in."""
    candidates = [
        (sum(_folded(cell) in known for cell in cells), sheet, number)
        for sheet in sheets
        for number, cells in islice(_with_content(sheet), HEADER_SOUGHT_IN)
    ]
    if not candidates:
        raise FileEmpty
    _alike, sheet, number = max(candidates, key=lambda one: one[0])
    return sheet, number


def _with_content(sheet: CalamineSheet) -> Iterator[tuple[int, list[str]]]:
    return ((number, cells) for number, cells in enumerate(_rows(sheet), 1) if any(cells))


def _folded(name: str) -> str:
    return name.strip().casefold().replace(" ", "_").replace("-", "_")


def _rows(sheet: CalamineSheet) -> Iterator[list[str]]:
    """Give the rows of a sheet from its first on, also those before the first content."""
    if sheet.start is None:
        return
    for cells in sheet.iter_rows():
        yield [_text(cell) for cell in cells]


def _write(rows: Iterable[list[str]], header: int, lines: BinaryIO) -> None:
    chunk = _Lines()
    writer = csv.writer(chunk, delimiter="\t", lineterminator="\n")
    for number, cells in enumerate(rows, start=1):
        if number < header or not any(cells):
            chunk.write("\n")
        else:
            writer.writerow(cells)
        if len(chunk.parts) > 1000:
            lines.write(chunk.taken())
    lines.write(chunk.taken())
    lines.seek(0)


class _Lines:
    """What a CSV writer writes to, taken away in chunks."""

    def __init__(self) -> None:
        self.parts: list[str] = []

    def write(self, text: str) -> int:
        self.parts.append(text)
        return len(text)

    def taken(self) -> bytes:
        """Return what was written since the last time."""
        text = "".join(self.parts).encode("utf-8", "replace")
        self.parts = []
        return text


def _text(cell: Any) -> str:
    """Return a cell as its spreadsheet would be typed in: exact numbers, times with a clock."""
    if isinstance(cell, str):
        # A line of text is one row; a break inside a cell is a blank.
        return " ".join(cell.split()) if not cell.isprintable() else cell.strip()
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float):
        # The shortest decimal that is this number: what was typed, not what binary makes of it.
        number = Decimal(repr(cell))
        return f"{number:f}".removesuffix(".0") if number.is_finite() else str(number)
    if isinstance(cell, datetime):
        return _clock(cell)
    if isinstance(cell, date):
        return f"{cell:%Y-%m-%d} 00:00:00"
    if isinstance(cell, timedelta):
        return _seconds(cell)
    return cell.isoformat() if isinstance(cell, time) else str(cell)


def _clock(at: datetime) -> str:
    """Return a date and time, its second whole where it is off by a millisecond at most.

    A spreadsheet counts time in days, whose binary fractions are no whole seconds.
    """
    milliseconds = (at.microsecond + 500) // 1000
    if milliseconds in (0, 1, 999, 1000):
        at = (at + timedelta(milliseconds=2)).replace(microsecond=0)
        return f"{at:%Y-%m-%d %H:%M:%S}"
    return f"{at:%Y-%m-%d %H:%M:%S}.{milliseconds:03}"


def _seconds(duration: timedelta) -> str:
    whole, rest = divmod(duration // timedelta(milliseconds=1), 1000)
    return f"{whole}.{rest:03}".removesuffix(".000")
