"""What cells said before: most of a log's cells are ones that came already."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from billing.usage.cells import CellProblem, read_instant

T = TypeVar("T")

# A cell never seen before costs as much as on the careful way, so few are kept.
CELLS_KEPT_MAX = 10_000
_LAST = timedelta(minutes=59, seconds=59)


class Known(dict[str, T | None], Generic[T]):
    """What the cells of one column say, each read once; None where it takes a careful look."""

    def __init__(self, read: Callable[[str], T | None]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, text: str) -> T | None:
        try:
            said = self._read(text)
        except CellProblem:
            said = None
        if len(self) < CELLS_KEPT_MAX:
            self[text] = said
        return said


class Instants:
    """Reads times such as 2026-11-02T08:30:00 of one zone; an hour's difference from UTC once."""

    def __init__(self, zone: str) -> None:
        self._zone = zone
        self._offsets: Known[str] = Known(self._offset_in)

    def read(self, text: str) -> datetime | None:
        """Return an instant in UTC, or None where it takes a careful look."""
        if len(text) != 19 or text[13] != ":" or text[16] != ":":
            return None
        offset = self._offsets[text[:13]]
        if offset is None:
            return None
        try:
            at = datetime.fromisoformat(text + offset)
        except ValueError:
            return None
        return at if at.tzinfo is UTC else at.astimezone(UTC)

    def _offset_in(self, hour: str) -> str | None:
        first = read_instant(f"{hour}:00:00", self._zone)
        last = read_instant(f"{hour}:59:59", self._zone)
        # In an hour that the clocks change in, no one difference holds.
        if last - first != _LAST:
            return None
        local = datetime.fromisoformat(f"{hour}:00:00").replace(tzinfo=UTC)
        minutes, rest = divmod((local - first) // timedelta(seconds=1), 60)
        if rest:
            return None
        sign = "-" if minutes < 0 else "+"
        return f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


_IN_UTC = re.compile(r"(?:19[89]|20\d|21\d)\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


def instant_in_utc(text: str) -> datetime | None:
    """Return an instant such as 2026-11-02T08:30:00Z, or None where it takes a careful look."""
    if not _IN_UTC.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
