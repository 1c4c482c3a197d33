"""What is typed about an own share: the proof of a payment, and an officer's word on it."""

from django import forms
from django.utils.translation import gettext_lazy as _

from billing.forms.pages import day_field, money_field
from billing.forms.recoveries import AmountForm
from common.forms import KeyedForm
from common.uploads import FILE_HINT, AttachmentField


class OwnShareForm(AmountForm):
    """A payment of a holder to its provider, with the bank's document."""

    amount = money_field(_("How much you paid"), _("The amount in the bank’s document"))
    paid_on = day_field(_("Day of the payment"))
    paid_to = forms.CharField(
        label=_("Who was paid"),
        help_text=_("As the bank’s document names it"),
        max_length=200,
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    file = AttachmentField(label=_("The bank’s document"), help_text=FILE_HINT)


class OwnShareDecisionForm(KeyedForm):
    """Whether a proof counts, and why."""

    accept = forms.ChoiceField(
        label=_("Does it prove the payment"),
        choices=[("yes", _("Accept it")), ("no", _("Do not accept it"))],
        widget=forms.RadioSelect,
    )
    note = forms.CharField(
        label=_("Why"),
        max_length=500,
        widget=forms.Textarea({"rows": 4, "maxlength": 500}),
        help_text=_("The holder reads this"),
    )
