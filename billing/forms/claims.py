"""A fee that is claimed after use: by the holder who paid it, or by the provider it is owed to."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from billing.forms.lines import minor_of
from billing.forms.pages import day_field, money_field, offer
from common.forms import KeyedForm


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
        offer(self, "provider", [("", _("Choose a provider")), *providers])
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


class FeeClaimForm(ClaimForm):
    """A fee of which the programme pays the provider its share."""

    def __init__(self, *given: Any, unit: str, **more: Any) -> None:
        super().__init__(*given, providers=(), unit=unit, **more)
        del self.fields["provider"]
        self.fields["invoice_number"].label = _("Number of your invoice")
        self.fields["amount_paid"].label = _("Amount of your invoice")
