"""Files to begin with, made from what the reader itself knows of its columns.

A sample that is read without an error, one that shows what is told of mistakes, and a template
with a guide. Each in either language, as CSV and as a workbook.
"""

import csv
import io
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.worksheet.datavalidation import DataValidation

from billing.usage.cells import CELL_CHARACTERS_MAX
from billing.usage.fixes import fit_columns, saved, text_cell
from billing.usage.guide import GUIDE, STATES_OFFERED, title_of
from billing.usage.plain_csv import SHOWN, sample

# As many as a line keeps (`UsageLine.device`).
DEVICES_CHARACTERS_MAX = 400
VALIDATED_ROWS = 10_000
CLOCK = "yyyy-mm-dd hh:mm:ss"
# The first three rows are those of the good sample, each with a mistake.
MISTAKES: tuple[dict[str, Callable[[str], str]], ...] = (
    {"count": lambda _cell: "many"},
    {"end": lambda cell: cell.replace("T01:", "T00:")},
    {"resource": lambda _cell: "TPU", "class": lambda _cell: ""},
)


def header(language: str) -> list[str]:
    """Return the names of the columns that every usage file has, in a language."""
    return [title_of(ours, language) for ours in SHOWN]


def sample_rows(language: str, **of: Any) -> list[list[str]]:
    """Return a small table that is read without an error, header first.

    `of` says whose it is: the account, class and day of `plain_csv.sample`.
    """
    return list(csv.reader(io.StringIO(sample(language, **of))))


def bad_rows(language: str, **of: Any) -> list[list[str]]:
    """Return the same table with a mistake in each row, and its first job twice."""
    head, *rows = sample_rows(language, **of)
    wrong = [
        [mistake.get(ours, str)(cell) for ours, cell in zip(SHOWN, row, strict=True)]
        for row, mistake in zip(rows, MISTAKES, strict=True)
    ]
    return [head, rows[0], *wrong, rows[0]]


def as_csv(rows: Sequence[Sequence[str]]) -> bytes:
    """Return a table as a CSV that a spreadsheet opens as it is."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def as_workbook(rows: Sequence[Sequence[str]], language: str) -> bytes:
    """Return a table as a workbook with the guide of its columns on a second sheet.

    Cells of times and counts are such, so that a spreadsheet knows what may stand in them; what
    is no time or count stays text.
    """
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = _("Usage")
    for row in rows:
        sheet.append([_typed(cell) for cell in row])
    _lay_out(sheet, rows[0])
    _guide(book.create_sheet(_("Columns")), language)
    return saved(book)


def _typed(text: str) -> Any:
    plain = text.replace("T", " ").removesuffix("Z")
    try:
        return datetime.strptime(plain, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007
    except ValueError:
        return int(text) if text.isdigit() else text


def _lay_out(sheet: Any, head: Sequence[str]) -> None:
    fit_columns(sheet, head, [[GUIDE[ours].example for ours in SHOWN]])
    sheet.freeze_panes = "A2"
    for place, ours in enumerate(SHOWN):
        column = sheet.cell(1, place + 1)
        column.font = Font(bold=True)
        letter = column.column_letter
        cells = f"{letter}2:{letter}{VALIDATED_ROWS}"
        if ours in ("start", "end"):
            for (cell,) in sheet[f"{letter}2:{letter}200"]:
                cell.number_format = CLOCK
        validation = _validation(ours)
        validation.add(cells)
        sheet.add_data_validation(validation)


def _validation(ours: str) -> DataValidation:
    """Return what a spreadsheet lets into a column: it helps, and stops nobody."""
    lists = {"resource": ("GPU", "CPU"), "state": STATES_OFFERED}
    if ours in lists:
        made = DataValidation(type="list", formula1='"' + ",".join(lists[ours]) + '"')
    elif ours == "count":
        made = DataValidation(type="decimal", operator="greaterThan", formula1="0")
    else:
        most = DEVICES_CHARACTERS_MAX if ours == "device" else CELL_CHARACTERS_MAX
        made = DataValidation(
            type="textLength", operator="between", formula1="1", formula2=str(most)
        )
    made.allow_blank = True
    made.errorStyle = "warning"
    made.showErrorMessage = made.showInputMessage = True
    made.error = made.prompt = str(GUIDE[ours].expected)[:250]
    return made


def _guide(sheet: Any, language: str) -> None:
    other = "en" if language.lower().startswith("zh") else "zh-hans"
    head = [
        _("Column"),
        _("Also known as"),
        _("What it means"),
        _("What it takes"),
        _("Example"),
    ]
    rows = [
        [
            title_of(ours, language),
            title_of(ours, other),
            str(GUIDE[ours].meaning),
            str(GUIDE[ours].expected),
            GUIDE[ours].example,
        ]
        for ours in SHOWN
    ]
    fit_columns(sheet, head, rows)
    sheet.append([text_cell(sheet, name, bold=True) for name in head])
    for row in rows:
        sheet.append([text_cell(sheet, cell) for cell in row])
