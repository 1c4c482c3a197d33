"""The form in which finance says who pays a funder's part."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.forms import KeyedForm


class NameFunderForm(KeyedForm):
    """A funder that the law names, and the authority that pays its part from now on."""

    funder = forms.ChoiceField(label=_("Funder"))
    payer = forms.ChoiceField(
        label=_("Payer"),
        help_text=_("The authority from whose account this part is paid from now on."),
    )

    def __init__(
        self,
        *given: Any,
        funders: Sequence[str],
        payers: Sequence[tuple[str, str]],
        **more: Any,
    ) -> None:
        super().__init__(*given, **more)
        offered = {"funder": [(name, name) for name in funders], "payer": list(payers)}
        for name, choices in offered.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = choices
