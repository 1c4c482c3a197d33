"""The one way in for a usage file: its format is recognised, then it is read in flat memory."""

from collections.abc import Mapping
from typing import BinaryIO

from billing.usage.adapter import Adapter, Head, SourceFile, head_of
from billing.usage.focus import NEEDED
from billing.usage.formats import ADAPTERS, CODES
from billing.usage.not_usage import refuse_if_known
from billing.usage.options import (
    FileEmpty,
    FileNotText,
    FormatNotRecognised,
    FormatUnknown,
    Limits,
    Options,
)
from billing.usage.plain_csv import NAMES
from billing.usage.record import Parsed, Resource
from billing.usage.survey import CHUNK_BYTES, UTF16_MARKS
from common.workbook import as_text

__all__ = ["CHUNK_BYTES", "Limits", "read_usage", "recognise"]

DEFAULT_LIMITS = Limits()


def read_usage(
    stream: BinaryIO,
    format: str = "",
    *,
    limits: Limits = DEFAULT_LIMITS,
    source: str = "",
    zone: str = "UTC",
    cluster: str = "",
    resource: Resource | None = None,
    columns: Mapping[str, str] | None = None,
) -> Parsed:
    """Read a usage file, plain, .gz or a workbook (.xlsx), in a format of `formats.ADAPTERS`.

    Without a format it is recognised; `Parsed.format` says which it is. The bytes are looked
    over once as a whole, so that every refusal of a file of lines comes from this call. That a
    document of JSON or XML is broken, empty or too long is found as it is read: those refusals
    come from the iteration, and whoever wrote down what came before takes it back. The stream
    must be seekable, as an uploaded file is; it is left open. The keywords are those of
    `Options`.

    :raises FormatUnknown: if no adapter reads the format.
    :raises FormatNotRecognised: if none was given and the file looks like none of them.
    :raises NotUsage: if none was given and the file is known to be something else.
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
    :raises WorkbookLocked, WorkbookBroken, WorkbookTooLarge: as `common.workbook` says.
    :raises FileUnreadable: in the kinds that are JSON's or XML's own.
    """
    stream = as_text(stream, known=(*NAMES, *NEEDED, *(columns or {}).values()))
    head = head_of(stream)
    adapter = _named(format) if format else _recognised(head, has_columns=columns is not None)
    options = Options(source, zone, cluster, resource, columns)
    return adapter.open(SourceFile(stream, head, limits), options)


def recognise(stream: BinaryIO) -> str:
    """Return the code of a file's format, by what is in it and never by its name.

    :raises FormatNotRecognised: if it looks like none that is read, naming those.
    :raises NotUsage: if it is known to be something else than usage.
    :raises FileEmpty: if nothing is in it.
    :raises FileNotText: if it is no text.
    :raises FileCutOff: if its packing breaks off.
    :raises PackingBroken: if a .gz file does not unpack.
    :raises WorkbookLocked, WorkbookBroken, WorkbookTooLarge: as `common.workbook` says.
    """
    return _recognised(
        head_of(as_text(stream, known=(*NAMES, *NEEDED))), has_columns=False
    ).code


def _named(format: str) -> Adapter:
    if format not in CODES:
        raise FormatUnknown(format=format, known=", ".join(sorted(CODES)))
    return CODES[format]


def _recognised(head: Head, *, has_columns: bool) -> Adapter:
    if has_columns:
        return CODES["CSV"]
    for adapter in ADAPTERS:
        if adapter.recognises(head):
            return adapter
    if head.data.startswith(UTF16_MARKS) or b"\0" in head.data:
        place = max(head.data.find(b"\0"), 0)
        raise FileNotText(offset=place, line=head.data.count(b"\n", 0, place) + 1)
    if not head.lines:
        raise FileEmpty
    refuse_if_known(head)
    raise FormatNotRecognised(known=", ".join(str(adapter.title) for adapter in ADAPTERS))
