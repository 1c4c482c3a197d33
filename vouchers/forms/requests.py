"""What officers ask of applicants, what applicants answer, and the files they attach."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.forms import KeyedForm
from common.uploads import FILE_HINT, AttachmentField
from common.widgets import DayInput
from vouchers.forms.applications import DAY_ERRORS, TASKS


class AttachForm(forms.Form):
    """One file for a draft."""

    file = AttachmentField(
        label=_("Choose a file"),
        help_text=FILE_HINT,
        error_messages={"required": _("Choose a file first")},
    )


class RequestForm(KeyedForm):
    """What an officer needs from an applicant, and by when."""

    question = forms.CharField(
        label=_("What do you need?"),
        max_length=4000,
        widget=forms.Textarea({"rows": 5}),
        help_text=_("Ask one thing, and say what would settle it"),
        error_messages={"required": _("Write what you need from the applicant")},
    )
    answer_name = forms.ChoiceField(label=_("Which answer is it about?"), required=False)
    due_on = forms.DateField(
        label=_("By which day?"), widget=DayInput, error_messages=DAY_ERRORS
    )

    field_order = ("question", "answer_name", "due_on", "key")

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        which = self.fields["answer_name"]
        assert isinstance(which, forms.ChoiceField)
        which.choices = [("", _("The application as a whole")), *answer_labels().items()]


def answer_labels() -> dict[str, Any]:
    """Return what each answer of an application is called, by its name."""
    return {
        name: field.label
        for made in TASKS
        for name, field in made.base_fields.items()
        if name != "declaration"
    }


class RequestAnswerForm(KeyedForm):
    """An applicant's answer to a question: words, a file, or both."""

    text = forms.CharField(
        label=_("Your answer"),
        required=False,
        max_length=4000,
        widget=forms.Textarea({"rows": 6}),
    )
    file = AttachmentField(label=_("A file that shows it"), required=False, help_text=FILE_HINT)

    field_order = ("text", "file", "key")

    def clean(self) -> dict[str, Any]:
        """Ask for words or a file."""
        given = super().clean() or {}
        if not self.errors and not given.get("text") and not given.get("file"):
            self.add_error("text", _("Write an answer, or add a file"))
        return given
