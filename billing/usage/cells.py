"""Reading single cells: instants, counts, states; a problem is raised with its code."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import TypeVar
from zoneinfo import ZoneInfo

from billing.usage.record import (
    ENDED_STATES,
    NOT_ENDED,
    PENDING,
    RUN_DAYS_MAX,
    RUNNING_STATES,
    WAITING_STATES,
    Resource,
    RowError,
)

T = TypeVar("T")

CELL_CHARACTERS_MAX = 200
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_CLOCK = (
    r"[T ]\s*(?P<hour>\d{1,2})[:时](?P<minute>\d{2})(?:[:分](?P<second>\d{2})秒?)?"
    r"(?:\.(?P<fraction>\d{1,6}))?\s*(?P<offset>[Zz]|[+-]\d{2}:?\d{2})?"
)
_YEAR_FIRST = re.compile(
    r"(?P<year>\d{4})[-/.年](?P<month>\d{1,2})[-/.月](?P<day>\d{1,2})日?" + _CLOCK, re.ASCII
)
_YEAR_LAST = re.compile(
    r"(?P<one>\d{1,2})[-/.](?P<two>\d{1,2})[-/.](?P<year>\d{4})" + _CLOCK, re.ASCII
)
_PLAIN = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)?", re.ASCII)
_NUMBER = re.compile(r"\d{1,12}(\.\d{1,12})?", re.ASCII)
_GROUPED = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?", re.ASCII)

_STATES_ZH = {
    "已完成": "COMPLETED",
    "完成": "COMPLETED",
    "失败": "FAILED",
    "已取消": "CANCELLED",
    "取消": "CANCELLED",
    "超时": "TIMEOUT",
    "被抢占": "PREEMPTED",
    "运行中": "RUNNING",
    "排队中": "PENDING",
    "等待中": "PENDING",
}
_RESOURCES: dict[str, Resource] = {
    "GPU": "GPU",
    "加速卡": "GPU",
    "CPU": "CPU",
    "CPU CORE": "CPU",
    "处理器核": "CPU",
    "CPU核": "CPU",
}


class CellProblem(ValueError):
    """A cell that cannot be used: the code of the problem, and values for its sentence."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code)
        self.code = code
        self.values_named = values


def read_text(text: str) -> str:
    """Return a cell that names something, if it can be shown and is not too long."""
    if len(text) > CELL_CHARACTERS_MAX:
        raise CellProblem("value_too_long", length=len(text), most=CELL_CHARACTERS_MAX)
    if not text.isprintable():
        raise CellProblem("value_unprintable")
    return text


def read_name(text: str) -> str:
    """Return a cell that must not be empty."""
    if not text:
        raise CellProblem("value_missing")
    return read_text(text)


def read_devices(text: str) -> str:
    """Return the names of GPUs with one blank between each; how long they are is seen later."""
    if not text.isprintable():
        raise CellProblem("value_unprintable")
    return " ".join(text.split())


def read_instant(text: str, zone: str) -> datetime:
    """Return an instant in UTC; a time without an offset is read in the time zone given."""
    local = _plain_instant(text) if _PLAIN.fullmatch(text) else _worded_instant(text, zone)
    if not 1970 <= local.year < 2200:
        raise CellProblem("time_out_of_range")
    return _in_utc(local, zone)


def _plain_instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise CellProblem("time_unreadable", zone="UTC") from None


def _worded_instant(text: str, zone: str) -> datetime:
    match = _YEAR_FIRST.fullmatch(text) or _YEAR_LAST.fullmatch(text)
    if match is None:
        raise CellProblem("time_unreadable", zone=zone)
    parts = match.groupdict()
    month, day = _month_and_day(parts)
    try:
        return datetime(
            int(parts["year"]),
            month,
            day,
            int(parts["hour"]),
            int(parts["minute"]),
            int(parts["second"] or 0),
            int((parts["fraction"] or "0").ljust(6, "0")),
            tzinfo=_offset(parts["offset"]),
        )
    except ValueError:
        raise CellProblem("time_unreadable", zone=zone) from None


def _month_and_day(parts: dict[str, str]) -> tuple[int, int]:
    if "month" in parts:
        return int(parts["month"]), int(parts["day"])
    one, two = int(parts["one"]), int(parts["two"])
    if one <= 12 and two <= 12 and one != two:
        raise CellProblem("time_ambiguous")
    return (two, one) if one > 12 else (one, two)


def _offset(text: str | None) -> timezone | None:
    if text is None:
        return None
    if text in "Zz":
        return UTC
    digits = text[1:].replace(":", "")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def _in_utc(local: datetime, zone: str) -> datetime:
    if local.tzinfo is not None:
        return local if local.tzinfo is UTC else local.astimezone(UTC)
    if zone == "UTC":
        return local.replace(tzinfo=UTC)
    there = local.replace(tzinfo=ZoneInfo(zone))
    if there.utcoffset() != there.replace(fold=1).utcoffset():
        raise CellProblem("time_twice", zone=zone)
    return there.astimezone(UTC)


def read_seconds(text: str) -> timedelta:
    """Return a duration given in seconds, with at most six decimals."""
    if not _NUMBER.fullmatch(text):
        raise CellProblem("duration_unreadable")
    microseconds = Decimal(text).scaleb(6)
    if microseconds != int(microseconds):
        raise CellProblem("duration_unreadable")
    days, rest = divmod(int(microseconds), 86_400_000_000)
    if days > RUN_DAYS_MAX:
        raise CellProblem("runs_too_long", days=days, most=RUN_DAYS_MAX)
    return timedelta(days=days, microseconds=rest)


def read_count(text: str) -> int:
    """Return a count of resources in thousandths, greater than nothing."""
    if _GROUPED.fullmatch(text):
        text = text.replace(",", "")
    if not _NUMBER.fullmatch(text):
        raise CellProblem("count_unreadable")
    thousandths = Decimal(text).scaleb(3)
    if thousandths != int(thousandths):
        raise CellProblem("count_too_fine")
    if not 0 < thousandths < 10**12:
        raise CellProblem("count_unreadable")
    return int(thousandths)


def read_resource(text: str) -> Resource:
    """Return GPU or CPU, from either language."""
    resource = _RESOURCES.get(text.upper())
    if resource is None:
        raise CellProblem("resource_unknown")
    return resource


def read_state(text: str) -> str:
    """Return a scheduler's state in capitals, without `by 1042` and the like after it."""
    word = _STATES_ZH.get(text) or text.upper().partition(" ")[0].rstrip("+")
    if word not in ENDED_STATES and skip_reason(word) is None:
        raise CellProblem("state_unknown")
    return word


def skip_reason(state: str) -> str | None:
    """Return why a row in this state is not metered yet, or None if it is."""
    if state in WAITING_STATES:
        return PENDING
    return NOT_ENDED if state in RUNNING_STATES else None


def read_interval(started_at: datetime, ended_at: datetime) -> None:
    """Make sure that a run goes forwards and is not longer than one that can be believed."""
    if ended_at < started_at:
        raise CellProblem(
            "ends_before_start",
            started_at=f"{started_at:%Y-%m-%d %H:%M:%S} UTC",
            ended_at=f"{ended_at:%Y-%m-%d %H:%M:%S} UTC",
        )
    days = (ended_at - started_at).days
    if days >= RUN_DAYS_MAX:
        raise CellProblem("runs_too_long", days=days, most=RUN_DAYS_MAX)


class Row:
    """One row while it is read: takes its cells and gathers what is wrong with each."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.errors: list[RowError] = []

    def take(self, column: str, text: str, read: Callable[[str], T], otherwise: T) -> T:
        """Return what a cell says, or `otherwise` after noting what is wrong with it."""
        try:
            return read(text)
        except CellProblem as problem:
            self.note(column, text, problem)
            return otherwise

    def note(self, column: str, text: str, problem: CellProblem) -> None:
        """Add a problem found at a cell."""
        self.errors.append(
            RowError(self.number, column, text, problem.code, problem.values_named)
        )
