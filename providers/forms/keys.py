"""What a provider types about its keys."""

from django import forms
from django.utils.translation import gettext_lazy as _

from common.forms import KeyedForm


class ApiKeyForm(KeyedForm):
    """A new key, named for the program that uses it."""

    name = forms.CharField(
        label=_("What is the key for"),
        max_length=60,
        help_text=_("For example “billing server”"),
    )
