"""The questions of an application, one form a task; their fields are the keys of its answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from common.formatting import CURRENCY_SIGNS
from common.money import is_currency
from common.statuses import Words
from common.widgets import DayInput, FigureInput
from policy.programme import Programme
from vouchers.queries import DAY_FIRST, DAY_LAST

YES_NO = [("yes", _("Yes")), ("no", _("No"))]
USE_TYPES = [
    ("TRAIN", _("Train a model")),
    ("FINE_TUNE", _("Fine-tune a model")),
    ("INFERENCE", _("Run a model (inference)")),
    ("SIMULATION", _("Simulate")),
    ("OTHER", _("Something else")),
]
DAY_FAR = _("Enter a day from 2000 to 2100, for example 31 3 2026")
DAY_ERRORS = {
    "invalid": _("Enter a real day, for example 31 3 2026"),
    "min_value": DAY_FAR,
    "max_value": DAY_FAR,
}
HOURS_ERRORS = {
    "invalid": _("Enter hours as a number, for example 1,200"),
    "min_value": _("Enter more than 0 hours, for example 1,200"),
    "max_digits": _("Enter fewer hours, for example 1,200"),
    "max_decimal_places": _("Enter hours with at most 2 decimals, for example 1,200.50"),
}
FEE_ERRORS = {
    "invalid": _("Enter an amount as a number, for example 120,000"),
    "min_value": _("Enter an amount of 0 or more, for example 120,000"),
    "max_digits": _("Enter a smaller amount, for example 120,000"),
    "max_decimal_places": _("Enter an amount with at most 2 decimals, for example 120,000.50"),
}


@dataclass(frozen=True)
class Catalogue:
    """What may be chosen from: accelerator classes, and providers by code and name."""

    classes: tuple[str, ...]
    providers: tuple[tuple[str, str], ...]


def yes_no(label: Words, help_text: Words = "") -> forms.TypedChoiceField:
    """Return a question that is answered with yes or no."""
    return forms.TypedChoiceField(
        label=label,
        help_text=help_text,
        choices=YES_NO,
        coerce=lambda answer: answer == "yes",
        widget=forms.RadioSelect,
    )


def hours_field(label: Words, help_text: Words = "") -> forms.DecimalField:
    """Return a question for GPU-hours."""
    return forms.DecimalField(
        label=label,
        help_text=help_text,
        min_value=Decimal("0.01"),
        max_digits=12,
        decimal_places=2,
        widget=FigureInput({"class": "govuk-input--width-10"}),
        error_messages=HOURS_ERRORS,
    )


def fee_field(label: Words, help_text: Words = "", **more: Any) -> forms.DecimalField:
    """Return a question for an amount in whole units of the programme's currency."""
    return forms.DecimalField(
        label=label,
        help_text=help_text,
        min_value=Decimal(0),
        max_digits=14,
        decimal_places=2,
        widget=FigureInput({"class": "govuk-input--width-10"}),
        error_messages=FEE_ERRORS,
        **more,
    )


def day_field(label: Words, help_text: Words = "") -> forms.DateField:
    """Return a question for a day that a plan may name."""
    return forms.DateField(
        label=label,
        help_text=help_text,
        widget=DayInput,
        validators=[MinValueValidator(DAY_FIRST), MaxValueValidator(DAY_LAST)],
        error_messages=DAY_ERRORS,
    )


class AnswerForm(forms.Form):
    """One task of an application, without the questions that its programme does not ask."""

    task: ClassVar[str]
    title: ClassVar[Words]

    def __init__(self, *given: Any, law: Programme, catalogue: Catalogue, **more: Any) -> None:
        super().__init__(*given, **more)
        self.law = law
        self.catalogue = catalogue
        self.fit()

    def fit(self) -> None:
        """Leave out, or adapt, what the programme's law asks differently."""

    def answers(self) -> dict[str, Any]:
        """Return what was typed as it is kept: texts, yes or no, and what can't be read yet."""
        kept: dict[str, Any] = {}
        self.is_valid()
        for name, field in self.fields.items():
            value = self.cleaned_data.get(name)
            if name in self.errors and name not in self.cleaned_data:
                value = field.widget.value_from_datadict(self.data, self.files, name)
            if isinstance(value, date):
                value = value.isoformat()
            elif isinstance(value, Decimal):
                value = f"{value:f}"
            kept[name] = "" if value is None else value
        return kept

    def left_out(self, *names: str) -> None:
        """Take questions out."""
        for name in names:
            del self.fields[name]


class OrganisationForm(AnswerForm):
    """Who asks, and whom to write to."""

    task = "organisation"
    title = _("Your organisation")

    contact_name = forms.CharField(
        label=_("Whom may we ask"),
        max_length=120,
        widget=forms.TextInput({"autocomplete": "name"}),
    )
    contact_email = forms.EmailField(
        label=_("Their e-mail address"),
        widget=forms.EmailInput({"autocomplete": "email", "spellcheck": "false"}),
        error_messages={"invalid": _("Enter an e-mail address, for example name@example.org")},
    )
    is_first_time = yes_no(
        _("Is this the first time that you use public compute?"),
        _("Some ways in are meant for first-time users"),
    )

    def fit(self) -> None:
        """Ask about the first time only where hours are given in kind."""
        if self.law.mode != "M5":
            self.left_out("is_first_time")


class ProjectForm(AnswerForm):
    """What the compute is for."""

    task = "project"
    title = _("Your project")

    project_title = forms.CharField(
        label=_("Name of the project"), max_length=120, widget=forms.TextInput()
    )
    use_type = forms.ChoiceField(
        label=_("What you will mostly do"), choices=USE_TYPES, widget=forms.RadioSelect
    )
    description = forms.CharField(
        label=_("What you will do, and what it is good for"),
        max_length=500,
        widget=forms.Textarea({"rows": 6}),
        help_text=_("A few plain sentences"),
    )
    milestone = forms.CharField(
        label=_("What will show that it worked"),
        max_length=200,
        required=False,
        help_text=_("For example “a model that reads 95% of our forms”"),
    )


class ComputeForm(AnswerForm):
    """Which compute, and how much."""

    task = "compute"
    title = _("The compute")

    resource_class = forms.ChoiceField(
        label=_("Class of accelerator"), widget=forms.RadioSelect, choices=()
    )
    hours = hours_field(
        _("GPU-hours"), _("GPUs × hours × runs, for example 8 GPUs × 50 hours × 3 runs = 1,200")
    )
    provider_code = forms.ChoiceField(
        label=_("Provider, if you know it already"), required=False, choices=()
    )

    def fit(self) -> None:
        """Offer the classes and providers there are."""
        classes, providers = self.catalogue.classes, self.catalogue.providers
        one, which = self.fields["resource_class"], self.fields["provider_code"]
        assert isinstance(one, forms.ChoiceField)
        assert isinstance(which, forms.ChoiceField)
        one.choices = [(name, name) for name in classes]
        which.choices = [("", _("Not chosen yet")), *providers]
        if self.law.mode == "M5":
            self.left_out("provider_code")
        if self.law.target:
            which.required = True
            which.label = _("The provider, the other side of the target")


class TimeForm(AnswerForm):
    """When, for how much, and who else pays."""

    task = "time"
    title = _("Time and money")

    start_on = day_field(_("First day of use"))
    end_on = day_field(_("Last day of use"))
    contract_from_on = day_field(
        _("First day of the contract"), _("As the contract with the provider says")
    )
    contract_until_on = day_field(_("Last day of the contract"))
    fee_total = fee_field(
        _("Whole fee for the compute"),
        _("What the provider charges in all, before any voucher"),
    )
    fee_storage = fee_field(
        _("Of that, storage and other parts that don’t count"),
        _("Enter 0 if there are none"),
    )
    other_public_money = yes_no(
        _("Does other public money pay for the same compute?"),
        _("We ask because some programmes may not pay twice"),
    )

    def fit(self) -> None:
        """Ask for the contract in place of the days of use where a claim is paid after use."""
        law = self.law
        if law.is_claimed_after_use:
            self.left_out("start_on", "end_on")
        else:
            self.left_out("contract_from_on", "contract_until_on")
        if not (law.is_claimed_after_use and (law.base.leave_out or law.base.take_only)):
            self.left_out("fee_storage")
        if not is_currency(law.unit):
            self.left_out("fee_total")
        for name in {"fee_total", "fee_storage"} & self.fields.keys():
            self.fields[name].widget.attrs["prefix"] = CURRENCY_SIGNS[law.unit]

    def clean(self) -> dict[str, Any]:
        """Check that days follow one another and that a part is not more than its whole."""
        given = super().clean() or {}
        for first, last in (("start_on", "end_on"), ("contract_from_on", "contract_until_on")):
            if given.get(first) and given.get(last) and given[first] > given[last]:
                self.add_error(last, _("The last day must not come before the first"))
        whole, part = given.get("fee_total"), given.get("fee_storage")
        if whole is not None and part is not None and part > whole:
            self.add_error("fee_storage", _("This part can’t be more than the whole fee"))
        return given


class DeclarationForm(AnswerForm):
    """What the applicant stands for."""

    task = "declaration"
    title = _("Declaration")

    declaration = forms.BooleanField(
        label=_(
            "The answers are true, the use is lawful, and data and exports are handled as the "
            "law asks"
        )
    )


TASKS: tuple[type[AnswerForm], ...] = (
    OrganisationForm,
    ProjectForm,
    ComputeForm,
    TimeForm,
    DeclarationForm,
)


def task_form(task: str) -> type[AnswerForm] | None:
    """Return the form of a task, or nothing where there is no such task."""
    return next((one for one in TASKS if one.task == task), None)


def initial_of(answers: Mapping[str, Any], form: type[AnswerForm]) -> dict[str, Any]:
    """Return kept answers as a form shows them."""
    shown: dict[str, Any] = {}
    for name, field in form.base_fields.items():
        value = answers.get(name)
        if isinstance(field, forms.TypedChoiceField) and isinstance(value, bool):
            value = "yes" if value else "no"
        if value not in (None, ""):
            shown[name] = value
    return shown


def posted_of(answers: Mapping[str, Any], form: type[AnswerForm]) -> dict[str, Any]:
    """Return kept answers as if they were sent again, to check them once more."""
    posted: dict[str, Any] = {}
    for name, value in initial_of(answers, form).items():
        if isinstance(form.base_fields[name], forms.DateField):
            day = DayInput().decompress(value)
            posted |= {f"{name}_{part}": one for part, one in zip(_PARTS, day, strict=True)}
        else:
            posted[name] = value
    return posted


_PARTS = ("day", "month", "year")


class StartForm(forms.Form):
    """For which organisation an application is begun, and whether from an earlier one's answers."""

    organisation = forms.ChoiceField(label=_("For which organisation"), choices=())
    is_copy = forms.BooleanField(
        label=_("Start from the answers of your last application"),
        required=False,
        help_text=_("Days and the declaration are asked again"),
    )

    def __init__(
        self, *given: Any, organisations: list[tuple[str, str]], has_last: bool, **more: Any
    ) -> None:
        super().__init__(*given, **more)
        which = self.fields["organisation"]
        assert isinstance(which, forms.ChoiceField)
        which.choices = organisations
        if len(organisations) == 1:
            which.widget = forms.HiddenInput()
            which.initial = organisations[0][0]
        else:
            which.widget = forms.RadioSelect(choices=organisations)
        if not has_last:
            del self.fields["is_copy"]


# What an earlier application can't answer for a new one.
ASKED_AGAIN = frozenset(
    {"start_on", "end_on", "contract_from_on", "contract_until_on", "declaration"}
)
