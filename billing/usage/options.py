"""What the caller of an adapter says about a file, and the refusals of whole files."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from django.utils.translation import gettext_lazy as _

from billing.usage.record import Resource, RowResult
from common.spreadsheets import FileEmpty, FileUnreadable

__all__ = [
    "ColumnsMissing",
    "ColumnsRepeated",
    "EncodingUnknown",
    "FileCutOff",
    "FileEmpty",
    "FileNotText",
    "FileTooLarge",
    "FileTooLong",
    "FileUnreadable",
    "FormatNotRecognised",
    "FormatUnknown",
    "JsonBroken",
    "JsonRecordTooLong",
    "JsonShapeUnknown",
    "JsonTooDeep",
    "Limits",
    "LineTooLong",
    "NotUsage",
    "Options",
    "PackingBroken",
    "Reader",
    "XmlBroken",
    "XmlDeclaresEntities",
    "XmlRecordTooLong",
]


@dataclass(frozen=True, slots=True)
class Options:
    """How to read a file: the meter's name, the zone of bare times, and what is metered.

    `resource` GPU or CPU meters that resource alone, for every job; None lets a job with GPUs
    count as GPU and any other as CPU cores. `columns` names the file's own columns for ours.
    """

    source: str = ""
    zone: str = "UTC"
    cluster: str = ""
    resource: Resource | None = None
    columns: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a stranger's file is taken; bytes are counted after unpacking.

    `rows_max` counts the lines of a file of lines, and the records of any other.
    """

    rows_max: int = 8_000_000
    bytes_max: int = 1 << 30
    line_bytes_max: int = 64 * 1024


class Reader(Protocol):
    """What an adapter is: built from a file's first line, then asked for each row."""

    header_lines: int
    width: int
    unused_columns: tuple[str, ...]

    def cells(self, line: str) -> list[str]:
        """Return a line's cells."""

    def read(self, number: int, line: str) -> RowResult:
        """Return the record of a row, why it is skipped, or all that is wrong with it."""


class FileNotText(FileUnreadable):
    """A workbook, picture or other file that is not text."""

    code = "file_not_text"
    sentence = _(
        "The file is not text (byte %(offset)s, line %(line)s). "
        "If it is a spreadsheet, save it as CSV UTF-8 and send that."
    )


class EncodingUnknown(FileUnreadable):
    """Text whose bytes are neither UTF-8 nor GB18030."""

    code = "file_encoding_unknown"
    sentence = _(
        "The characters at byte %(offset)s, in line %(line)s, are neither UTF-8 nor GB18030. "
        "Save the file as CSV UTF-8 and send it again."
    )


class FileCutOff(FileUnreadable):
    """A file whose last part is missing."""

    code = "file_cut_off"
    sentence = _(
        "The file breaks off in line %(line)s. Export it again and send the whole file."
    )


class FileTooLarge(FileUnreadable):
    """More bytes than are taken, also when they only appear on unpacking."""

    code = "file_too_large"
    sentence = _("The file has more than %(most)s bytes when unpacked. Send it in parts.")


class FileTooLong(FileUnreadable):
    """More rows than are taken at once."""

    code = "file_too_long"
    sentence = _("The file has more than %(most)s rows. Send it in parts.")


class LineTooLong(FileUnreadable):
    """A line that no export would write."""

    code = "line_too_long"
    sentence = _(
        "Line %(line)s is longer than %(most)s bytes. Check that the file has one job a line."
    )


class PackingBroken(FileUnreadable):
    """A .gz file that does not unpack."""

    code = "file_packing_broken"
    sentence = _("The .gz file is damaged. Pack it again, or send it unpacked.")


class ColumnsMissing(FileUnreadable):
    """A file without the columns that usage needs."""

    code = "columns_missing"
    sentence = _(
        "These columns are missing: %(missing)s. We found: %(found)s. "
        "Download the sample file to see all columns."
    )


class ColumnsRepeated(FileUnreadable):
    """A file in which two columns carry one meaning."""

    code = "columns_repeated"
    sentence = _("More than one column says %(repeated)s. Keep one of them.")


class FormatUnknown(FileUnreadable):
    """A format that no adapter reads."""

    code = "format_unknown"
    sentence = _("We do not read the format %(format)s. Choose one of: %(known)s.")


class FormatNotRecognised(FileUnreadable):
    """A file that looks like none of the formats that are read."""

    code = "format_not_recognised"
    sentence = _(
        "We do not recognise this file. We read: %(known)s. Check that you chose the right "
        "file, or say which format it is."
    )


class NotUsage(FileUnreadable):
    """A file that we know, and that says nothing of usage."""

    code = "not_usage"
    sentence = _("This is %(what)s, not a file of usage. %(fix)s")


class JsonBroken(FileUnreadable):
    """A file that is not well-formed JSON, or breaks off."""

    code = "json_broken"
    sentence = _(
        "The file stops being JSON in line %(line)s. Export it again and send the whole file."
    )


class JsonTooDeep(FileUnreadable):
    """JSON whose values lie deeper in one another than any export writes them."""

    code = "json_too_deep"
    sentence = _(
        "The values in line %(line)s lie too deep in one another. Export the file again."
    )


class JsonRecordTooLong(FileUnreadable):
    """One JSON record that is longer than any export writes it."""

    code = "json_record_too_long"
    sentence = _(
        "A record in line %(line)s has more than %(most)s characters. "
        "Check that the file is a list of records."
    )


class JsonShapeUnknown(FileUnreadable):
    """JSON in which the records are not where this format has them."""

    code = "json_shape_unknown"
    sentence = _("We expected %(expected)s in line %(line)s. Export the file again.")


class XmlBroken(FileUnreadable):
    """A file that is not well-formed XML, or breaks off."""

    code = "xml_broken"
    sentence = _(
        "The file stops being XML in line %(line)s. Export it again and send the whole file."
    )


class XmlDeclaresEntities(FileUnreadable):
    """XML with a document type, in which a few bytes can stand for gigabytes or other files."""

    code = "xml_declares_entities"
    sentence = _("The file has a DOCTYPE, which we do not read. Export it without one.")


class XmlRecordTooLong(FileUnreadable):
    """One XML record with more elements than any export writes."""

    code = "xml_record_too_long"
    sentence = _(
        "The record in line %(line)s has more than %(most)s elements. "
        "Check that the file is a list of usage records."
    )
