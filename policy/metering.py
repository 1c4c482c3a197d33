"""Until which day use may still be told, where the law says so."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
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
