"""XML read in flat memory, record by record; nothing in it is fetched, expanded or obeyed."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Literal

from lxml import etree

from billing.usage.options import XmlBroken, XmlDeclaresEntities, XmlRecordTooLong
from billing.usage.survey import Readable

RECORD_ELEMENTS_MAX = 2_000
# Small, so that what lies outside of records is soon forgotten.
_BYTES_AT_ONCE = 1 << 16
_DOCTYPE = re.compile(r"<!DOCTYPE")
_NAMES_KEPT = 1_000


def refuse_doctype(beginning: str) -> None:
    """Refuse a document whose beginning declares a document type.

    :raises XmlDeclaresEntities: if it does.
    """
    if _DOCTYPE.search(beginning):
        raise XmlDeclaresEntities


def records_in(
    read: Callable[[], Readable], names: frozenset[str]
) -> Iterator[list[etree._Element]]:
    """Give each element whose local name is one of `names`, with all elements within it.

    The elements stand in the order of the document, the record first; afterwards they are
    forgotten. Entities are not resolved, nothing is loaded, and libxml2's own limits on depth,
    length and expansion stay on.

    :param read: gives the document's bytes from the start, as often as it is called.
    :raises XmlBroken: if the document is not well-formed, or beyond those limits.
    :raises XmlDeclaresEntities: if it has a document type.
    :raises XmlRecordTooLong: if a record has more than `RECORD_ELEMENTS_MAX` elements.
    """
    try:
        top = next(filter(None, _events(read(), ["start"], None)), None)
        if top is None:
            return
        if top[1].getroottree().docinfo.internalDTD is not None:
            raise XmlDeclaresEntities
        # Python hears of no other elements: hearing of each is most of the cost of reading.
        tags = [str(top[1].tag), *(f"{{*}}{name}" for name in names)]
        yield from _records(_events(read(), ["start", "end"], tags), names)
    except etree.XMLSyntaxError as error:
        raise XmlBroken(line=error.lineno or 1) from None


def _events(
    stream: Readable, events: Sequence[Literal["start", "end"]], tags: Sequence[str] | None
) -> Iterator[tuple[str, Any] | None]:
    """Give the events of a document, and None each time that some of it was read."""
    parser = etree.XMLPullParser(
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
    while chunk := stream.read(_BYTES_AT_ONCE):
        parser.feed(chunk)
        yield from parser.read_events()
        yield None
    parser.close()
    yield from parser.read_events()


def _records(
    events: Iterator[tuple[str, Any] | None], names: frozenset[str]
) -> Iterator[list[etree._Element]]:
    top: etree._Element | None = None
    record: etree._Element | None = None
    for one in events:
        if one is None:
            if record is not None:
                _elements_of(record)
            _forget_before(top, record)
            continue
        event, element = one
        if event == "start":
            top = element if top is None else top
            if record is None and local_name(element) in names:
                record = element
        elif record is not None and element is record:
            yield _elements_of(element)
            element.clear()
            record = None


def _elements_of(record: etree._Element) -> list[etree._Element]:
    elements = list(islice(record.iter("*"), RECORD_ELEMENTS_MAX + 1))
    if len(elements) > RECORD_ELEMENTS_MAX:
        raise XmlRecordTooLong(line=elements[-1].sourceline, most=RECORD_ELEMENTS_MAX)
    return elements


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
