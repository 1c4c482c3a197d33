"""What a provider types or sends about its capacity: one node, or a list of all of them."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple

from django import forms
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.days import end_of, start_of
from common.errors import Refused
from common.forms import KeyedForm
from common.spreadsheets import FileUnreadable, separator_of, tidy
from common.widgets import DayInput, FigureInput
from common.workbook import table_of
from providers.actions import GPUS_MAX, NodeEntry

FILE_BYTES_MAX: Final = 2 * 1024 * 1024
PROBLEMS_SHOWN: Final = 200

# Each column by the names under which it is known, ours first; two are those of published lists
# of nodes (Alibaba's traces of 2023, `sn` and `model`, and of 2026, `node_name` and its fellows).
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "node": ("node", "节点", "sn", "node_name"),
    "model": ("model", "型号", "gpu_model", "resource_class", "class"),
    "gpus": ("gpus", "gpu 数", "gpu数", "数量", "gpu", "gpu_capacity_num", "count"),
    "region": ("region", "地区"),
    "from": ("from", "起", "起始日"),
    "until": ("until", "止", "截止日"),
}
NEEDED: Final = ("node", "model", "gpus")
_NAMES: Final = [name for known in COLUMNS.values() for name in known]
# What a list may look like; the second node ends, and is followed by itself with more GPUs.
SAMPLE: Final = (
    ("gpu-001", "H100", "8", "CN-5101", "2026-01-01", ""),
    ("gpu-002", "A100", "4", "CN-5101", "2026-01-01", "2026-06-30"),
    ("gpu-002", "A100", "8", "CN-5101", "2026-07-01", ""),
)
_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")


class CapacityFileUnreadable(Refused):
    """A file in which no list of nodes can be read."""

    code = "capacity_file_unreadable"
    sentence = "%(problem)s"


class NodeProblem(NamedTuple):
    """What is wrong with a cell: the row as a spreadsheet numbers it, the column, the cell."""

    row: int
    column: str
    value: str
    words: str


class CapacityRead(NamedTuple):
    """What a file says: entries that can be registered, problems, and nodes without a GPU."""

    entries: list[NodeEntry]
    problems: list[NodeProblem]
    without_gpu: int
    unknown: list[str]


def read_capacity(text: str, *, region: str, from_at: datetime | None) -> CapacityRead:
    """Read a list of nodes, whole: every problem of every row, by the row that the person sees.

    `region` and `from_at` (None: now) count where a row says none. A day means its first instant
    in UTC for the beginning, and its last for the end. Nodes without a GPU are counted and left
    out.

    :raises CapacityFileUnreadable: if a needed column is missing, or there is no row.
    """
    rows = _rows_of(text)
    # Of a workbook the rows above the header are left out, and the others keep their numbers.
    top = next((place for place, cells in enumerate(rows) if any(cells)), 0)
    places, unknown = _places(rows[top] if rows else [])
    found = CapacityRead([], [], 0, unknown)
    without_gpu = 0
    for number, cells in enumerate(rows[top + 1 :], start=top + 2):
        if not any(cell.strip() for cell in cells):
            continue
        row = _Row(number, cells, places, found.problems)
        gpus = row.gpus()
        if gpus == 0:
            without_gpu += 1
            continue
        entry = NodeEntry(
            node=row.text("node", 80),
            resource_class=row.text("model", 24).upper(),
            gpus=gpus,
            region=row.cell("region") or region,
            from_at=row.instant("from", is_end=False) or from_at,
            until_at=row.instant("until", is_end=True),
        )
        begins, ends = entry.from_at, entry.until_at
        if begins is not None and ends is not None and ends <= begins:
            row.note("until", gettext("Give an end after the beginning."))
        if row.is_good:
            found.entries.append(entry)
    if len(rows) < top + 2:
        raise CapacityFileUnreadable(problem=gettext("There is no row below the header."))
    return found._replace(without_gpu=without_gpu)


def _rows_of(text: str) -> list[list[str]]:
    # Line ends of every program; a stray one within a cell parts rows as well.
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        separator = separator_of(plain.lstrip("\n"))
        return list(csv.reader(io.StringIO(plain), delimiter=separator))
    except csv.Error as error:
        problem = gettext("The rows can't be told apart. Save it as CSV and send that.")
        raise CapacityFileUnreadable(problem=problem) from error


def _places(header: Sequence[str]) -> tuple[dict[str, int], list[str]]:
    names = [tidy(cell).casefold() for cell in header]
    places: dict[str, int] = {}
    for column, known in COLUMNS.items():
        place = next((names.index(one) for one in known if one in names), None)
        if place is not None:
            places[column] = place
    missing = [COLUMNS[one][0] for one in NEEDED if one not in places]
    if missing:
        words = gettext("Columns are missing: %(missing)s. We found: %(found)s.")
        shown = {"missing": ", ".join(missing), "found": ", ".join(header)[:200] or "–"}
        raise CapacityFileUnreadable(problem=words % shown)
    taken = set(places.values())
    return places, [cell for place, cell in enumerate(header) if place not in taken]


class _Row:
    """One row of a list, which notes what is wrong with its cells."""

    def __init__(
        self,
        number: int,
        cells: Sequence[str],
        places: Mapping[str, int],
        problems: list[NodeProblem],
    ) -> None:
        self.number, self.is_good = number, True
        self._cells, self._places, self._problems = cells, places, problems

    def cell(self, column: str) -> str:
        """Return a cell, tidied; without one, nothing."""
        place = self._places.get(column)
        is_there = place is not None and place < len(self._cells)
        return tidy(self._cells[place]) if is_there and place is not None else ""

    def text(self, column: str, most: int) -> str:
        """Return a cell that must be there, and may not be too long."""
        text = self.cell(column)
        if not 0 < len(text) <= most:
            words = gettext("Write 1 to %(most)s characters here.")
            self.note(column, words % {"most": most})
        return text

    def gpus(self) -> int:
        """Return how many GPUs the node has, 0 where it has none."""
        text = self.cell("gpus")
        plain = text.replace(",", "")
        # Some programs write whole numbers with a point.
        plain = plain[:-2] if plain.endswith(".0") else plain
        is_number = plain.isascii() and plain.isdecimal() and len(plain) <= 9
        if not is_number or int(plain) > GPUS_MAX:
            words = gettext("Write a whole number up to %(most)s, for example 8.")
            self.note("gpus", words % {"most": f"{GPUS_MAX:,}"})
            return -1
        return int(plain)

    def instant(self, column: str, *, is_end: bool) -> datetime | None:
        """Return the instant of a cell: a day, or a day and time with its zone (else UTC)."""
        text = self.cell(column)
        if not text:
            return None
        try:
            if match := _DAY.fullmatch(text):
                day = date(*(int(part) for part in match.groups()))
                return end_of(day) if is_end else start_of(day)
            at = datetime.fromisoformat(text)
            return at if at.tzinfo else at.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            self.note(column, gettext("Write a day as 2026-03-31."))
            return None

    def note(self, column: str, words: str) -> None:
        """Keep what is wrong with a cell."""
        self._problems.append(NodeProblem(self.number, column, self.cell(column)[:60], words))
        self.is_good = False


class CapacityFileForm(KeyedForm):
    """A list of all nodes, as a file or pasted, and what counts where its rows say nothing."""

    file = forms.FileField(
        label=_("List of all your nodes"),
        required=False,
        max_length=200,
        allow_empty_file=True,
        help_text=_("CSV or XLSX, one row a node, up to 2 MB"),
        widget=forms.FileInput,
    )
    lines = forms.CharField(
        label=_("Or paste the lines here, with the header first"),
        required=False,
        # No `max_length`: nobody counts down from two million.
        validators=[MaxLengthValidator(FILE_BYTES_MAX)],
        strip=False,
        widget=forms.Textarea({"rows": 5, "spellcheck": "false"}),
    )
    region = forms.CharField(
        label=_("Region of nodes that name none"),
        max_length=80,
        help_text=_("For example CN-5101 or GB-LND"),
    )
    from_on = forms.DateField(
        label=_("First day of nodes that name none"),
        widget=DayInput,
        help_text=_("The day begins at 00:00 UTC"),
        error_messages={"invalid": _("Enter a real day, for example 31 3 2026")},
    )
    file_name = forms.CharField(max_length=200, required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """Take the file or, without one, the lines."""
        given = super().clean() or {}
        file = given.get("file")
        if file is not None:
            given["text"], given["file_name"] = self._text_of(file), file.name
        else:
            given["text"] = given.get("lines", "")
        if not self.errors and not given["text"].strip():
            self.add_error("file", _("Choose a file, or paste the lines."))
        return given

    def _text_of(self, file: Any) -> str:
        if file.size > FILE_BYTES_MAX:
            self.add_error("file", _("The file is too large. Send at most 2 MB."))
            return ""
        try:
            text = table_of(file.read(), known=_NAMES)
        except FileUnreadable as error:
            self.add_error("file", str(error))
            return ""
        if text is None:
            self.add_error("file", _("The file is not text. Save it as CSV and send that."))
        return text or ""


class CapacityConfirmForm(CapacityFileForm):
    """The same list, looked over, to be registered."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        del self.fields["file"]
        self.fields["lines"].widget = forms.HiddenInput()
        self.fields["region"].widget = forms.HiddenInput()
        self.fields["from_on"].widget = forms.HiddenInput()


class NodeForm(KeyedForm):
    """One node, new or with other days or GPUs than before."""

    node = forms.CharField(
        label=_("Name of the node"),
        max_length=80,
        help_text=_("A node of this name that is registered is replaced from its first day on"),
    )
    resource_class = forms.CharField(
        label=_("GPU model"),
        max_length=24,
        widget=forms.TextInput({"class": "govuk-input--width-10"}),
        help_text=_("As your offers name it, for example H100"),
    )
    gpus = forms.IntegerField(
        label=_("GPUs"),
        min_value=1,
        max_value=GPUS_MAX,
        widget=FigureInput({"class": "govuk-input--width-5"}),
        error_messages={"invalid": _("Enter a whole number, for example 8")},
    )
    region = forms.CharField(
        label=_("Where it runs"), max_length=80, help_text=_("For example CN-5101 or GB-LND")
    )
    from_on = forms.DateField(
        label=_("First day"),
        widget=DayInput,
        required=False,
        help_text=_("Leave it empty for “from now on”"),
        error_messages={"invalid": _("Enter a real day, for example 31 3 2026")},
    )
    until_on = forms.DateField(
        label=_("Last day"),
        widget=DayInput,
        required=False,
        help_text=_("Leave it empty for “until further notice”"),
        error_messages={"invalid": _("Enter a real day, for example 31 3 2026")},
    )


class DayForm(forms.Form):
    """The day of which a list is shown."""

    on = forms.DateField(
        label=_("On which day?"),
        widget=DayInput,
        required=False,
        error_messages={"invalid": _("Enter a real day, for example 31 3 2026")},
    )
