"""What officers type about applications and vouchers."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.formatting import CURRENCY_SIGNS
from common.forms import KeyedForm
from common.money import is_currency, major
from common.widgets import FigureInput
from policy.rules import minor


class AmountField(forms.DecimalField):
    """An amount typed in whole currency units or GPU-hours; cleaned to minor units or GPU-ms."""

    def __init__(self, *, unit: str, **more: Any) -> None:
        sign = {"prefix": CURRENCY_SIGNS[unit]} if is_currency(unit) else {"suffix": "GPU-h"}
        more.setdefault("widget", FigureInput({"class": "govuk-input--width-10", **sign}))
        more.setdefault(
            "error_messages",
            {
                "invalid": _("Enter an amount as a number, for example 120,000"),
                "min_value": _("Enter an amount of 0 or more, for example 120,000"),
                "max_digits": _("Enter a smaller amount, for example 120,000"),
            },
        )
        self.unit = unit
        super().__init__(min_value=Decimal(0), max_digits=16, **more)

    def clean(self, value: Any) -> int | None:
        """Return the amount in minor units, refusing what is finer than they are."""
        amount: Decimal | None = super().clean(value)
        if amount is None:
            return None
        small = minor(amount, self.unit)
        if major(small, self.unit) != amount:
            raise forms.ValidationError(
                _("Enter fewer decimals: this is finer than the smallest amount there is")
            )
        return small


class NoteForm(KeyedForm):
    """A step that asks why."""

    note = forms.CharField(
        label=_("Why"),
        max_length=1000,
        widget=forms.Textarea({"rows": 4}),
        help_text=_("The organisation can read this"),
    )


class DecideForm(KeyedForm):
    """An officer's decision on one application."""

    outcome = forms.ChoiceField(
        label=_("Decision"),
        choices=[("PASS", _("Approve")), ("FAIL", _("Do not approve"))],
        widget=forms.RadioSelect,
    )
    note = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=1000,
        widget=forms.Textarea({"rows": 4}),
        help_text=_("The applicant can read this; needed when you do not approve"),
    )

    field_order = ["outcome", "awarded", "note", "key"]

    def __init__(self, *given: Any, unit: str, **more: Any) -> None:
        super().__init__(*given, **more)
        self.fields["awarded"] = AmountField(
            unit=unit,
            label=_("Amount, if you approve"),
            required=False,
            help_text=_("At most what is recommended; leave it empty for all of that"),
        )
        self.order_fields(self.field_order)

    def clean(self) -> dict[str, Any]:
        """Ask for a reason where an application is not approved."""
        given = super().clean() or {}
        if given.get("outcome") == "FAIL":
            given["awarded"] = None
            if not given.get("note"):
                self.add_error(
                    "note", _("Say why it is not approved; the applicant is told this")
                )
        return given


class ReturnForm(KeyedForm):
    """How much of a voucher is given back."""

    def __init__(self, *given: Any, unit: str, **more: Any) -> None:
        super().__init__(*given, **more)
        self.fields["amount"] = AmountField(
            unit=unit,
            label=_("How much to give back"),
            required=False,
            help_text=_("Leave it empty to give back everything that is free"),
        )
        self.order_fields(["amount", "key"])
