"""The parts of a workbook (ECMA-376, Office Open XML) as a stranger's XML: read as a stream.

Nothing is laid out before it is looked at, and no number passes through a binary fraction.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Context, Decimal, InvalidOperation
from typing import IO

from common.sheet_layouts import Reader, RowLayouts, TextLayouts
from common.sheet_walk import Attributes, Broken, parse

COLUMNS_MAX = 1_024
ROWS_MAX = 1 << 20
# A spreadsheet shows 15 digits of a number; what follows is what binary makes of it.
SHOWN = Context(prec=15)
DAY_MS = 86_400_000
EPOCH_1900 = datetime(1899, 12, 30)  # noqa: DTZ001
# Values of a column that come again, such as counts and days.
_NUMBERS_KEPT = 10_000
EPOCH_1904 = datetime(1904, 1, 1)  # noqa: DTZ001
# Formats that every spreadsheet program knows by number (ECMA-376 part 1, 18.8.30).
_DAYS = frozenset([*range(14, 18), *range(27, 32), 36, *range(50, 55), 57, 58])
_CLOCKS = frozenset([18, 19, 20, 21, 22, 32, 33, 34, 35, 45, 47, 55, 56])
_DURATION = 46
_PLAIN = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?![hms]+\])[^\]]*\]', re.IGNORECASE)
_PLACE = re.compile(r"([A-Za-z]{1,3})(\d{1,7})", re.ASCII)


class TooWide(Exception):
    """A row with more columns than are taken, or a text table with more than is kept."""


def read_whole(part: IO[bytes], start: Callable[[str, Attributes], None]) -> None:
    """Read a small part of which the elements alone matter."""
    for _piece in parse(part, start):
        continue


@dataclass(slots=True)
class Styles:
    """Which styles of cells show numbers as times: `d` day, `c` clock, `l` length, else ``."""

    kinds: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, part: IO[bytes]) -> "Styles":
        """Read the styles of a workbook."""
        formats: dict[str, str] = {}
        styles, inside = cls(), [False]

        def start(name: str, given: Attributes) -> None:
            if name == "numFmt":
                formats[given.get("numFmtId", "")] = given.get("formatCode", "")
            elif name in ("cellXfs", "cellStyleXfs"):
                inside[0] = name == "cellXfs"
            elif name == "xf" and inside[0]:
                number = given.get("numFmtId", "0")
                styles.kinds.append(_kind_of(number, formats.get(number)))

        read_whole(part, start)
        return styles

    def kind(self, style: str) -> str:
        """Return what a cell's style makes of its number."""
        place = int(style) if style.isascii() and style.isdigit() else 0
        return self.kinds[place] if place < len(self.kinds) else ""


def _kind_of(number: str, code: str | None) -> str:
    if code is not None:
        plain = _PLAIN.sub("", code.partition(";")[0]).lower()
        if "[" in plain:
            return "l"
        if any(letter in plain for letter in "ydhs"):
            return "c" if "h" in plain or "s" in plain else "d"
        return ""
    known = int(number) if number.isascii() and number.isdigit() else 0
    if known == _DURATION:
        return "l"
    return "d" if known in _DAYS else "c" if known in _CLOCKS else ""


def shared_texts(part: IO[bytes], characters_max: int) -> list[str]:
    """Return the texts that cells refer to by number, without how they are spoken (`rPh`).

    :raises TooWide: if they have more characters than are kept.
    """
    table = _Texts()
    quick = TextLayouts(table.take)
    for _piece in parse(part, table.start, table.end, table.text, quick):
        if table.characters + 8 * len(table.texts) > characters_max:
            raise TooWide
    return table.texts


class _Texts:
    """The texts of a workbook as they come: each of pieces, some of which are not said."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.characters = 0
        self._pieces: list[str] = []
        self._is_inside = {"t": False, "rPh": False}

    def take(self, plain: str) -> None:
        """Take a text that was read quickly."""
        self.texts.append(plain)
        self.characters += len(plain)

    def start(self, name: str, _given: Attributes) -> None:
        """Note what is gone into."""
        if name in self._is_inside:
            self._is_inside[name] = True

    def end(self, name: str) -> None:
        """Note what is left, and take the text that ends."""
        if name in self._is_inside:
            self._is_inside[name] = False
        elif name == "si":
            self.texts.append("".join(self._pieces))
            self._pieces.clear()

    def text(self, piece: str) -> None:
        """Keep a piece that is said."""
        if self._is_inside["t"] and not self._is_inside["rPh"]:
            self._pieces.append(piece)
            self.characters += len(piece)


@dataclass(frozen=True, slots=True)
class Setting:
    """What the cells of a sheet refer to."""

    texts: Sequence[str]
    styles: Styles
    epoch: datetime


class Rows:
    """The rows of one sheet, each with its number, its cells as a person would type them."""

    def __init__(self, part: IO[bytes], setting: Setting) -> None:
        self._part = part
        self._setting = setting
        self._done: list[tuple[int, list[str]]] = []
        self._row = 0
        self._cells: list[str] = []
        self._column = 0
        self._type = self._style = ""
        self._pieces: list[str] = []
        self._is_value = self._is_spoken = False
        self._layouts = RowLayouts(self._reader, _column_numbered, self._take)

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """Give the rows that have cells, in their order.

        :raises Broken: if they are out of order, or no spreadsheet program writes them.
        :raises TooWide: if a row has more columns than are taken.
        """
        for _piece in parse(self._part, self._start, self._end, self._text, self._layouts):
            yield from self._done
            self._done.clear()

    def _take(self, row: int, cells: list[str]) -> None:
        """Take a row that was read quickly."""
        if not self._row < row <= ROWS_MAX:
            raise Broken
        self._row = row
        if any(cells):
            self._done.append((row, cells))

    def _reader(self, type: str, style: str) -> Reader:
        """Return what `_said` says of a value of a type and style, told apart once."""
        if type == "s":
            return self._shared
        if type != "n":
            return one_line
        kind, epoch = self._setting.styles.kind(style), self._setting.epoch
        said: dict[str, str] = {}

        def read(value: str) -> str:
            found = said.get(value)
            if found is None:
                found = number_said(value, kind, epoch)
                if len(said) < _NUMBERS_KEPT:
                    said[value] = found
            return found

        return read

    def _shared(self, value: str) -> str:
        place = int(value)
        if place >= len(self._setting.texts):
            raise Broken
        return one_line(self._setting.texts[place])

    def _start(self, name: str, given: Attributes) -> None:
        if name == "row":
            self._begin_row(given.get("r", ""))
        elif name == "c":
            self._begin_cell(given)
        elif name in ("v", "t"):
            self._is_value = not self._is_spoken
        elif name == "rPh":
            self._is_spoken = True

    def _begin_row(self, number: str) -> None:
        row = _whole(number) if number else self._row + 1
        if not self._row < row <= ROWS_MAX:
            raise Broken
        self._row, self._cells, self._column = row, [], 0

    def _begin_cell(self, given: Attributes) -> None:
        place = given.get("r", "")
        column = _column_of(place, self._row) if place else self._column + 1
        if column <= self._column or not self._row:
            raise Broken
        if column > COLUMNS_MAX:
            raise TooWide
        self._cells.extend([""] * (column - 1 - len(self._cells)))
        self._column = column
        self._type, self._style = given.get("t", "n"), given.get("s", "0")
        self._pieces = []

    def _text(self, piece: str) -> None:
        if self._is_value:
            self._pieces.append(piece)

    def _end(self, name: str) -> None:
        if name in ("v", "t"):
            self._is_value = False
        elif name == "rPh":
            self._is_spoken = False
        elif name == "c":
            self._cells.append(self._said("".join(self._pieces)))
        elif name == "row" and any(self._cells):
            self._done.append((self._row, self._cells))

    def _said(self, value: str) -> str:
        """Return a cell as it would be typed; of a formula, what it showed when it was saved."""
        if self._type == "s":
            return self._shared(str(_whole(value)))
        if self._type == "b":
            return "TRUE" if value.strip() == "1" else "FALSE"
        if self._type in ("str", "inlineStr", "e", "d") or not value:
            return one_line(value)
        return number_said(value, self._setting.styles.kind(self._style), self._setting.epoch)


def _whole(text: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Broken
    return int(text)


def _column_of(place: str, row: int) -> int:
    match = _PLACE.fullmatch(place)
    if match is None or int(match.group(2)) != row:
        raise Broken
    return _column_numbered(match.group(1))


def _column_numbered(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


def one_line(text: str) -> str:
    """Return a text as one line: a break inside a cell is a blank."""
    return text.strip() if text.isprintable() else " ".join(text.split())


def number_said(text: str, kind: str, epoch: datetime) -> str:
    """Return a number as it would be typed: plain, a date and time, or a length in seconds.

    Days and their parts are counted from an epoch. A time is whole to the millisecond, and
    whole to the second where it is off by a millisecond at most, as binary parts of days are.
    """
    try:
        number = SHOWN.create_decimal(text.strip())
    except InvalidOperation:
        return one_line(text)
    if not number.is_finite() or abs(number.adjusted()) > 30:
        return one_line(text)
    if not kind:
        return f"{number.normalize():f}" if number else "0"
    milliseconds = int((Decimal(text.strip()) * DAY_MS).to_integral_value())
    seconds, rest = divmod(milliseconds + 1, 1000)
    if rest > 2:
        seconds, rest = divmod(milliseconds, 1000)
    else:
        rest = 0
    fraction = f".{rest:03}" if rest else ""
    if kind == "l":
        return f"{seconds}{fraction}"
    try:
        at = epoch + timedelta(seconds=seconds)
    except OverflowError:
        return one_line(text)
    if 0 <= number < 1 and kind == "c":
        return f"{at:%H:%M:%S}{fraction}"
    return f"{at.isoformat(' ')}{fraction}"
