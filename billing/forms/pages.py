"""What providers, holders and finance type or upload about usage, bills and payments."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import MaxValueValidator, MinValueValidator
from django.template.defaultfilters import filesizeformat
from django.utils.formats import date_format
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

from billing.bank_statuses import RESOLUTION
from billing.forms.lines import read_lines
from common.days import FIRST_DAY, LAST_DAY
from common.forms import KeyedForm
from common.widgets import DayInput, FigureInput

BILL_FILE_BYTES_MAX = 20 * 1024 * 1024
STATEMENT_BYTES_MAX = 50 * 1024 * 1024
PROBLEMS_SHOWN = 20
MONTHS_OFFERED = 18


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
        offer(self, "programme", [("", _("Choose a programme")), *programmes])
        offer(self, "month", months_until(today))

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


def offer(form: forms.Form, name: str, choices: Sequence[tuple[str, Any]]) -> None:
    """Give a field of choices what can be chosen."""
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


_NO_DAY = _("Enter a real day, for example 31 3 2026")


def day_field(label: Any, help_text: Any = "") -> forms.DateField:
    """Return a question for a day, in three boxes."""
    return forms.DateField(
        label=label,
        help_text=help_text,
        widget=DayInput,
        error_messages={"invalid": _NO_DAY},
        validators=[
            MinValueValidator(FIRST_DAY, message=_NO_DAY),
            MaxValueValidator(LAST_DAY, message=_NO_DAY),
        ],
    )


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


class BatchNoteForm(KeyedForm):
    """Why a batch is called off or sent back, or a payment taken out of it."""

    note = forms.CharField(
        label=_("Why"),
        max_length=500,
        widget=forms.Textarea({"rows": 4, "maxlength": 500}),
        help_text=_("It is kept with the batch"),
    )


class BatchSeenForm(KeyedForm):
    """A yes to a batch, with the fingerprint of the list that the person was shown."""

    seen = forms.RegexField(
        r"[0-9a-f]{64}",
        widget=forms.HiddenInput,
        error_messages={
            "required": _("This page has lost its list. Open it again and send it once more."),
            "invalid": _("This page has lost its list. Open it again and send it once more."),
        },
    )


class BatchApproveForm(BatchSeenForm):
    """A yes to a batch and, of each payment that looks like an earlier one, why it is right."""

    def __init__(
        self, *args: Any, alike: Mapping[str, str], said: Mapping[str, str], **more: Any
    ) -> None:
        """Make the form.

        :param alike: the payments to speak of, by end-to-end id, each with what it looks like.
        :param said: what was said of them before, by end-to-end id.
        """
        super().__init__(*args, **more)
        self._ids = {f"reason_{number}": one for number, one in enumerate(alike, start=1)}
        for name, one in self._ids.items():
            self.fields[name] = forms.CharField(
                label=gettext("Why payment %(payment)s is right") % {"payment": one},
                help_text=alike[one],
                initial=said.get(one, ""),
                max_length=500,
                widget=forms.Textarea({"rows": 2, "maxlength": 500}),
            )

    @property
    def reasons(self) -> dict[str, str]:
        """Return the reasons by end-to-end id."""
        return {one: self.cleaned_data[name] for name, one in self._ids.items()}


class PayableForm(KeyedForm):
    """What is due from which ledger account."""

    payable = forms.CharField(widget=forms.HiddenInput, max_length=120)


class BatchForm(KeyedForm):
    """The programme whose payables are put in a batch, and who pays them."""

    programme = forms.CharField(widget=forms.HiddenInput)
    payer = forms.CharField(widget=forms.HiddenInput, required=False)


class StatementForm(KeyedForm):
    """A file that the bank sent."""

    file = UploadField(
        label=_("File from the bank"),
        bytes_max=STATEMENT_BYTES_MAX,
        help_text=_("camt.053, camt.054, pain.002, MT940 or CSV"),
        widget=forms.FileInput,
    )


class ResolveForm(KeyedForm):
    """What an odd entry of the bank is."""

    kind = forms.ChoiceField(
        label=_("What is it?"), choices=list(RESOLUTION.items()), widget=forms.RadioSelect
    )
    payment = forms.CharField(
        label=_("Payment"),
        required=False,
        max_length=35,
        help_text=_("Its end-to-end id. Only if the entry is a payment, whole or in part"),
        widget=forms.TextInput({"class": "govuk-input--width-20", "autocomplete": "off"}),
    )
    recovery = forms.CharField(
        label=_("Recovery"),
        required=False,
        max_length=16,
        help_text=_("The number of the case. Only if the entry repays it"),
        widget=forms.TextInput({"class": "govuk-input--width-20", "autocomplete": "off"}),
    )
    note = forms.CharField(
        label=_("Why"), max_length=500, widget=forms.Textarea({"rows": 4, "maxlength": 500})
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


class DaysFilter(forms.Form):
    """From which day until which a statement of account is asked for."""

    from_on = day_field(_("From"))
    until_on = day_field(_("Until"))

    def clean(self) -> dict[str, Any]:
        """Refuse days in the wrong order."""
        given = super().clean() or {}
        first, last = given.get("from_on"), given.get("until_on")
        if first and last and last < first:
            self.add_error("until_on", _("Enter a day that is not before the first day"))
        return given


class AsOfFilter(forms.Form):
    """As of the end of which day."""

    on = day_field(_("As of the day"))


class QueueFilter(forms.Form):
    """Which programme's work to list."""

    def __init__(self, *given: Any, programmes: Sequence[tuple[str, str]], **more: Any) -> None:
        super().__init__(*given, **more)
        self.fields["programme"] = forms.ChoiceField(
            label=_("Programme"), choices=[("", _("All")), *programmes], required=False
        )


class WordsFilter(forms.Form):
    """Which rows of the ledger to list."""

    words = forms.CharField(label=_("Search"), max_length=80, required=False)


class ProposePeriodForm(KeyedForm):
    """A month that is over, proposed to be closed."""

    note = forms.CharField(
        label=_("What the next person should know (optional)"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class ClosePeriodForm(KeyedForm):
    """A proposed month, to be closed for good."""

    sure = forms.BooleanField(
        label=_("I have looked at what is open. A closed month can't be opened again."),
        error_messages={"required": _("Tick the box to say that you have looked at it.")},
    )
