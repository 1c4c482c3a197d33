"""What a provider types about where it wants to be told."""

from django import forms
from django.utils.translation import gettext_lazy as _

from common.errors import Refused
from common.forms import KeyedForm
from providers.actions import checked_url
from providers.kinds import EVENTS


class WebhookForm(KeyedForm):
    """An address, and which events it wants."""

    url = forms.CharField(
        label=_("Address"),
        help_text=_("It begins with https:// and can be reached from the internet."),
        max_length=500,
        widget=forms.TextInput({"spellcheck": "false", "autocomplete": "off"}),
    )
    events = forms.MultipleChoiceField(
        label=_("Which events (optional)"),
        help_text=_("None chosen: all of them, and those to come."),
        choices=list(EVENTS.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def clean_url(self) -> str:
        """Return the address if events may be sent there."""
        try:
            return checked_url(self.cleaned_data["url"].strip())
        except Refused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
