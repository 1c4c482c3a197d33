"""The quick way through a FOCUS table: rows of card time, laid out like one before."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from billing.usage.job import LONGEST_RUN
from billing.usage.line_layouts import LineLayouts, Shapes
from billing.usage.record import UsageRecord, plain_usage

_INSTANT = r"((?:19[89]|20\d|21\d)\d-\d\d-\d\dT\d\d:\d\d:\d\dZ)"
_QUANTITY = r"(\d{1,12}+(?:\.\d{1,12}+)?)"
_NEEDED = (
    "chargecategory",
    "chargeperiodstart",
    "chargeperiodend",
    "resourceid",
    "consumedquantity",
    "consumedunit",
)
# What a row's quantity is of, and whose; not there in every version.
_SAID = ("consumedunit", "skupricedetails", "chargedescription", "tags", "subaccountid")
# No column of these is a name that stands for nothing.
_NO_NAMES = frozenset({"null", "none", "nan"})

# Milliseconds of a unit, the cards of a machine by whose hours it is told (1 where cards are), the
# cards, their model, and the account.
Kind = tuple[int, int, int, str, str]


class FocusRows:
    """Reads a row that has nothing to tell but one record, and leaves all others alone.

    What it says is what `FocusReader` says of it cell by cell
    (`tests/billing/usage/test_focus_rows.py`), at a fraction of the cost.
    """

    def __init__(
        self,
        at: Mapping[str, int],
        separator: str,
        source: str,
        kind_of: Callable[[Mapping[str, str]], Kind | None],
        cards_of: Callable[[int, int, int], int | None],
    ) -> None:
        self._at, self._source = at, source
        self._kind_of, self._cards_of = kind_of, cards_of
        self._said = sorted((name for name in _SAID if name in at), key=lambda name: at[name])
        # The cells that have a group, in their order.
        read = {*_NEEDED[1:], *self._said}
        self._read = sorted((name for name in read if name in at), key=lambda name: at[name])
        bare = re.escape(separator)
        self._word = f'([^"{bare}\\x00-\\x20\\x7f-\\U0010ffff]{{1,60}}+)'
        self._bare = f'([^"{bare}\\x00-\\x1f\\x7f-\\U0010ffff]*+)'
        self._layouts: LineLayouts[Kind | None] = LineLayouts(separator, self._shapes_of)
        self._is_fit = all(name in at for name in _NEEDED)

    def learn(self, line: str) -> None:
        """Learn how a line is laid out that came to a record."""
        if self._is_fit:
            self._layouts.learn(line)

    def read(self, number: int, line: str) -> UsageRecord | None:
        """Return the record of a line laid out like one before, or None."""
        found = self._layouts.find(line)
        if found is None:
            return None
        layout, groups = found
        cells = dict(zip(self._read, groups, strict=True))
        said = tuple([cells[name] for name in self._said])
        kind = layout.known(said, self._kind_from)
        start, end, resource = (
            cells["chargeperiodstart"],
            cells["chargeperiodend"],
            cells["resourceid"],
        )
        if kind is None or resource.lower() in _NO_NAMES:
            return None
        unit_ms, times, cards, model, account = kind
        try:
            started_at, until = datetime.fromisoformat(start), datetime.fromisoformat(end)
        except ValueError:
            # A day that no calendar has.
            return None
        quantity_ms = _whole(cells["consumedquantity"], unit_ms) * times
        if not (quantity_ms and started_at <= until < started_at + LONGEST_RUN):
            return None
        period_ms = (until - started_at) // timedelta(milliseconds=1)
        count = self._cards_of(quantity_ms, period_ms, cards)
        if count is None:
            return None
        return plain_usage(
            (
                self._source,
                f"{resource}/{start}",
                "GPU",
                count * 1000,
                started_at,
                started_at + timedelta(milliseconds=quantity_ms // count),
                "COMPLETED",
                account,
                model,
                number,
                "",
            )
        )

    def _kind_from(self, said: tuple[str, ...]) -> Kind | None:
        # Of a cell in quotation marks those within are doubled; in another there are none.
        cells = (cell.replace('""', '"').strip() for cell in said)
        return self._kind_of(dict(zip(self._said, cells, strict=True)))

    def _shapes_of(self, cells: list[str]) -> Shapes | None:
        at = self._at
        shapes = {
            at["chargecategory"]: "Usage",
            at["chargeperiodstart"]: _INSTANT,
            at["chargeperiodend"]: _INSTANT,
            at["resourceid"]: self._word,
            at["consumedquantity"]: _QUANTITY,
        }
        for name in self._said:
            is_object = '"' in cells[at[name]]
            shapes[at[name]] = _QUOTED if is_object else self._bare
        return shapes


_QUOTED = '([ !#-~]*+(?:""[ !#-~]*+)*+)'


def _whole(text: str, unit_ms: int) -> int:
    """Return the milliseconds of a quantity, rounded half up."""
    if text.isdigit():
        return int(text) * unit_ms
    return int((Decimal(text) * unit_ms).to_integral_value(ROUND_HALF_UP))
