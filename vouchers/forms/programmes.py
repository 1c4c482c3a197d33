"""What staff type about programmes: their law and their rounds."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from common.forms import KeyedForm
from common.widgets import DayInput, FigureInput
from policy.programme import TEXT_MOST, ProgrammeInvalid, read
from vouchers.forms.applications import DAY_ERRORS
from vouchers.forms.decisions import AmountField
from vouchers.models import Round


class PolicyForm(KeyedForm):
    """The whole text of a programme's law."""

    text = forms.CharField(
        label=_("Text of the policy (TOML)"),
        strip=False,
        widget=forms.Textarea({"rows": 30, "spellcheck": "false", "class": "app-code-input"}),
        help_text=_(
            "Change what is to change and leave the rest; every section has its clause"
        ),
    )
    note = forms.CharField(
        label=_("What changes, and why"),
        max_length=1000,
        widget=forms.Textarea({"rows": 3}),
    )

    def clean_text(self) -> str:
        """Check that the text can be a programme; every problem is told with its place."""
        text = str(self.cleaned_data["text"]).replace("\r\n", "\n")
        if len(text) > TEXT_MOST:
            raise ValidationError(
                _("The text has %(count)s characters; keep it under %(most)s."),
                params={"count": len(text), "most": TEXT_MOST},
            )
        try:
            read(text)
        except ProgrammeInvalid as invalid:
            raise ValidationError(list(invalid.problems)) from invalid
        return text


class ReleaseForm(KeyedForm):
    """From which day a version is the law."""

    effective_from_on = forms.DateField(
        label=_("In force from"), widget=DayInput, error_messages=DAY_ERRORS
    )


class RoundForm(KeyedForm):
    """One intake with its dates and budget."""

    code = forms.RegexField(
        r"^[A-Za-z0-9][A-Za-z0-9\-]*$",
        label=_("Code of the round"),
        max_length=24,
        widget=forms.TextInput({"class": "govuk-input--width-10"}),
        help_text=_("For example 2026-1"),
        error_messages={"invalid": _("Use letters, digits and hyphens, for example 2026-1")},
    )
    fiscal_year = forms.IntegerField(
        label=_("Fiscal year of the appropriation"),
        min_value=2000,
        max_value=2200,
        widget=FigureInput({"class": "govuk-input--width-4", "inputmode": "numeric"}),
        error_messages={
            "invalid": _("Enter a year, for example 2026"),
            "min_value": _("Enter a year, for example 2026"),
            "max_value": _("Enter a year, for example 2026"),
        },
    )
    opens_on = forms.DateField(label=_("Opens on"), widget=DayInput, error_messages=DAY_ERRORS)
    closes_on = forms.DateField(
        label=_("Closes on"),
        widget=DayInput,
        error_messages=DAY_ERRORS,
        help_text=_("Applications are taken until the end of this day"),
    )

    def __init__(self, *given: Any, unit: str, **more: Any) -> None:
        super().__init__(*given, **more)
        self.fields["budget"] = AmountField(unit=unit, label=_("Budget of the round"))
        self.order_fields(["code", "fiscal_year", "budget", "opens_on", "closes_on", "key"])

    def clean(self) -> dict[str, Any]:
        """Check that the days follow one another and that there is a budget."""
        given = super().clean() or {}
        opens, closes = given.get("opens_on"), given.get("closes_on")
        if opens and closes and opens > closes:
            self.add_error("closes_on", _("The last day must not come before the first"))
        if given.get("budget") == 0:
            self.add_error("budget", _("Enter a budget above 0, for example 5,000,000"))
        return given


class TakeUpFilter(forms.Form):
    """Which round's figures to show: sent by GET, so that the address keeps it."""

    round = forms.ChoiceField(label=_("Round"), required=False)

    def __init__(self, data: Any, *, rounds: Iterable[Round]) -> None:
        super().__init__(data)
        choices = [(one.code, one.code) for one in rounds]
        self.fields["round"].choices = [("", _("All rounds")), *choices]  # type: ignore[attr-defined]
