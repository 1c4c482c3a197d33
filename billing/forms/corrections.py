"""What a provider types to correct a line of use."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from billing.models import UsageLine
from billing.usage.cells import CellProblem, read_count, read_instant
from billing.usage.record import RowError
from common.forms import KeyedForm

_NARROW = {"class": "govuk-input--width-20", "autocomplete": "off"}
_RIGHT = ("right_key", "count", "started_at", "ended_at")


class CorrectUsageForm(KeyedForm):
    """Why a line is taken back, and what was truly used where something was."""

    reason = forms.CharField(
        label=_("What is wrong with this line"),
        max_length=500,
        widget=forms.Textarea({"rows": 4, "maxlength": 500}),
        help_text=_("For example: the node was down from 14:00 on"),
    )
    used = forms.ChoiceField(
        label=_("What was truly used"),
        choices=[("nothing", _("Nothing")), ("this", _("This:"))],
        widget=forms.RadioSelect,
    )
    count = forms.CharField(
        label=_("How many GPUs or cores"),
        max_length=20,
        required=False,
        widget=forms.TextInput(_NARROW),
    )
    started_at = forms.CharField(
        label=_("From (UTC)"), max_length=40, required=False, widget=forms.TextInput(_NARROW)
    )
    ended_at = forms.CharField(
        label=_("Until (UTC)"), max_length=40, required=False, widget=forms.TextInput(_NARROW)
    )
    right_key = forms.CharField(
        label=_("Key of the right line"),
        max_length=160,
        required=False,
        widget=forms.TextInput(_NARROW),
        help_text=_("Your meter’s name of it, used for no other line"),
    )

    def __init__(self, *given: Any, line: UsageLine, **more: Any) -> None:
        super().__init__(*given, **more)
        count = Decimal(line.count_thousandths) / 1000
        self.initial.update(
            count=f"{count.normalize():f}",
            started_at=_shown(line.started_at),
            ended_at=_shown(line.ended_at),
            right_key=f"{line.key[:150]}-2",
        )

    @property
    def right(self) -> dict[str, Any] | None:
        """Return what was truly used, as `billing.actions.right_of` takes it; None for nothing."""
        given = self.cleaned_data
        if given["used"] == "nothing":
            return None
        return {
            "key": given["right_key"],
            "count_thousandths": given["count"],
            "started_at": given["started_at"],
            "ended_at": given["ended_at"],
        }

    def clean(self) -> dict[str, Any]:
        """Read the right line where there is one."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if given.get("used") != "this":
            return given
        for name in _RIGHT:
            if name in given and not given[name]:
                self.add_error(name, gettext("Say this too, or choose “Nothing”."))
        readers = {"count": read_count, "started_at": _instant, "ended_at": _instant}
        for name, read in readers.items():
            if given.get(name) and name not in self.errors:
                try:
                    given[name] = read(given[name])
                except CellProblem as problem:
                    values = problem.values_named
                    error = RowError(1, name, str(given[name]), problem.code, values)
                    self.add_error(name, f"{error.problem} {error.fix}")
        return given


def _instant(text: str) -> datetime:
    return read_instant(text, "UTC")


def _shown(at: datetime) -> str:
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(sep=' ')}"
