"""What people type about themselves and their organisations."""

from django import forms
from django.utils.translation import gettext_lazy as _

from common.forms import KeyedForm
from parties.models import BankDetail, User


class ProfileForm(KeyedForm):
    """A person's own name and language."""

    name = forms.CharField(
        label=_("Your name"),
        max_length=120,
        widget=forms.TextInput({"autocomplete": "name"}),
    )
    language = forms.ChoiceField(
        label=_("Language of pages and letters"),
        choices=User.Language.choices,
        widget=forms.RadioSelect,
    )


class InviteForm(KeyedForm):
    """A colleague who is to act for the organisation too."""

    name = forms.CharField(label=_("Your colleague’s name"), max_length=120)
    email = forms.EmailField(
        label=_("E-mail address"),
        error_messages={"invalid": _("Enter an e-mail address, for example name@example.org")},
    )
    language = forms.ChoiceField(
        label=_("Language of pages and letters"),
        choices=User.Language.choices,
        widget=forms.RadioSelect,
    )


class BankDetailForm(KeyedForm):
    """Where an organisation wants to be paid."""

    holder = forms.CharField(
        label=_("Name on the bank account"),
        max_length=140,
        help_text=_("As the bank writes it, for example “Acme Compute Ltd”"),
    )
    scheme = forms.ChoiceField(
        label=_("Kind of number"),
        choices=BankDetail.Scheme.choices,
        widget=forms.RadioSelect,
        initial=BankDetail.Scheme.IBAN,
    )
    number = forms.CharField(
        label=_("IBAN or account number"),
        max_length=50,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Spaces do no harm, for example GB29 NWBK 6016 1331 9268 19"),
    )
    agent = forms.CharField(
        label=_("The bank’s BIC"),
        max_length=20,
        widget=forms.TextInput({"autocomplete": "off", "class": "govuk-input--width-20"}),
        help_text=_("8 or 11 letters and digits, for example NWBKGB2L"),
    )

    def clean_number(self) -> str:
        """Return the number without the spaces that people read it by."""
        return "".join(str(self.cleaned_data["number"]).split()).upper()

    def clean_agent(self) -> str:
        """Return the bank's code without spaces, in capitals."""
        agent = "".join(str(self.cleaned_data["agent"]).split()).upper()
        if len(agent) not in (8, 11) or not agent.isascii() or not agent.isalnum():
            raise forms.ValidationError(
                _("Enter a BIC of 8 or 11 letters and digits, for example NWBKGB2L")
            )
        return agent


class StopForm(KeyedForm):
    """Why a bank detail is stopped."""

    note = forms.CharField(
        label=_("Why?"),
        help_text=_("It stays on record, and can’t be changed"),
        max_length=500,
        widget=forms.Textarea({"rows": 3}),
    )


class PeopleFilter(forms.Form):
    """Whose sign-in accounts to list."""

    words = forms.CharField(label=_("E-mail address or name"), max_length=80, required=False)


class ReasonForm(KeyedForm):
    """Why an account comes under another person."""

    reason = forms.CharField(
        label=_("Why?"),
        help_text=_("It stays on record, and can’t be changed"),
        max_length=500,
        widget=forms.Textarea({"rows": 4}),
    )


class JoinForm(ReasonForm):
    """Another sign-in account of the same person."""

    email = forms.CharField(
        label=_("E-mail address of the other account"),
        max_length=254,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    field_order = ("email", "reason")
