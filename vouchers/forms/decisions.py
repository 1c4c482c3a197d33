"""What officers type about applications and vouchers."""

import re
from collections import Counter
from decimal import Decimal
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from common.formatting import CURRENCY_SIGNS
from common.forms import KeyedForm
from common.money import is_currency, major
from common.widgets import FigureInput
from policy.rules import minor


class AmountField(forms.DecimalField):
    """An amount typed in whole currency units or GPU-hours; cleaned to minor units or GPU-ms."""

    def __init__(self, *, unit: str, **more: Any) -> None:
        sign = {"prefix": CURRENCY_SIGNS[unit]} if is_currency(unit) else {"suffix": "GPU-h"}
        more.setdefault("widget", FigureInput({"class": "govuk-input--width-10", **sign}))
        more.setdefault(
            "error_messages",
            {
                "invalid": _("Enter an amount as a number, for example 120,000"),
                "min_value": _("Enter an amount of 0 or more, for example 120,000"),
                "max_digits": _("Enter a smaller amount, for example 120,000"),
            },
        )
        self.unit = unit
        super().__init__(min_value=Decimal(0), max_digits=16, **more)

    def clean(self, value: Any) -> int | None:
        """Return the amount in minor units, refusing what is finer than they are."""
        amount: Decimal | None = super().clean(value)
        if amount is None:
            return None
        small = minor(amount, self.unit)
        if major(small, self.unit) != amount:
            raise forms.ValidationError(
                _("Enter fewer decimals: this is finer than the smallest amount there is")
            )
        return small


class NoteForm(KeyedForm):
    """A step that asks why."""

    note = forms.CharField(
        label=_("Why"),
        max_length=1000,
        widget=forms.Textarea({"rows": 4}),
        help_text=_("The organisation can read this"),
    )


class DecideForm(KeyedForm):
    """An officer's decision on one application."""

    outcome = forms.ChoiceField(
        label=_("Decision"),
        choices=[("PASS", _("Approve")), ("FAIL", _("Do not approve"))],
        widget=forms.RadioSelect,
    )
    note = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=1000,
        widget=forms.Textarea({"rows": 4}),
        help_text=_("The applicant can read this; needed when you do not approve"),
    )

    field_order = ["outcome", "awarded", "note", "key"]

    def __init__(self, *given: Any, unit: str, **more: Any) -> None:
        super().__init__(*given, **more)
        self.fields["awarded"] = AmountField(
            unit=unit,
            label=_("Amount, if you approve"),
            required=False,
            help_text=_("At most what is recommended; leave it empty for all of that"),
        )
        self.order_fields(self.field_order)

    def clean(self) -> dict[str, Any]:
        """Ask for a reason where an application is not approved."""
        given = super().clean() or {}
        if given.get("outcome") == "FAIL":
            given["awarded"] = None
            if not given.get("note"):
                self.add_error(
                    "note", _("Say why it is not approved; the applicant is told this")
                )
        return given


class ReturnForm(KeyedForm):
    """How much of a voucher is given back."""

    def __init__(self, *given: Any, unit: str, **more: Any) -> None:
        super().__init__(*given, **more)
        self.fields["amount"] = AmountField(
            unit=unit,
            label=_("How much to give back"),
            required=False,
            help_text=_("Leave it empty to give back everything that is free"),
        )
        self.order_fields(["amount", "key"])


class SplitForm(KeyedForm):
    """How much is set apart, and for whom."""

    label = forms.CharField(
        label=_("For which team or project?"),
        max_length=80,
        widget=forms.TextInput({"class": "govuk-input--width-20"}),
        help_text=_("A name that exists already gets more"),
        error_messages={"required": _("Name the team or project")},
    )

    def __init__(self, *given: Any, unit: str, **more: Any) -> None:
        super().__init__(*given, **more)
        self.fields["amount"] = AmountField(
            unit=unit,
            label=_("How much?"),
            error_messages={"required": _("Enter how much is set apart")},
        )
        self.order_fields(["label", "amount", "key"])


class RevokeForm(NoteForm):
    """Why a voucher is ended, and whether its holder may have another."""

    may_apply_again = forms.TypedChoiceField(
        label=_("May the organisation apply to this programme again?"),
        choices=[("yes", _("Yes")), ("no", _("No"))],
        coerce=lambda answer: answer == "yes",
        widget=forms.RadioSelect,
    )

    field_order = ("note", "may_apply_again", "key")


class ExtensionForm(KeyedForm):
    """How many more days a holder asks for, and why."""

    reason = forms.CharField(
        label=_("Why do you need them?"),
        max_length=1000,
        widget=forms.Textarea({"rows": 4}),
        error_messages={"required": _("Say why you need more days")},
    )

    def __init__(self, *given: Any, most: int, **more: Any) -> None:
        super().__init__(*given, **more)
        words = {"most": most}
        self.fields["days"] = forms.IntegerField(
            label=_("How many more days?"),
            help_text=_("1 to %(most)s") % words,
            min_value=1,
            max_value=most,
            widget=forms.TextInput({"class": "govuk-input--width-3", "inputmode": "numeric"}),
            error_messages={
                "required": _("Enter 1 to %(most)s days") % words,
                "invalid": _("Enter whole days, 1 to %(most)s") % words,
                "min_value": _("Enter 1 to %(most)s days") % words,
                "max_value": _("Enter 1 to %(most)s days") % words,
            },
        )
        self.order_fields(["days", "reason", "key"])


class ExtensionDecideForm(KeyedForm):
    """Whether a voucher gets more days."""

    outcome = forms.ChoiceField(
        label=_("Decision"),
        choices=[("GRANTED", _("Give them")), ("REFUSED", _("Do not give them"))],
        widget=forms.RadioSelect,
    )
    note = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=1000,
        widget=forms.Textarea({"rows": 4}),
        help_text=_("The holder can read this; needed when you do not give them"),
    )

    def clean(self) -> dict[str, Any]:
        """Ask for a reason where the days are not given."""
        given = super().clean() or {}
        if given.get("outcome") == "REFUSED" and not given.get("note"):
            self.add_error("note", _("Say why they are not given; the holder is told this"))
        return given


_LIST_BYTES_MAX = 2_000_000
_REFERENCE = re.compile(r"A-[0-9A-Z]{4,12}")


class BulkIssueForm(KeyedForm):
    """Of which applications the vouchers are issued: all, or those of a list or a file."""

    references = forms.CharField(
        label=_("Only these applications"),
        required=False,
        max_length=2_000_000,
        widget=forms.Textarea({"rows": 4}),
        help_text=_("One reference a line, such as A-7K2QX9; leave it empty for all"),
    )
    file = forms.FileField(
        label=_("Or a file with their references (CSV)"),
        required=False,
        max_length=250,
        widget=forms.FileInput({"accept": ".csv,.txt"}),
    )

    field_order = ("references", "file", "key")

    def clean(self) -> dict[str, Any]:
        """Read the references of the list and the file, each once; name lines without one."""
        given = super().clean() or {}
        texts = [str(given.get("references") or "")]
        file = given.get("file")
        if isinstance(file, UploadedFile):
            texts.append(file.read(_LIST_BYTES_MAX).decode("utf-8-sig", "replace"))
        found: list[str] = []
        for text in texts:
            found += self._references_in(text)
        twice = [one for one, count in Counter(found).items() if count > 1]
        is_listed = any(text.strip() for text in texts)
        given["only"] = list(dict.fromkeys(found)) if is_listed else None
        given["twice"] = twice
        return given

    def _references_in(self, text: str) -> list[str]:
        found = []
        for number, line in enumerate(text.splitlines(), start=1):
            references = _REFERENCE.findall(line.upper())
            is_heading = number == 1 or not line.strip(" ,;\t")
            if not references and not is_heading:
                words = _("Line %(number)s has no reference: “%(line)s”")
                self.add_error("references", words % {"number": number, "line": line[:60]})
            found += references[:1]
        return found
