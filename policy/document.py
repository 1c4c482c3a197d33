"""Read a TOML table field by field, keeping every problem with its place, value and fix."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from difflib import get_close_matches
from fractions import Fraction
from typing import TypeVar

from policy.dates import Dated, Number, Period

Word = TypeVar("Word", bound=str)

_HEADER = re.compile(r"^\s*\[(\[?)\s*([\w.\-]+)\s*\]")
_KEY = re.compile(r"^\s*([\w\-]+)\s*=")
_DECIMAL = re.compile(r"\d{1,15}(\.\d{1,10})?", re.ASCII)
_RATIO = re.compile(r"[1-9]\d{0,5}/[1-9]\d{0,5}", re.ASCII)
_DAYS_MOST = 36_500
_SHOWN = 60  # characters of a stranger's value that a message repeats


class Problems:
    """What is wrong with one document, each found where it stands."""

    def __init__(self, text: str) -> None:
        self.found: list[str] = []
        self._lines = _lines_by_place(text)

    def add(self, path: str, key: str, message: str) -> None:
        """Keep one problem of a field, or of a whole section when `key` is empty."""
        line = self._lines.get((path, key)) or self._lines.get((path, "")) or 0
        place = f"[{path}]" if path else "the top of the document"
        where = f"line {line}, {place}" if line else place
        self.found.append(f"{where}, {key}: {message}" if key else f"{where}: {message}")


def _lines_by_place(text: str) -> dict[tuple[str, str], int]:
    places: dict[tuple[str, str], int] = {}
    seen: dict[str, int] = {}
    path = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            path = header[2]
            if header[1]:
                seen[path] = seen.get(path, 0) + 1
                path = f"{path} {seen[path]}"
            places.setdefault((path, ""), number)
        elif key := _KEY.match(line):
            places.setdefault((path, key[1]), number)
    return places


def shown(value: object) -> str:
    """Write a value as a message may repeat it: on one line and not too long."""
    text = value.isoformat() if isinstance(value, date) else repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


class Table:
    """One section of a document. Each field is asked for once; what is left is unknown."""

    def __init__(self, values: Mapping[str, object], path: str, problems: Problems) -> None:
        self._values = dict(values)
        self._asked: set[str] = set()
        self.path = path
        self.problems = problems

    def names(self) -> tuple[str, ...]:
        """Return the names of the fields that are there."""
        return tuple(self._values)

    def problem(self, key: str, message: str) -> None:
        """Keep a problem of one of this section's fields."""
        self.problems.add(self.path, key, message)

    def close(self) -> None:
        """Report every field that nobody asked for, with the nearest known name."""
        for key in sorted(self._values.keys() - self._asked):
            near = get_close_matches(key, self._asked, n=1)
            fix = f"did you mean `{near[0]}`?" if near else "take it out."
            self.problem(key, f"is not a field or section known here; {fix}")

    def _take(self, key: str, required: bool, example: str) -> object:
        self._asked.add(key)
        value = self._values.get(key)
        if value is None and required:
            self.problem(key, f"is missing; add {key} = {example}.")
        return value

    def _wrong(self, key: str, value: object, fix: str) -> None:
        self.problem(key, f"{shown(value)} can't be read; {fix}")

    def clause(self) -> str:
        """Return the section's clause, without which none of its numbers has a source."""
        return self.text("clause", '"Article 5(2)", the place that these numbers come from')

    def text(self, key: str, example: str = '"…"', *, required: bool = True) -> str:
        """Return a text that is not empty; without it and not required, an empty one."""
        value = self._take(key, required, example)
        if value is None:
            return ""
        if not isinstance(value, str) or not value.strip():
            self._wrong(key, value, "write some text in quotes.")
            return ""
        return value.strip()

    def choice(self, key: str, options: tuple[Word, ...], default: Word | None = None) -> Word:
        """Return one of the given words."""
        value = self._take(key, default is None, f'"{options[0]}"')
        if value is None:
            return default or options[0]
        for option in options:
            if value == option:
                return option
        self._wrong(key, value, f"write one of {', '.join(options)}.")
        return options[0]

    def texts(
        self, key: str, allowed: tuple[str, ...] = (), *, required: bool = False
    ) -> tuple[str, ...]:
        """Return a list of texts, each one of `allowed` when that is given."""
        value = self._take(key, required, '["…"]')
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(v, str) and v for v in value):
            self._wrong(key, value, 'write a list of texts, such as ["…", "…"].')
            return ()
        for item in value:
            if allowed and item not in allowed:
                self._wrong(key, item, f"write some of {', '.join(allowed)}.")
        if required and not value:
            self._wrong(key, value, "name at least one.")
        return tuple(value)

    def flag(self, key: str) -> bool:
        """Return a yes or no; without it, no."""
        value = self._take(key, False, "true")
        if not isinstance(value, bool | None):
            self._wrong(key, value, "write true or false.")
        return value is True

    def whole(self, key: str, *, least: int = 0, most: int = _DAYS_MOST) -> int:
        """Return a whole number that must be there."""
        value = self._take(key, True, str(max(least, 1)))
        return least if value is None else self._as_whole(key, value, least, most)

    def whole_or_none(self, key: str, most: int = 1_000_000) -> int | None:
        """Return a whole number, or None when it isn't there."""
        value = self._take(key, False, "1")
        return None if value is None else self._as_whole(key, value, 0, most)

    def _as_whole(self, key: str, value: object, least: int, most: int) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        self._wrong(key, value, f"write a whole number from {least} to {most}, without quotes.")
        return least

    def wholes(self, key: str) -> tuple[int, ...]:
        """Return a list of whole numbers."""
        value = self._take(key, True, "[12]")
        if value is None:
            return ()
        if not isinstance(value, list):
            self._wrong(key, value, "write a list of whole numbers, such as [6, 12].")
            return ()
        return tuple(self._as_whole(key, item, 0, _DAYS_MOST) for item in value)

    def number(self, key: str) -> Decimal:
        """Return an exact decimal that must be there."""
        value = self._take(key, True, '"0.30"')
        return Decimal(1) if value is None else self._as_number(key, value)

    def number_or_none(self, key: str) -> Decimal | None:
        """Return an exact decimal, or None when it isn't there."""
        value = self._take(key, False, '"0.30"')
        return None if value is None else self._as_number(key, value)

    def _as_number(self, key: str, value: object) -> Decimal:
        if isinstance(value, str) and _DECIMAL.fullmatch(value):
            return Decimal(value)
        fix = 'write a decimal in quotes, such as "0.30" or "5000000", so that it stays exact.'
        self._wrong(key, value, fix)
        return Decimal(1)

    def share(self, key: str) -> Fraction:
        """Return an exact share that must be there: a decimal, or two whole numbers and a /."""
        value = self._take(key, True, '"0.30"')
        return Fraction(1) if value is None else self._as_share(key, value)

    def share_or_none(self, key: str) -> Fraction | None:
        """Return an exact share, or None when it isn't there."""
        value = self._take(key, False, '"0.30"')
        return None if value is None else self._as_share(key, value)

    def _as_share(self, key: str, value: object) -> Fraction:
        if isinstance(value, str) and (_DECIMAL.fullmatch(value) or _RATIO.fullmatch(value)):
            return Fraction(value)
        fix = 'write a share in quotes, such as "0.30" or "2/3", so that it stays exact.'
        self._wrong(key, value, fix)
        return Fraction(1)

    def dated_share(self, key: str) -> Dated[Fraction]:
        """Return a share, or a list of `{from, value}` when it changes in mid-life."""
        return self._dated(key, '"0.30"', self._as_share, Fraction(1))

    def dated(self, key: str, *, whole: bool = False) -> Dated[Decimal]:
        """Return a number, or a list of `{from, value}` when it changes in mid-life."""
        if whole:
            return self._dated(key, "30", self._whole_number, Decimal(1))
        return self._dated(key, '"0.30"', self._as_number, Decimal(1))

    def _dated(
        self, key: str, example: str, read: Callable[[str, object], Number], one: Number
    ) -> Dated[Number]:
        value = self._take(key, True, example)
        if value is None:
            return Dated(((None, one),))
        if not isinstance(value, list):
            return Dated(((None, read(key, value)),))
        entries = tuple(self._dated_entry(key, entry, read, one) for entry in value)
        days = [since for since, _ in entries]
        later = [since for since in days[1:] if since is not None]
        if not entries or days[0] is not None or len(later) != len(days) - 1:
            self._wrong(
                key, value, "give the first value no `from`, and each later one its day."
            )
            return Dated(((None, one),))
        if later != sorted(set(later)):
            self._wrong(key, value, "put the values in the order of their `from` days.")
        return Dated(entries)

    def _dated_entry(
        self, key: str, entry: object, read: Callable[[str, object], Number], one: Number
    ) -> tuple[date | None, Number]:
        if not isinstance(entry, dict) or not {"value"} <= entry.keys() <= {"from", "value"}:
            self._wrong(key, entry, "write each entry as { from = 2026-01-01, value = … }.")
            return None, one
        since = entry.get("from")
        if since is not None and not _is_day(since):
            self._wrong(key, since, "write a day without quotes, such as 2026-01-01.")
            since = None
        return since, read(key, entry["value"])

    def _whole_number(self, key: str, value: object) -> Decimal:
        return Decimal(self._as_whole(key, value, 1, _DAYS_MOST))

    def period(self, key: str) -> Period | None:
        """Return a range of days written `{ from = …, until = … }`, or None without one."""
        value = self._take(key, False, "{ from = 2026-01-01 }")
        if value is None:
            return None
        fix = "write { from = 2026-01-01, until = 2026-12-31 }, days without quotes."
        if not isinstance(value, dict) or not value or not value.keys() <= {"from", "until"}:
            self._wrong(key, value, fix)
            return None
        first, last = value.get("from"), value.get("until")
        if not all(day is None or _is_day(day) for day in (first, last)):
            self._wrong(key, value, fix)
            return None
        if first and last and first > last:
            self._wrong(key, f"{first} to {last}", "the first day must not be after the last.")
        return Period(first, last)

    def table(self, key: str, *, required: bool = False) -> "Table | None":
        """Return a section inside this one."""
        path = f"{self.path}.{key}" if self.path else key
        value = self._take(key, False, "")
        if value is None:
            if required:
                self.problem("", f"the section [{path}] is missing; add it with its clause.")
            return None
        if not isinstance(value, dict):
            self._wrong(key, value, f"write it as a section, [{path}].")
            return None
        return Table(value, path, self.problems)

    def tables(self, key: str) -> "Iterable[Table]":
        """Return the items of a repeated section, `[[key]]`."""
        path = f"{self.path}.{key}" if self.path else key
        value = self._take(key, False, "")
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self._wrong(key, value, f"write each item as a section, [[{path}]].")
            return ()
        return [
            Table(item, f"{path} {number}", self.problems)
            for number, item in enumerate(value, start=1)
        ]


def _is_day(value: object) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)
