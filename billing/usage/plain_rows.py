"""The quick way through a CSV: lines as most exporters write them, told apart by one pattern."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta

from billing.usage.cells import (
    read_count,
    read_resource,
    read_state,
    skip_reason,
)
from billing.usage.known import Instants, Known
from billing.usage.options import Options
from billing.usage.record import RUN_DAYS_MAX, Resource, UsageRecord

# The columns that a line must have to be read this way.
NEEDED = ("job_id", "account", "resource", "class", "count", "start", "end", "state")
# One GPU's name; several, with blanks between, take a careful look.
DEVICE = "device"
_DATE = r"\d{4}-\d\d-\d\d"
_CLOCK = r"\d\d:\d\d:\d\d"
_LONGEST_RUN = timedelta(days=RUN_DAYS_MAX)


class PlainRows:
    """Reads a line that has nothing to tell but one record, and leaves all others alone.

    Such a line is printable ASCII without quotation marks or blanks inside its names, has every
    column but perhaps the device, and times such as 2026-11-02 08:30:00. What it says is what
    `PlainCsvReader` says of it cell by cell (`tests/billing/usage/test_plain_rows.py`), at a
    fraction of the cost.
    """

    def __init__(
        self, at: Mapping[str, int], width: int, separator: str, options: Options
    ) -> None:
        self._source = options.source or "csv"
        self._wanted = (*NEEDED, *(name for name in (DEVICE,) if name in at))
        self._match = (
            _pattern(at, self._wanted, width, separator).fullmatch if _fits(at) else None
        )
        self._states: Known[str] = Known(ended_state)
        self._resources: Known[Resource] = Known(read_resource)
        self._counts: Known[int] = Known(read_count)
        self._instants = Instants(options.zone)

    def read(self, number: int, line: str) -> UsageRecord | None:
        """Return the record of a plain line, or None where it takes a careful look."""
        match = self._match(line) if self._match else None
        if match is None:
            return None
        job, account, what, kind, count_text, start, end, state_text, *device = match.group(
            *self._wanted
        )
        started_at = self._instants.read(start)
        ended_at = self._instants.read(end)
        resource, count = self._resources[what], self._counts[count_text]
        state = self._states[state_text]
        # Cores may lack a class, and so may what a person forgot.
        if not (started_at and ended_at and resource and count and state and kind):
            return None
        if not started_at <= ended_at < started_at + _LONGEST_RUN:
            return None
        key = f"{job}/{started_at.isoformat()[:19]}Z"
        # Whole seconds in UTC, forwards, of a positive count: nothing is left to be checked.
        return UsageRecord._make(
            (
                self._source,
                key,
                resource,
                count,
                started_at,
                ended_at,
                state,
                account,
                kind,
                number,
                device[0] if device else "",
            )
        )


def _fits(at: Mapping[str, int]) -> bool:
    return all(name in at for name in NEEDED)


def _pattern(
    at: Mapping[str, int], wanted: Sequence[str], width: int, separator: str
) -> re.Pattern[str]:
    name = rf"[^\x00-\x20\x7f-\U0010ffff\"{re.escape(separator)}]{{1,200}}"
    shapes = {
        "start": rf"{_DATE}[T ]{_CLOCK}",
        "end": rf"{_DATE}[T ]{_CLOCK}",
        DEVICE: rf"(?:{name})?",
    }
    ours = {at[one]: one for one in wanted}
    unread = rf"[^\x00-\x1f\x7f-\U0010ffff\"{re.escape(separator)}]*"
    cells = [
        f"(?P<{ours[place]}>{shapes.get(ours[place], name)})" if place in ours else unread
        for place in range(width)
    ]
    return re.compile(re.escape(separator).join(cells), re.ASCII)


def ended_state(text: str) -> str | None:
    """Return the state of what has ended, or None where it takes a careful look."""
    state = read_state(text)
    return state if skip_reason(state) is None else None
