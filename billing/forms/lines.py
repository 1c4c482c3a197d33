"""A bill's lines as a CSV: read row by row, all that is wrong told at once."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_DOWN, Decimal

from django.utils.translation import gettext

from billing.queries import BillLineInput
from common.money import GPU_MS_PER_HOUR, exponent, is_currency
from common.spreadsheets import separator_of, text_of, tidy

BILL_LINES_MAX = 100_000
# Our name of a column of a bill's lines, and the names under which a header may have it.
LINE_COLUMNS = {
    "source": ("source", "计量来源"),
    "key": ("key", "用量编号"),
    "quantity": ("quantity", "小时数"),
    "rate": ("rate", "单价"),
    "amount": ("amount", "金额"),
}
_NUMBER = re.compile(r"\d{1,14}(\.\d{1,10})?", re.ASCII)
_GROUPED = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?", re.ASCII)


def ms_of_hours(hours: Decimal) -> int:
    """Return hours as whole resource-milliseconds, cutting what is smaller."""
    return int((hours * GPU_MS_PER_HOUR).to_integral_value(ROUND_DOWN))


def minor_of(amount: Decimal, unit: str) -> int:
    """Return an amount of whole units in minor units, or hours in GPU-ms.

    :raises ValueError: if the amount is finer than the currency's smallest coin.
    """
    if not is_currency(unit):
        return ms_of_hours(amount)
    exact = amount.scaleb(exponent(unit))
    if exact != int(exact):
        raise ValueError(f"{amount} is finer than a minor unit of {unit}")
    return int(exact)


def read_lines(data: bytes, unit: str, problems: list[str]) -> list[BillLineInput]:
    """Read a CSV of a bill's lines; whatever is wrong is added to the problems, all of it.

    Columns are found by name in either language. `source` and `key` name the usage; quantity
    (hours), rate and amount (whole units) may be empty, and are then taken from the meter and
    the catalogue.
    """
    text = text_of(data)
    if text is None:
        problems.append(gettext("The file is not text. Save it as CSV UTF-8 and send that."))
        return []
    rows = csv.reader(io.StringIO(text), delimiter=separator_of(text), strict=True)
    try:
        header = next(rows, [])
        at = _places(header, problems)
        if problems:
            return []
        return list(_lines(rows, at, unit, problems))
    except csv.Error:
        problems.append(
            gettext("Row %(row)s can't be read. Check its quotation marks.")
            % {"row": rows.line_num}
        )
        return []


def _places(header: Sequence[str], problems: list[str]) -> dict[str, int]:
    names = {name: ours for ours, known in LINE_COLUMNS.items() for name in known}
    found = [names.get(tidy(name).casefold()) for name in header]
    missing = [ours for ours in ("source", "key") if ours not in found]
    if missing:
        problems.append(
            gettext("These columns are missing: %(missing)s. We found: %(found)s.")
            % {"missing": ", ".join(missing), "found": ", ".join(header)[:200]}
        )
    repeated = sorted({ours for ours in found if ours and found.count(ours) > 1})
    if repeated:
        problems.append(
            gettext("More than one column says %(repeated)s. Keep one of them.")
            % {"repeated": ", ".join(repeated)}
        )
    return {ours: place for place, ours in enumerate(found) if ours}


def _lines(
    rows: Iterator[list[str]], at: Mapping[str, int], unit: str, problems: list[str]
) -> Iterator[BillLineInput]:
    count = 0
    for number, cells in enumerate(rows, start=2):
        if not any(cells):
            continue
        count += 1
        if count > BILL_LINES_MAX:
            problems.append(
                gettext("The file has more than %(most)s lines. Send several bills.")
                % {"most": BILL_LINES_MAX}
            )
            return
        line = _line(_Cells(number, cells, at, problems), unit)
        if line is not None:
            yield line
    if not count:
        problems.append(gettext("The file has no lines. Check that you chose the right file."))


class _Cells:
    """One row while it is read."""

    def __init__(
        self, number: int, cells: Sequence[str], at: Mapping[str, int], problems: list[str]
    ) -> None:
        self._number = number
        self._cells = cells
        self._at = at
        self._problems = problems
        self.is_good = True

    def text(self, name: str, length_max: int) -> str:
        """Return a cell that must be there."""
        text = self._cell(name)
        if not text:
            self._note(name, text, gettext("Fill it in."))
        elif len(text) > length_max:
            fix = gettext("Shorten it to %(most)s characters.") % {"most": length_max}
            self._note(name, text, fix)
        return text

    def figure(self, name: str) -> Decimal | None:
        """Return a cell's number, or None for an empty one."""
        text = self._cell(name)
        if not text:
            return None
        plain = text.replace(",", "") if _GROUPED.fullmatch(text) else text
        if _NUMBER.fullmatch(plain):
            return Decimal(plain)
        self._note(name, text, gettext("Write a number of 0 or more, for example 12.5."))
        return None

    def amount(self, name: str, unit: str) -> int | None:
        """Return a cell's amount in minor units, or None for an empty one."""
        figure = self.figure(name)
        try:
            return None if figure is None else minor_of(figure, unit)
        except ValueError:
            fix = gettext("Use no more decimals than %(unit)s has.") % {"unit": unit}
            self._note(name, self._cell(name), fix)
            return None

    def _cell(self, name: str) -> str:
        place = self._at.get(name)
        return (
            tidy(self._cells[place]) if place is not None and place < len(self._cells) else ""
        )

    def _note(self, name: str, value: str, fix: str) -> None:
        self.is_good = False
        self._problems.append(
            gettext("Row %(row)s, %(column)s: “%(value)s”. %(fix)s")
            % {"row": self._number, "column": name, "value": value[:60], "fix": fix}
        )


def _line(cells: _Cells, unit: str) -> BillLineInput | None:
    source, key = cells.text("source", 80), cells.text("key", 160)
    hours, rate = cells.figure("quantity"), cells.figure("rate")
    amount = cells.amount("amount", unit)
    if not cells.is_good:
        return None
    quantity_ms = None if hours is None else ms_of_hours(hours)
    return BillLineInput(
        source=source, key=key, quantity_ms=quantity_ms, rate=rate, amount=amount
    )


def sample_lines(language: str) -> str:
    """Return a small file of a bill's lines, with the header of a language."""
    column = 1 if language.lower().startswith("zh") else 0
    rows = [
        ",".join(names[column] for names in LINE_COLUMNS.values()),
        "cluster-a,train-0421/2026-11-02T08:30:00Z,96,12.50,1200.00",
        "cluster-a,train-0422/2026-11-03T01:00:00Z,1.6667,12.50,",
        "cluster-a,share-0007/2026-11-03T09:00:00Z,,,",
    ]
    return "\n".join(rows) + "\n"
