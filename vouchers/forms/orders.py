"""What holders and providers type about orders."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.forms import KeyedForm
from vouchers.forms.applications import hours_field
from vouchers.statuses import ORDER


class QuoteForm(forms.Form):
    """Which offer, for how many hours; asks for a price and commits to nothing."""

    offer = forms.ChoiceField(label=_("Offer"), choices=())
    hours = hours_field(_("GPU-hours"), _("GPUs × hours, for example 8 GPUs × 50 hours = 400"))

    def __init__(self, *given: Any, offers: list[tuple[str, str]], **more: Any) -> None:
        super().__init__(*given, **more)
        offer = self.fields["offer"]
        assert isinstance(offer, forms.ChoiceField)
        offer.choices = [("", _("Choose an offer")), *offers]


class HoldForm(KeyedForm, QuoteForm):
    """The same, with the price seen, and a name where one offer is ordered more than once."""

    provider_reference = forms.CharField(
        label=_("Name of this order (optional)"),
        max_length=80,
        required=False,
        help_text=_("Needed when you order the same offer twice; the meter can count under it"),
    )

    field_order = ["offer", "hours", "provider_reference", "key"]

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        for name in ("offer", "hours"):
            self.fields[name].widget = forms.HiddenInput()


def reason_field() -> forms.CharField:
    """Return the box for why an order is changed or ended."""
    return forms.CharField(
        label=_("Why"),
        max_length=500,
        widget=forms.Textarea({"rows": 3}),
        help_text=_("The other side reads it"),
    )


class AcceptForm(KeyedForm):
    """An order as its provider read it."""

    hours = forms.DecimalField(widget=forms.HiddenInput, max_digits=14, decimal_places=4)


class ReasonForm(KeyedForm):
    """Why an order is declined or cancelled."""

    reason = reason_field()


class ChangeForm(KeyedForm):
    """For how many hours an order is from now on, and why."""

    hours = hours_field(_("GPU-hours in all"), _("With those that were used, for example 400"))
    reason = reason_field()

    field_order = ["hours", "reason", "key"]


class OrderUserForm(KeyedForm):
    """Somebody of the holder's teams, and how the provider finds them."""

    name = forms.CharField(label=_("Name"), max_length=80)
    email = forms.EmailField(
        label=_("E-mail address"),
        max_length=200,
        required=False,
        help_text=_("This, or the login below"),
        error_messages={"invalid": _("Enter an e-mail address such as name@example.org")},
    )
    login = forms.CharField(
        label=_("Login at the provider"),
        max_length=80,
        required=False,
        help_text=_("The account name that the provider’s system knows"),
    )


class QuestionForm(KeyedForm):
    """Which line of use is asked about, and what."""

    line = forms.ChoiceField(label=_("Line of use"), choices=())
    text = forms.CharField(
        label=_("Your question"),
        max_length=500,
        widget=forms.Textarea({"rows": 3}),
        help_text=_("For example “Who ran this job?”"),
    )

    field_order = ["line", "text", "key"]

    def __init__(self, *given: Any, lines: list[tuple[str, str]], **more: Any) -> None:
        super().__init__(*given, **more)
        field = self.fields["line"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("Choose a line")), *lines]


class AnswerForm(KeyedForm):
    """What a provider says to a question."""

    text = forms.CharField(
        label=_("Your answer"),
        max_length=500,
        widget=forms.Textarea({"rows": 3}),
        help_text=_("The holder reads it"),
    )


class OrderFilter(forms.Form):
    """Which orders are listed."""

    words = forms.CharField(
        label=_("Order, voucher, holder or reference"), required=False, max_length=80
    )
    status = forms.ChoiceField(
        label=_("Status"),
        required=False,
        choices=[
            ("", _("Everything")),
            *((code, status.label) for code, status in ORDER.items() if code != "PARTLY_USED"),
        ],
    )


class RedeemForm(KeyedForm):
    """A holder's code, and what it is to be used for."""

    redemption_code = forms.CharField(
        label=_("Redemption code"),
        max_length=40,
        widget=forms.TextInput(
            {"autocomplete": "off", "spellcheck": "false", "class": "govuk-input--width-20"}
        ),
        help_text=_("The holder finds it on the voucher’s page"),
    )
    offer = forms.ChoiceField(label=_("Your offer"), choices=())
    hours = hours_field(_("GPU-hours"), _("For example 400"))
    provider_reference = forms.CharField(
        label=_("Your own reference"),
        max_length=80,
        required=False,
        help_text=_("The account, project or cluster under which your meter counts it"),
    )

    def __init__(self, *given: Any, offers: list[tuple[str, str]], **more: Any) -> None:
        super().__init__(*given, **more)
        offer = self.fields["offer"]
        assert isinstance(offer, forms.ChoiceField)
        offer.choices = [("", _("Choose an offer")), *offers]

    def clean_redemption_code(self) -> str:
        """Return the code in capitals without spaces, as it may have been read aloud."""
        return "".join(str(self.cleaned_data["redemption_code"]).split()).upper()

    def hide(self) -> None:
        """Carry the answers along unseen, for the step that confirms them."""
        for field in self.fields.values():
            field.widget = forms.HiddenInput()
