"""Each mandatory column and type of the published models is checked; a broken file is refused."""

import io
import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from billing.focus.model import (
    BILLING_PERIOD,
    CONTRACT_COMMITMENT,
    COST_AND_USAGE,
    SENTENCES,
    TABLES,
    FocusBroken,
    check_file,
    columns_of,
)
from billing.focus.writing import instant_after, number, written
from tests.real_data import shared

GOOD = {
    "String": "a text",
    "Decimal": "1.00",
    "Date/Time": "2026-11-02T08:00:00Z",
    "JSON": '{"a":1}',
}
# What no column of a type takes.
BAD = {
    "Decimal": ["1,000.00", "1.5 USD", "+1", "1/2", "NaN", "inf", "0x1", "１"],
    "Date/Time": ["2026-11-02", "2026-11-02 08:00:00", "2026-02-30T08:00:00Z",
                  "2026-11-02T08:00:00+08:00", "2026-11-02T08:00Z", "1793606400"],
    "JSON": ["{", "[1]", '"text"', "NULL", '{"a":1,"a":2}'],
}  # fmt: skip


def value_of(column):
    """Return a value that a column takes."""
    if column.values:
        return column.values[0]
    if column.format == "Currency":
        return "CNY"
    if column.format == "Expected Format":
        return "12 Months"
    return GOOD[column.type]


def a_row(table):
    row = {name: value_of(column) for name, column in columns_of(table).items()}
    for name in row:
        if name.endswith("End"):
            row[name] = "2026-12-01T00:00:00Z"
    return row


def problems(table, row):
    text = io.StringIO()
    text.write(",".join(row) + "\r\n")
    text.write(",".join('"' + cell.replace('"', '""') + '"' for cell in row.values()) + "\r\n")
    text.seek(0)
    return [(one.row, one.column, one.code) for one in check_file(table, text)]


def mandatory():
    return [
        (table, name)
        for table in TABLES
        for name, column in columns_of(table).items()
        if column.is_mandatory
    ]


def typed():
    return [
        (table, name, bad)
        for table in TABLES
        for name, column in columns_of(table).items()
        for bad in BAD.get(column.type, [])
    ]


@pytest.mark.parametrize("table", TABLES)
def test_a_row_of_right_values_is_whole(table):
    assert problems(table, a_row(table)) == []


def test_the_models_are_as_large_as_they_were_published():
    sizes = {table: len(columns_of(table)) for table in TABLES}

    assert sizes == {COST_AND_USAGE: 57, CONTRACT_COMMITMENT: 30, BILLING_PERIOD: 6}
    assert len(mandatory()) == 21 + 27 + 6


@pytest.mark.parametrize(("table", "name"), mandatory())
def test_each_mandatory_column_is_missed(table, name):
    row = a_row(table)
    del row[name]

    assert (1, name, "column_missing") in problems(table, row)


@pytest.mark.parametrize(("table", "name"), mandatory())
def test_each_mandatory_column_is_empty_only_where_it_may_be(table, name):
    column = columns_of(table)[name]

    found = problems(table, {**a_row(table), name: ""})

    assert ((2, name, "null") in found) is not column.nulls


@pytest.mark.parametrize(("table", "name", "bad"), typed())
def test_each_type_takes_its_own_values_only(table, name, bad):
    found = problems(table, {**a_row(table), name: bad})

    assert [(row, column) for row, column, _code in found] == [(2, name)]


@pytest.mark.parametrize(
    ("table", "change", "found"),
    [
        (COST_AND_USAGE, {"BillingCurrency": "yuan"}, [("BillingCurrency", "currency")]),
        (COST_AND_USAGE, {"ChargeCategory": "usage"}, [("ChargeCategory", "value_unknown")]),
        (COST_AND_USAGE, {"ListUnitPrice": "-1.00"}, [("ListUnitPrice", "range")]),
        (COST_AND_USAGE, {"ListCost": "1.01", "ChargeClass": ""}, [("ListCost", "product")]),
        (COST_AND_USAGE, {"ListCost": "1.01", "ChargeClass": "Correction"}, []),
        (COST_AND_USAGE, {"Tags": '{"a":[1]}'}, [("Tags", "nested")]),
        (COST_AND_USAGE, {"PricingUnit": ""}, [("PricingQuantity", "alone")]),
        (COST_AND_USAGE, {"ChargePeriodEnd": "2026-11-02T08:00:00Z"},
         [("ChargePeriodEnd", "period")]),
        (COST_AND_USAGE, {"BilledCost": " "}, [("BilledCost", "null")]),
        (CONTRACT_COMMITMENT, {"ContractCommitmentDiscountPercentage": "1.10"},
         [("ContractCommitmentDiscountPercentage", "range")]),
        (CONTRACT_COMMITMENT, {"ContractCommitmentDurationType": "a year"},
         [("ContractCommitmentDurationType", "duration")]),
        (BILLING_PERIOD, {"BillingPeriodStatus": "Locked"},
         [("BillingPeriodStatus", "value_unknown")]),
    ],
)  # fmt: skip
def test_what_goes_beyond_types_is_checked_too(table, change, found):
    told = problems(table, {**a_row(table), **change})

    assert [(column, code) for _row, column, code in told] == found


def test_columns_of_nobody_and_uneven_rows_are_told():
    text = io.StringIO("\ufeffBillingPeriodStart,Cost,x_Own,x_Own\r\n2026-01-01T00:00:00Z\r\n")

    found = {(one.row, one.column, one.code) for one in check_file(BILLING_PERIOD, text)}

    assert {(1, "Cost", "column_unknown"), (1, "x_Own", "column_twice")} <= found
    assert (2, "", "cells_differ") in found
    assert (1, "BillingPeriodStart", "column_missing") not in found


def test_every_problem_has_words():
    assert all(str(sentence) for sentence in SENTENCES.values())


def test_a_broken_row_is_not_given_out():
    row = a_row(BILLING_PERIOD)

    with pytest.raises(FocusBroken) as refusal:
        written(BILLING_PERIOD, [row, {**row, "InvoiceIssuerName": ""}])

    assert refusal.value.values["row"] == 3
    assert "InvoiceIssuerName: A value is needed." in str(refusal.value)


def test_what_a_spreadsheet_would_run_is_text_and_what_is_negative_a_number():
    row = {**a_row(COST_AND_USAGE), "ResourceName": "=1+1", "BilledCost": "-3.50"}

    text = written(COST_AND_USAGE, [row]).read().decode()

    assert "'=1+1" in text
    assert ",-3.50," in text or text.startswith("-3.50")


def test_instants_are_cut_outwards_to_whole_seconds():
    at = datetime(2026, 11, 2, 8, 0, 0, 1_000, tzinfo=UTC)

    assert instant_after(at) == "2026-11-02T08:00:01Z"
    assert instant_after(at.replace(microsecond=0)) == "2026-11-02T08:00:00Z"


@pytest.mark.parametrize(
    ("value", "said"),
    [("0", "0.00"), ("1.5", "1.50"), ("1E+2", "100.00"), ("0.000277777778", "0.000277777778")],
)
def test_numbers_have_a_point(value, said):
    assert number(Decimal(value)) == said


# --- published files -------------------------------------------------------------------------


@pytest.mark.real_data
@pytest.mark.parametrize("table", [CONTRACT_COMMITMENT, BILLING_PERIOD])
def test_our_columns_are_those_of_the_published_model(table):
    published = json.loads(shared("focus/focus_model_1.4.json").read_text())
    found = published["datasets"][table]["columns"]

    assert {
        name: (one["feature_level"], one["data_type"], one["allows_nulls"])
        for name, one in found.items()
    } == {
        name: (column.level, column.type, column.nulls)
        for name, column in columns_of(table).items()
    }


@pytest.mark.real_data
def test_a_real_table_of_the_first_version_is_told_what_it_lacks():
    with shared("focus/focus_1.0_sample_1000.csv").open(encoding="utf-8", newline="") as file:
        found = check_file(COST_AND_USAGE, file)

    assert (1, "Id", "column_unknown") in {(one.row, one.column, one.code) for one in found}
    assert {one.code for one in found} <= SENTENCES.keys()
