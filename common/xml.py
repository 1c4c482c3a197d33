"""A stranger's XML, read without trust: no entities, no network, no deep or huge trees."""

from typing import Any

from lxml import etree

Element = Any
"""An lxml element; the library's own type is not one that may be named."""


class XmlRefused(Exception):
    """XML that is not read; each area says so in its own words."""


class TooManyBytes(XmlRefused):
    """More bytes than a file of its kind has."""


class BringsDefinitions(XmlRefused):
    """XML with a document type or entities of its own."""


class NotWellFormed(XmlRefused):
    """Bytes that are not XML, or break off; with the line and the parser's words."""

    def __init__(self, line: int, words: str) -> None:
        super().__init__(line, words)
        self.line = line
        self.words = words


def parsed(data: bytes, *, bytes_max: int) -> Element:
    """Return the root of a stranger's XML.

    :raises TooManyBytes: above `bytes_max`.
    :raises BringsDefinitions: if it defines entities or a document type.
    :raises NotWellFormed: if it is not well-formed, or empty.
    """
    if len(data) > bytes_max:
        raise TooManyBytes
    # Entities in attributes are put in place while parsing, so the text is asked beforehand.
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise BringsDefinitions
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        raise NotWellFormed(line, str(getattr(error, "msg", error))[:200]) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise BringsDefinitions
    return root
