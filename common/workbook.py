"""A workbook (XLSX) in: measured before it is opened, then laid out as lines of text.

Each row of the sheet becomes the line of the same number, its cells parted by tabulators, so that
every reader of tables reads workbooks too and tells of rows by the numbers that a person sees. A
formula is what it showed when the workbook was saved; nothing is ever worked out.
"""

import csv
import io
import lzma
import posixpath
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import IO, BinaryIO, cast

from django.utils.translation import gettext_lazy as _

from common import sheet_xml
from common.sheet_walk import Attributes, Broken
from common.spreadsheets import FileEmpty, FileUnreadable, text_of

ZIP_MAGIC = b"PK\x03\x04"
# Compound files: workbooks from before 2007, and those locked with a password.
OLE_MAGIC = b"\xd0\xcf\x11\xe0"
# Rows before the header: a title, a date, an empty line.
HEADER_SOUGHT_IN = 10
CHUNK_BYTES = 1 << 20
KEPT_IN_MEMORY = 8 << 20
# All that unpacking a damaged archive has been seen to raise.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    Broken,
    EOFError,
    KeyError,
    NotImplementedError,
    OSError,
    OverflowError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Measures:
    """How much of a stranger's workbook is taken.

    Bytes are unpacked ones, counted as they come out, before anything is read. A small archive
    that unpacks to much more than `ratio_max` times its size is a bomb and no workbook.
    `texts_max` is of the characters of all texts that cells refer to, and `written_max` of the
    bytes of the sheet laid out, which may say one long text a million times.
    """

    entries_max: int = 1_000
    bytes_max: int = 128 << 20
    ratio_max: int = 200
    texts_max: int = 32 << 20
    written_max: int = 128 << 20


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


def table_of(data: bytes, *, known: Iterable[str] = ()) -> str | None:
    """Return a small table as lines of text, from a workbook or a file of text; None: neither.

    :raises FileUnreadable: as `as_text` says, of a workbook.
    """
    return text_of(as_text(io.BytesIO(data), known=known).read())


@dataclass(frozen=True, slots=True)
class LaidOut:
    """A sheet as lines of text, and what the sheet is called."""

    sheet: str
    lines: BinaryIO


def lay_out(
    stream: BinaryIO, known: Iterable[str] = (), measures: Measures = Measures()
) -> LaidOut:
    """Lay out the sheet of a workbook that looks most like what is sought, row by row as lines.

    That is the visible sheet in whose first rows the most `known` names of columns stand in
    one row, else the first one with content. What stands above that row is left out; the rows
    keep their numbers. The refusals are those of `as_text`.
    """
    stream.seek(0)
    if stream.read(4) == OLE_MAGIC:
        raise WorkbookLocked
    try:
        with zipfile.ZipFile(cast(IO[bytes], stream)) as archive:
            measure(archive, measures)
            book = _Book(archive, measures)
            name, part, header = book.most_alike({_folded(one) for one in known})
            return LaidOut(name, book.laid_out(part, header))
    except sheet_xml.TooWide as error:
        most = measures.texts_max
        raise WorkbookTooLarge(what=_("characters or columns"), found=">", most=most) from error
    except _DAMAGE as error:
        raise WorkbookBroken from error
    except RuntimeError as error:  # how zipfile says that an entry is encrypted
        raise WorkbookLocked from error


def measure(archive: zipfile.ZipFile, measures: Measures = Measures()) -> None:
    """Unpack every part of a workbook piece by piece, and see that it is within measures.

    What the archive says of itself is not believed: bytes are counted as they come out.

    :raises WorkbookTooLarge: naming the measure that is passed.
    """
    entries = archive.infolist()
    _hold(_("entries"), len(entries), measures.entries_max)
    total = 0
    for entry in entries:
        unpacked = 0
        with archive.open(entry) as part:
            while chunk := part.read(CHUNK_BYTES):
                unpacked += len(chunk)
                total += len(chunk)
                _hold(_("bytes"), total, measures.bytes_max)
                if unpacked > CHUNK_BYTES:
                    ratio = unpacked // max(entry.compress_size, 1)
                    _hold(_("ratio"), ratio, measures.ratio_max)


def _hold(what: object, found: int, most: int) -> None:
    if found > most:
        raise WorkbookTooLarge(what=what, found=found, most=most)


class _Book:
    """One workbook: its sheets, and what their cells refer to."""

    def __init__(self, archive: zipfile.ZipFile, measures: Measures) -> None:
        self._archive = archive
        self._measures = measures
        home = self._targets("_rels/.rels", "", "/officeDocument")
        self._place = next(iter(home.values()), "xl/workbook.xml")
        folder, name = posixpath.split(self._place)
        self._relations = posixpath.join(folder, "_rels", f"{name}.rels")
        self._folder = folder
        self._sheets: list[tuple[str, str]] = []
        self._is_1904 = False
        sheet_xml.read_whole(archive.open(self._place), self._note)
        self._setting = sheet_xml.Setting(
            self._texts(),
            self._styles(),
            sheet_xml.EPOCH_1904 if self._is_1904 else sheet_xml.EPOCH_1900,
        )

    def _note(self, name: str, given: Attributes) -> None:
        if name == "sheet" and given.get("state", "visible") == "visible":
            self._sheets.append((given.get("name", ""), given.get("id", "")))
        elif name == "workbookPr":
            self._is_1904 = given.get("date1904", "0") in ("1", "true")

    def _targets(self, place: str, folder: str, kind: str) -> dict[str, str]:
        """Return the parts of a kind that a part relates to, by the ids of the relations."""
        found: dict[str, str] = {}

        def note(name: str, given: Attributes) -> None:
            if name == "Relationship" and given.get("Type", "").endswith(kind):
                target = posixpath.join("/", folder, given.get("Target", ""))
                found[given.get("Id", "")] = posixpath.normpath(target).lstrip("/")

        if place in self._archive.NameToInfo:
            sheet_xml.read_whole(self._archive.open(place), note)
        return found

    def _texts(self) -> list[str]:
        for part in self._targets(self._relations, self._folder, "/sharedStrings").values():
            return sheet_xml.shared_texts(self._archive.open(part), self._measures.texts_max)
        return []

    def _styles(self) -> sheet_xml.Styles:
        for part in self._targets(self._relations, self._folder, "/styles").values():
            return sheet_xml.Styles.of(self._archive.open(part))
        return sheet_xml.Styles()

    def _rows(self, part: str) -> Iterator[tuple[int, list[str]]]:
        return iter(sheet_xml.Rows(self._archive.open(part), self._setting))

    def most_alike(self, known: set[str]) -> tuple[str, str, int]:
        """Return the sheet to read, its part, and the number of the row of its header.

        :raises FileEmpty: if no visible sheet has content.
        """
        parts = self._targets(self._relations, self._folder, "/worksheet")
        candidates = [
            (sum(_folded(cell) in known for cell in cells), name, parts[relation], number)
            for name, relation in self._sheets
            if relation in parts
            for number, cells in islice(self._rows(parts[relation]), HEADER_SOUGHT_IN)
        ]
        if not candidates:
            raise FileEmpty
        _alike, name, part, number = max(candidates, key=lambda one: one[0])
        return name, part, number

    def laid_out(self, part: str, header: int) -> BinaryIO:
        """Return the rows of a sheet from its header on, each as the line of its number."""
        # Closed, and gone, with the last that reads it.
        lines = SpooledTemporaryFile(max_size=KEPT_IN_MEMORY)  # noqa: SIM115
        text = io.StringIO()
        writer = csv.writer(text, delimiter="\t", lineterminator="\n")
        last = 0
        for number, cells in self._rows(part):
            if number < header:
                continue
            text.write("\n" * (number - last - 1))
            writer.writerow(cells)
            last = number
            if text.tell() > CHUNK_BYTES:
                self._pour(text, lines)
        self._pour(text, lines)
        lines.seek(0)
        return cast(BinaryIO, lines)

    def _pour(self, text: io.StringIO, lines: "SpooledTemporaryFile[bytes]") -> None:
        lines.write(text.getvalue().encode("utf-8", "replace"))
        text.seek(0)
        text.truncate()
        _hold(_("bytes"), lines.tell(), self._measures.written_max)


def _folded(name: str) -> str:
    return name.strip().casefold().replace(" ", "_").replace("-", "_")
