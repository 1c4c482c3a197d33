"""What an authority publishes as its agreement, and how a provider accepts it."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.forms import KeyedForm
from common.widgets import DayInput


class AgreementForm(KeyedForm):
    """A version of an authority's framework text, in one language or both."""

    authority = forms.ChoiceField(label=_("Authority"))
    title = forms.CharField(label=_("Title in English"), max_length=120, required=False)
    text = forms.CharField(
        label=_("Text in English"), required=False, widget=forms.Textarea({"rows": 10})
    )
    title_zh = forms.CharField(label=_("Title in Chinese"), max_length=120, required=False)
    text_zh = forms.CharField(
        label=_("Text in Chinese"), required=False, widget=forms.Textarea({"rows": 10})
    )
    from_on = forms.DateField(
        label=_("From which day?"),
        widget=DayInput,
        help_text=_("Give providers time to read it: from this day new orders need it"),
        error_messages={"invalid": _("Enter a real day, for example 31 3 2026")},
    )

    def __init__(self, *given: Any, authorities: list[tuple[str, str]], **more: Any) -> None:
        super().__init__(*given, **more)
        which = self.fields["authority"]
        assert isinstance(which, forms.ChoiceField)
        which.choices = authorities


class AcceptForm(KeyedForm):
    """A provider's yes to exactly the text that it was shown."""

    sha256 = forms.CharField(widget=forms.HiddenInput, max_length=64)
    agreed = forms.BooleanField(
        label=_("We have read this text and accept it."),
        error_messages={"required": _("Confirm that you have read the text and accept it.")},
    )
