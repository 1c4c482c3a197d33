"""JSON read in flat memory: one record after another, numbers as the texts that were written."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

from django.utils.translation import gettext_lazy as _

from billing.usage.options import (
    JsonBroken,
    JsonRecordTooLong,
    JsonShapeUnknown,
    JsonTooDeep,
)

T = TypeVar("T")

VALUE_CHARACTERS_MAX = 1 << 21
_BLANKS = re.compile(r"[ \t\r\n]*")
# A number stays the text that it was, so that none becomes a float, and neither 1e400 nor a
# million digits become anything before somebody reads them as a count.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
# What stands between two objects of a list, with a brace of each; and how far one is looked for.
_DIVIDER = re.compile(r"}[ \t\r\n]*,[ \t\r\n]*{")
_TOGETHER = 1 << 16
# Where the decoder stops within so few characters of the end, more of the file may help.
_NEAR = 16


class JsonStream:
    """Walks through JSON text that comes in parts; each value asked for is decoded as a whole.

    `elements` and `members` stand before a value each time they give: the caller takes it by
    `value`, or walks into it, before the next.

    :raises JsonBroken: from any method, where the text is no JSON.
    """

    def __init__(self, parts: Iterator[str]) -> None:
        self._parts = parts
        self._text = ""
        self._at = self._value_at = 0
        self._lines_before = 0

    @property
    def value_text(self) -> str:
        """Return the text of the value that was taken last, until something else is asked for."""
        return self._text[self._value_at : self._at]

    def taken(
        self, read: Callable[[str, int, int], tuple[T, int] | None], number: int
    ) -> T | None:
        """Take the next value as somebody else reads it; None, and not taken, where he does not.

        :param read: given a text, the place in it where the value begins and `number`, returns
            what it read and the place where the value ends. It reads nothing but a whole value.
        """
        self.peek()
        found = read(self._text, self._at, number)
        if found is None or found[1] - self._at > VALUE_CHARACTERS_MAX:
            return None
        value, self._at = found
        return value

    @property
    def line(self) -> int:
        """Return the line that the walk stands in, from 1."""
        return self._lines_before + self._text.count("\n", 0, self._at) + 1

    def peek(self) -> str:
        """Return the next character that is no blank, or nothing at the end."""
        while True:
            blanks = _BLANKS.match(self._text, self._at)
            self._at = blanks.end() if blanks else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def value(self) -> Any:
        """Return the next value.

        :raises JsonTooDeep: if it nests deeper than Python's own limit.
        :raises JsonRecordTooLong: if it has more characters than `VALUE_CHARACTERS_MAX`.
        """
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except RecursionError:
                raise JsonTooDeep(line=self.line) from None
            except json.JSONDecodeError as error:
                self._need_more(error)
                continue
            if end - self._at > VALUE_CHARACTERS_MAX:
                raise JsonRecordTooLong(line=self.line, most=VALUE_CHARACTERS_MAX)
            # The digits of a number may go on in the next part.
            if end == len(self._text) and self._text[-1] not in '"}]' and self._more():
                continue
            self._value_at, self._at = self._at, end
            return value

    def _need_more(self, error: json.JSONDecodeError) -> None:
        is_open = error.msg.startswith("Unterminated") or error.pos >= len(self._text) - _NEAR
        if not is_open:
            raise JsonBroken(line=self.line)
        if len(self._text) - self._at > VALUE_CHARACTERS_MAX:
            raise JsonRecordTooLong(line=self.line, most=VALUE_CHARACTERS_MAX)
        if not self._more():
            raise JsonBroken(line=self.line)

    def elements(self) -> Iterator[None]:
        """Stand before each element of the list that comes next.

        :raises JsonShapeUnknown: if no list comes next.
        """
        self._expect("[", _("a list"))
        if self.peek() == "]":
            self._at += 1
            return
        while True:
            yield
            if not self._goes_on("]"):
                return

    def members(self) -> Iterator[str]:
        """Stand before the value of each member of the object that comes next, giving its name.

        :raises JsonShapeUnknown: if no object comes next.
        """
        self._expect("{", _("an object"))
        if self.peek() == "}":
            self._at += 1
            return
        while True:
            name = self.value() if self.peek() == '"' else None
            if name is None or self.peek() != ":":
                raise JsonBroken(line=self.line)
            self._at += 1
            yield cast(str, name)
            if not self._goes_on("}"):
                return

    def records(self) -> Iterator[None]:
        """Stand before each record: an element of the one list, or each value of a sequence.

        So a list, a single object, and one object a line (NDJSON) are read alike.
        """
        if self.peek() == "[":
            yield from self.elements()
            if self.peek():
                raise JsonBroken(line=self.line)
            return
        while self.peek():
            yield

    def values(self) -> Iterator[Any]:
        """Give each record's value, as `records` and `value` do together, at less cost.

        Records of a list that are divided alike, as a program writes them, are decoded many at
        a time: what is a list of values between brackets is that without them too.
        """
        if self.peek() != "[":
            for _place in self.records():
                yield self.value()
            return
        divider = ""
        for number, _place in enumerate(self.records()):
            if divider:
                together = self._together(divider)
                divider = divider if together else ""
                yield from together
            yield self.value()
            if number == 0:
                found = _DIVIDER.match(self._text, self._at - 1)
                divider = found.group() if found else ""

    def _together(self, divider: str) -> list[Any]:
        """Return the values up to the last of these dividers, and stand before what is next."""
        last = self._text.rfind(divider, self._at, self._at + _TOGETHER)
        if last < 0:
            return []
        try:
            values = _DECODER.decode(f"[{self._text[self._at : last + 1]}]")
        except (json.JSONDecodeError, RecursionError):
            # The divider stands inside of a record too, or the list is no JSON: one by one, then.
            return []
        self._at = last + len(divider) - 1
        return cast(list[Any], values)

    def _expect(self, mark: str, expected: Any) -> None:
        if self.peek() != mark:
            raise JsonShapeUnknown(expected=expected, line=self.line)
        self._at += 1

    def _goes_on(self, end: str) -> bool:
        mark = self.peek()
        if mark not in {",", end}:
            raise JsonBroken(line=self.line)
        self._at += 1
        return mark == ","

    def _more(self) -> bool:
        for part in self._parts:
            if part:
                self._lines_before += self._text.count("\n", 0, self._at)
                self._text = self._text[self._at :] + part
                self._at = 0
                return True
        return False


def text_at(record: Any, *path: str) -> str:
    """Return the text or number at a path of names, or nothing where there is none."""
    try:
        for name in path:
            record = record.get(name)
    except AttributeError:
        return ""
    if isinstance(record, str):
        return record.strip()
    return str(record).lower() if isinstance(record, bool) else ""


def object_at(record: Any, *path: str) -> dict[str, Any]:
    """Return the object at a path of names, or an empty one where there is none."""
    try:
        for name in path:
            record = record.get(name)
    except AttributeError:
        return {}
    return record if isinstance(record, dict) else {}


def objects_at(record: Any, *path: str) -> list[dict[str, Any]]:
    """Return the objects in the list at a path of names."""
    try:
        for name in path:
            record = record.get(name)
    except AttributeError:
        return []
    return [one for one in record if isinstance(one, dict)] if isinstance(record, list) else []
