"""The report as a table that a spreadsheet opens."""

import csv
from decimal import Decimal
from io import StringIO

from common.formatting import gpu_hours, money
from common.money import is_currency
from scoring.indicators.report import Figure, Report, Value

COLUMNS = (
    "as_of",
    "programme",
    "programme_unit",
    "code",
    "title",
    "value",
    "value_unit",
    "shown",
    "withheld",
    "definition",
    "query_name",
    "query",
)


def to_csv(report: Report) -> str:
    """Return every figure, one a row, with its definition and its query.

    `value` is exact, in minor units or GPU-ms for amounts, and empty where there is none;
    `shown` is the same for people. No cell is read as a formula. The byte order mark that
    spreadsheets want is the caller's to add.
    """
    text = StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for one in report.figures:
        row = (
            report.at.isoformat(),
            one.scope.code,
            one.scope.unit,
            one.code,
            one.title,
            exact(one.value),
            one.unit,
            shown(one),
            "yes" if one.is_withheld else "",
            one.definition,
            one.query_name,
            one.query_text,
        )
        writer.writerow([_harmless(cell) for cell in row])
    return text.getvalue()


def exact(value: Value) -> str:
    """Return a value in plain digits, or nothing."""
    return "" if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)


def shown(figure: Figure) -> str:
    """Return a figure for people: with its currency, as hours, or as a percentage."""
    value, unit = figure.value, figure.unit
    if value is None:
        return "–"
    if unit == "GPU-ms" or unit.startswith("GPU:"):
        return gpu_hours(int(value))
    if is_currency(unit):
        return money(int(value), unit)
    if unit == "ratio":
        return f"{value * 100:.2f}%"
    if unit.endswith("/GPU-hour"):
        currency = unit.removesuffix("/GPU-hour")
        return f"{currency} {value:,.4f}"
    if unit == "days":
        return f"{value:.1f}"
    return f"{value:,}"


def _harmless(cell: str) -> str:
    """Keep a spreadsheet from reading a text as a formula; a number may be below nought."""
    is_number = cell.lstrip("-").replace(".", "", 1).isdigit()
    return f"'{cell}" if cell[:1] in "=+-@\t\r" and cell[:1] and not is_number else cell
