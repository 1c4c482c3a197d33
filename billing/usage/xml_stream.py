"""XML read in flat memory, record by record; nothing in it is fetched, expanded or obeyed."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Literal, Protocol, TypeVar, cast

from lxml import etree

from billing.usage.options import XmlBroken, XmlDeclaresEntities, XmlRecordTooLong
from billing.usage.survey import Readable

Plain = TypeVar("Plain", covariant=True)

RECORD_ELEMENTS_MAX = 2_000
# Small, so that what lies outside of records is soon forgotten.
_BYTES_AT_ONCE = 1 << 16
_DOCTYPE = re.compile(r"<!DOCTYPE")
_NAMES_KEPT = 1_000
# In these a byte below 128 is the character that it is in ASCII, whatever stands before it.
_PLAIN_ENCODINGS = frozenset({"UTF-8", "ASCII", "US-ASCII", "ISO-8859-1"})
# How many bytes are kept while none of them ends a record.
_UNENDED_MAX = 1 << 20


def refuse_doctype(beginning: str) -> None:
    """Refuse a document whose beginning declares a document type.

    :raises XmlDeclaresEntities: if it does.
    """
    if _DOCTYPE.search(beginning):
        raise XmlDeclaresEntities


class Quick(Protocol[Plain]):
    """Reads records laid out like one that the parser has read, without it.

    Text is a document's bytes, as Latin-1: each a character.
    """

    def forget(self) -> None:
        """Forget what was learnt: another part of the document comes."""

    def learn(self, text: str, record: etree._Element, /) -> None:
        """Learn how a record is laid out, from its text, perhaps after blanks."""

    def read(self, text: str, at: int, number: int, /) -> tuple[Plain, int] | None:
        """Return the record that begins at a place, perhaps after blanks, and where it ends.

        None where the parser has to read it. What is read is a well-formed element of plain
        ASCII, wherever in an element's content it stands.
        """


def records_in(
    read: Callable[[], Readable], names: frozenset[str], quick: Quick[Plain] | None = None
) -> Iterator[list[etree._Element] | Plain]:
    """Give each element whose local name is one of `names`: as it was read, or its elements.

    The elements stand in the order of the document, the record first; afterwards they are
    forgotten. Entities are not resolved, nothing is loaded, and libxml2's own limits on depth,
    length and expansion stay on. A document without an element that was read quickly is as
    well-formed as the whole, so that the parser need not see those.

    :param read: gives the document's bytes from the start, as often as it is called.
    :param quick: is asked, where there is one, while the parser stands between two records.
    :raises XmlBroken: if the document is not well-formed, or beyond those limits.
    :raises XmlDeclaresEntities: if it has a document type.
    :raises XmlRecordTooLong: if a record has more than `RECORD_ELEMENTS_MAX` elements.
    """
    walk = None
    try:
        top = _first_tag(read())
        if top is None:
            return
        document = top.getroottree().docinfo
        if document.internalDTD is not None:
            raise XmlDeclaresEntities
        # Python hears of no other elements: hearing of each is most of the cost of reading.
        tags = [str(top.tag), *(f"{{*}}{name}" for name in names)]
        walk = _Walk(tags, names)
        is_plain = (document.encoding or "UTF-8").upper() in _PLAIN_ENCODINGS
        if quick is None or not is_plain:
            yield from _with_care(read(), walk)
        else:
            yield from _records(read(), walk, quick)
    except etree.XMLSyntaxError as error:
        before = walk.lines_left_out if walk else 0
        raise XmlBroken(line=(error.lineno or 1) + before) from None


def _parser(events: Sequence[Literal["start", "end"]], tags: Sequence[str] | None) -> Any:
    return etree.XMLPullParser(
        events=events,
        tag=tags,
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
    )


def _first_tag(stream: Readable) -> Any:
    parser = _parser(["start"], None)
    while chunk := stream.read(_BYTES_AT_ONCE):
        parser.feed(chunk)
        for _event, element in parser.read_events():
            return element
    parser.close()
    return next((element for _event, element in parser.read_events()), None)


class _Walk:
    """The parser on its way through a document: what it was fed, and where it stands."""

    def __init__(self, tags: Sequence[str], names: frozenset[str]) -> None:
        self._parser = _parser(["start", "end"], tags)
        self._names = names
        kinds = "|".join(map(re.escape, sorted(names)))
        self.end_tag = re.compile(
            rf"</(?:[\w.-]{{1,80}}:)?(?:{kinds})[ \t\r\n]{{0,80}}>", re.ASCII
        )
        self._top: etree._Element | None = None
        self._record: etree._Element | None = None
        # Of what was read quickly, and that the parser does not know of.
        self.lines_left_out = 0

    def feed(self, data: bytes) -> Iterator[list[etree._Element]]:
        """Read on, and give the records that end; each is forgotten when the next is asked for."""
        self._parser.feed(data)
        yield from self._ended()
        if self._record is not None:
            self._elements_of(self._record)
        _forget_before(self._top, self._record)

    def close(self) -> Iterator[list[etree._Element]]:
        """Take the document to be at its end."""
        self._parser.close()
        yield from self._ended()

    def _ended(self) -> Iterator[list[etree._Element]]:
        for event, element in self._parser.read_events():
            if event == "start":
                self._top = element if self._top is None else self._top
                if self._record is None and local_name(element) in self._names:
                    self._record = element
            elif self._record is not None and element is self._record:
                self._record = None
                yield self._elements_of(element)
                element.clear()

    @property
    def is_in_record(self) -> bool:
        """Say whether a record has begun that has not ended."""
        return self._record is not None

    def _elements_of(self, record: etree._Element) -> list[etree._Element]:
        elements = list(islice(record.iter("*"), RECORD_ELEMENTS_MAX + 1))
        if len(elements) > RECORD_ELEMENTS_MAX:
            line = cast(int, elements[-1].sourceline)
            raise XmlRecordTooLong(line=line + self.lines_left_out, most=RECORD_ELEMENTS_MAX)
        return elements


def _with_care(stream: Readable, walk: _Walk) -> Iterator[list[etree._Element]]:
    while chunk := stream.read(_BYTES_AT_ONCE):
        yield from walk.feed(chunk)
    yield from walk.close()


def _records(
    stream: Readable, walk: _Walk, quick: Quick[Plain]
) -> Iterator[list[etree._Element] | Plain]:
    """Give the records of a document: plain ones in a row at once, others by the parser.

    What the parser is fed ends where a record may end: only there is it known where it stands.
    """
    text, at, number = "", 0, 0
    parent: etree._Element | None = None
    # Whether the parser stands within `parent`, behind a record; and behind a tag that it was fed
    # as a whole.
    is_between, is_behind_tag = False, True
    while True:
        began = at
        while is_between and (plain := quick.read(text, at, number + 1)):
            record, at = plain
            number += 1
            yield record
        walk.lines_left_out += text.count("\n", began, at)
        end = walk.end_tag.search(text, at)
        if end is None:
            chunk = stream.read(_BYTES_AT_ONCE).decode("latin-1")
            if chunk and len(text) - at < _UNENDED_MAX:
                text, at = text[at:] + chunk, 0
                continue
            for elements in walk.feed(text[at:].encode("latin-1")):
                number += 1
                yield elements
            if not chunk:
                yield from walk.close()
                return
            text, at, is_between, is_behind_tag = chunk, 0, False, False
            continue
        piece, at = text[at : end.end()], end.end()
        ended = within = None
        for elements in walk.feed(piece.encode("latin-1")):
            number += 1
            ended, within = elements[0], elements[0].getparent()
            yield elements
        # A comment, a section or an instruction may hold what merely looks like a tag.
        is_plain = is_behind_tag and "<!" not in piece and "<?" not in piece
        is_between = is_plain and within is not None and not walk.is_in_record
        is_behind_tag = True
        if is_between and ended is not None:
            if within is not parent:
                quick.forget()
                parent = within
            quick.learn(piece, ended)


def _forget_before(top: etree._Element | None, record: etree._Element | None) -> None:
    """Take out of the tree all but what may be read on: of each level what is last in it."""
    while top is not None and top is not record and len(top):
        del top[:-1]
        top = top[-1]


class _LocalNames(dict[Any, str]):
    """The names of tags without their namespaces, each told apart once."""

    def __missing__(self, tag: object) -> str:
        # Not by QName, which takes fewer names than the parser lets through.
        name = tag.rpartition("}")[2] if isinstance(tag, str) else ""
        if len(self) < _NAMES_KEPT:
            self[tag] = name
        return name


LOCAL_NAMES = _LocalNames()


def local_name(element: etree._Element) -> str:
    """Return an element's name without its namespace."""
    return LOCAL_NAMES[element.tag]


def namespace_of(element: etree._Element) -> str:
    """Return the namespace that an element's name is of, or nothing."""
    tag = str(element.tag)
    return tag[1:].partition("}")[0] if tag.startswith("{") else ""
