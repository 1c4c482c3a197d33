"""What providers, holders and finance type or upload about usage, bills and payments."""

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import ROUND_DOWN, Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat
from django.utils.formats import date_format
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

from billing.queries import BillLineInput
from billing.usage.cells import tidy
from common.forms import KeyedForm
from common.money import GPU_MS_PER_HOUR, exponent, is_currency
from common.widgets import DayInput, FigureInput

BILL_FILE_BYTES_MAX = 20 * 1024 * 1024
BILL_LINES_MAX = 100_000
STATEMENT_BYTES_MAX = 20 * 1024 * 1024
PROBLEMS_SHOWN = 20
MONTHS_OFFERED = 18

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


class UploadField(forms.FileField):
    """A file of at most so many bytes."""

    def __init__(self, *, bytes_max: int, **more: Any) -> None:
        self.bytes_max = bytes_max
        super().__init__(max_length=200, allow_empty_file=True, **more)

    def clean(self, data: Any, initial: Any = None) -> Any:
        """Return the file, unread.

        :raises ValidationError: if it has more bytes than are taken, or none.
        """
        file = super().clean(data, initial)
        if isinstance(file, UploadedFile):
            if not file.size:
                raise forms.ValidationError(
                    gettext("The file “%(name)s” is empty. Choose another one.")
                    % {"name": file.name}
                )
            if file.size > self.bytes_max:
                raise forms.ValidationError(
                    gettext(
                        "The file “%(name)s” has %(size)s; %(most)s are the most. Send it in "
                        "parts."
                    )
                    % {
                        "name": file.name,
                        "size": filesizeformat(file.size),
                        "most": filesizeformat(self.bytes_max),
                    }
                )
        return file


class UsageUploadForm(KeyedForm):
    """A file of metered usage."""

    format = forms.ChoiceField(
        label=_("Format of the file"),
        choices=[
            ("csv", _("CSV with our columns")),
            ("sacct", _("Slurm: what sacct prints with --parsable2")),
        ],
        initial="csv",
        widget=forms.RadioSelect,
    )
    source = forms.CharField(
        label=_("Name of the meter"),
        max_length=80,
        widget=forms.TextInput({"class": "govuk-input--width-20"}),
        help_text=_("Always the same for the same cluster, for example “cluster-a”"),
    )
    resource = forms.ChoiceField(
        label=_("What to count"),
        choices=[
            ("", _("GPUs where a job has them, else CPU cores")),
            ("GPU", _("GPUs alone")),
            ("CPU", _("CPU cores alone")),
        ],
        required=False,
        widget=forms.RadioSelect,
        initial="",
    )
    file = UploadField(
        label=_("Usage file"),
        bytes_max=settings.USAGE_FILE_BYTES_MAX,
        help_text=_("CSV or text, also packed as .gz"),
        widget=forms.FileInput,
    )
    is_dry_run = forms.BooleanField(
        label=_("Only check the file, record nothing"), required=False
    )

    def clean_source(self) -> str:
        """Return the meter's name without look-alikes and outer blanks."""
        return tidy(str(self.cleaned_data["source"]))


class BillForm(KeyedForm):
    """A bill for a month of a programme."""

    programme = forms.ChoiceField(label=_("Programme"), choices=())
    month = forms.ChoiceField(label=_("Month of use"), choices=())
    invoice_number = forms.CharField(
        label=_("Your invoice number"),
        max_length=60,
        widget=forms.TextInput({"class": "govuk-input--width-20", "autocomplete": "off"}),
        help_text=_("A new one for each bill, for example INV-2026-0412"),
    )
    file = UploadField(
        label=_("Lines of the bill"),
        bytes_max=BILL_FILE_BYTES_MAX,
        required=False,
        help_text=_("CSV. Leave it out to bill everything that was metered and not yet billed"),
        widget=forms.FileInput,
    )

    def __init__(
        self,
        *given: Any,
        programmes: Sequence[tuple[str, str]],
        units: Mapping[str, str],
        today: date,
        **more: Any,
    ) -> None:
        super().__init__(*given, **more)
        self._units = units
        _offer(self, "programme", [("", _("Choose a programme")), *programmes])
        _offer(self, "month", months_until(today))

    def clean_month(self) -> date:
        """Return the first day of the month."""
        return date.fromisoformat(f"{self.cleaned_data['month']}-01")

    def clean(self) -> dict[str, Any]:
        """Read the lines where a file was sent; None bills everything metered."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        file, code = cleaned.get("file"), cleaned.get("programme")
        cleaned["lines"] = None
        if file and code:
            problems: list[str] = []
            cleaned["lines"] = read_lines(file.read(), self._units[code], problems)
            for problem in problems[:PROBLEMS_SHOWN]:
                self.add_error("file", problem)
            if len(problems) > PROBLEMS_SHOWN:
                self.add_error(
                    "file",
                    gettext("and %(count)s more.") % {"count": len(problems) - PROBLEMS_SHOWN},
                )
        return cleaned


def months_until(today: date) -> list[tuple[str, str]]:
    """Return the months that may be billed, the last full one first, as choices."""
    months = []
    year, month = today.year, today.month
    for _step in range(MONTHS_OFFERED):
        months.append(date(year, month, 1))
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
    ordered = [*months[1:2], months[0], *months[2:]]
    # Translators: Django date format of a month.
    return [
        (f"{one:%Y-%m}", date_format(one, pgettext("date format", "F Y"))) for one in ordered
    ]


def _offer(form: forms.Form, name: str, choices: Sequence[tuple[str, Any]]) -> None:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    field.choices = list(choices)


def money_field(label: Any, help_text: Any = "", **more: Any) -> forms.DecimalField:
    """Return a question for an amount in whole units of a currency."""
    return forms.DecimalField(
        label=label,
        help_text=help_text,
        min_value=Decimal(0),
        max_digits=14,
        decimal_places=2,
        widget=FigureInput({"class": "govuk-input--width-10"}),
        error_messages={
            "invalid": _("Enter an amount as a number, for example 12,500.00"),
            "min_value": _("Enter an amount of 0 or more, for example 12,500.00"),
            "max_decimal_places": _("Enter an amount with at most 2 decimals"),
        },
        **more,
    )


def day_field(label: Any, help_text: Any = "") -> forms.DateField:
    """Return a question for a day, in three boxes."""
    return forms.DateField(
        label=label,
        help_text=help_text,
        widget=DayInput,
        error_messages={"invalid": _("Enter a real day, for example 31 3 2026")},
    )


class ClaimForm(KeyedForm):
    """A fee that was paid, to be paid back in part."""

    provider = forms.ChoiceField(label=_("Which provider did you pay"), choices=())
    invoice_number = forms.CharField(
        label=_("Number of the provider’s invoice"),
        max_length=60,
        widget=forms.TextInput({"class": "govuk-input--width-20", "autocomplete": "off"}),
    )
    amount_paid = money_field(
        _("How much you paid"), _("The whole invoice, for example 12,500.00")
    )
    fee_excluded = money_field(
        _("How much of it is for storage, network or anything but compute"),
        _("Enter 0 if it is all compute"),
        initial=Decimal(0),
    )
    contract_from_on = day_field(_("First day of the contract"))
    contract_until_on = day_field(_("Last day of the contract"))
    period_from_on = day_field(_("First day of use that you claim for"))
    period_until_on = day_field(_("Last day of use that you claim for"))

    def __init__(
        self, *given: Any, providers: Sequence[tuple[str, str]], unit: str, **more: Any
    ) -> None:
        super().__init__(*given, **more)
        self._unit = unit
        _offer(self, "provider", [("", _("Choose a provider")), *providers])
        for name in ("amount_paid", "fee_excluded"):
            self.fields[name].widget.attrs["suffix"] = unit

    def clean_amount_paid(self) -> int:
        """Return the amount in minor units."""
        return self._minor("amount_paid")

    def clean_fee_excluded(self) -> int:
        """Return the amount in minor units."""
        return self._minor("fee_excluded")

    def _minor(self, name: str) -> int:
        try:
            return minor_of(self.cleaned_data[name], self._unit)
        except ValueError:
            raise forms.ValidationError(
                gettext("%(unit)s has no decimals. Enter a whole number.")
                % {"unit": self._unit}
            ) from None

    def clean(self) -> dict[str, Any]:
        """Hold each pair of days in order."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for first, last in (
            ("contract_from_on", "contract_until_on"),
            ("period_from_on", "period_until_on"),
        ):
            if first in cleaned and last in cleaned and cleaned[last] < cleaned[first]:
                self.add_error(last, _("The last day is before the first. Check both."))
        return cleaned


class NoteForm(KeyedForm):
    """A step that needs words."""

    note = forms.CharField(
        label=_("What is wrong with this line"),
        max_length=500,
        widget=forms.Textarea({"rows": 4, "maxlength": 500}),
        help_text=_("For example: this job is not ours"),
    )


class DecideForm(KeyedForm):
    """A decision on what is withheld of a line."""

    accept = forms.ChoiceField(
        label=_("What becomes of the withheld amount"),
        choices=[("yes", _("Accept it")), ("no", _("Do not accept it"))],
        widget=forms.RadioSelect,
    )
    note = forms.CharField(
        label=_("Why"),
        max_length=500,
        widget=forms.Textarea({"rows": 4, "maxlength": 500}),
        help_text=_("The provider and the holder read this"),
    )


class BatchForm(KeyedForm):
    """The programme whose payables are put in a batch."""

    programme = forms.CharField(widget=forms.HiddenInput)


class StatementForm(KeyedForm):
    """A bank's statement."""

    file = UploadField(
        label=_("Bank statement"),
        bytes_max=STATEMENT_BYTES_MAX,
        help_text=_("The XML file that your bank calls camt.053"),
        widget=forms.FileInput,
    )


class ReasonForm(KeyedForm):
    """Why a transfer is undone."""

    reason = forms.CharField(
        label=_("Why"), max_length=500, widget=forms.Textarea({"rows": 4, "maxlength": 500})
    )


class BillFilter(forms.Form):
    """Which bills to list."""

    words = forms.CharField(label=_("Number or invoice number"), max_length=60, required=False)
    status = forms.ChoiceField(
        label=_("Status"),
        choices=[("", _("All")), ("SENT", _("Sent")), ("SETTLED", _("Settled"))],
        required=False,
    )


class WordsFilter(forms.Form):
    """Which rows of the ledger to list."""

    words = forms.CharField(label=_("Search"), max_length=80, required=False)


# --- lines of a bill -------------------------------------------------------------------------


def read_lines(data: bytes, unit: str, problems: list[str]) -> list[BillLineInput]:
    """Read a CSV of a bill's lines; whatever is wrong is added to the problems, all of it.

    Columns are found by name in either language. `source` and `key` name the usage; quantity
    (hours), rate and amount (whole units) may be empty, and are then taken from the meter and
    the catalogue.
    """
    text = _text_of(data)
    if text is None:
        problems.append(gettext("The file is not text. Save it as CSV UTF-8 and send that."))
        return []
    rows = csv.reader(io.StringIO(text), delimiter=_separator(text), strict=True)
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


def _text_of(data: bytes) -> str | None:
    if b"\0" in data or data.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)):
        return None
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _separator(text: str) -> str:
    first = text.partition("\n")[0]
    return max(",\t;", key=first.count)


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
