"""Charts as inline SVG: presentation attributes only, every figure printed, no script.

A chart has no viewBox: places are percentages of the page's width and text keeps its size,
so it reads the same on a telephone. All charts start at nought, but for intervals.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext

Figure = int | Decimal

# The palette of the UK Government Analysis Function for categorical data.
COLOURS = ("#12436D", "#28A197", "#801650", "#F46A25")
GREY = "#3D3D3D"
# What a bar is drawn upon: the part of a balance that nobody has taken.
TRACK = "#DCE5E6"

MARKS_MAX = 4
"""The most series or parts that a reader can tell apart."""

_LINE = 22  # pixels from one line of text to the next
_BAR = 24
_GAP = 20
_NARROWEST = 288  # pixels of text that a page of 320 leaves
_PLOT = 180
_DOT = 4


@dataclass(frozen=True)
class Mark:
    """One figure of a chart: what it is, how much, and the text printed for it.

    A value of None is a figure that may not be shown; its text says why.
    """

    label: str
    value: Figure | None
    text: str


@dataclass(frozen=True)
class Row:
    """One stacked bar: its name, its parts in order, and the text of the whole."""

    label: str
    parts: Sequence[Mark]
    text: str


@dataclass(frozen=True)
class Series:
    """One line: its name and its points, as many as the chart has places, None for a gap."""

    label: str
    points: Sequence[Mark]


@dataclass(frozen=True)
class Estimate:
    """An estimate and the interval around it, with the text printed for the three."""

    label: str
    value: Figure
    low: Figure
    high: Figure
    text: str


# --- the five forms --------------------------------------------------------------------------


def bar(marks: Sequence[Mark], *, id: str, title: str, description: str = "") -> SafeString:
    """Draw one horizontal bar a mark, its name and figure above it.

    :param id: unique on the page.
    :raises ValueError: for a value below nought.
    """
    whole = _largest(mark.value for mark in marks)
    drawn: list[SafeString] = []
    y = 0
    for mark in marks:
        heading, y = _heading(mark.label, mark.text, y)
        drawn.append(heading)
        if mark.value is not None:
            drawn.append(_rect(Decimal(0), _share(mark.value, whole), y, COLOURS[0]))
        y += _BAR + _GAP
    return _svg(id, title, description, y - _GAP, drawn)


def stacked_bar(
    rows: Sequence[Row], *, id: str, title: str, description: str = ""
) -> SafeString:
    """Draw one bar a row, of at most four parts, each part's name and figure beneath it.

    :raises ValueError: for a value below nought, or more than `MARKS_MAX` parts.
    """
    whole = _largest(sum((p.value or 0 for p in row.parts), Decimal(0)) for row in rows)
    return _stacked(rows, whole, id=id, title=title, description=description)


def balance_bar(
    parts: Sequence[Mark],
    *,
    total: Mark,
    id: str,
    title: str,
    description: str = "",
) -> SafeString:
    """Draw how much of one total is taken by its parts; what is left shows as the track.

    :raises ValueError: for a value below nought, or parts that exceed the total.
    """
    whole = total.value or 0
    if sum((part.value or 0 for part in parts), Decimal(0)) > whole:
        raise ValueError("the parts are more than the total")
    row = Row(total.label, parts, total.text)
    return _stacked([row], whole, id=id, title=title, description=description, track=True)


def line(
    series: Sequence[Series],
    *,
    id: str,
    title: str,
    description: str = "",
) -> SafeString:
    """Draw at most four lines over the same places, each with its name and last figure.

    The places are the labels of the first series' points.

    :raises ValueError: for more than `MARKS_MAX` series, or series of unequal length.
    """
    if not series or len(series) > MARKS_MAX:
        raise ValueError(f"a line chart takes one to {MARKS_MAX} series")
    if len({len(one.points) for one in series}) != 1:
        raise ValueError("every series has a point for every place")
    values = [p.value for one in series for p in one.points if p.value is not None]
    low, high = min([0, *values]), max([0, *values])
    drawn: list[SafeString] = []
    y = 0
    for one, colour in zip(series, COLOURS, strict=False):
        last = next((p.text for p in reversed(one.points) if p.value is not None), "")
        drawn.extend(_keyed(one.label, last, colour, y))
        y += _LINE
    top = y + 2 * _GAP
    bottom = top + _PLOT
    drawn += _frame(series[0].points, top, _height(Decimal(0), low, high, top))
    drawn += _scale(series, high, top)
    for one, colour in zip(series, COLOURS, strict=False):
        drawn += _path(one.points, colour, low, high, top)
    drawn += _places([p.label for p in series[0].points], bottom + _LINE)
    return _svg(id, title, description, bottom + _LINE + 6, drawn)


def interval(
    estimates: Sequence[Estimate], *, id: str, title: str, description: str = ""
) -> SafeString:
    """Draw each estimate as a dot on its interval, against a line at nought."""
    low = min([Decimal(0), *(Decimal(e.low) for e in estimates)])
    high = max([Decimal(0), *(Decimal(e.high) for e in estimates)])
    span = (high - low) or Decimal(1)
    drawn: list[SafeString] = []
    y = 0
    for estimate in estimates:
        heading, y = _heading(estimate.label, estimate.text, y)
        middle = y + _BAR // 2
        left, centre, right = (
            # Two hundredths stay free at both ends, so that a dot at the edge is whole.
            2 + _share(value - low, span) * 96 / 100
            for value in (estimate.low, estimate.value, estimate.high)
        )
        nought = 2 + _share(-low, span) * 96 / 100
        drawn += [
            heading,
            _stroke(nought, y, nought, y + _BAR, GREY, 1),
            _stroke(left, middle, right, middle, COLOURS[0], 4),
            _dot(centre, middle, COLOURS[0], _DOT + 3),
        ]
        y += _BAR + _GAP
    return _svg(id, title, description, y - _GAP, drawn)


# --- pieces ----------------------------------------------------------------------------------


def _stacked(
    rows: Sequence[Row],
    whole: Figure,
    *,
    id: str,
    title: str,
    description: str,
    track: bool = False,
) -> SafeString:
    drawn: list[SafeString] = []
    y = 0
    for row in rows:
        if len(row.parts) > MARKS_MAX:
            raise ValueError(f"a bar takes at most {MARKS_MAX} parts")
        heading, y = _heading(row.label, row.text, y)
        drawn.append(heading)
        if track:
            drawn.append(_rect(Decimal(0), Decimal(100), y, TRACK))
        drawn += _parts(row.parts, whole, y)
        y += _BAR
        for part, colour in zip(row.parts, COLOURS, strict=False):
            y += _LINE
            drawn.extend(_keyed(part.label, part.text, colour, y - _LINE))
        y += _GAP
    return _svg(id, title, description, y - _GAP + 6, drawn)


def _parts(parts: Sequence[Mark], whole: Figure, y: int) -> list[SafeString]:
    drawn: list[SafeString] = []
    left = Decimal(0)
    for part, colour in zip(parts, COLOURS, strict=False):
        width = _share(part.value or 0, whole)
        if width:
            drawn.append(_rect(left, width, y, colour))
            if left:
                # A white line parts two neighbours for who can't tell the colours.
                drawn.append(_stroke(left, y, left, y + _BAR, "#FFFFFF", 2))
        left += width
    return drawn


def _path(
    points: Sequence[Mark], colour: str, low: Figure, high: Figure, top: int
) -> list[SafeString]:
    placed = [
        None
        if point.value is None
        else (_place(index, len(points)), _height(Decimal(point.value), low, high, top))
        for index, point in enumerate(points)
    ]
    lines = [_stroke(*a, *b, colour, 3) for a, b in pairwise(placed) if a and b]
    return lines + [_dot(*at, colour, _DOT) for at in placed if at]


def _frame(points: Sequence[Mark], top: int, nought: Decimal) -> list[SafeString]:
    count = len(points)
    return [
        *(
            _stroke(_place(i, count), top, _place(i, count), top + _PLOT, TRACK, 1)
            for i in range(count)
        ),
        _stroke(Decimal(0), nought, Decimal(100), nought, GREY, 1),
    ]


def _scale(series: Sequence[Series], high: Figure, top: int) -> list[SafeString]:
    """Print the highest figure at the line of its height."""
    peak = next((p.text for one in series for p in one.points if p.value == high), "")
    if not peak:
        return []
    return [
        _stroke(Decimal(0), top, Decimal(100), top, TRACK, 1),
        _text(peak, top - 8),
    ]


def _places(labels: Sequence[str], y: int) -> list[SafeString]:
    """Name the first place, the last, and the middle one where the three have room."""
    last = len(labels) - 1
    shown = {0: "start", last: "end"} if last else {0: "middle"}
    if last >= 2 and last % 2 == 0 and sum(map(_width, (labels[0], labels[-1]))) < 170:
        shown[last // 2] = "middle"
    return [
        format_html(
            '<text x="{}%" y="{}" text-anchor="{}" {}>{}</text>',
            0 if anchor == "start" else 100 if anchor == "end" else _place(at, last + 1),
            y,
            anchor,
            _TEXT,
            labels[at],
        )
        for at, anchor in sorted(shown.items())
    ]


_TEXT = SafeString('font-size="16" fill="currentColor"')


def _heading(label: str, text: str, y: int) -> tuple[SafeString, int]:
    """Print a name, and its figure at the other end or, for want of room, beneath it."""
    lines = _wrapped(label)
    drawn = [_text(one, y + _LINE * (n + 1) - 6) for n, one in enumerate(lines)]
    y += _LINE * len(lines)
    if _width(lines[-1]) + _width(text) + 16 <= _NARROWEST:
        drawn.append(
            format_html(
                '<text x="100%" y="{}" text-anchor="end" font-weight="700" {}>{}</text>',
                y - 6,
                _TEXT,
                text,
            )
        )
    else:
        y += _LINE
        drawn.append(
            format_html('<text x="0" y="{}" font-weight="700" {}>{}</text>', y - 6, _TEXT, text)
        )
    return _joined(drawn), y


def _keyed(label: str, text: str, colour: str, y: int) -> list[SafeString]:
    """Print the name and figure of a part or a line beside a square of its colour."""
    # Translators: a figure in a chart's key, such as "Spent: ¥1,200.00".
    words = gettext("%(name)s: %(figure)s") % {"name": label, "figure": text}
    return [
        format_html(
            '<rect x="0" y="{}" width="12" height="12" fill="{}"/>', y + _LINE - 17, colour
        ),
        format_html('<text x="20" y="{}" {}>{}</text>', y + _LINE - 6, _TEXT, words),
    ]


def _text(text: str, y: int) -> SafeString:
    return format_html('<text x="0" y="{}" {}>{}</text>', y, _TEXT, text)


def _rect(left: Decimal, width: Decimal, y: int, colour: str) -> SafeString:
    return format_html(
        '<rect x="{}%" y="{}" width="{}%" height="{}" fill="{}"/>',
        _short(left),
        y,
        _short(width),
        _BAR,
        colour,
    )


def _stroke(
    x1: Decimal, y1: Decimal | int, x2: Decimal, y2: Decimal | int, colour: str, width: int
) -> SafeString:
    return format_html(
        '<line x1="{}%" y1="{}" x2="{}%" y2="{}" stroke="{}" stroke-width="{}"/>',
        _short(x1),
        y1,
        _short(x2),
        y2,
        colour,
        width,
    )


def _dot(x: Decimal, y: Decimal | int, colour: str, radius: int) -> SafeString:
    return format_html(
        '<circle cx="{}%" cy="{}" r="{}" fill="{}"/>', _short(x), y, radius, colour
    )


def _svg(
    id: str, title: str, description: str, height: int, drawn: Sequence[SafeString]
) -> SafeString:
    return format_html(
        '<svg xmlns="http://www.w3.org/2000/svg" role="img" width="100%" height="{}" '
        'aria-labelledby="{}-title{}" focusable="false"><title id="{}-title">{}</title>'
        "{}{}</svg>",
        max(height, _LINE),
        id,
        f" {id}-desc" if description else "",
        id,
        title,
        format_html('<desc id="{}-desc">{}</desc>', id, description) if description else "",
        _joined(drawn),
    )


def _joined(drawn: Sequence[SafeString]) -> SafeString:
    return format_html_join("", "{}", ((one,) for one in drawn))


# --- places and widths -----------------------------------------------------------------------


def _largest(values: Iterable[Figure | None]) -> Figure:
    return max((v for v in values if v is not None), default=0)


def _share(value: Figure, whole: Figure) -> Decimal:
    """Return a value as hundredths of a whole; nothing of nothing is nought."""
    if value < 0:
        raise ValueError("a bar can't be shorter than nothing")
    return Decimal(value) * 100 / Decimal(whole) if whole else Decimal(0)


def _place(index: int, count: int) -> Decimal:
    """Return where a place stands across the chart, the outer ones clear of the edge."""
    return Decimal(50) if count == 1 else 1 + Decimal(98) * index / (count - 1)


def _height(value: Decimal, low: Figure, high: Figure, top: int) -> Decimal:
    span = Decimal(high) - Decimal(low)
    up = (value - Decimal(low)) / span if span else Decimal(0)
    return (top + _PLOT * (1 - up)).quantize(Decimal("0.1"), ROUND_HALF_UP)


def _short(place: Decimal) -> str:
    text = f"{place.quantize(Decimal('0.01'), ROUND_HALF_UP):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _width(text: str) -> int:
    """Return about how many pixels a text takes at 16 px; Chinese takes a full em."""
    return sum(16 if ord(character) > 0x2E7F else 9 for character in text)


def _wrapped(text: str) -> list[str]:
    """Break a long name into lines that fit the narrowest page."""
    lines = [""]
    for word in _words(text):
        if lines[-1] and _width((lines[-1] + word).rstrip()) > _NARROWEST:
            lines.append("")
        lines[-1] += word if lines[-1] else word.lstrip()
    return [one.rstrip() for one in lines]


def _words(text: str) -> list[str]:
    """Split a text where a line may break: after a space, and after a Chinese character."""
    words = [""]
    for character in text:
        words[-1] += character
        if character == " " or ord(character) > 0x2E7F:
            words.append("")
    return [word for word in words if word]
