"""What the catalogue is looked through for, and what officers set and record about prices."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.forms import KeyedForm
from common.widgets import DayInput, FigureInput
from providers.forms.catalogue import CURRENCIES, RATE_ERRORS
from providers.models import Equivalent, Offer
from providers.queries import Filter, choices_of

EVERYTHING = _("Everything")


class CatalogueForm(forms.Form):
    """What to filter and sort offers by; everything may be left out."""

    words = forms.CharField(label=_("Class, region or provider"), required=False, max_length=80)
    voucher = forms.ChoiceField(
        label=_("Your voucher"),
        required=False,
        choices=(),
        help_text=_("Shows what it buys at each offer"),
    )
    sort = forms.ChoiceField(
        label=_("Sort by"),
        required=False,
        choices=[
            ("", _("Best first")),
            ("price", _("Price of one hour")),
            ("equivalent", _("Price of one H100-equivalent hour")),
            ("queue", _("Typical wait")),
            ("newest", _("Newest first")),
        ],
        help_text=_("Best is the lowest price, and with your voucher the most hours"),
    )
    resource_class = forms.ChoiceField(label=_("Class"), required=False, choices=())
    region = forms.ChoiceField(label=_("Region"), required=False, choices=())
    currency = forms.ChoiceField(
        label=_("Currency"), required=False, choices=[("", EVERYTHING), *CURRENCIES]
    )
    service_level = forms.ChoiceField(
        label=_("Service level"),
        required=False,
        choices=[("", EVERYTHING), *Offer.ServiceLevel.choices],
    )
    is_domestic = forms.ChoiceField(
        label=_("Make of the accelerator"),
        required=False,
        choices=[("", EVERYTHING), ("yes", _("Domestic")), ("no", _("Not domestic"))],
    )
    precision = forms.ChoiceField(
        label=_("Precision"),
        required=False,
        choices=[("", EVERYTHING), *Equivalent.Precision.choices],
        help_text=_("Classes with a figure in it, compared in it"),
    )
    resource = forms.ChoiceField(
        label=_("What an hour is counted in"),
        required=False,
        choices=[("", EVERYTHING), *Offer.Resource.choices],
    )

    def __init__(
        self, *given: Any, vouchers: Iterable[tuple[str, str]], at: datetime, **more: Any
    ) -> None:
        super().__init__(*given, **more)
        choices = {
            "voucher": list(vouchers),
            "resource_class": [(one, one) for one in choices_of("resource_class", at)],
            "region": [(one, one) for one in choices_of("region", at)],
        }
        for name, values in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            nothing = _("None") if name == "voucher" else EVERYTHING
            field.choices = [("", nothing), *values]
        if not choices["voucher"]:
            del self.fields["voucher"]

    def asked(self) -> Filter:
        """Return what is looked for; what can't be read is left out."""
        self.is_valid()
        given = {name: self.cleaned_data.get(name, "") for name in self.fields}
        names = ("words", "resource", "resource_class", "region", "currency", "service_level")
        domestic = {"yes": True, "no": False}.get(given["is_domestic"])
        return Filter(
            **{name: given[name] for name in names},
            is_domestic=domestic,
            precision=given["precision"],
            sort=given["sort"] or "price",
        )

    def query(self) -> dict[str, str]:
        """Return what was asked for, for the address of the next page and of the file."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}


class CapForm(KeyedForm):
    """The most that an hour of a class may cost, from a day on."""

    scope = forms.ChoiceField(label=_("For whom it counts"), choices=())
    resource = forms.ChoiceField(
        label=_("What an hour is counted in"),
        choices=Offer.Resource.choices,
        widget=forms.RadioSelect,
        initial=Offer.Resource.GPU,
    )
    resource_class = forms.CharField(
        label=_("Accelerator or core class"),
        max_length=24,
        widget=forms.TextInput({"class": "govuk-input--width-10"}),
        help_text=_("For example H100, A100 or EPYC"),
    )
    rate = forms.DecimalField(
        label=_("The most that one hour may cost"),
        min_value=Decimal(0),
        max_digits=14,
        decimal_places=4,
        required=False,
        widget=FigureInput({"class": "govuk-input--width-10"}),
        help_text=_("Leave it empty to lift the cap"),
        error_messages=RATE_ERRORS,
    )
    currency = forms.ChoiceField(label=_("Currency"), choices=CURRENCIES)
    from_on = forms.DateField(
        label=_("From which day"),
        widget=DayInput,
        required=False,
        help_text=_("The day begins at 00:00 UTC. Leave it empty for “from now on”"),
        error_messages={"invalid": _("Enter a real day, for example 31 3 2026")},
    )
    reason = forms.CharField(
        label=_("What it rests on"),
        max_length=300,
        help_text=_("Everybody reads it"),
    )

    def __init__(self, *given: Any, scopes: Iterable[tuple[str, str]], **more: Any) -> None:
        super().__init__(*given, **more)
        field = self.fields["scope"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = list(scopes)


class EquivalentForm(KeyedForm):
    """What an accelerator of a class can do in one precision, and how many H100 that is."""

    resource_class = forms.CharField(
        label=_("Accelerator class"),
        max_length=24,
        widget=forms.TextInput({"class": "govuk-input--width-10"}),
        help_text=_("For example A100"),
    )
    precision = forms.ChoiceField(
        label=_("Precision"), choices=Equivalent.Precision.choices, initial="BF16"
    )
    teraflops = forms.DecimalField(
        label=_("Peak without sparsity, in TFLOPS"),
        max_digits=12,
        decimal_places=3,
        widget=FigureInput({"class": "govuk-input--width-10"}),
        help_text=_("For example 312"),
    )
    factor = forms.DecimalField(
        label=_("How many H100 it counts for"),
        max_digits=12,
        decimal_places=6,
        widget=FigureInput({"class": "govuk-input--width-10"}),
        help_text=_("For example 0.315"),
    )
    source = forms.CharField(
        label=_("Source"), max_length=300, help_text=_("The document, its edition and page")
    )
    sourced_on = forms.DateField(
        label=_("Day on which the source was read"),
        widget=DayInput,
        error_messages={"invalid": _("Enter a real day, for example 31 3 2026")},
    )
    from_on = forms.DateField(
        label=_("From which day"),
        widget=DayInput,
        help_text=_("Offers are compared by it from then on"),
        error_messages={"invalid": _("Enter a real day, for example 31 3 2026")},
    )
