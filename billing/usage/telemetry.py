"""Evidence in: samples of GPU telemetry from Prometheus pages and sample files, exactly.

Telemetry supports or contradicts a usage line; it is never the meter. A value that stands for
"no value" is blank here, and never a number.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import BinaryIO, NamedTuple

from billing.usage.adapter import head_of
from billing.usage.options import ColumnsMissing, FileEmpty, Limits
from billing.usage.record import ERRORS_KEPT, RowError
from billing.usage.survey import Survey, lines_of, unpacked

LABELS_MAX = 64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEAR_2200 = 7_258_118_400
# Names under which exporters give a GPU's UUID, and a MIG slice's number or profile.
_UUIDS = ("UUID", "uuid", "gpu_uuid")
_SLICES = ("GPU_I_ID", "gpu_instance_id", "GPU_I_PROFILE")
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*", re.ASCII)
_LABEL = re.compile(
    r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\\n]|\\[\\"n])*)"\s*(,|(?=\}))', re.ASCII
)
_CLOSING = re.compile(r"\s*\}")
_ESCAPE = re.compile(r'\\([\\"n])')
_AFTER = re.compile(r"[ \t]+(\S{1,40})(?:[ \t]+(-?\d{1,16}))?[ \t]*(?:#.*)?", re.ASCII)
_NUMBER = re.compile(
    r"[+-]?(?:\d{1,25}(?:\.\d{0,25})?|\.\d{1,25})(?:[eE][+-]?\d{1,3})?", re.ASCII
)
_COUNTER = re.compile(r"(DCGM_\w{1,100})\s*,\s*(\w{1,20})\s*,\s*(.{0,500})", re.ASCII)

# DCGM's blank values (dcgm_structs.h): DCGM_INT64_BLANK and the three after it, which mean not
# found, not supported and not permitted; and the same of 32 bits and of floating point. Larger
# 64-bit values are blank too; a 32-bit or floating one only if it is one of the four, as clocks
# and bytes may well be larger.
INT64_BLANK = 0x7FFFFFFFFFFFFFF0
_INT32_BLANKS = frozenset(Decimal(0x7FFFFFF0 + more) for more in range(4))
_FP64_BLANKS = frozenset(Decimal(140737488355328 + more) for more in range(4))
_NO_NUMBERS = frozenset({"nan", "+inf", "-inf", "inf"})


class Sample(NamedTuple):
    """One value of one GPU, or of a slice of it, at an instant if the page says one.

    `gpu` is its UUID, `slice` the MIG instance; both are empty where the page has none.
    `value` is None where the exporter had no value. `row` is the line.
    """

    metric: str
    labels: Mapping[str, str]
    gpu: str
    slice: str
    value: Decimal | None
    at: datetime | None
    row: int


class Counter(NamedTuple):
    """One counter of DCGM: its field, its Prometheus type, and what it counts."""

    name: str
    type: str
    help: str


class Samples:
    """A page while it is read: iterate once for its samples; counts and errors fill meanwhile.

    `blank` counts the samples without a value; `errors` are the first of `errors_total`.
    """

    def __init__(self, found: Iterator[Sample | RowError]) -> None:
        self._found = found
        self.rows = 0
        self.blank = 0
        self.errors: list[RowError] = []
        self.errors_total = 0

    def __iter__(self) -> Iterator[Sample]:
        """Give each sample in the order of the page, also those that are blank."""
        for one in self._found:
            self.rows += 1
            if isinstance(one, RowError):
                self.errors_total += 1
                if len(self.errors) < ERRORS_KEPT:
                    self.errors.append(one)
                continue
            self.blank += one.value is None
            yield one


Read = Callable[[int, str], Sample | RowError | None]
DEFAULT_LIMITS = Limits()


def read_page(stream: BinaryIO, *, limits: Limits = DEFAULT_LIMITS) -> Samples:
    """Read a page of the Prometheus text format, plain or .gz, in flat memory.

    A sample's time is that of the page, which gives milliseconds, or None. Comments are passed
    over, and so is what comes after a value's `#` (an exemplar of OpenMetrics).

    :raises FileUnreadable: in one of its kinds, if the page can't be read as a whole.
    """
    return _samples(stream, limits, _page_line, header_lines=0)


def read_duty_cycles(stream: BinaryIO, *, limits: Limits = DEFAULT_LIMITS) -> Samples:
    """Read a CSV of utilisation samples with the columns value, timestamp_anon, container_ip.

    The value is a percentage, as the metric `duty_cycle` of the container; its time is seconds
    since 1970 (Alibaba's cluster-trace-v2026-GenAI).

    :raises ColumnsMissing: if these are not its columns.
    :raises FileUnreadable: in another of its kinds.
    """
    wanted = ("value", "timestamp_anon", "container_ip")
    found = [name.strip() for name in head_of(stream).first_line.split(",")]
    missing = [name for name in wanted if name not in found]
    if missing:
        raise ColumnsMissing(missing=", ".join(missing), found=", ".join(found)[:200])
    places = [found.index(name) for name in wanted]

    def read(number: int, line: str) -> Sample | RowError:
        cells = line.split(",")
        if len(cells) != len(found):
            return _error(number, line)
        value, seconds, container = (cells[place].strip() for place in places)
        try:
            at = _instant(_number(seconds))
            labels = {"container_ip": container}
            return Sample("duty_cycle", labels, "", "", _value_of(value), at, number)
        except _NotANumber:
            return _error(number, line)

    return _samples(stream, limits, read, header_lines=1)


def read_counters(stream: BinaryIO, *, limits: Limits = DEFAULT_LIMITS) -> list[Counter]:
    """Return the counters in a list of DCGM's exporter: field, type and help a line.

    :raises FileEmpty: if no line is a counter.
    :raises FileUnreadable: in another of its kinds, if the list can't be read as a whole.
    """
    survey = Survey(limits)
    survey.look_over(unpacked(stream))
    matches = (
        _COUNTER.fullmatch(line.strip())
        for _number_, line in lines_of(unpacked(stream), survey.encoding)
    )
    counters = [Counter(*match.groups()) for match in matches if match]
    if not counters:
        raise FileEmpty
    return counters


def _samples(stream: BinaryIO, limits: Limits, read: Read, *, header_lines: int) -> Samples:
    survey = Survey(limits)
    survey.look_over(unpacked(stream))
    if survey.content_lines <= header_lines:
        raise FileEmpty

    def found() -> Iterator[Sample | RowError]:
        headers_left = header_lines
        for number, line in lines_of(unpacked(stream), survey.encoding):
            if not line or line.isspace():
                continue
            if headers_left:
                headers_left -= 1
                continue
            one = read(number, line)
            if one is not None:
                yield one

    return Samples(found())


class _NotANumber(ValueError):
    """A text that is neither a number nor one of the words for none."""


def _page_line(number: int, line: str) -> Sample | RowError | None:
    line = line.strip()
    if line.startswith("#"):
        return None
    name = _NAME.match(line)
    if name is None:
        return _error(number, line)
    try:
        labels, at = _labels(line, name.end())
        after = _AFTER.fullmatch(line, at)
        if after is None:
            return _error(number, line)
        stamp = after.group(2)
        instant = _instant(Decimal(stamp).scaleb(-3)) if stamp else None
        value = _value_of(after.group(1))
    except _NotANumber:
        return _error(number, line)
    gpu = next((labels[one] for one in _UUIDS if one in labels), "")
    part = next((labels[one] for one in _SLICES if labels.get(one)), "")
    return Sample(name.group(), labels, gpu, part, value, instant, number)


def _labels(line: str, at: int) -> tuple[dict[str, str], int]:
    """Return the labels that stand at a place of a line, and where they end."""
    labels: dict[str, str] = {}
    if not line.startswith("{", at):
        return labels, at
    at += 1
    while len(labels) <= LABELS_MAX and (match := _LABEL.match(line, at)):
        name, value, _comma = match.groups()
        labels[name] = _ESCAPE.sub(_unescaped, value)
        at = match.end()
    closing = _CLOSING.match(line, at)
    if closing is None:
        raise _NotANumber(line)
    return labels, closing.end()


def _unescaped(match: re.Match[str]) -> str:
    return "\n" if match.group(1) == "n" else match.group(1)


def _number(text: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise _NotANumber(text)
    return Decimal(text)


def _value_of(text: str) -> Decimal | None:
    """Return a value, or None where it stands for no value."""
    if text.casefold() in _NO_NUMBERS:
        return None
    value = _number(text)
    is_blank = value >= INT64_BLANK or value in _INT32_BLANKS or value in _FP64_BLANKS
    return None if is_blank else value


def _instant(seconds: Decimal) -> datetime:
    if not 0 <= seconds < _YEAR_2200:
        raise _NotANumber(seconds)
    return _EPOCH + timedelta(milliseconds=int(seconds * 1000))


def _error(number: int, line: str) -> RowError:
    return RowError(number, "", line, "sample_unreadable")
