"""What an officer types about the assessment of a target."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.forms import KeyedForm
from common.widgets import FigureInput
from vouchers.forms.applications import day_field


class AssessmentForm(KeyedForm):
    """What a third party found of a target."""

    assessor = forms.CharField(
        label=_("Who assessed it"),
        max_length=200,
        help_text=_("The third party, for example a measurement institute"),
    )
    figure = forms.DecimalField(
        label=_("What was found"),
        min_value=Decimal(0),
        max_digits=18,
        decimal_places=6,
        widget=FigureInput({"class": "govuk-input--width-10"}),
        error_messages={
            "invalid": _("Enter a figure as a number, for example 5,000"),
            "min_value": _("Enter a figure of 0 or more, for example 5,000"),
            "max_decimal_places": _("Enter a figure with at most 6 decimals"),
        },
    )
    assessed_on = day_field(_("Day of the assessment"))
    evidence = forms.CharField(
        label=_("The evidence"),
        max_length=4000,
        widget=forms.Textarea({"rows": 6}),
        help_text=_("For example the report's number, electricity bills, service certificates"),
    )

    def __init__(self, *given: Any, measure: str, **more: Any) -> None:
        super().__init__(*given, **more)
        self.fields["figure"].widget.attrs["suffix"] = measure
