"""Ranges of days, and numbers that change on one."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Generic, TypeVar

Number = TypeVar("Number", Decimal, Fraction)


@dataclass(frozen=True)
class Period:
    """A range of days, both included; an open end is None."""

    first: date | None
    last: date | None

    def has(self, day: date) -> bool:
        """Say whether a day lies within."""
        return (self.first is None or self.first <= day) and (
            self.last is None or day <= self.last
        )


@dataclass(frozen=True)
class Dated(Generic[Number]):
    """A number that may change in mid-life; its first value has no beginning."""

    entries: tuple[tuple[date | None, Number], ...]

    def on(self, day: date | None) -> Number:
        """Return the number in force on a day; without a day, the newest."""
        value = self.entries[0][1]
        for since, number in self.entries:
            if since is None or day is None or since <= day:
                value = number
        return value


def full_years(since: date, day: date) -> int:
    """Return how many whole years lie between two days, as an age is told."""
    return day.year - since.year - ((day.month, day.day) < (since.month, since.day))


def months_after(day: date, months: int) -> date:
    """Return the same day some months later, or the month's last where it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
