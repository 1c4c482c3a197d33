"""What is typed about a recovery: its ground, the debtor's reply, the decision, what came back."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from billing.forms.lines import minor_of
from billing.forms.pages import money_field
from billing.models import CollectionProposal
from common.forms import KeyedForm


def _words(label: Any, help_text: Any = "", most: int = 500) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        max_length=most,
        widget=forms.Textarea(attrs={"rows": 4}),
    )


class AmountForm(KeyedForm):
    """A form with one amount, in the unit of its programme."""

    def __init__(self, *given: Any, unit: str, **more: Any) -> None:
        super().__init__(*given, **more)
        self._unit = unit
        self.fields["amount"].widget.attrs["suffix"] = unit

    def clean_amount(self) -> int:
        """Return the amount in minor units."""
        amount: Decimal = self.cleaned_data["amount"]
        try:
            return minor_of(amount, self._unit)
        except ValueError:
            raise forms.ValidationError(
                gettext("%(unit)s has no decimals. Enter a whole number.")
                % {"unit": self._unit}
            ) from None


class OriginForm(forms.Form):
    """What a case takes back from."""

    origin = forms.CharField(
        label=_("Reference of the payment, or bill and line"),
        help_text=_("For example B-7KQ2M4-00001, or BL-7KQ2M4/12"),
        max_length=40,
    )


class OpenRecoveryForm(AmountForm):
    """A case: how much, on what ground, and why."""

    amount = money_field(_("Amount to recover"))
    legal_basis = forms.CharField(
        label=_("Legal basis"),
        help_text=_("The provision that it rests on, for example Measures, Article 21"),
        max_length=200,
    )
    reason = _words(_("Reason"), _("The debtor reads it in the notice."))


class ReplyForm(KeyedForm):
    """What the debtor says."""

    text = _words(_("Your reply"), _("Say what is right, and name the evidence."), 2000)


class DecideRecoveryForm(AmountForm):
    """The decision on a case."""

    amount = money_field(_("Amount that is owed"), _("Enter 0 to drop the case."))
    note = _words(_("Reason"), _("The debtor reads it."))


class CollectionForm(AmountForm):
    """What was paid back, or is to be given up."""

    kind = forms.ChoiceField(
        label=_("What is it"),
        choices=[
            (CollectionProposal.Kind.REPAYMENT, _("The debtor has paid back")),
            (CollectionProposal.Kind.WRITE_OFF, _("It is to be written off")),
        ],
        widget=forms.RadioSelect,
    )
    amount = money_field(_("Amount"))
    note = _words(
        _("Entry of the bank statement, or why it is written off"),
        _("Another finance officer confirms it by this."),
    )
