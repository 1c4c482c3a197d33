"""A part of a workbook as XML: walked through piece by piece, and quickly where it is alike.

No document type is taken. Where the parser stands behind an element, and what follows is written
like one that it has read, it need not see that: a document is as well-formed without it.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import IO
from xml.parsers import expat

from common.sheet_layouts import Layouts

CHUNK_BYTES = 1 << 18
# How many bytes are kept while none of them ends an element that may be read quickly.
_UNENDED_MAX = 1 << 20
# In these a byte below 128 is the character that it is in ASCII, whatever stands before it.
_PLAIN_ENCODINGS = frozenset({"", "UTF-8", "US-ASCII", "ISO-8859-1"})


class Broken(Exception):
    """XML that no spreadsheet program writes."""


Attributes = Mapping[str, str]


def parse(
    part: IO[bytes],
    start: Callable[[str, Attributes], None],
    end: Callable[[str], None] = lambda _name: None,
    text: Callable[[str], None] = lambda _text: None,
    quick: Layouts | None = None,
) -> Iterator[None]:
    """Read XML piece by piece; names of elements and attributes come without their prefixes.

    :param quick: takes the elements of one name that it reads, instead of the parser.
    :raises Broken: if it is not well-formed, or declares a document type.
    """
    walk = _Walk(start, end, text, quick)
    try:
        yield from walk.quickly(part) if quick else walk.steadily(part)
    except (expat.ExpatError, ValueError) as error:
        raise Broken from error


class _Walk:
    """The parser on its way through a document: what it was fed, and where it stands."""

    def __init__(
        self,
        start: Callable[[str, Attributes], None],
        end: Callable[[str], None],
        text: Callable[[str], None],
        quick: Layouts | None,
    ) -> None:
        self._quick = quick
        self._end = end
        self._closing = quick.closing if quick else ""
        self._fed = 0
        self._ended_at = -1
        self._is_plain = True
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = _refuse
        self._parser.XmlDeclHandler = self._declared
        self._parser.StartElementHandler = lambda name, given: start(
            _local(name), {_local(key): value for key, value in given.items()}
        )
        self._parser.EndElementHandler = self._ended
        self._parser.CharacterDataHandler = text

    def steadily(self, part: IO[bytes]) -> Iterator[None]:
        """Read all by the parser; give whenever something was read."""
        while chunk := part.read(CHUNK_BYTES):
            self._parser.Parse(chunk, False)
            yield
        self._parser.Parse(b"", True)
        yield

    def quickly(self, part: IO[bytes]) -> Iterator[None]:
        """Read the elements that may be by their layouts, and all else by the parser.

        What the parser is fed ends where such an element may end: only behind the tag that it
        took for its end is it known where it stands. Text is bytes as Latin-1.
        """
        assert self._quick is not None
        tag = f"</{self._closing}>"
        text, at, is_behind = "", 0, False
        while True:
            while is_behind and (ended := self._quick.read(text, at)):
                at = ended
            found = text.find(tag, at)
            if found >= 0:
                piece, at = text[at : found + len(tag)], found + len(tag)
                self._feed(piece)
                is_behind = self._is_plain and self._ended_at == self._fed - len(tag)
                if is_behind:
                    self._quick.learn(piece)
                continue
            yield
            chunk = part.read(CHUNK_BYTES).decode("latin-1")
            if chunk and len(text) - at < _UNENDED_MAX:
                text, at = text[at:] + chunk, 0
                continue
            self._feed(text[at:])
            text, at, is_behind = chunk, 0, False
            if not chunk:
                self._parser.Parse(b"", True)
                yield
                return

    def _feed(self, text: str) -> None:
        self._fed += len(text)
        self._parser.Parse(text.encode("latin-1"), False)

    def _declared(self, _version: str, encoding: str | None, _standalone: int) -> None:
        self._is_plain = (encoding or "").upper() in _PLAIN_ENCODINGS

    def _ended(self, name: str) -> None:
        if name == self._closing:
            self._ended_at = self._parser.CurrentByteIndex
        self._end(_local(name))


def _refuse(*_given: object) -> None:
    raise Broken


def _local(name: str) -> str:
    return name.rpartition(":")[2]
