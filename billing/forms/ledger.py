"""What a browser may ask of the ledger: which acts, and as of when."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from billing.ledger_words import ACT
from common.money import CURRENCY_EXPONENTS, GPU_MS_PER_HOUR
from common.widgets import DayInput
from ledger.queries.search import Search

_DAY = {"invalid": _("Enter a real day, for example 31 3 2026")}
# The years between which there is anything to find.
_FIRST, _LAST = 2000, 2100
_AMOUNT_MAX = 2**63 - 1


def _start(on: Any) -> datetime | None:
    """Return the first instant of a day in UTC, or None where no day is told."""
    if on is None or not _FIRST <= on.year <= _LAST:
        return None
    return datetime.combine(on, time(), UTC)


class ActFilter(forms.Form):
    """Which acts to list; each field narrows."""

    words = forms.CharField(
        label=_("Search"),
        help_text=_("In the reason, the subject or the kind"),
        max_length=80,
        required=False,
    )
    kind = forms.ChoiceField(label=_("What"), required=False)
    about = forms.CharField(
        label=_("About"),
        help_text=_("For example bill:BL-2RLX7Q"),
        max_length=120,
        required=False,
    )
    account = forms.CharField(
        label=_("Account"),
        help_text=_("An address or its beginning"),
        max_length=120,
        required=False,
    )
    reference = forms.CharField(
        label=_("Reference"),
        help_text=_("An end-to-end id or a bill’s number"),
        max_length=140,
        required=False,
    )
    amount = forms.DecimalField(
        label=_("Amount"),
        help_text=_("Of one transfer, such as 3600.00; GPU-hours in kind"),
        max_digits=18,
        decimal_places=4,
        required=False,
        min_value=Decimal("0.0001"),
        widget=forms.TextInput({"class": "govuk-input--width-10", "inputmode": "decimal"}),
    )
    since = forms.DateField(
        label=_("From the day"), widget=DayInput, required=False, error_messages=_DAY
    )
    until = forms.DateField(
        label=_("To the day"), widget=DayInput, required=False, error_messages=_DAY
    )

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        kinds = sorted(
            ((code, str(words)) for code, words in ACT.items()), key=lambda one: one[1]
        )
        self.fields["kind"].choices = [("", _("All")), *kinds]  # type: ignore[attr-defined]

    def search(self) -> Search:
        """Return what was asked for; a field that can't be read asks for nothing."""
        self.is_valid()
        given = self.cleaned_data
        until = _start(given.get("until"))
        return Search(
            words=given.get("words", "").strip(),
            kind=given.get("kind", ""),
            about=given.get("about", "").strip(),
            address=given.get("account", "").strip(),
            ref=given.get("reference", "").strip(),
            amounts=_amounts(given.get("amount")),
            since=_start(given.get("since")),
            until=until and until + timedelta(days=1),
        )


def _amounts(typed: Decimal | None) -> tuple[int, ...]:
    """Return what an amount is in the smallest parts of each unit that it can be of."""
    if typed is None:
        return ()
    factors = {10**exponent for exponent in CURRENCY_EXPONENTS.values()} | {GPU_MS_PER_HOUR}
    found = {typed * factor for factor in factors}
    whole = {int(one) for one in found if one == int(one) and one <= _AMOUNT_MAX}
    return tuple(sorted(whole)) or (-1,)


class AsOfForm(forms.Form):
    """As of when: sent by GET, so that the address keeps it."""

    on = forms.DateField(
        label=_("As of the day"),
        help_text=_("Leave it empty for the present"),
        widget=DayInput,
        required=False,
        error_messages=_DAY,
    )
    time = forms.TimeField(
        label=_("Time (UTC)"),
        help_text=_("For example 17:00; empty for the end of the day"),
        input_formats=["%H:%M"],
        widget=forms.TextInput({"class": "govuk-input--width-5"}),
        required=False,
        error_messages={"invalid": _("Enter a time as hours and minutes, for example 17:00")},
    )

    def at(self) -> datetime | None:
        """Return the instant that was asked for, or None for the present."""
        start = _start(self.cleaned_data.get("on")) if self.is_valid() else None
        if start is None:
            return None
        told = self.cleaned_data.get("time")
        if told is None:
            return start + timedelta(days=1) - timedelta(microseconds=1)
        return datetime.combine(start.date(), told, UTC)
