"""XML read in flat memory, record by record; nothing in it is fetched, expanded or obeyed."""

import re
from collections.abc import Iterator

from lxml import etree

from billing.usage.options import XmlBroken, XmlDeclaresEntities, XmlRecordTooLong
from billing.usage.survey import Readable

RECORD_ELEMENTS_MAX = 2_000
_DOCTYPE = re.compile(r"<!DOCTYPE")


def refuse_doctype(beginning: str) -> None:
    """Refuse a document whose beginning declares a document type.

    :raises XmlDeclaresEntities: if it does.
    """
    if _DOCTYPE.search(beginning):
        raise XmlDeclaresEntities


def records_in(stream: Readable, names: frozenset[str]) -> Iterator[etree._Element]:
    """Give each element whose local name is one of `names`, whole, and forget it afterwards.

    Entities are not resolved, nothing is loaded, and libxml2's own limits on depth, length and
    expansion stay on.

    :raises XmlBroken: if the document is not well-formed, or beyond those limits.
    :raises XmlDeclaresEntities: if it has a document type.
    :raises XmlRecordTooLong: if a record has more than `RECORD_ELEMENTS_MAX` elements.
    """
    events = etree.iterparse(
        stream,
        events=("start", "end"),
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        yield from _records(events, names)
    except etree.XMLSyntaxError as error:
        raise XmlBroken(line=error.lineno or 1) from None


def _records(
    events: "etree.iterparse[tuple[str, etree._Element]]", names: frozenset[str]
) -> Iterator[etree._Element]:
    record: etree._Element | None = None
    inside = 0
    is_first = True
    for event, element in events:
        if is_first:
            is_first = False
            if element.getroottree().docinfo.internalDTD is not None:
                raise XmlDeclaresEntities
        if event == "start":
            if record is None and local_name(element) in names:
                record, inside = element, 0
            inside += 1
            if record is not None and inside > RECORD_ELEMENTS_MAX:
                raise XmlRecordTooLong(line=element.sourceline, most=RECORD_ELEMENTS_MAX)
        elif record is None or element is record:
            if record is not None:
                yield record
                record = None
            _forget(element)


def _forget(element: etree._Element) -> None:
    element.clear()
    parent = element.getparent()
    if parent is not None:
        while (before := element.getprevious()) is not None:
            parent.remove(before)


def local_name(element: etree._Element) -> str:
    """Return an element's name without its namespace."""
    tag = element.tag
    # Not by QName, which takes fewer names than the parser lets through.
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def namespace_of(element: etree._Element) -> str:
    """Return the namespace that an element's name is of, or nothing."""
    tag = str(element.tag)
    return tag[1:].partition("}")[0] if tag.startswith("{") else ""


def texts_by_name(record: etree._Element) -> dict[str, str]:
    """Return the text of each element within a record by local name; the first of a name counts."""
    texts: dict[str, str] = {}
    for element in record.iterdescendants(etree.Element):
        texts.setdefault(local_name(element), (element.text or "").strip())
    return texts
