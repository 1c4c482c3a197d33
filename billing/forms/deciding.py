"""What an officer types about what is withheld of a line."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.forms import KeyedForm
from vouchers.forms.decisions import AmountField


class DecideForm(KeyedForm):
    """A decision on what is withheld of a line: all of it, a part, or nothing."""

    ALL, PART, NOTHING = "yes", "part", "no"
    accept = forms.ChoiceField(
        label=_("What becomes of the withheld amount"),
        choices=[
            (ALL, _("Accept it")),
            (PART, _("Accept a part of it, and not the rest")),
            (NOTHING, _("Do not accept it")),
        ],
        widget=forms.RadioSelect,
    )
    note = forms.CharField(
        label=_("Why"),
        max_length=500,
        widget=forms.Textarea({"rows": 4, "maxlength": 500}),
        help_text=_("The provider and the holder read this"),
    )
    field_order = ["accept", "amount", "note", "key"]

    def __init__(self, *given: Any, unit: str, **more: Any) -> None:
        super().__init__(*given, **more)
        self.fields["amount"] = AmountField(
            unit=unit,
            label=_("How much of it to accept"),
            required=False,
            help_text=_("Only for a part. Of it the voucher covers the programme's share"),
        )
        self.order_fields(self.field_order)

    def clean(self) -> dict[str, Any]:
        """Ask for an amount where a part is accepted, and for none elsewhere."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        is_part, amount = cleaned.get("accept") == self.PART, cleaned.get("amount")
        if "amount" in self.errors:
            return cleaned
        if is_part and amount is None:
            self.add_error("amount", _("Enter how much of it to accept"))
        elif amount is not None and not is_part and "accept" in cleaned:
            self.add_error("amount", _("Choose to accept a part, or leave this empty"))
        return cleaned
