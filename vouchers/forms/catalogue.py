"""What the catalogue is looked through for."""

from django import forms
from django.utils.translation import gettext_lazy as _

from providers.models import Offer


class CatalogueForm(forms.Form):
    """Words and a kind of resource; both may be left out."""

    words = forms.CharField(label=_("Class, region or provider"), required=False, max_length=80)
    resource = forms.ChoiceField(
        label=_("What an hour is counted in"),
        required=False,
        choices=[("", _("Everything")), *Offer.Resource.choices],
    )
