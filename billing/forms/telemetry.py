"""What a provider chooses and types about telemetry: a page, and the key of a meter."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from billing.forms.pages import UploadField
from common.forms import KeyedForm
from common.spreadsheets import tidy


class _MeterForm(KeyedForm):
    source = forms.CharField(
        label=_("Name of the meter"),
        max_length=80,
        widget=forms.TextInput({"class": "govuk-input--width-20"}),
        help_text=_("Always the same for the same cluster, for example “cluster-a”"),
    )

    def clean_source(self) -> str:
        """Return the meter's name without look-alikes and outer blanks."""
        return tidy(str(self.cleaned_data["source"]))


class TelemetryForm(_MeterForm):
    """A page of telemetry."""

    file = UploadField(
        label=_("Page of telemetry"),
        bytes_max=settings.TELEMETRY_BYTES_MAX,
        help_text=_("In the Prometheus text format, as DCGM’s exporter gives it; also as .gz"),
        widget=forms.FileInput,
    )
    taken_at = forms.DateTimeField(
        label=_("When it was taken (UTC)"),
        help_text=_("For example 2026-11-02 08:30. Samples with a time of their own keep it."),
        widget=forms.TextInput({"class": "govuk-input--width-20"}),
        error_messages={"invalid": _("Enter the day and time such as 2026-11-02 08:30")},
    )
    field_order = ("file", "source", "taken_at")


class MeterKeyForm(_MeterForm):
    """The public key of a meter."""

    public_key = forms.CharField(
        label=_("Public key"),
        max_length=100,
        help_text=_("Ed25519: its 32 bytes in base64, 44 characters"),
    )

    def clean_public_key(self) -> Any:
        """Return the key without the blanks that copying leaves."""
        return tidy(str(self.cleaned_data["public_key"]))
