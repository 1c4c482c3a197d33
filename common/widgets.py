"""Inputs for every form: a day in three boxes, and a figure as people type it."""

import re
import unicodedata
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

_GROUPED = re.compile(r"[+-]?\d{1,3}(?:[, ]\d{3})+(?:\.\d+)?")


class DayInput(forms.MultiWidget):
    """A day as three boxes: day, month, year. Give it to a `forms.DateField`."""

    template_name = "django/forms/widgets/day.html"
    use_fieldset = True

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        box = {"inputmode": "numeric", "autocomplete": "off"}
        super().__init__(
            widgets={part: forms.TextInput(box) for part in ("day", "month", "year")},
            attrs=attrs,
        )

    def decompress(self, value: Any) -> list[Any]:
        """Return day, month and year of a date, or of a text that was no date."""
        if isinstance(value, date):
            return [value.day, value.month, value.year]
        if isinstance(value, str) and value.count("-") == 2:
            return value.split("-")[::-1]
        return [None, None, None]

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """Return the three boxes as one ISO text, or None where all are empty."""
        parts = super().value_from_datadict(data, files, name)
        day, month, year = (unicodedata.normalize("NFKC", part or "").strip() for part in parts)
        return f"{year}-{month}-{day}" if day or month or year else None

    def get_context(
        self, name: str, value: Any, attrs: dict[str, Any] | None
    ) -> dict[str, Any]:
        """Return the context with each box's label and width."""
        context = super().get_context(name, value, attrs)
        looks = ((_("Day"), 2), (_("Month"), 2), (_("Year"), 4))
        for box, (label, width) in zip(context["widget"]["subwidgets"], looks, strict=True):
            given = box["attrs"].get("class", "")
            box["attrs"]["class"] = f"{given} govuk-input--width-{width}".strip()
            box["label"] = label
        return context


class FigureInput(forms.TextInput):
    """A number typed as people write it: `1,200`, `1 200` or `１２００` are all 1200."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"inputmode": "decimal", "autocomplete": "off", **(attrs or {})})

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """Return what was typed, in plain digits where it is a number in groups of three."""
        value = super().value_from_datadict(data, files, name)
        if value is None:
            return None
        plain = unicodedata.normalize("NFKC", value).strip()
        return re.sub("[, ]", "", plain) if _GROUPED.fullmatch(plain) else plain
