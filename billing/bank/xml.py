"""XML of ISO 20022 messages: read without trust, written in order, checked by its schema."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _
from lxml import etree

from common import xml
from common.errors import Refused

SCHEMAS = Path(__file__).parent / "schemas"
NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:"
FILE_BYTES_MAX = 50 * 1024 * 1024
SCHEMA_ERRORS_MAX = 50

Element = xml.Element


class BankFileInvalid(Refused):
    """A file to or from the bank that breaks a rule of its message; nothing of it counts."""

    code = "bank_file_invalid"
    sentence = _("At %(place)s, the file breaks a rule of its message: %(words)s")


class BankFileTooLarge(BankFileInvalid):
    """More bytes than a bank's file has."""

    code = "bank_file_too_large"
    sentence = _("The file has more than %(most)s bytes. Ask the bank for smaller statements.")


class NotXml(BankFileInvalid):
    """A file that is not XML, or breaks off."""

    code = "bank_file_not_xml"
    sentence = _(
        "The file cannot be read as XML (line %(line)s: %(words)s). "
        "Download it from the bank again."
    )


class DocumentTypeFound(BankFileInvalid):
    """XML that brings definitions of its own, which no bank's file does."""

    code = "bank_file_document_type"
    sentence = _(
        "The file has a document type definition, which bank files never have. "
        "It may have been tampered with; download it from the bank again."
    )


class WrongMessage(BankFileInvalid):
    """A message of another kind or version."""

    code = "bank_file_wrong_message"
    sentence = _("The file’s first element is “%(found)s”. We read these messages: %(known)s.")


class ValueUnreadable(BankFileInvalid):
    """A value that we rely on and cannot read."""

    code = "bank_file_value_unreadable"
    sentence = _("At %(place)s we found “%(value)s” and expected %(expected)s.")


class Node:
    """An element of a message, with its place in words for whoever has to look it up."""

    def __init__(self, element: Element, name: str) -> None:
        self._element = element
        self._prefix = f"{{{etree.QName(element).namespace or ''}}}"
        self.place = f"{name} (line {element.sourceline})"
        self._name = name

    def children(self, path: str) -> Iterator["Node"]:
        """Give each element at a path, numbered from 1."""
        for number, element in enumerate(self._element.findall(self._full(path)), start=1):
            yield Node(element, f"{self._name}/{path}[{number}]")

    def child(self, path: str) -> "Node | None":
        """Return the only element at a path, or None.

        :raises ValueUnreadable: if there is more than one.
        """
        found = self._element.findall(self._full(path))
        if len(found) > 1:
            place = f"{self._name}/{path} (line {found[1].sourceline})"
            raise ValueUnreadable(place=place, value=path, expected=str(_("it only once")))
        return Node(found[0], f"{self._name}/{path}") if found else None

    def text(self, *paths: str) -> str:
        """Return the text at the first of the paths that has one, or nothing.

        :raises ValueUnreadable: if there are several, or there are elements within.
        """
        for path in paths:
            child = self.child(path)
            if child is not None and child.own_text():
                return child.own_text()
        return ""

    def own_text(self) -> str:
        """Return this element's text."""
        if len(self._element):
            raise ValueUnreadable(
                place=self.place, value="<…>", expected=str(_("a text without elements"))
            )
        return (self._element.text or "").strip()

    def attribute(self, name: str) -> str:
        """Return an attribute of this element, or nothing."""
        return str(self._element.get(name) or "")

    def _full(self, path: str) -> str:
        return "/".join(self._prefix + step for step in path.split("/"))


def read_xml(data: bytes) -> Element:
    """Return the root of a stranger's XML: no entities, no network, no deep or huge trees.

    :raises BankFileTooLarge: above `FILE_BYTES_MAX`.
    :raises NotXml: if it is not well-formed, or empty.
    :raises DocumentTypeFound: if it defines entities or a document type.
    """
    try:
        return xml.parsed(data, bytes_max=FILE_BYTES_MAX)
    except xml.TooManyBytes:
        raise BankFileTooLarge(most=FILE_BYTES_MAX) from None
    except xml.BringsDefinitions:
        raise DocumentTypeFound from None
    except xml.NotWellFormed as error:
        raise NotXml(line=error.line, words=error.words) from None


def message_of(root: Element) -> str:
    """Return the message that a document says it is, such as `camt.053.001.08`, or its tag."""
    namespace = etree.QName(root).namespace or ""
    if not namespace.startswith(NAMESPACE):
        return str(root.tag)[:200]
    return str(namespace.removeprefix(NAMESPACE))


def has_schema(message: str) -> bool:
    """Say whether the schema of a message lies beside this file."""
    return (SCHEMAS / f"{message}.xsd").exists()


def schema_errors(root: Element, message: str) -> list[tuple[int, str]]:
    """Return what a schema finds wrong, as lines and words, at most `SCHEMA_ERRORS_MAX`."""
    schema = _schema(message)
    if schema.validate(root):
        return []
    log = list(schema.error_log)[:SCHEMA_ERRORS_MAX]
    return [
        (error.line, error.message.replace(f"{{{NAMESPACE}{message}}}", "")) for error in log
    ]


@cache
def _schema(message: str) -> Any:
    return etree.XMLSchema(etree.parse(str(SCHEMAS / f"{message}.xsd")))


def new_document(message: str) -> Element:
    """Return the empty root of a message."""
    namespace = NAMESPACE + message
    # Typed as anything: a default namespace has no prefix, which the library's stubs forbid.
    prefixes: Any = {None: namespace}
    return etree.Element(f"{{{namespace}}}Document", nsmap=prefixes)


def add(parent: Element, path: str, text: str = "", **attributes: str) -> Element:
    """Add an element under another, with those on the way to it, and return it."""
    namespace = etree.QName(parent).namespace
    for step in path.split("/"):
        parent = etree.SubElement(parent, f"{{{namespace}}}{step}")
    if text:
        parent.text = text
    for name, value in attributes.items():
        parent.set(name, value)
    return parent


def written(root: Element, message: str) -> bytes:
    """Return a message as bytes, after its schema has found nothing wrong.

    :raises BankFileInvalid: naming the first thing that it found.
    """
    data = bytes(
        etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    )
    errors = schema_errors(etree.fromstring(data), message)
    if errors:
        line, words = errors[0]
        raise BankFileInvalid(place=f"line {line}", words=words)
    return data
