"""What a browser may send about outcomes and about the report that it wants."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_naive
from django.utils.translation import gettext_lazy as _

from common.forms import KeyedForm
from common.widgets import DayInput
from scoring.kinds import OUTCOME_WORDS
from scoring.models import Outcome
from vouchers.models import Programme

# No figure is older than the first of these days, and no clock is at the last.
FIRST_ON, LAST_ON = date(2000, 1, 1), date(2100, 12, 31)
DAY_FAR = _("Enter a day from 2000 to 2100, for example 31 3 2026")

OUTCOME_KINDS = tuple((Outcome.Kind(code), words) for code, words in OUTCOME_WORDS.items())


class OutcomeForm(KeyedForm):
    """One outcome of a voucher, with its evidence."""

    kind = forms.ChoiceField(
        label=_("What came of it?"), choices=OUTCOME_KINDS, widget=forms.RadioSelect
    )
    title = forms.CharField(
        label=_("Its name, or what happened"),
        help_text=_("For example the model's or the paper's title"),
        max_length=200,
    )
    evidence_url = forms.URLField(
        label=_("Web address where it can be seen"),
        help_text=_(
            "A release page, a DOI, a patent register. Not needed for nothing to report"
        ),
        required=False,
        max_length=200,
        assume_scheme="https",
    )
    happened_on = forms.DateField(
        label=_("When it happened"),
        widget=DayInput,
        error_messages={"invalid": _("Enter a real day, for example 31 3 2026")},
    )


class TraceForm(forms.Form):
    """What somebody holds in hand and wants to follow."""

    name = forms.CharField(
        label=_("Code, number or reference"),
        help_text=_(
            "Of a payment, batch, bill, voucher, order, application, round or programme, or an "
            "address such as bank_line:12"
        ),
        max_length=120,
    )


class ReportForm(forms.Form):
    """Which programme's figures, and as of when: sent by GET, so that the address keeps it."""

    programme = forms.ChoiceField(label=_("Programme"), required=False)
    on = forms.DateField(
        label=_("As of the day"),
        help_text=_("Leave it empty for the present"),
        widget=DayInput,
        required=False,
        validators=[MinValueValidator(FIRST_ON), MaxValueValidator(LAST_ON)],
        error_messages={
            "invalid": _("Enter a real day, for example 31 3 2026"),
            "min_value": DAY_FAR,
            "max_value": DAY_FAR,
        },
    )
    time = forms.TimeField(
        label=_("Time (UTC)"),
        help_text=_("For example 17:00; empty for the end of the day"),
        input_formats=["%H:%M"],
        widget=forms.TextInput({"class": "govuk-input--width-5"}),
        required=False,
        error_messages={"invalid": _("Enter a time as hours and minutes, for example 17:00")},
    )

    def __init__(self, data: Any, *, programmes: Iterable[Programme]) -> None:
        super().__init__(data)
        choices = [(one.code, one.title_here) for one in programmes]
        self.fields["programme"].choices = [("", _("All programmes")), *choices]  # type: ignore[attr-defined]

    def at(self, now: datetime) -> datetime:
        """Return the instant that was asked for, at most now and at least the year 2000.

        `at` in the address, an exact instant, goes before the day; a link to a figure has it,
        so that it says for ever what it said.
        """
        exact = parse_datetime_or_none(self.data.get("at", ""))
        if exact is not None:
            return _between(exact, now)
        on = self.cleaned_data.get("on")
        if on is None:
            return now
        start = datetime.combine(on, self.cleaned_data.get("time") or time(), UTC)
        return min(now, start if self.cleaned_data.get("time") else start + timedelta(days=1))


def _between(exact: datetime, now: datetime) -> datetime:
    # By the year first: near either end of the calendar an instant can't be turned into UTC.
    if exact.year < FIRST_ON.year:
        return datetime.combine(FIRST_ON, time(), UTC)
    return now if exact.year > LAST_ON.year else min(exact, now)


def parse_datetime_or_none(text: str) -> datetime | None:
    """Return an aware instant from its ISO form, or None for anything else."""
    # A plus sign in an address is read as a space.
    try:
        found = parse_datetime(text.strip().replace(" ", "+"))
    except ValueError:
        return None
    return None if found is None or is_naive(found) else found
