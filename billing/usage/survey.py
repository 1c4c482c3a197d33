"""A first look over a stranger's file: how long, in which encoding, whole or cut off."""

import codecs
import gzip
import zlib
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Protocol

from billing.usage.options import (
    EncodingUnknown,
    FileCutOff,
    FileEmpty,
    FileNotText,
    FileTooLarge,
    FileTooLong,
    Limits,
    LineTooLong,
    PackingBroken,
)

CHUNK_BYTES = 1 << 20
GZIP_MAGIC = b"\x1f\x8b"
UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Readable(Protocol):
    """Bytes that can be read in parts."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes, and none at the end."""


def unpacked(stream: BinaryIO) -> Readable:
    """Return the bytes of a file from its start, without its .gz packing if it has one."""
    stream.seek(0)
    magic = stream.read(len(GZIP_MAGIC))
    stream.seek(0)
    return gzip.GzipFile(fileobj=stream, mode="rb") if magic == GZIP_MAGIC else stream


def chunks_of(stream: Readable) -> Iterator[bytes]:
    """Give the bytes of a stream in parts."""
    while chunk := stream.read(CHUNK_BYTES):
        yield chunk


def text_of(line: bytes, encoding: str) -> str:
    """Return a line without the mark of a file's beginning and the end of the line."""
    return line.decode(encoding).removeprefix("\ufeff").rstrip("\r")


def lines_of(stream: Readable, encoding: str) -> Iterator[tuple[int, str]]:
    """Give each line of a file with its number, from 1, however many bytes there are."""
    number = 0
    rest = b""
    for chunk in chunks_of(stream):
        *closed, rest = (rest + chunk).split(b"\n")
        for line in closed:
            number += 1
            yield number, text_of(line, encoding)
    yield number + 1, text_of(rest, encoding)


class Survey:
    """Looks at every byte once: limits, encoding, the first and the last line.

    With `is_lines` false the file is one document, whose lines may be of any length and number.
    """

    def __init__(self, limits: Limits, *, is_lines: bool = True) -> None:
        self.encoding = "utf-8"
        self.content_lines = 0
        self.last = b""
        self.last_number = 0
        self.ends_with_newline = True
        self._limits = limits
        self._is_lines = is_lines
        self._bytes = 0
        self._lines = 0
        self._first = b""
        self._open = b""
        self._is_ascii = True
        self._decoder: codecs.IncrementalDecoder = codecs.getincrementaldecoder("utf-8")()

    def look_over(self, stream: Readable) -> None:
        """Take a whole file into account."""
        try:
            for chunk in chunks_of(stream):
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
        return text_of(self._first, self.encoding)

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
        if not self._is_lines:
            self._lines += chunk.count(b"\n")
            return
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
