"""A price list as a file: what an hour of each accelerator costs, read exactly, row by row.

Two ways of writing are read: a table (CSV and its kin) with our columns in either language, and
the JSON of a public list of products, `items` with a part number, a measure and prices by
currency (as the list prices of Oracle's cloud are published).
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from django import forms
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.errors import Refused
from common.forms import KeyedForm
from common.money import CURRENCY_EXPONENTS
from common.spreadsheets import FileUnreadable, separator_of, tidy
from common.widgets import DayInput
from common.workbook import table_of
from providers.actions.price_lists import PriceEntry

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "sku": ("sku", "offer", "编号", "partnumber"),
    "title": ("title", "名称", "displayname"),
    "class": ("class", "型号", "gpu_model", "resource_class", "model"),
    "rate": ("rate", "单价", "price"),
    "currency": ("currency", "币种", "currencycode"),
}
NEEDED: Final = ("sku", "class", "rate", "currency")
_NAMES: Final = [name for known in COLUMNS.values() for name in known]
FILE_BYTES_MAX: Final = 2 * 1024 * 1024
# What a list may look like: `sku` is a provider's own number of what it sells, or our offer's code.
SAMPLE: Final = (
    ("H100-BJ", "H100, on demand", "H100", "25.50", "CNY"),
    ("A100-BJ", "A100, on demand", "A100", "14.00", "CNY"),
)
PER_GPU_HOUR: Final = "gpu per hour"
PAY_AS_YOU_GO: Final = "PAY_AS_YOU_GO"
_RATE = re.compile(r"\d{1,10}(\.\d{1,4})?", re.ASCII)
# What stands in a product's name and names no accelerator.
_FILLERS: Final = frozenset({"oracle", "cloud", "infrastructure", "compute", "gpu", "standard"})


class PriceListUnreadable(Refused):
    """A file in which no price list can be read."""

    code = "price_list_unreadable"
    sentence = _("This price list can't be read. %(problem)s")


class PriceProblem(NamedTuple):
    """What is wrong with a cell: the row (of JSON, the item), the column, the cell."""

    row: int
    column: str
    value: str
    words: str


class PriceListRead(NamedTuple):
    """What a list says: prices of GPU-hours, problems, and how many rows price something else."""

    entries: list[PriceEntry]
    problems: list[PriceProblem]
    others: int


def read_price_list(data: bytes) -> PriceListRead:
    """Read a price list, whole: every problem of every row.

    :raises PriceListUnreadable: if it is neither a table with our columns nor such a JSON.
    """
    try:
        text = table_of(data, known=_NAMES)
    except FileUnreadable as error:
        raise PriceListUnreadable(problem=str(error)) from error
    if text is None:
        raise PriceListUnreadable(problem=gettext("It is no text. Save it as CSV or JSON."))
    rows = _items(text) if text.lstrip()[:1] in ("{", "[") else _table(text)
    found = PriceListRead([], [], 0)
    others = 0
    seen: dict[tuple[str, str], int] = {}
    for number, cells in rows:
        if cells is None:
            others += 1
            continue
        entry = _entry(number, cells, found.problems)
        if entry is None:
            continue
        first = seen.setdefault((entry.sku, entry.currency), number)
        if first != number:
            words = gettext("It is priced in row %(row)s already. Keep one of the two.")
            found.problems.append(
                PriceProblem(number, "sku", entry.sku, words % {"row": first})
            )
        else:
            found.entries.append(entry)
    return found._replace(others=others)


_Cells = Mapping[str, str] | None


def _table(text: str) -> Iterator[tuple[int, _Cells]]:
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        separator = separator_of(plain.lstrip("\n"))
        rows = list(csv.reader(io.StringIO(plain), delimiter=separator))
    except csv.Error as error:
        problem = gettext("The rows can't be told apart. Save it as CSV and send that.")
        raise PriceListUnreadable(problem=problem) from error
    # Of a workbook the rows above the header are left out, and the others keep their numbers.
    top = next((place for place, cells in enumerate(rows) if any(cells)), 0)
    places = _places(rows[top] if rows else [])
    if len(rows) < top + 2:
        raise PriceListUnreadable(problem=gettext("There is no row below the header."))
    return (
        (number, {name: _at(row, place) for name, place in places.items()})
        for number, row in enumerate(rows[top + 1 :], start=top + 2)
        if any(cell.strip() for cell in row)
    )


def _at(row: Sequence[str], place: int) -> str:
    return tidy(row[place]) if place < len(row) else ""


def _places(header: Sequence[str]) -> dict[str, int]:
    names = [tidy(cell).casefold() for cell in header]
    places = {
        column: names.index(name)
        for column, known in COLUMNS.items()
        if (name := next((one for one in known if one in names), None))
    }
    missing = [COLUMNS[one][0] for one in NEEDED if one not in places]
    if missing:
        words = gettext("Columns are missing: %(missing)s. We found: %(found)s.")
        shown = {"missing": ", ".join(missing), "found": ", ".join(header)[:200] or "–"}
        raise PriceListUnreadable(problem=words % shown)
    return places


def _items(text: str) -> Iterator[tuple[int, _Cells]]:
    try:
        # A rate stays as it is written: no number passes through a binary fraction.
        found = json.loads(text, parse_float=str, parse_int=str)
    except (ValueError, RecursionError) as error:
        problem = gettext("It stops being JSON. Export it again and send the whole file.")
        raise PriceListUnreadable(problem=problem) from error
    items = found.get("items") if isinstance(found, dict) else found
    if not isinstance(items, list) or not any(_is_product(item) for item in items):
        problem = gettext("It has no items with a part number and a measure.")
        raise PriceListUnreadable(problem=problem)
    return ((number, cells) for number, item in enumerate(items, 1) for cells in _prices(item))


def _is_product(item: Any) -> bool:
    return isinstance(item, dict) and {"partNumber", "metricName"} <= item.keys()


def _prices(item: Any) -> Iterator[_Cells]:
    """Give an item's price in each currency; None where it is not of a GPU-hour."""
    if not _is_product(item) or tidy(str(item["metricName"])).casefold() != PER_GPU_HOUR:
        yield None
        return
    title = tidy(str(item.get("displayName", "")))
    for local in _objects(item.get("currencyCodeLocalizations")):
        for price in _objects(local.get("prices")):
            if price.get("model", PAY_AS_YOU_GO) == PAY_AS_YOU_GO:
                yield {
                    "sku": tidy(str(item["partNumber"])),
                    "title": title,
                    "class": _class_in(title),
                    "rate": str(price.get("value", "")),
                    "currency": str(local.get("currencyCode", "")),
                }


def _objects(found: Any) -> list[dict[str, Any]]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _class_in(title: str) -> str:
    """Return what a product's name says after “GPU”: its model, or its generation."""
    _before, _gpu, after = title.rpartition("GPU")
    words = [word for word in re.split(r"[\s-]+", after) if word.casefold() not in _FILLERS]
    return "-".join(word for word in words if word).upper()[:24]


def _entry(
    number: int, cells: Mapping[str, str], problems: list[PriceProblem]
) -> PriceEntry | None:
    said: list[PriceProblem] = []

    def note(column: str, words: str) -> None:
        said.append(PriceProblem(number, column, cells.get(column, "")[:60], words))

    for column, most in (("sku", 80), ("class", 24)):
        if not 0 < len(cells.get(column, "")) <= most:
            note(column, gettext("Write 1 to %(most)s characters here.") % {"most": most})
    rate = cells["rate"].replace(",", "")
    if not _RATE.fullmatch(rate):
        note("rate", gettext("Write a price with at most four decimals, such as 25.50."))
    currency = cells["currency"].upper()
    if currency not in CURRENCY_EXPONENTS:
        words = gettext("Write one of these currencies: %(known)s.")
        note("currency", words % {"known": ", ".join(CURRENCY_EXPONENTS)})
    problems += said
    if said:
        return None
    return PriceEntry(
        number,
        cells["sku"],
        cells.get("title", "")[:120],
        cells["class"].upper(),
        Decimal(rate),
        currency,
    )


def as_table(entries: Iterable[PriceEntry]) -> str:
    """Return prices as a table that `read_price_list` reads again, in the same order."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names[0] for names in COLUMNS.values())
    for one in entries:
        writer.writerow([one.sku, one.title, one.resource_class, f"{one.rate:f}", one.currency])
    return text.getvalue()


class PriceListForm(KeyedForm):
    """A price list as a file, from which day it counts, and where new offers run."""

    file = forms.FileField(
        label=_("Your price list"),
        max_length=200,
        allow_empty_file=True,
        help_text=_("CSV, XLSX or JSON, one row a price of a GPU-hour, up to 2 MB"),
        widget=forms.FileInput,
    )
    from_on = forms.DateField(
        label=_("From which day"),
        widget=DayInput,
        required=False,
        help_text=_("The day begins at 00:00 UTC. Leave it empty for “from now on”"),
        error_messages={"invalid": _("Enter a real day, for example 31 3 2026")},
    )
    region = forms.CharField(
        label=_("Where new offers run"),
        max_length=80,
        help_text=_("For example CN-5101 or GB-LND"),
    )

    def clean_file(self) -> Any:
        """Take a file that is small enough to be looked over at once."""
        file = self.cleaned_data["file"]
        if file.size > FILE_BYTES_MAX:
            raise forms.ValidationError(_("The file is too large. Send at most 2 MB."))
        return file


class PriceListConfirmForm(PriceListForm):
    """The same list, looked over, to be published."""

    lines = forms.CharField(
        validators=[MaxLengthValidator(FILE_BYTES_MAX)], strip=False, widget=forms.HiddenInput
    )
    file_name = forms.CharField(max_length=200, widget=forms.HiddenInput)

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        del self.fields["file"]
        self.fields["from_on"].widget = forms.HiddenInput()
        self.fields["region"].widget = forms.HiddenInput()
