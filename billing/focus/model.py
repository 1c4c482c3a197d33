"""The columns of FOCUS tables as they were published, and whether a table keeps to them.

The models are the FinOps Foundation's (https://focus.finops.org, CC BY 4.0; see SOURCES.md).
"""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from django.utils.translation import gettext_lazy as _

from common.errors import Refused

COST_AND_USAGE = "Cost and Usage"
CONTRACT_COMMITMENT = "Contract Commitment"
BILLING_PERIOD = "Billing Period"
TABLES: Mapping[str, str] = {
    COST_AND_USAGE: "1.2",
    CONTRACT_COMMITMENT: "1.4",
    BILLING_PERIOD: "1.4",
}
PROBLEMS_MAX = 1_000
_NUMBER = re.compile(r"-?\d+(\.\d+)?(E-?\d+)?", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_DURATION = re.compile(r"[1-9]\d* (Minute|Hour|Day|Week|Month|Quarter|Year)s?", re.ASCII)
# A product is compared as exactly as 64-bit fractions allow, which most readers use.
_TOLERANCE = Decimal("1e-9")
_PRODUCTS = (
    ("ListUnitPrice", "PricingQuantity", "ListCost"),
    ("ContractedUnitPrice", "PricingQuantity", "ContractedCost"),
)
_PERIODS = (
    "BillingPeriod",
    "ChargePeriod",
    "ContractPeriod",
    "ContractCommitmentPeriod",
)
_PAIRS = (
    ("PricingQuantity", "PricingUnit"),
    ("ConsumedQuantity", "ConsumedUnit"),
    ("CommitmentDiscountQuantity", "CommitmentDiscountUnit"),
    ("ResourceId", "ResourceType"),
    ("SubAccountId", "SubAccountType"),
)
SENTENCES: Mapping[str, Any] = {
    "column_missing": _("The column is mandatory and missing."),
    "column_unknown": _("The table has no such column; name a column of your own x_…."),
    "column_twice": _("The column is there twice."),
    "cells_differ": _("The row has another number of cells than the header."),
    "null": _("A value is needed."),
    "number": _("A number in digits is needed, such as 12.50."),
    "instant": _("An instant in UTC is needed, such as 2026-11-02T08:30:00Z."),
    "json": _("A JSON object is needed, each name in it once."),
    "nested": _("The values of the object must be plain: texts, numbers, true or false."),
    "currency": _("A currency is needed as three letters, such as CNY."),
    "value_unknown": _("None of the values that the column takes."),
    "range": _("The number is outside of what the column takes."),
    "duration": _("A number and a unit of time are needed, such as 12 Months."),
    "product": _("The cost is not the unit price times the quantity."),
    "period": _("The end must be after the beginning."),
    "alone": _("Of this column and its partner, both must be filled or both empty."),
}


class FocusBroken(Refused):
    """A table that does not keep to its model."""

    code = "focus_broken"
    sentence = _(
        "Row %(row)s of the %(table)s table does not keep to FOCUS %(version)s in column "
        "%(column)s: %(problem)s"
    )


@dataclass(frozen=True, slots=True)
class Column:
    """What is published of one column: level, type, format, nulls, values and range."""

    name: str
    level: str
    type: str
    format: str
    nulls: bool
    values: tuple[str, ...] = ()
    range: tuple[Decimal, Decimal] | None = None

    @property
    def is_mandatory(self) -> bool:
        """Say whether every table has the column."""
        return self.level == "Mandatory"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one cell, by the row that a person sees; the header is row 1."""

    row: int
    column: str
    code: str

    @property
    def sentence(self) -> str:
        """Return it in words."""
        return str(SENTENCES[self.code])


@cache
def columns_of(table: str) -> Mapping[str, Column]:
    """Return the columns of a table of `TABLES` by name, in the order of their names.

    :raises KeyError: for a table that is not in `TABLES`.
    """
    name = f"focus_{TABLES[table].replace('.', '_')}.json"
    text = (Path(__file__).parent / name).read_text(encoding="utf-8")
    found = json.loads(text, parse_float=Decimal)["datasets"][table]
    return {
        name: Column(
            name,
            said["level"],
            said["type"],
            said["format"],
            said["nulls"],
            tuple(said.get("values", ())),
            (Decimal(said["range"][0]), Decimal(said["range"][1])) if "range" in said else None,
        )
        for name, said in found.items()
    }


def check_file(table: str, file: TextIO) -> list[Problem]:
    """Return what is wrong with a CSV of a table, at most `PROBLEMS_MAX` of it."""
    rows = csv.reader(file)
    header = [name.removeprefix("\ufeff") for name in next(rows, [])]
    return list(islice(problems_of(table, header, rows), PROBLEMS_MAX))


def problems_of(
    table: str, header: Sequence[str], rows: Iterable[Sequence[str]]
) -> Iterator[Problem]:
    """Give what is wrong with a table: its columns first, then row after row."""
    yield from _of_header(table, header)
    columns = columns_of(table)
    known = [columns.get(name) for name in header]
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            yield Problem(number, "", "cells_differ")
            continue
        found = [
            Problem(number, column.name, code)
            for column, cell in zip(known, row, strict=True)
            if column and (code := problem_of(column, cell))
        ]
        yield from found or _across(number, dict(zip(header, row, strict=True)))


def _of_header(table: str, header: Sequence[str]) -> Iterator[Problem]:
    columns = columns_of(table)
    for name, column in columns.items():
        if column.is_mandatory and name not in header:
            yield Problem(1, name, "column_missing")
    for place, name in enumerate(header):
        if name not in columns and not name.startswith("x_"):
            yield Problem(1, name, "column_unknown")
        if name in header[:place]:
            yield Problem(1, name, "column_twice")


def problem_of(column: Column, cell: str) -> str:
    """Return the code of what is wrong with a cell, or "" where nothing is."""
    if not cell.strip():
        return "" if column.nulls and not cell else "null"
    check = _CHECKS.get(column.format) or _CHECKS.get(column.type)
    code = check(cell) if check else ""
    if not code and column.values and cell not in column.values:
        return "value_unknown"
    if not code and column.range and not column.range[0] <= Decimal(cell) <= column.range[1]:
        return "range"
    return code


def _number(cell: str) -> str:
    return "" if _NUMBER.fullmatch(cell) else "number"


def _not_negative(cell: str) -> str:
    return _number(cell) or ("range" if cell.startswith("-") else "")


def _instant(cell: str) -> str:
    try:
        datetime.fromisoformat(cell)
    except ValueError:
        return "instant"
    return "" if _INSTANT.fullmatch(cell) else "instant"


class _Twice(ValueError):
    """An object that has a name twice."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Twice
    return made


def _object(cell: str) -> str:
    try:
        found = json.loads(cell, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return "json"
    return "" if isinstance(found, dict) else "json"


def _plain_object(cell: str) -> str:
    code = _object(cell)
    if code:
        return code
    is_plain = not any(isinstance(one, dict | list) for one in json.loads(cell).values())
    return "" if is_plain else "nested"


_CHECKS: Mapping[str, Callable[[str], str]] = {
    "Decimal": _number,
    "Decimal (any)": _number,
    "Decimal (non-negative)": _not_negative,
    "Date/Time": _instant,
    "JSON": _object,
    "JSON Object": _object,
    "Key-Value": _plain_object,
    "Currency": lambda cell: "" if _CURRENCY.fullmatch(cell) else "currency",
    "Expected Format": lambda cell: "" if _DURATION.fullmatch(cell) else "duration",
}


def _across(number: int, row: Mapping[str, str]) -> Iterator[Problem]:
    """Give what is wrong between the cells of a row, each of which is right for itself."""
    is_correction = row.get("ChargeClass") == "Correction"
    for price, quantity, cost in _PRODUCTS:
        if row.get(price) and row.get(quantity) and row.get(cost) and not is_correction:
            due = Decimal(row[price]) * Decimal(row[quantity])
            said = Decimal(row[cost])
            if abs(due - said) > _TOLERANCE * max(abs(said), Decimal(1)):
                yield Problem(number, cost, "product")
    for name in _PERIODS:
        begins, ends = row.get(f"{name}Start"), row.get(f"{name}End")
        if begins and ends and ends <= begins:
            yield Problem(number, f"{name}End", "period")
    for one, other in _PAIRS:
        if one in row and other in row and bool(row[one]) != bool(row[other]):
            yield Problem(number, one, "alone")
