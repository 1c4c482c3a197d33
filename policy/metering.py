"""Until which day use may still be told, where the law says so."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

After = Literal["MONTH", "USE"]
AFTERS: tuple[After, ...] = ("MONTH", "USE")


@dataclass(frozen=True)
class MeteringRule:
    """For how many days use may still be told: after it ended, or after the month in which."""

    clause: str
    days: int
    after: After

    def last_day(self, used_on: date) -> date:
        """Return the last day on which use that ended on a day may still be told."""
        if self.after == "MONTH":
            used_on = used_on.replace(day=monthrange(used_on.year, used_on.month)[1])
        return used_on + timedelta(days=self.days)

    def first_use(self, on: date) -> date:
        """Return the earliest last day of use that may still be told on a day."""
        earliest = on - timedelta(days=self.days)
        return earliest.replace(day=1) if self.after == "MONTH" else earliest


def billed_ms(
    count_thousandths: int,
    started_at: datetime,
    ended_at: datetime,
    from_at: datetime,
    until_at: datetime,
    increment_seconds: int | None,
) -> int:
    """Return what is billed of a run within [from, until), in resource-milliseconds.

    Without an increment it is the metered part, cut towards 0. With one the run is billed up to
    its next whole increment that began; what that adds is billed once, in the period in which
    the run ends. The function `billing_billed_ms` of the database says the same.
    """
    inside = _ms(count_thousandths, min(ended_at, until_at) - max(started_at, from_at))
    if not increment_seconds or not from_at < ended_at <= until_at:
        return inside
    length = ended_at - started_at
    step = timedelta(seconds=increment_seconds)
    whole = -(-length // step) * step
    return inside + _ms(count_thousandths, whole) - _ms(count_thousandths, length)


def _ms(count_thousandths: int, length: timedelta) -> int:
    return max(count_thousandths * (length // timedelta(microseconds=1)) // 1_000_000, 0)
