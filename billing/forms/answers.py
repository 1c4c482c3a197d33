"""What a holder says of the lines of a bill: on a page, or as a CSV of many lines."""

import csv
import io
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from billing.forms.pages import PROBLEMS_SHOWN, UploadField
from common.forms import KeyedForm
from common.spreadsheets import separator_of, text_of, tidy
from common.uploads import FILE_HINT, AttachmentField

ANSWERS_BYTES_MAX = 20 * 1024 * 1024
ANSWERS_MAX = 100_000
NOTE_CHARACTERS_MAX = 500
# Our name of a column, and the names under which a header may have it.
COLUMNS = {
    "line": ("line", "行号"),
    "answer": ("answer", "答复"),
    "note": ("note", "说明"),
}
# What an answer may be written as, in either language.
CONFIRMS = ("confirm", "yes", "确认")
OBJECTS = ("object", "no", "异议")
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Answers:
    """The rows that are confirmed, and what is wrong with those that are disputed."""

    confirmed: set[int] = field(default_factory=set)
    disputed: dict[int, str] = field(default_factory=dict)


def read_answers(data: bytes, known: Collection[int], problems: list[str]) -> Answers:
    """Read a CSV of answers; whatever is wrong is added to the problems, all of it.

    Columns are found by name in either language: `line`, `answer` (confirm or object) and
    `note`, which an objection needs. Rows without an answer say nothing. `known` are the
    numbers of the lines that may be answered.
    """
    found = Answers()
    text = text_of(data)
    if text is None:
        problems.append(gettext("The file is not text. Save it as CSV UTF-8 and send that."))
        return found
    rows = csv.reader(io.StringIO(text), delimiter=separator_of(text), strict=True)
    try:
        at = _places([tidy(cell).casefold() for cell in next(rows, [])], problems)
        for number, row in enumerate(rows, start=2):
            if problems and not at:
                break
            if number > ANSWERS_MAX + 1:
                problems.append(
                    gettext("The file has more than %(most)s rows. Send it in parts.")
                    % {"most": ANSWERS_MAX}
                )
                break
            if any(row):
                cells = {name: tidy(row[i]) if i < len(row) else "" for name, i in at.items()}
                _take(number, cells, known, found, problems)
    except csv.Error:
        problems.append(gettext("The file is no CSV that we can read. Save it as CSV UTF-8."))
    if not problems and not (found.confirmed or found.disputed):
        problems.append(
            gettext("No row has an answer. Write confirm or object in the column “answer”.")
        )
    return found


def _places(header: list[str], problems: list[str]) -> dict[str, int]:
    at = {
        name: header.index(word)
        for name, words in COLUMNS.items()
        for word in words
        if word in header
    }
    missing = [name for name in ("line", "answer") if name not in at]
    if missing:
        problems.append(
            gettext("The columns %(names)s are missing. The first row names the columns.")
            % {"names": ", ".join(missing)}
        )
        return {}
    return at


def _take(
    number: int,
    cells: Mapping[str, str],
    known: Collection[int],
    found: Answers,
    problems: list[str],
) -> None:
    answer, note = cells["answer"].casefold(), cells.get("note", "")
    if not answer:
        return
    values: dict[str, Any] = {"row": number, "value": cells["line"], "answer": answer}
    line = int(cells["line"]) if _NUMBER.fullmatch(cells["line"]) else 0
    if line not in known:
        problem = gettext("Row %(row)s: “%(value)s” is no line of yours. Give its number.")
    elif line in found.confirmed or line in found.disputed:
        problem = gettext(
            "Row %(row)s: line %(value)s is answered twice. Keep one of the rows."
        )
    elif answer in CONFIRMS:
        found.confirmed.add(line)
        return
    elif answer not in OBJECTS:
        problem = gettext("Row %(row)s: “%(answer)s” is no answer. Write confirm or object.")
    elif not 0 < len(note) <= NOTE_CHARACTERS_MAX:
        values["most"] = NOTE_CHARACTERS_MAX
        problem = gettext(
            "Row %(row)s: say in the column “note”, in at most %(most)s characters, what is wrong."
        )
    else:
        found.disputed[line] = note
        return
    problems.append(problem % values)


class AnswersForm(KeyedForm):
    """A holder's answers to many lines of a bill."""

    file = UploadField(
        label=_("Your answers"),
        bytes_max=ANSWERS_BYTES_MAX,
        help_text=_("CSV with the columns line, answer (confirm or object) and note"),
        widget=forms.FileInput,
    )

    def __init__(self, *given: Any, rows: Collection[int], **more: Any) -> None:
        super().__init__(*given, **more)
        self._rows = rows

    def clean(self) -> dict[str, Any]:
        """Read the answers, telling all that is wrong with them at once."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        file = cleaned.get("file")
        if file:
            problems: list[str] = []
            cleaned["answers"] = read_answers(file.read(), self._rows, problems)
            for problem in problems[:PROBLEMS_SHOWN]:
                self.add_error("file", problem)
            if len(problems) > PROBLEMS_SHOWN:
                count = len(problems) - PROBLEMS_SHOWN
                self.add_error("file", gettext("and %(count)s more.") % {"count": count})
        return cleaned


class SaidFilter(forms.Form):
    """Which of a holder's lines to list."""

    words = forms.CharField(label=_("Usage, voucher or order"), max_length=160, required=False)
    said = forms.ChoiceField(
        label=_("What you said"),
        choices=[
            ("", _("All")),
            ("nothing", _("Nothing yet")),
            ("confirmed", _("Confirmed")),
            ("disputed", _("Disputed")),
        ],
        required=False,
    )


class ConfirmForm(KeyedForm):
    """Lines of a bill to confirm, or of which to take that back."""

    CHOSEN, MATCHING, TAKE_BACK = "chosen", "matching", "take_back"
    act = forms.ChoiceField(
        choices=[(CHOSEN, ""), (MATCHING, ""), (TAKE_BACK, "")], widget=forms.HiddenInput
    )
    row = forms.TypedMultipleChoiceField(
        coerce=int, required=False, widget=forms.MultipleHiddenInput
    )

    def __init__(self, *given: Any, rows: list[int], **more: Any) -> None:
        super().__init__(*given, **more)
        found = self.fields["row"]
        assert isinstance(found, forms.TypedMultipleChoiceField)
        found.choices = [(str(row), str(row)) for row in rows]

    def clean(self) -> dict[str, Any]:
        """Ask for a line where lines are to be chosen."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        is_of_chosen = cleaned.get("act") in (self.CHOSEN, self.TAKE_BACK)
        if is_of_chosen and not cleaned.get("row"):
            self.add_error("row", _("Choose the lines first."))
        return cleaned


class ReplyForm(KeyedForm):
    """What somebody writes about an objection, with a piece of evidence."""

    note = forms.CharField(
        label=_("What you have to say"),
        max_length=NOTE_CHARACTERS_MAX,
        widget=forms.Textarea({"rows": 4, "maxlength": NOTE_CHARACTERS_MAX}),
        help_text=_("The holder, the provider and the authority read it"),
    )
    file = AttachmentField(
        label=_("Evidence, if you have some"), required=False, help_text=FILE_HINT
    )
