"""Which months of use are asked for: sent by GET, so that the address keeps it."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from billing.queries.months import Asked, Choices


class MonthsFilter(forms.Form):
    """Programme, provider, class, first and last month; what is left out asks for all."""

    programme = forms.ChoiceField(label=_("Programme"), required=False)
    provider = forms.ChoiceField(label=_("Provider"), required=False)
    resource_class = forms.ChoiceField(label=_("Accelerator class"), required=False)
    since = forms.ChoiceField(label=_("From month"), required=False)
    until = forms.ChoiceField(label=_("To month"), required=False)

    def __init__(self, *given: Any, offered: Choices, **more: Any) -> None:
        super().__init__(*given, **more)
        months = [(f"{month:%Y-%m}", f"{month:%Y-%m}") for month in offered.months]
        self._offer("programme", offered.programmes)
        self._offer("provider", offered.providers)
        self._offer("resource_class", [(name, name) for name in offered.classes])
        self._offer("since", months)
        self._offer("until", months)

    def _offer(self, name: str, choices: Iterable[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("All")), *choices]

    def clean(self) -> dict[str, Any]:
        """Hold the two months in order."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until < since:
            self.add_error("until", _("The last month is before the first. Check both."))
        return cleaned

    def asked(self) -> Asked:
        """Return what a form without errors asks for."""
        given = self.cleaned_data
        return Asked(
            given["programme"],
            given["provider"],
            given["resource_class"],
            _month(given["since"]),
            _month(given["until"]),
        )


def _month(text: str) -> date | None:
    return date.fromisoformat(f"{text}-01") if text else None
