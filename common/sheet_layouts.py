"""The quick way through a sheet: rows and texts written like one that was read with care.

A program writes all its rows alike. One that the parser has read is made a pattern of: its tags
as they are, with the number of another row, and in place of each value what another may be. What
the pattern matches is well-formed and says what the parser would say of it
(`tests/billing/usage/test_sheet_layouts.py`).
"""

import re
from collections.abc import Callable
from typing import NamedTuple

# Printable ASCII but for what XML gives a meaning.
_TEXT = r"[ -%'-;=?-~]*+"
_ROW = re.compile(
    r'[ \t\r\n]*<row r="\d{1,7}"(?P<attributes>(?: [A-Za-z][\w:.-]{0,60}="[^<>&"]*")*)>'
    r"(?P<cells>.*)</row>",
    re.ASCII,
)
_CELL = re.compile(
    r'<c r="(?P<column>[A-Z]{1,3})\d{1,7}"'
    r'(?: s="(?P<style>\d{1,5})")?(?: t="(?P<type>[A-Za-z]{1,9})")?'
    rf"(?:(?P<empty>/>)|>(?P<before><v>|<is><t(?: xml:space=\"preserve\")?>)(?P<value>{_TEXT})"
    r"(?P<after></v>|</t></is>)</c>)",
    re.ASCII,
)
_ATTRIBUTE = re.compile(r' ([A-Za-z][\w:.-]{0,60})="', re.ASCII)
_SHAPES = {
    "s": r"(\d{1,9})",
    "n": r"([-+.\dEe]{1,40}+)",
    "str": f"({_TEXT})",
    "inlineStr": f"({_TEXT})",
}
_CELLS_MAX = 90
_LAYOUTS_MAX, _LEARNT_MAX = 4, 32

# What a value of a cell says, given its type and style.
Reader = Callable[[str], str]


class _Layout(NamedTuple):
    pattern: re.Pattern[str]
    # Of each value the place that it has in the row, from 0.
    places: tuple[int, ...]
    readers: tuple[Reader, ...]
    width: int


class RowLayouts:
    """Reads rows laid out like those that the parser read; all others it leaves alone.

    :param reader_of: returns what a value of a type and style says.
    :param take: is given the number of a row and its cells.
    """

    closing = "row"

    def __init__(
        self,
        reader_of: Callable[[str, str], Reader],
        column_of: Callable[[str], int],
        take: Callable[[int, list[str]], None],
    ) -> None:
        self._reader_of, self._column_of, self._take = reader_of, column_of, take
        self._layouts: list[_Layout] = []
        self._may_learn = _LEARNT_MAX

    def learn(self, text: str) -> None:
        """Learn how a row is laid out that the parser has read, from its text after the last."""
        if not self._may_learn:
            return
        self._may_learn -= 1
        layout = self._layout_of(text)
        if layout is not None and layout.pattern.match(text):
            self._layouts = [layout, *self._layouts[: _LAYOUTS_MAX - 1]]

    def read(self, text: str, at: int) -> int | None:
        """Take the plain row that begins at a place, and return where it ends."""
        for layout in self._layouts:
            match = layout.pattern.match(text, at)
            if match is not None:
                number, *values = match.groups()
                cells = [""] * layout.width
                for place, reader, value in zip(
                    layout.places, layout.readers, values, strict=True
                ):
                    cells[place] = reader(value)
                self._take(int(number), cells)
                return match.end()
        return None

    def _layout_of(self, text: str) -> _Layout | None:
        row = _ROW.fullmatch(text)
        if row is None:
            return None
        names = _ATTRIBUTE.findall(row["attributes"])
        if any(name.endswith(":r") for name in names):
            return None
        parts = [r'[ \t\r\n]*+<row r="(?P<number>\d{1,7})"']
        parts += [f' {re.escape(name)}="[ !#-%\'-;=?-~]*+"' for name in names]
        parts.append(">")
        at, end, width = row.start("cells"), row.end("cells"), 0
        places: list[int] = []
        readers: list[Reader] = []
        while at < end:
            cell = _CELL.match(text, at, end)
            if cell is None or len(places) > _CELLS_MAX:
                return None
            at, width = cell.end(), self._column_of(cell["column"])
            shape = "" if cell["empty"] else _SHAPES.get(cell["type"] or "n", "")
            if not (cell["empty"] or shape) or not _is_whole(cell):
                return None
            parts.append(_cell(cell, shape))
            if shape:
                places.append(width - 1)
                readers.append(self._reader_of(cell["type"] or "n", cell["style"] or "0"))
        parts.append("</row>")
        pattern = re.compile("".join(parts), re.ASCII)
        return _Layout(pattern, tuple(places), tuple(readers), width)


def _is_whole(cell: re.Match[str]) -> bool:
    """Say whether a cell has the kind of element inside that its type asks for."""
    if cell["empty"]:
        return True
    is_inline = cell["type"] == "inlineStr"
    return (
        cell["before"].startswith("<is>") == is_inline
        and (cell["after"] == "</t></is>") == is_inline
    )


def _cell(cell: re.Match[str], shape: str) -> str:
    style = f' s="{cell["style"]}"' if cell["style"] is not None else ""
    kind = f' t="{cell["type"]}"' if cell["type"] is not None else ""
    start = f'<c r="{cell["column"]}(?P=number)"{style}{kind}'
    if cell["empty"]:
        return f"{start}/>"
    return f"{start}>{re.escape(cell['before'])}{shape}{cell['after']}</c>"


class TextLayouts:
    """Reads the plain texts that cells refer to by number; all others it leaves alone.

    :param take: is given each text.
    """

    closing = "si"
    _PLAIN = re.compile(
        rf'[ \t\r\n]*+<si><t(?: xml:space="preserve")?>({_TEXT})</t></si>', re.ASCII
    )

    def __init__(self, take: Callable[[str], None]) -> None:
        self._take = take

    def learn(self, text: str) -> None:
        """Learn nothing: every program writes plain texts alike."""

    def read(self, text: str, at: int) -> int | None:
        """Take the plain text that begins at a place, and return where it ends."""
        match = self._PLAIN.match(text, at)
        if match is None:
            return None
        self._take(match[1])
        return match.end()


Layouts = RowLayouts | TextLayouts
