"""What a provider types about its keys, and which of their requests it looks for."""

from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from common.errors import Refused
from common.forms import KeyedForm
from providers.actions import networks_of
from providers.kinds import KeyKind

# How long the old key works on beside the new one, in hours.
OVERLAPS = (
    (0, _("It ends at once")),
    (1, _("One hour")),
    (24, _("One day")),
    (7 * 24, _("Seven days")),
    (30 * 24, _("Thirty days")),
)


class NetworksForm(KeyedForm):
    """From where a key may be used."""

    networks = forms.CharField(
        label=_("From which networks may it be used (optional)"),
        help_text=_("One a line, such as 203.0.113.0/24. Empty: from anywhere."),
        required=False,
        max_length=1000,
        widget=forms.Textarea({"rows": 3}),
    )

    def clean_networks(self) -> list[str]:
        """Return the networks as they are kept."""
        try:
            return networks_of(self.cleaned_data["networks"].split())
        except Refused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal


class ApiKeyForm(NetworksForm):
    """A new key, named for the program that uses it."""

    USES = (
        ("KEY", _("By sending the key with each request")),
        ("CLIENT", _("By getting short-lived tokens (OAuth 2.0 client credentials)")),
    )

    name = forms.CharField(
        label=_("What is the key for"),
        max_length=60,
        help_text=_("For example “billing server”"),
    )
    kind = forms.ChoiceField(
        label=_("What may it do"), widget=forms.RadioSelect, initial=KeyKind.LIVE
    )
    use = forms.ChoiceField(
        label=_("How does the program sign in"),
        widget=forms.RadioSelect,
        choices=USES,
        initial="KEY",
    )
    field_order = ("name", "kind", "use", "networks")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind: Any = self.fields["kind"]
        # Each portal makes the keys that work in it.
        kind.initial = KeyKind.TEST if settings.IS_SANDBOX else KeyKind.LIVE
        kind.choices = [
            (value, label)
            for value, label in KeyKind.choices
            if (value == KeyKind.TEST) == settings.IS_SANDBOX
        ]


class RollForm(KeyedForm):
    """For how long the old key works on."""

    overlap = forms.TypedChoiceField(
        label=_("How long does the old key work on"),
        choices=OVERLAPS,
        coerce=lambda hours: timedelta(hours=int(hours)),
        initial=24,
        widget=forms.RadioSelect,
    )


class CallsFilter(forms.Form):
    """Which requests of the log to list."""

    OUTCOMES = (
        ("", _("All requests")),
        ("done", _("Done")),
        ("refused", _("Refused")),
        ("failed", _("Failed by an error of ours")),
    )

    outcome = forms.ChoiceField(label=_("Outcome"), choices=OUTCOMES, required=False)
    words = forms.CharField(
        label=_("Path, code or number of a request"), max_length=80, required=False
    )
