"""Awards of a programme above as an officer gives them: a CSV, typed or uploaded."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.formatting import money
from common.forms import KeyedForm
from common.money import major
from common.spreadsheets import separator_of, text_of, tidy
from parties.models import Organisation
from parties.registries import IdentifierInvalid, checked_identifier
from policy.rules import minor
from vouchers.models import Round
from vouchers.queries import AwardProblem, AwardRow
from vouchers.queries.matches import ROWS_MOST

FILE_BYTES_MOST = 512 * 1024
# Our name of a column, and the names under which a header may have it.
COLUMNS = {
    "upstream": ("upstream", "上级项目"),
    "reference": ("reference", "上级编号"),
    "identifier_scheme": ("identifier_scheme", "登记类型"),
    "identifier": ("identifier", "登记号码"),
    "base": ("base", "核定合同金额"),
    "award": ("award", "上级补助金额"),
    "awarded_on": ("awarded_on", "批准日期"),
    "facility": ("facility", "设施类型"),
}
_OPTIONAL = {"facility"}
_NUMBER = re.compile(r"\d{1,14}(\.\d{1,10})?", re.ASCII)
_GROUPED = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?", re.ASCII)
_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?", re.ASCII)
_SCHEMES = {
    name.casefold(): one.value
    for one in Organisation.IdentifierScheme
    for name in (one.value, one.label)
}

# What is wrong with a cell, and the fix; see `vouchers.queries.matches` for the later ones.
PROBLEMS: dict[str, Any] = {
    "missing": _("Fill it in."),
    "amount_unreadable": _("Write an amount of 0 or more, for example 800,000.00."),
    "amount_finer": _("Use no more decimals than the currency has."),
    "day_unreadable": _("Write a day as 2025-05-31."),
    "scheme_unknown": _("Name the register: %(known)s."),
    "upstream_other": _("This programme follows %(wanted)s alone. Check the code."),
    "reference_invalid": _("Give the reference above, of at most 60 characters."),
    "base_invalid": _("The amount that was counted must be more than nothing."),
    "award_invalid": _("The award can’t be more than the amount that was counted."),
    "facility_unknown": _("The document knows these facilities: %(known)s."),
    "day_invalid": _("Give a day from 2000 until today."),
    "repeated": _("This reference already stands in row %(row)s."),
    "recorded": _(
        "This award was recorded before: %(organisation)s, %(base)s counted, %(award)s awarded on "
        "%(on)s. It counts once."
    ),
    "organisation_unknown": _("No organisation here has this number. Register it first."),
}


def problem_words(problem: AwardProblem) -> str:
    """Return what is wrong with a cell and the fix, in the language of the moment."""
    unit = str(problem.values.get("unit", ""))
    shown = {
        name: money(value, unit) if name in ("base", "award") else value
        for name, value in problem.values.items()
    }
    return str(PROBLEMS[problem.code]) % shown


class FileUnreadable(ValueError):
    """A file that is no table of awards; its text says why."""


def read_awards(text: str, unit: str) -> tuple[list[AwardRow], list[AwardProblem]]:
    """Read a table of awards: the rows that can be read, and what is wrong with the others.

    Columns are found by name in either language; amounts are in whole units of the currency.

    :raises FileUnreadable: if it is no such table, with the reason in words.
    """
    lines = csv.reader(io.StringIO(text), delimiter=separator_of(text), strict=True)
    rows: list[AwardRow] = []
    problems: list[AwardProblem] = []
    try:
        at = _places(next(lines, []))
        for number, cells in enumerate(lines, start=2):
            if any(cell.strip() for cell in cells):
                _read_row(_Cells(number, cells, at, problems), unit, rows)
    except csv.Error:
        raise FileUnreadable(
            gettext("Row %(row)s can't be read. Check its quotation marks.")
            % {"row": lines.line_num}
        ) from None
    if len(rows) + len(problems) > ROWS_MOST:
        raise FileUnreadable(
            gettext("The file is too large. Send at most 1,000 awards at once.")
        )
    if not rows and not problems:
        raise FileUnreadable(
            gettext("The file has no lines. Check that you chose the right file.")
        )
    return rows, problems


def _places(header: Sequence[str]) -> dict[str, int]:
    names = {name: ours for ours, known in COLUMNS.items() for name in known}
    found = [names.get(tidy(name).casefold()) for name in header]
    missing = [ours for ours in COLUMNS if ours not in found and ours not in _OPTIONAL]
    if missing:
        raise FileUnreadable(
            gettext("These columns are missing: %(missing)s. We found: %(found)s.")
            % {"missing": ", ".join(missing), "found": ", ".join(header)[:200]}
        )
    repeated = sorted({ours for ours in found if ours and found.count(ours) > 1})
    if repeated:
        raise FileUnreadable(
            gettext("More than one column says %(repeated)s. Keep one of them.")
            % {"repeated": ", ".join(repeated)}
        )
    return {ours: place for place, ours in enumerate(found) if ours}


class _Cells:
    """One row while it is read; its first problem alone is kept."""

    def __init__(
        self,
        number: int,
        cells: Sequence[str],
        at: Mapping[str, int],
        problems: list[AwardProblem],
    ) -> None:
        self.number = number
        self.is_good = True
        self._cells = cells
        self._at = at
        self._problems = problems

    def cell(self, name: str) -> str:
        """Return a cell, tidied; without one, nothing."""
        place = self._at.get(name)
        is_there = place is not None and place < len(self._cells)
        return tidy(self._cells[place]) if is_there and place is not None else ""

    def text(self, name: str) -> str:
        """Return a cell that must be there."""
        text = self.cell(name)
        if not text:
            self.note(name, "missing")
        return text

    def amount(self, name: str, unit: str) -> int:
        """Return a cell's amount in minor units."""
        text = self.text(name)
        plain = text.replace(",", "") if _GROUPED.fullmatch(text) else text
        if not _NUMBER.fullmatch(plain):
            self.note(name, "amount_unreadable")
            return 0
        exact = Decimal(plain)
        small = minor(exact, unit)
        if major(small, unit) != exact:
            self.note(name, "amount_finer")
        return small

    def day(self, name: str) -> date:
        """Return a cell's day."""
        match = _DAY.fullmatch(self.text(name))
        try:
            year, month, day = (int(part) for part in match.groups()) if match else (0, 0, 0)
            return date(year, month, day)
        except ValueError:
            self.note(name, "day_unreadable")
            return date.min

    def identifier(self, name: str, scheme: str) -> str:
        """Return a cell's number in the plain form of its register."""
        text = self.text(name)
        try:
            return checked_identifier(scheme, text) if scheme and text else text
        except IdentifierInvalid:
            self.note(name, "organisation_unknown")
            return text

    def note(self, name: str, code: str, **values: Any) -> None:
        """Keep what is wrong with a cell, unless the row has a problem already."""
        if self.is_good:
            value = self.cell(name)[:60]
            self._problems.append(AwardProblem(self.number, name, value, code, values))
        self.is_good = False


def _read_row(cells: _Cells, unit: str, rows: list[AwardRow]) -> None:
    scheme = _SCHEMES.get(cells.text("identifier_scheme").casefold(), "")
    if not scheme:
        known = ", ".join(Organisation.IdentifierScheme.values)
        cells.note("identifier_scheme", "scheme_unknown", known=known)
    row = AwardRow(
        row=cells.number,
        upstream=cells.text("upstream"),
        reference=cells.text("reference"),
        identifier_scheme=scheme,
        identifier=cells.identifier("identifier", scheme),
        base=cells.amount("base", unit),
        award=cells.amount("award", unit),
        facility=cells.cell("facility"),
        awarded_on=cells.day("awarded_on"),
    )
    if cells.is_good:
        rows.append(row)


class AwardsForm(KeyedForm):
    """A list of awards above to look over."""

    round = forms.ChoiceField(label=_("Round whose budget pays for them"), choices=())
    file = forms.FileField(
        label=_("File of awards"),
        required=False,
        max_length=200,
        allow_empty_file=True,
        help_text=_("CSV, one line an award"),
        widget=forms.FileInput,
    )
    lines = forms.CharField(
        label=_("Or type or paste the lines here, with the header first"),
        required=False,
        max_length=FILE_BYTES_MOST,
        strip=False,
        widget=forms.Textarea({"rows": 5, "spellcheck": "false"}),
    )

    def __init__(self, *given: Any, rounds: Sequence[Round], **more: Any) -> None:
        super().__init__(*given, **more)
        which = self.fields["round"]
        assert isinstance(which, forms.ChoiceField)
        which.choices = [(one.code, one.code) for one in rounds]
        self._rounds = {one.code: one for one in rounds}

    def clean_round(self) -> Round:
        """Return the round."""
        return self._rounds[self.cleaned_data["round"]]

    def clean_file(self) -> str:
        """Return what the file says; without a file, nothing."""
        file = self.cleaned_data["file"]
        if file is None:
            return ""
        if file.size > FILE_BYTES_MOST:
            raise forms.ValidationError(
                gettext("The file is too large. Send at most 1,000 awards at once.")
            )
        text = text_of(file.read())
        if text is None:
            raise forms.ValidationError(
                gettext("The file is not text. Save it as CSV UTF-8 and send that.")
            )
        return text

    def clean(self) -> dict[str, Any]:
        """Take the file or, without one, the lines."""
        given = super().clean() or {}
        if "file" not in self.errors:
            given["text"] = given.get("file") or given.get("lines", "")
            if not given["text"].strip():
                self.add_error("file", _("Choose a file, or type the lines."))
        return given


class AwardsConfirmForm(AwardsForm):
    """The same list, looked over, to be recorded."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        del self.fields["file"]
        for name in ("round", "lines"):
            self.fields[name].widget = forms.HiddenInput()

    def clean_file(self) -> str:
        """Return nothing: the lines are there."""
        return ""
