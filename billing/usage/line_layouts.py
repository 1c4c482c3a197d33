"""Lines laid out alike: one that was read cell by cell is made a pattern of, for the others.

A program quotes the same cells of all its lines. The pattern has as many cells as the line, quoted
as they are there; cells that are read have patterns of their own, and all others are printable
ASCII. What it matches has the cells that `csv` would find.
"""

import csv
import re
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from billing.usage.known import CELLS_KEPT_MAX

T = TypeVar("T")

_PLAIN = "[ !#-~]*+"
_QUOTED = f'{_PLAIN}(?:""{_PLAIN})*+'
_LAYOUTS_MAX, _LEARNT_MAX = 4, 16
_CELLS_MAX = 500

# What cells at some places look like; each has at most one group.
Shapes = Mapping[int, str]


class Layout(Generic[T]):
    """Lines of one layout: the cells that are read, and what those that come again came to."""

    def __init__(self, match: Callable[[str], re.Match[str] | None], shapes: Shapes) -> None:
        self.match = match
        self.shapes = shapes
        self._known: dict[tuple[str, ...], T] = {}

    def known(self, said: tuple[str, ...], read: Callable[[tuple[str, ...]], T]) -> T:
        """Return what cells come to, read once."""
        found = self._known.get(said)
        if found is None:
            if len(self._known) >= CELLS_KEPT_MAX:
                self._known.clear()
            found = self._known[said] = read(said)
        return found


class LineLayouts(Generic[T]):
    """The layouts of a file's lines, learnt as they come."""

    def __init__(self, separator: str, shapes_of: Callable[[list[str]], Shapes | None]) -> None:
        self._separator, self._shapes_of = separator, shapes_of
        self._layouts: list[Layout[T]] = []
        self._may_learn = _LEARNT_MAX

    def find(self, line: str) -> tuple[Layout[T], tuple[str, ...]] | None:
        """Return the layout that a line has, and what its groups match."""
        for layout in self._layouts:
            match = layout.match(line)
            if match is not None:
                return layout, match.groups()
        return None

    def learn(self, line: str) -> None:
        """Learn how a line is laid out, if it is plain."""
        if self._may_learn:
            self._may_learn -= 1
            layout = self._layout_of(line)
            if layout is not None:
                self._layouts = [layout, *self._layouts[: _LAYOUTS_MAX - 1]]

    def _layout_of(self, line: str) -> Layout[T] | None:
        # A pattern takes time to make for each of its cells; no program writes so many.
        if line.count(self._separator) > _CELLS_MAX:
            return None
        between = re.escape(self._separator)
        cells = re.findall(rf'(?:^|{between})("{_QUOTED}"|[^"{between}]*)', line, re.ASCII)
        try:
            read = next(csv.reader([line], delimiter=self._separator, strict=True))
        except (csv.Error, StopIteration):
            return None
        shapes = self._shapes_of(read)
        if shapes is None or self._separator.join(cells) != line or len(cells) != len(read):
            return None
        bare = f'[^"{between}\\x00-\\x1f\\x7f-\\U0010ffff]*+'
        parts = []
        for place, cell in enumerate(cells):
            is_quoted = cell.startswith('"')
            shape = shapes.get(place, _QUOTED if is_quoted else bare)
            parts.append(f'"{shape}"' if is_quoted else shape)
        match = re.compile(between.join(parts), re.ASCII).fullmatch
        return Layout(match, shapes) if match(line) else None
