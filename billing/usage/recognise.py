"""What a file of usage is, by its first line alone; and which of its columns is likely which."""

import csv
import gzip
import hashlib
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import IO, BinaryIO, cast

from billing.usage.adapter import Head, head_of
from billing.usage.focus import NEEDED as FOCUS_NEEDED
from billing.usage.formats import ADAPTERS
from billing.usage.not_usage import refuse_if_known
from billing.usage.options import (
    ColumnsMissing,
    FileCutOff,
    FileEmpty,
    FormatNotRecognised,
    Options,
    PackingBroken,
)
from billing.usage.plain_csv import NAMES, PlainCsvReader, plain_name
from billing.usage.workbook import is_workbook, lay_out
from common.spreadsheets import tidy

CSV, FOCUS = "CSV", "FOCUS"
# The names by which the sheet of a workbook is found.
KNOWN = (*NAMES, *FOCUS_NEEDED)
ROWS_SHOWN = 5
LINE_CHARACTERS_MAX = 64 * 1024
COLUMNS_MAX = 400
SEPARATORS = ",\t;|"

# Our columns, each with parts of names that others give theirs, the likeliest first.
_LIKENESSES: Mapping[str, Sequence[str]] = {
    "job_id": ("job_id", "jobid", "job", "task", "作业", "任务", "instance_id", "id"),
    "account": ("voucher", "算力券", "account", "账户", "tenant", "租户", "project", "cluster",
                "user", "用户"),
    "start": ("start", "开始", "begin", "timestamp", "from", "起"),
    "end": ("end", "结束", "finish", "stop", "until", "止"),
    "duration": ("duration", "时长", "elapsed", "run_time", "runtime", "wall", "seconds"),
    "count": ("num_gpu", "gpus", "gpu_count", "卡数", "cards", "count", "数量", "gpu", "num"),
    "class": ("class", "类别", "gpu_model", "gpu_spec", "型号", "card_type", "model"),
    "state": ("state", "状态", "status", "phase", "outcome"),
    "resource": ("resource", "资源"),
    "device": ("gpu_uuid", "device", "设备"),
}  # fmt: skip
# Of what a person must say where each stands; the end may be said by a duration.
ASKED = tuple(_LIKENESSES)
NEEDED = ("job_id", "account", "start", "count")


@dataclass(frozen=True, slots=True)
class Looked:
    """A file by its first lines: its format where one is known, its header and first rows.

    `format` is None where the columns are those of no format, so that a person has to say what
    they mean. `sheet` names the sheet of a workbook that is read, else it is empty.
    """

    format: str | None
    sheet: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def fingerprint(self) -> str:
        """Return what tells this header from others, in any order and writing of its names."""
        names = "\x1f".join(sorted(plain_name(name) for name in self.header))
        return hashlib.sha256(names.encode()).hexdigest()


def look_at(stream: BinaryIO) -> Looked:
    """Look at a file's first lines, plain, .gz or a workbook, and say what it is.

    The refusals of a workbook are those of `billing.usage.workbook`.

    :raises FileEmpty: if no line has content.
    :raises PackingBroken: if a .gz file does not unpack.
    :raises NotUsage: if it is known to be something else than usage.
    :raises FormatNotRecognised: if the first line is no header of a table.
    """
    sheet, lines = "", stream
    if is_workbook(stream):
        laid_out = lay_out(stream, KNOWN)
        sheet, lines = laid_out.sheet, laid_out.lines
    format = _format_of(head_of(lines))
    texts = _first_lines(lines)
    stream.seek(0)
    if not texts:
        raise FileEmpty
    if format not in (None, CSV):
        return Looked(format, sheet, (), ())
    header, *rows = _table(texts)
    if not 2 <= len(header) <= COLUMNS_MAX:
        raise FormatNotRecognised(known=", ".join(str(one.title) for one in ADAPTERS))
    return Looked(format, sheet, header, tuple(rows))


def _first_lines(lines: BinaryIO) -> list[str]:
    lines.seek(0)
    is_packed = lines.read(2) == b"\x1f\x8b"
    lines.seek(0)
    opened = gzip.GzipFile(fileobj=lines, mode="rb") if is_packed else lines
    try:
        found = list(islice(_with_content(cast(IO[bytes], opened)), ROWS_SHOWN + 1))
    except EOFError:
        raise FileCutOff(line=1) from None
    except (gzip.BadGzipFile, zlib.error):
        raise PackingBroken from None
    return decoded(found)


def _with_content(lines: IO[bytes]) -> Iterable[bytes]:
    while line := lines.readline(LINE_CHARACTERS_MAX):
        if line.strip():
            yield line


def decoded(lines: Sequence[bytes]) -> list[str]:
    """Return lines as text: all in UTF-8, or all in GB18030, with what fits neither marked."""
    try:
        texts = [line.decode("utf-8-sig") for line in lines]
    except UnicodeDecodeError:
        texts = [line.decode("gb18030", "replace") for line in lines]
    return [text.rstrip("\r\n") for text in texts]


def _format_of(head: Head) -> str | None:
    for adapter in ADAPTERS:
        if adapter.recognises(head) and (adapter.code != CSV or _is_whole(head)):
            return adapter.code
    refuse_if_known(head)
    return None


def _is_whole(head: Head) -> bool:
    """Say whether a header names all that a plain table needs; else a person says what is."""
    try:
        PlainCsvReader(head.first_line, Options())
    except ColumnsMissing:
        return False
    return True


def _table(texts: Sequence[str]) -> list[tuple[str, ...]]:
    separator = separator_in(texts[0])
    return [tuple(tidy(cell) for cell in cells_of(text, separator)) for text in texts]


def separator_in(line: str) -> str:
    """Return what parts the cells of a header."""
    return max(SEPARATORS, key=line.count)


def cells_of(line: str, separator: str) -> list[str]:
    """Return a line's cells; where quotation marks are open, as if there were none."""
    try:
        return next(csv.reader([line], delimiter=separator, strict=True), [])
    except csv.Error:
        return line.split(separator)


def guessed(header: Sequence[str]) -> dict[str, str]:
    """Return which of a header's columns are likely ours, our name to theirs.

    A column is guessed for one of ours at most: where names are equally alike, the first.
    """
    plain = {name: plain_name(name) for name in header if name}
    found: dict[str, str] = {}
    exact = {ours: [name for name in plain if NAMES.get(plain[name]) == ours] for ours in ASKED}
    for ours, likenesses in _LIKENESSES.items():
        taken = set(found.values())
        candidates = exact[ours] + [
            name for part in likenesses for name in plain if part in plain[name]
        ]
        others = {name for name in plain if NAMES.get(plain[name], ours) != ours}
        fitting = [name for name in candidates if name not in taken and name not in others]
        if fitting:
            found[ours] = fitting[0]
    return found


def lines_of(stream: BinaryIO) -> Iterator[tuple[int, str]]:
    """Give the lines of a file that have content, plain, .gz or a workbook, by their numbers."""
    lines = lay_out(stream, KNOWN).lines if is_workbook(stream) else stream
    lines.seek(0)
    is_packed = lines.read(2) == b"\x1f\x8b"
    lines.seek(0)
    opened = cast(IO[bytes], gzip.GzipFile(fileobj=lines) if is_packed else lines)
    for number, line in enumerate(opened, start=1):
        if line.strip():
            yield number, decoded([line])[0]
    stream.seek(0)
