"""What a provider chooses and types to send usage: a file, what its columns mean, what to bill."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from billing.forms.pages import UploadField
from billing.usage.formats import ADAPTERS
from billing.usage.guide import GUIDE
from billing.usage.recognise import ASKED, NEEDED
from common.forms import KeyedForm
from common.spreadsheets import tidy

RECOGNISE = "AUTO"
FORMATS = {adapter.code: adapter.title for adapter in ADAPTERS}
RESOURCES = [
    ("ANY", _("GPUs where a job has them, else CPU cores")),
    ("GPU", _("GPUs alone")),
    ("CPU", _("CPU cores alone")),
]


class UsageUploadForm(KeyedForm):
    """A file of metered usage."""

    file = UploadField(
        label=_("Usage file"),
        bytes_max=settings.USAGE_FILE_BYTES_MAX,
        help_text=_("Excel workbook (.xlsx), CSV or text, also packed as .gz"),
        widget=forms.FileInput,
    )
    source = forms.CharField(
        label=_("Name of the meter"),
        max_length=80,
        widget=forms.TextInput({"class": "govuk-input--width-20"}),
        help_text=_("Always the same for the same cluster, for example “cluster-a”"),
    )
    resource = forms.ChoiceField(
        label=_("What to count"), choices=RESOURCES, widget=forms.RadioSelect, initial="ANY"
    )
    format = forms.ChoiceField(
        label=_("Format of the file"),
        choices=[(RECOGNISE, _("Recognise it")), *FORMATS.items()],
        initial=RECOGNISE,
    )

    def clean_resource(self) -> str | None:
        """Return the one resource that counts, or None where any does."""
        resource = str(self.cleaned_data["resource"])
        return None if resource == "ANY" else resource

    def clean_source(self) -> str:
        """Return the meter's name without look-alikes and outer blanks."""
        return tidy(str(self.cleaned_data["source"]))


class ColumnsForm(KeyedForm):
    """Which column of a file is which of ours."""

    def __init__(
        self,
        *given: Any,
        header: Sequence[str],
        titles: Mapping[str, str],
        guessed: Mapping[str, str],
        **more: Any,
    ) -> None:
        super().__init__(*given, **more)
        names = [(name, name) for name in dict.fromkeys(filter(None, header))]
        for ours in ASKED:
            is_needed = ours in NEEDED
            nothing = _("Choose a column") if is_needed else _("Not in the file")
            self.fields[ours] = forms.ChoiceField(
                label=titles[ours],
                help_text=GUIDE[ours].meaning,
                choices=[("", nothing), *names],
                initial=guessed.get(ours, ""),
                required=is_needed,
            )

    @property
    def columns(self) -> dict[str, str]:
        """Return our names to the file's own, as they were chosen."""
        return {ours: self.cleaned_data[ours] for ours in ASKED if self.cleaned_data.get(ours)}

    def clean(self) -> dict[str, Any]:
        """Hold that each column is chosen once, and that the end or the duration is."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        chosen = [cleaned[ours] for ours in ASKED if cleaned.get(ours)]
        for ours in ASKED:
            if cleaned.get(ours) and chosen.count(cleaned[ours]) > 1:
                self.add_error(
                    ours,
                    gettext("“%(name)s” is chosen more than once. Choose it for one only.")
                    % {"name": cleaned[ours]},
                )
        if not cleaned.get("end") and not cleaned.get("duration"):
            self.add_error("end", gettext("Choose the column of the end, or of the duration."))
        return cleaned


class SendForm(KeyedForm):
    """The good lines of a checked file, to be recorded, and billed where that is asked for."""

    def __init__(self, *given: Any, bills: Sequence[Mapping[str, str]], **more: Any) -> None:
        super().__init__(*given, **more)
        self._bills = bills
        for number, bill in enumerate(bills):
            self.fields[f"invoice_{number}"] = forms.CharField(
                label=gettext("Your invoice number for %(title)s, %(month)s")
                % {"title": bill["title"], "month": bill["month"]},
                max_length=60,
                required=self.is_bill,
                initial=bill["suggested"],
                widget=forms.TextInput(
                    {"class": "govuk-input--width-20", "autocomplete": "off"}
                ),
            )

    @property
    def is_bill(self) -> bool:
        """Say whether a bill is to be sent, and not only usage recorded."""
        return self.data.get("act") != "record"

    @property
    def invoice_numbers(self) -> dict[str, str]:
        """Return the invoice number of each bill by its name; none where none is to be sent."""
        if not self.is_bill:
            return {}
        return {
            bill["name"]: str(self.cleaned_data[f"invoice_{number}"])
            for number, bill in enumerate(self._bills)
        }
