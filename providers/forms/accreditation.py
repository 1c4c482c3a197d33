"""What a provider answers to be accredited, and what an officer decides about a provider."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.forms import KeyedForm
from common.uploads import FILE_HINT, AttachmentField
from common.widgets import DayInput
from providers.models import AccreditationDecision, ServiceItem, Suspension

DAY_ERRORS = {"invalid": _("Enter a real day, for example 31 3 2026")}


class ApplyForm(KeyedForm):
    """Everything that an authority is told by who wants to sell compute under its programmes."""

    authority = forms.ChoiceField(label=_("Which authority do you ask?"))
    items = forms.MultipleChoiceField(
        label=_("What do you want to sell?"),
        choices=ServiceItem.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one kind of service")},
    )
    regions = forms.CharField(
        label=_("Where does it run?"),
        max_length=200,
        help_text=_("For example CN-5101, CN-4501"),
    )
    description = forms.CharField(
        label=_("What do you run, and for whom?"),
        max_length=2000,
        widget=forms.Textarea({"rows": 5}),
        help_text=_("Data centres, accelerators, and how your use is metered"),
    )
    contact_name = forms.CharField(label=_("Who answers questions?"), max_length=120)
    contact_email = forms.EmailField(
        label=_("E-mail address"),
        error_messages={"invalid": _("Enter an e-mail address, for example name@example.org")},
    )
    licence = AttachmentField(label=_("Business licence"), required=False, help_text=FILE_HINT)
    evidence = AttachmentField(
        label=_("Evidence of your compute"), required=False, help_text=FILE_HINT
    )
    declared = forms.BooleanField(
        label=_("What we say here is true, and we tell you when it changes."),
        error_messages={"required": _("Confirm that what you say is true before you send it.")},
    )

    def __init__(self, *given: Any, authorities: list[tuple[str, str]], **more: Any) -> None:
        super().__init__(*given, **more)
        which = self.fields["authority"]
        assert isinstance(which, forms.ChoiceField)
        which.choices = authorities


class DecideForm(KeyedForm):
    """An officer's decision on an application for accreditation."""

    outcome = forms.ChoiceField(
        label=_("Your decision"),
        choices=[
            (AccreditationDecision.Outcome.GRANTED, _("Accredit")),
            (AccreditationDecision.Outcome.REFUSED, _("Refuse")),
        ],
        widget=forms.RadioSelect,
    )
    items = forms.MultipleChoiceField(
        label=_("For what?"),
        choices=ServiceItem.choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=_("Of what was asked for"),
    )
    batch = forms.CharField(
        label=_("Accreditation batch"),
        max_length=40,
        required=False,
        help_text=_("As the list is published, for example 2025-1"),
        widget=forms.TextInput({"class": "govuk-input--width-10"}),
    )
    from_on = forms.DateField(
        label=_("First day"),
        widget=DayInput,
        required=False,
        help_text=_("Leave it empty for today"),
        error_messages=DAY_ERRORS,
    )
    until_on = forms.DateField(
        label=_("Last day"),
        widget=DayInput,
        required=False,
        help_text=_("Leave it empty for “until further notice”"),
        error_messages=DAY_ERRORS,
    )
    reasons = forms.CharField(
        label=_("Reasons"),
        max_length=2000,
        required=False,
        widget=forms.Textarea({"rows": 4}),
        help_text=_("Needed where something is refused. The provider reads it"),
    )

    def __init__(self, *given: Any, asked: list[str], **more: Any) -> None:
        super().__init__(*given, **more)
        items = self.fields["items"]
        assert isinstance(items, forms.MultipleChoiceField)
        items.choices = [(one, ServiceItem(one).label) for one in asked]

    def clean(self) -> dict[str, Any]:
        """Ask for what is accredited where something is; a refusal is of everything."""
        given = super().clean() or {}
        if given.get("outcome") == AccreditationDecision.Outcome.REFUSED:
            given["items"] = []
        elif not self.errors and not given.get("items"):
            self.add_error("items", _("Choose at least one kind of service"))
        return given


class SuspendForm(KeyedForm):
    """What an officer stops of what a provider may do, why, and for how long."""

    note = forms.CharField(
        label=_("Why is the provider suspended?"),
        max_length=2000,
        widget=forms.Textarea({"rows": 4}),
        help_text=_("The provider and the holders of its open orders read it"),
    )
    stops_orders = forms.ChoiceField(
        label=_("New orders"),
        choices=[("yes", _("It takes no new orders")), ("no", _("It may take new orders"))],
        widget=forms.RadioSelect,
        initial="yes",
    )
    holds = forms.ChoiceField(
        label=_("Open orders"),
        choices=Suspension.Holds.choices,
        widget=forms.RadioSelect,
        initial=Suspension.Holds.STAY,
    )
    bills = forms.ChoiceField(
        label=_("Bills"),
        choices=Suspension.Bills.choices,
        widget=forms.RadioSelect,
        initial=Suspension.Bills.CONTINUE,
    )
    from_on = forms.DateField(
        label=_("First day"),
        widget=DayInput,
        required=False,
        help_text=_("Leave it empty for “from now on”"),
        error_messages=DAY_ERRORS,
    )
    until_on = forms.DateField(
        label=_("Last day"),
        widget=DayInput,
        required=False,
        help_text=_("Leave it empty for “until it is lifted”"),
        error_messages=DAY_ERRORS,
    )


class LiftForm(KeyedForm):
    """A word on why a suspension ends."""

    note = forms.CharField(
        label=_("Why does it end?"),
        max_length=2000,
        required=False,
        widget=forms.Textarea({"rows": 3}),
    )


class ListFilter(forms.Form):
    """Which accreditations the public list shows."""

    batch = forms.CharField(label=_("Accreditation batch"), max_length=40, required=False)
    item = forms.ChoiceField(
        label=_("Service item"),
        choices=[("", _("All")), *ServiceItem.choices],
        required=False,
    )
