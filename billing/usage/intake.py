"""The one way in for a usage file: looked over whole, then read row by row in flat memory."""

import codecs
import csv
import gzip
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from billing.usage.focus import NEEDED, FocusReader
from billing.usage.options import (
    EncodingUnknown,
    FileCutOff,
    FileEmpty,
    FileNotText,
    FileTooLarge,
    FileTooLong,
    FormatUnknown,
    LineTooLong,
    Options,
    PackingBroken,
    Reader,
)
from billing.usage.plain_csv import NAMES, PlainCsvReader
from billing.usage.record import Parsed, Resource, RowResult
from billing.usage.sacct import SacctReader
from billing.usage.workbook import as_text

READERS: dict[str, type[SacctReader] | type[PlainCsvReader] | type[FocusReader]] = {
    "CSV": PlainCsvReader,
    "FOCUS": FocusReader,
    "SACCT": SacctReader,
}
CHUNK_BYTES = 1 << 20
GZIP_MAGIC = b"\x1f\x8b"
UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a stranger's file is taken; bytes are counted after unpacking."""

    rows_max: int = 2_000_000
    bytes_max: int = 1 << 30
    line_bytes_max: int = 64 * 1024


class Readable(Protocol):
    """Bytes that can be read in parts."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes, and none at the end."""


def read_usage(
    stream: BinaryIO,
    format: str,
    *,
    limits: Limits = Limits(),
    source: str = "",
    zone: str = "UTC",
    cluster: str = "",
    resource: Resource | None = None,
    columns: Mapping[str, str] | None = None,
) -> Parsed:
    """Read a usage file, plain, .gz or a workbook (.xlsx), in the format `SACCT`, `CSV` or `FOCUS`.

    The file is looked over once as a whole, so that every refusal comes from this call and
    none from the iteration. The stream must be seekable, as an uploaded file is; it is left
    open. The keywords are those of `Options`.

    :raises FormatUnknown: if no adapter reads the format.
    :raises FileEmpty: if there is no row besides a header.
    :raises FileNotText: if there is a NUL byte or a mark of UTF-16.
    :raises EncodingUnknown: if the text is neither UTF-8 nor GB18030.
    :raises FileCutOff: if the last line, or the packing, breaks off.
    :raises FileTooLarge: if there are more bytes than `limits` takes.
    :raises FileTooLong: if there are more rows than `limits` takes.
    :raises LineTooLong: if a line is longer than `limits` takes.
    :raises PackingBroken: if a .gz file does not unpack.
    :raises ColumnsMissing: if the columns are not those that usage needs.
    :raises ColumnsRepeated: if two columns carry one meaning.
    :raises WorkbookLocked, WorkbookBroken, WorkbookTooLarge: as `billing.usage.workbook` says.
    """
    if format not in READERS:
        raise FormatUnknown(format=format, known=", ".join(sorted(READERS)))
    stream = as_text(stream, known=(*NAMES, *NEEDED, *(columns or {}).values()))
    survey = _Survey(limits)
    survey.look_over(_unpacked(stream))
    options = Options(source, zone, cluster, resource, columns)
    reader: Reader = READERS[format](survey.first_line(), options)
    _require_rows(survey, reader)
    results = _rows(_lines(_unpacked(stream), survey.encoding), reader)
    return Parsed(results, reader.unused_columns)


def _unpacked(stream: BinaryIO) -> Readable:
    stream.seek(0)
    magic = stream.read(len(GZIP_MAGIC))
    stream.seek(0)
    return gzip.GzipFile(fileobj=stream, mode="rb") if magic == GZIP_MAGIC else stream


def _chunks(stream: Readable) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK_BYTES):
        yield chunk


class _Survey:
    """Looks at every byte once: limits, encoding, the first and the last line."""

    def __init__(self, limits: Limits) -> None:
        self.encoding = "utf-8"
        self.content_lines = 0
        self.last = b""
        self.last_number = 0
        self.ends_with_newline = True
        self._limits = limits
        self._bytes = 0
        self._lines = 0
        self._first = b""
        self._open = b""
        self._is_ascii = True
        self._decoder: codecs.IncrementalDecoder = codecs.getincrementaldecoder("utf-8")()

    def look_over(self, stream: Readable) -> None:
        """Take a whole file into account."""
        try:
            for chunk in _chunks(stream):
                self._look_at(chunk)
        except EOFError:
            raise FileCutOff(line=self._lines + 1) from None
        except (gzip.BadGzipFile, zlib.error):
            raise PackingBroken from None
        self._finish()

    def _look_at(self, chunk: bytes) -> None:
        self._refuse_binary(chunk)
        self._decode(chunk)
        self._count_lines(chunk)
        self._bytes += len(chunk)
        if self._bytes > self._limits.bytes_max:
            raise FileTooLarge(most=self._limits.bytes_max)

    def _finish(self) -> None:
        self._decode(b"", final=True)
        self.ends_with_newline = not self._open
        if self._open:
            self._take_lines([self._open])

    def first_line(self) -> str:
        """Return the first line that has content.

        :raises FileEmpty: if none has.
        """
        if not self._first:
            raise FileEmpty
        return _text(self._first, self.encoding)

    def _refuse_binary(self, chunk: bytes) -> None:
        if self._bytes == 0 and chunk.startswith(UTF16_MARKS):
            raise FileNotText(offset=0, line=1)
        place = chunk.find(b"\0")
        if place >= 0:
            line = self._lines + chunk.count(b"\n", 0, place) + 1
            raise FileNotText(offset=self._bytes + place, line=line)

    def _decode(self, chunk: bytes, *, final: bool = False) -> None:
        waiting = self._decoder.getstate()[0]
        try:
            self._decoder.decode(chunk, final)
            self._is_ascii = self._is_ascii and chunk.isascii()
        except UnicodeDecodeError as error:
            bad = waiting + chunk
            offset = self._bytes - len(waiting) + error.start
            line = self._lines + bad.count(b"\n", 0, error.start) + 1
            # Chinese Excel saves GB18030. Once a character has been read as UTF-8 the file is
            # UTF-8, and a byte that does not fit is damage, not another encoding.
            if self.encoding == "gb18030" or not self._only_ascii(bad[: error.start]):
                raise EncodingUnknown(offset=offset, line=line) from None
            self.encoding = "gb18030"
            self._decoder = codecs.getincrementaldecoder("gb18030")()
            self._decode_again(bad, final, offset, line)

    def _only_ascii(self, before: bytes) -> bool:
        return self._is_ascii and before.isascii()

    def _decode_again(self, bad: bytes, final: bool, offset: int, line: int) -> None:
        self._is_ascii = False
        try:
            self._decoder.decode(bad, final)
        except UnicodeDecodeError:
            raise EncodingUnknown(offset=offset, line=line) from None

    def _count_lines(self, chunk: bytes) -> None:
        *closed, self._open = (self._open + chunk).split(b"\n")
        if closed:
            self._take_lines(closed)
        if len(self._open) > self._limits.line_bytes_max:
            raise LineTooLong(line=self._lines + 1, most=self._limits.line_bytes_max)

    def _take_lines(self, lines: Sequence[bytes]) -> None:
        if max(map(len, lines)) > self._limits.line_bytes_max:
            place = next(
                n for n, line in enumerate(lines) if len(line) > self._limits.line_bytes_max
            )
            raise LineTooLong(line=self._lines + place + 1, most=self._limits.line_bytes_max)
        written = [n for n, line in enumerate(lines, self._lines + 1) if line.strip()]
        if written:
            self.content_lines += len(written)
            self._first = self._first or lines[written[0] - self._lines - 1]
            self.last_number = written[-1]
            self.last = lines[written[-1] - self._lines - 1]
        self._lines += len(lines)
        if self._lines > self._limits.rows_max + 1:
            raise FileTooLong(most=self._limits.rows_max)


def _require_rows(survey: _Survey, reader: Reader) -> None:
    if survey.content_lines <= reader.header_lines:
        raise FileEmpty
    if survey.ends_with_newline:
        return
    try:
        cells = len(reader.cells(_text(survey.last, survey.encoding)))
    except csv.Error:
        cells = 0
    if cells < reader.width:
        raise FileCutOff(line=survey.last_number)


def _lines(stream: Readable, encoding: str) -> Iterator[tuple[int, str]]:
    number = 0
    rest = b""
    for chunk in _chunks(stream):
        *closed, rest = (rest + chunk).split(b"\n")
        for line in closed:
            number += 1
            yield number, _text(line, encoding)
    yield number + 1, _text(rest, encoding)


def _text(line: bytes, encoding: str) -> str:
    return line.decode(encoding).removeprefix("\ufeff").rstrip("\r")


def _rows(lines: Iterator[tuple[int, str]], reader: Reader) -> Iterator[RowResult]:
    headers_left = reader.header_lines
    for number, line in lines:
        if not line or line.isspace():
            continue
        if headers_left:
            headers_left -= 1
            continue
        yield reader.read(number, line)
