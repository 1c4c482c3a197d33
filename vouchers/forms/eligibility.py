"""Five questions that tell, without signing in, who may apply."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.widgets import FigureInput
from vouchers.forms.applications import yes_no

KINDS = [
    ("SME", _("Small or medium enterprise")),
    ("LARGE_ENTERPRISE", _("Large enterprise")),
    ("LABORATORY", _("Laboratory")),
    ("UNIVERSITY", _("University")),
    ("INSTITUTE", _("Research institute")),
    ("CHARITY", _("Charity")),
    ("NONPROFIT", _("Other non-profit organisation")),
    ("INDIVIDUAL", _("One person")),
]
ELSEWHERE = "-"


class EligibilityForm(forms.Form):
    """Five answers; nothing of them is kept."""

    kind = forms.ChoiceField(label=_("What are you?"), choices=KINDS, widget=forms.RadioSelect)
    region = forms.ChoiceField(label=_("Where are you registered?"), choices=())
    is_registered_business = yes_no(_("Are you a registered business?"))
    employees = forms.IntegerField(
        label=_("How many people work for you?"),
        min_value=0,
        max_value=10_000_000,
        widget=FigureInput({"class": "govuk-input--width-5", "inputmode": "numeric"}),
        error_messages={
            "invalid": _("Enter a whole number, for example 12"),
            "min_value": _("Enter a whole number of 0 or more, for example 12"),
        },
    )
    other_public_money = yes_no(_("Does other public money pay for the same compute?"))

    def __init__(self, *given: Any, regions: list[str], **more: Any) -> None:
        super().__init__(*given, **more)
        region = self.fields["region"]
        assert isinstance(region, forms.ChoiceField)
        region.choices = [
            *((one, _PLACES.get(one, one)) for one in regions),
            (ELSEWHERE, _("Somewhere else")),
        ]


_PLACES = {
    "GB": _("United Kingdom"),
    "CN-4501": _("Nanning (CN-4501)"),
    "CN-5101": _("Chengdu (CN-5101)"),
    "CN-3502": _("Xiamen (CN-3502)"),
}
