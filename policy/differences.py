"""What changes from one programme to another, in words and by its clauses."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, NamedTuple

from policy.answers import percent_text, plain
from policy.conditions import Condition
from policy.dates import Dated, Period
from policy.rules import Programme

Kind = Literal["CHANGED", "ADDED", "REMOVED"]


@dataclass(frozen=True)
class Change:
    """One field of a document that says something else, with what it said and says.

    `place` is written as the document writes it: `[caps 1] amount`. `clause` is the section's
    newest.
    """

    kind: Kind
    place: str
    before: str
    after: str
    clause: str

    @property
    def en(self) -> str:
        """The change as a sentence."""
        return {
            "CHANGED": f"{self.place} changes from {self.before} to {self.after}.",
            "ADDED": f"{self.place} is new: {self.after}.",
            "REMOVED": f"{self.place} is no longer there; it was {self.before}.",
        }[self.kind]

    @property
    def zh(self) -> str:
        """The change as a Chinese sentence."""
        return {
            "CHANGED": f"{self.place} 由 {self.before} 改为 {self.after}。",
            "ADDED": f"新增 {self.place}：{self.after}。",
            "REMOVED": f"删除 {self.place}，原为 {self.before}。",
        }[self.kind]


class _Said(NamedTuple):
    text: str
    clause: str


def differences(before: Programme, after: Programme) -> tuple[Change, ...]:
    """Return every field in which two programmes differ, in the order of the document.

    Sections that repeat are told apart by their place; what stands nowhere is not compared.
    """
    old, new = dict(_fields(before, "", "")), dict(_fields(after, "", ""))
    return tuple(
        change
        for place in dict.fromkeys([*new, *old])
        if (change := _change(place, old.get(place), new.get(place))) is not None
    )


def _change(place: str, old: _Said | None, new: _Said | None) -> Change | None:
    if old is None and new is not None:
        return Change("ADDED", place, "", new.text, new.clause)
    if new is None and old is not None:
        return Change("REMOVED", place, old.text, "", old.clause)
    if old and new and old.text != new.text:
        return Change("CHANGED", place, old.text, new.text, new.clause)
    return None


def _fields(one: Any, path: str, clause: str) -> Iterator[tuple[str, _Said]]:
    clause = getattr(one, "clause", "") or clause
    for field in fields(one):
        value = getattr(one, field.name)
        section = f"{path}.{field.name}" if path else field.name
        if isinstance(value, Condition):
            yield from _fields(value, path, clause)
        elif is_dataclass(value) and not isinstance(value, Dated | Period):
            yield from _fields(value, section, clause)
        elif isinstance(value, tuple) and value and is_dataclass(value[0]):
            for number, item in enumerate(value, start=1):
                yield from _fields(item, f"{section} {number}", clause)
        elif text := _text(value):
            place = f"[{path}] {field.name}" if path else field.name
            yield place, _Said(text, clause)


def _text(value: Any) -> str:
    """Return a value as a reader would say it; an empty text where nothing is said."""
    if isinstance(value, Dated):
        return "; ".join(
            _text(number) if since is None else f"{_text(number)} from {since.isoformat()}"
            for since, number in value.entries
        )
    if isinstance(value, Period):
        return f"{value.first or '…'} – {value.last or '…'}"
    if isinstance(value, tuple):
        return ", ".join(_text(item) for item in value)
    if isinstance(value, bool):
        return "true" if value else ""
    if isinstance(value, Fraction):
        return percent_text(value)
    if isinstance(value, Decimal):
        whole, _point, rest = plain(value).partition(".")
        return f"{int(whole):,}" + (f".{rest}" if rest else "")
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else str(value)
