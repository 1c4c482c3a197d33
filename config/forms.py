"""How every form looks: one place for label, hint, error, and what describes a field."""

from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.forms.renderers import TemplatesSetting
from django.forms.widgets import ChoiceWidget, Input
from django.utils.translation import gettext

# Asked in this order: a widget has the look of the first class that it is an instance of.
_LOOKS: tuple[tuple[type[forms.Widget], str], ...] = (
    (forms.CheckboxSelectMultiple, "govuk-checkboxes__input"),
    (forms.RadioSelect, "govuk-radios__input"),
    (forms.CheckboxInput, "govuk-checkboxes__input"),
    (forms.Textarea, "govuk-textarea"),
    (forms.Select, "govuk-select"),
    (forms.FileInput, "govuk-file-upload"),
    (forms.MultiWidget, "govuk-input govuk-date-input__input"),
    (Input, "govuk-input"),
)

# Attributes of a widget that speak to the field's template and are not HTML.
_LAYOUT = ("prefix", "suffix", "heading")


class TesseraField(BoundField):
    """A bound field that knows its classes, its description and where errors may point."""

    def __init__(self, form: forms.BaseForm, field: forms.Field, name: str) -> None:
        super().__init__(form, field, name)
        # Django's own words name no field, so they would not do in a summary of errors.
        if (
            field.error_messages.get("required")
            == forms.Field.default_error_messages["required"]
        ):
            field.error_messages["required"] = self._asked() % {"label": self.label}

    def _asked(self) -> str:
        if self.is_single_checkbox:
            return gettext("Tick “%(label)s”")
        if isinstance(self.field.widget, forms.FileInput):
            return gettext("Choose a file for “%(label)s”")
        if isinstance(self.field.widget, ChoiceWidget):
            return gettext("Choose an answer for “%(label)s”")
        return gettext("Fill in “%(label)s”")

    @property
    def layout(self) -> dict[str, Any]:
        """Return the layout that the form's author put in the widget's attributes.

        `prefix` and `suffix` are units beside the box; `heading` makes the label the page's h1.
        """
        given = self.field.widget.attrs
        return {key: given[key] for key in _LAYOUT if key in given}

    @property
    def look(self) -> str:
        """Return the base class of the widget, or nothing for a hidden one."""
        widget = self.field.widget
        if widget.is_hidden:
            return ""
        return next((look for kind, look in _LOOKS if isinstance(widget, kind)), "")

    @property
    def is_single_checkbox(self) -> bool:
        """Say whether the field is one box to tick, whose label stands after it."""
        return isinstance(self.field.widget, forms.CheckboxInput)

    @property
    def is_optional(self) -> bool:
        """Say whether the label must tell that the answer may be left out."""
        return not (self.field.required or self.is_single_checkbox or self.field.disabled)

    @property
    def is_page_heading(self) -> bool:
        """Say whether the label is the page's heading too."""
        return bool(self.layout.get("heading"))

    @property
    def anchor(self) -> str:
        """Return the id that an error summary links to: the first box where there are many."""
        return f"{self.auto_id}_0" if self.use_fieldset else self.id_for_label or self.auto_id

    @property
    def longest(self) -> int | None:
        """Return the most characters that a long text may have, where it is counted."""
        if not isinstance(self.field.widget, forms.Textarea):
            return None
        most = self.field.widget.attrs.get("maxlength")
        return int(most) if most else None

    @property
    def counter_words(self) -> dict[str, str]:
        """Return the counter's sentences; `%{count}` is filled in by the script."""
        count = {"count": "%{count}"}
        return {
            "under-limit.one": gettext("You have %(count)s character remaining") % count,
            "under-limit.other": gettext("You have %(count)s characters remaining") % count,
            "at-limit": gettext("You have 0 characters remaining"),
            "over-limit.one": gettext("You have %(count)s character too many") % count,
            "over-limit.other": gettext("You have %(count)s characters too many") % count,
        }

    @property
    def aria_describedby(self) -> str | None:
        """Return the ids of hint, error and counter, in the order in which they stand."""
        described = super().aria_describedby
        if self.longest and described is not None:
            return f"{described} {self.auto_id}-info".strip()
        return described

    def build_widget_attrs(
        self, attrs: dict[str, Any], widget: forms.Widget | None = None
    ) -> dict[str, Any]:
        """Return the HTML attributes with the classes of the design system."""
        built = super().build_widget_attrs(attrs, widget)
        look = self.look
        if look:
            base = look.split()[0]
            error = f"{base}--error" if self.errors and "__" not in base else ""
            own = self.field.widget.attrs.get("class", "")
            counted = "govuk-js-character-count" if self.longest else ""
            built["class"] = " ".join(filter(None, (look, own, counted, error)))
        if isinstance(self.field.widget, (forms.RadioSelect, forms.FileInput)):
            # ARIA has no such state for one radio of a group, nor for a button.
            built.pop("aria-invalid", None)
        # Django leaves out an attribute that is False.
        built.update(dict.fromkeys(self.layout, False))
        return built


class TesseraRenderer(TemplatesSetting):
    """The project's form renderer (setting `FORM_RENDERER`)."""

    form_template_name = "components/forms/form.html"
    field_template_name = "components/forms/field.html"
    bound_field_class = TesseraField
