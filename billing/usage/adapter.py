"""What an adapter is: a format's code and name, how it is recognised, and how it is read."""

import codecs
import csv
import gzip
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

from billing.usage.options import (
    FileCutOff,
    FileEmpty,
    FileTooLong,
    Limits,
    Options,
    PackingBroken,
    Reader,
)
from billing.usage.record import Parsed, RowResult
from billing.usage.survey import Readable, Survey, chunks_of, lines_of, text_of, unpacked

HEAD_BYTES = 64 * 1024
HEAD_LINES = 20


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of a file, unpacked: what its format is recognised by.

    `lines` are its first lines that have content; `text` is all of the beginning, with a mark
    in place of what is neither UTF-8 nor GB18030.
    """

    data: bytes
    text: str
    lines: tuple[str, ...]

    @property
    def first_line(self) -> str:
        """Return the first line that is no comment."""
        return next((line for line in self.lines if not line.startswith("#")), "")


def head_of(stream: BinaryIO) -> Head:
    """Return the beginning of a file.

    :raises FileCutOff: if its packing breaks off at once.
    :raises PackingBroken: if a .gz file does not unpack.
    """
    try:
        data = unpacked(stream).read(HEAD_BYTES)
    except EOFError:
        raise FileCutOff(line=1) from None
    except (gzip.BadGzipFile, zlib.error):
        raise PackingBroken from None
    text = _decoded(data).removeprefix("\ufeff")
    lines = (line.rstrip("\r") for line in text.split("\n"))
    written = [line for line in lines if line and not line.isspace()]
    return Head(data, text.lstrip(), tuple(written[:HEAD_LINES]))


def _decoded(data: bytes) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        # The last character may be cut; that is not for an error here.
        return decoder.decode(data)
    except UnicodeDecodeError:
        return data.decode("gb18030", errors="replace")


class SourceFile:
    """A file that is being read: its beginning, its bytes as often as wanted, its limits."""

    def __init__(self, stream: BinaryIO, head: Head, limits: Limits) -> None:
        self.stream = stream
        self.head = head
        self.limits = limits

    def unpacked(self) -> Readable:
        """Return its bytes from the start, without packing."""
        return unpacked(self.stream)

    def survey(self, *, is_lines: bool) -> Survey:
        """Look it over as a whole.

        :raises FileUnreadable: in one of its kinds.
        """
        survey = Survey(self.limits, is_lines=is_lines)
        survey.look_over(self.unpacked())
        return survey


class Adapter(Protocol):
    """One format: its code, its name in words, and the way from a file to records."""

    @property
    def code(self) -> str:
        """Return the code that a caller names the format by."""

    @property
    def title(self) -> Any:
        """Return the name of the format for people, translatable."""

    def recognises(self, head: Head, /) -> bool:
        """Say whether a file that begins so is of this format."""

    def open(self, file: SourceFile, options: Options, /) -> Parsed:
        """Return the file to be iterated, whose refusals come from here and from the iteration."""


@dataclass(frozen=True, slots=True)
class LineAdapter:
    """A format with one row a line, by a `Reader` that is built from the first line."""

    code: str
    title: Any
    looks_like: Callable[[Head], bool]
    reader: Callable[[str, Options], Reader]

    def recognises(self, head: Head) -> bool:
        """Say whether a file that begins so is of this format."""
        return self.looks_like(head)

    def open(self, file: SourceFile, options: Options) -> Parsed:
        """Return the file to be iterated; every refusal comes from here."""
        survey = file.survey(is_lines=True)
        reader = self.reader(survey.first_line(), options)
        _require_rows(survey, reader)
        results = _rows(lines_of(file.unpacked(), survey.encoding), reader)
        return Parsed(results, reader.unused_columns, self.code)


class Document:
    """A file that is one document, such as XML or JSON; its bytes or text as often as wanted."""

    def __init__(self, file: SourceFile, encoding: str) -> None:
        self._file = file
        self._encoding = encoding

    def unpacked(self) -> Readable:
        """Return its bytes from the start."""
        return self._file.unpacked()

    def texts(self) -> Iterator[str]:
        """Give its text in parts, without the mark of a file's beginning."""
        decoder = codecs.getincrementaldecoder(self._encoding)()
        is_first = True
        for chunk in chunks_of(self.unpacked()):
            text = decoder.decode(chunk)
            yield text.removeprefix("\ufeff") if is_first else text
            is_first = False
        yield decoder.decode(b"", True)


@dataclass(frozen=True, slots=True)
class DocumentAdapter:
    """A format that is one document, by a function that gives what each record came to."""

    code: str
    title: Any
    looks_like: Callable[[Head], bool]
    results: Callable[[Document, Options], Iterator[RowResult]]

    def recognises(self, head: Head) -> bool:
        """Say whether a file that begins so is of this format."""
        return self.looks_like(head)

    def open(self, file: SourceFile, options: Options) -> Parsed:
        """Return the file to be iterated.

        Only a document's end shows that it is whole, so what it breaks off at, and how many
        records it has, is refused by the iteration.
        """
        survey = file.survey(is_lines=False)
        results = self.results(Document(file, survey.encoding), options)
        return Parsed(_no_more_than(file.limits.rows_max, results), (), self.code)


def _no_more_than(most: int, results: Iterator[RowResult]) -> Iterator[RowResult]:
    given = 0
    for given, result in enumerate(results, start=1):
        if given > most:
            raise FileTooLong(most=most)
        yield result
    if not given:
        raise FileEmpty


def _require_rows(survey: Survey, reader: Reader) -> None:
    if survey.content_lines <= reader.header_lines:
        raise FileEmpty
    if survey.ends_with_newline:
        return
    try:
        cells = len(reader.cells(text_of(survey.last, survey.encoding)))
    except csv.Error:
        cells = 0
    if cells < reader.width:
        raise FileCutOff(line=survey.last_number)


def _rows(lines: Iterator[tuple[int, str]], reader: Reader) -> Iterator[RowResult]:
    headers_left = reader.header_lines
    for number, line in lines:
        if not line or line.isspace():
            continue
        if headers_left:
            headers_left -= 1
            continue
        yield reader.read(number, line)
