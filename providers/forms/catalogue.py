"""What a provider types about its offers and their prices."""

from decimal import Decimal

from django import forms
from django.utils.translation import gettext_lazy as _

from common.forms import KeyedForm
from common.money import CURRENCY_EXPONENTS
from common.widgets import DayInput, FigureInput
from providers.actions.catalogue import QUEUE_HOURS_MAX
from providers.models import Offer

CURRENCIES = [(code, code) for code in CURRENCY_EXPONENTS]

RATE_ERRORS = {
    "invalid": _("Enter the price of one hour as a number, for example 12.50"),
    "min_value": _("Enter a price of 0 or more, for example 12.50"),
    "max_decimal_places": _("Enter a price with at most 4 decimals, for example 12.5025"),
}


def rate_field() -> forms.DecimalField:
    """Return the field of an hour's price, in whole units of its currency."""
    return forms.DecimalField(
        label=_("Price of one hour"),
        min_value=Decimal(0),
        max_digits=14,
        decimal_places=4,
        widget=FigureInput({"class": "govuk-input--width-10"}),
        help_text=_("Of one GPU, or of one core, for example 12.50"),
        error_messages=RATE_ERRORS,
    )


def queue_field() -> forms.IntegerField:
    """Return the field of how long a job typically waits before it starts, in whole hours."""
    return forms.IntegerField(
        label=_("Typical wait before a job starts, in hours"),
        min_value=0,
        max_value=QUEUE_HOURS_MAX,
        required=False,
        widget=FigureInput({"class": "govuk-input--width-5"}),
        help_text=_("0 for less than an hour; leave it empty where you can’t say"),
        error_messages={
            "invalid": _("Enter whole hours, for example 2"),
            "min_value": _("Enter 0 hours or more, for example 2"),
            "max_value": _("Enter at most %(limit_value)s hours"),
        },
    )


class OfferForm(KeyedForm):
    """A new entry of the catalogue with its first price: at most eight answers."""

    resource_class = forms.CharField(
        label=_("Accelerator or core class"),
        max_length=24,
        widget=forms.TextInput({"class": "govuk-input--width-10"}),
        help_text=_("For example H100, A100 or EPYC"),
    )
    resource = forms.ChoiceField(
        label=_("What an hour is counted in"),
        choices=Offer.Resource.choices,
        widget=forms.RadioSelect,
        initial=Offer.Resource.GPU,
    )
    is_domestic = forms.ChoiceField(
        label=_("Make of the accelerator"),
        choices=[("no", _("Not domestic")), ("yes", _("Domestic"))],
        widget=forms.RadioSelect,
        help_text=_("Some programmes pay a higher share of domestic makes, and check it"),
    )
    region = forms.CharField(
        label=_("Where it runs"),
        max_length=80,
        help_text=_("For example CN-5101 or GB-LND"),
    )
    service_level = forms.ChoiceField(
        label=_("Service level"),
        choices=Offer.ServiceLevel.choices,
        initial=Offer.ServiceLevel.ON_DEMAND,
    )
    queue_hours = queue_field()
    rate = rate_field()
    currency = forms.ChoiceField(label=_("Currency"), choices=CURRENCIES)
    title = forms.CharField(
        label=_("Name of the offer"),
        max_length=120,
        required=False,
        help_text=_("Left empty, it is the class and the service level"),
    )

    def clean_resource_class(self) -> str:
        """Return the class in capitals, as vouchers name it."""
        return str(self.cleaned_data["resource_class"]).strip().upper()

    def hide(self) -> None:
        """Carry the answers along unseen, for the step that publishes them."""
        for field in self.fields.values():
            field.widget = forms.HiddenInput()


class QueueForm(KeyedForm):
    """How long a job of an offer typically waits now."""

    queue_hours = queue_field()


class AcceptanceForm(KeyedForm):
    """How a provider takes the orders that holders place."""

    way = forms.ChoiceField(
        label=_("When a holder orders one of your offers"),
        choices=[
            ("AT_ONCE", _("The order counts at once")),
            ("EACH", _("The order waits until you accept or decline it")),
        ],
        widget=forms.RadioSelect,
    )


class PriceForm(KeyedForm):
    """A price that follows the ones before it."""

    rate = rate_field()
    currency = forms.ChoiceField(label=_("Currency"), choices=CURRENCIES)
    from_on = forms.DateField(
        label=_("From which day"),
        widget=DayInput,
        required=False,
        help_text=_("The day begins at 00:00 UTC. Leave it empty for “from now on”"),
        error_messages={"invalid": _("Enter a real day, for example 31 3 2026")},
    )
