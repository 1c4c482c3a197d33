"""What is given to begin with is read by the reader that it was made from."""

import io

import openpyxl
import pytest
from django.utils import translation

from billing.usage import samples
from billing.usage.guide import GUIDE
from billing.usage.intake import read_usage
from billing.usage.plain_csv import COLUMNS, SAMPLE_SLICE, SHOWN
from billing.usage.recognise import look_at

BOTH = pytest.mark.parametrize("language", ["en", "zh-hans"])
KINDS = pytest.mark.parametrize("kind", ["csv", "xlsx"])


def file_of(rows, kind, language):
    with translation.override(language):
        data = samples.as_csv(rows) if kind == "csv" else samples.as_workbook(rows, language)
    return io.BytesIO(data)


def read(stream):
    parsed = read_usage(stream, "CSV")
    return list(parsed), parsed


@BOTH
@KINDS
def test_the_sample_is_read_without_an_error(kind, language):
    records, parsed = read(file_of(samples.sample_rows(language), kind, language))

    assert (len(records), parsed.errors, parsed.unused_columns) == (3, [], ())
    assert sum(record.quantity_ms for record in records) == 358_800_000
    assert [record.device for record in records] == ["", "", SAMPLE_SLICE]


@BOTH
@KINDS
def test_the_sample_with_mistakes_has_one_of_each_and_one_good_row(kind, language):
    records, parsed = read(file_of(samples.bad_rows(language), kind, language))

    assert [record.row for record in records] == [2, 6]
    assert records[0].key == records[1].key
    assert [(error.row, error.code) for error in parsed.errors] == [
        (3, "count_unreadable"),
        (4, "ends_before_start"),
        (5, "resource_unknown"),
        (5, "value_missing"),
    ]


@BOTH
def test_the_template_is_recognised_and_lets_in_what_the_reader_reads(language):
    stream = file_of([samples.header(language)], "xlsx", language)

    looked = look_at(stream)
    book = openpyxl.load_workbook(stream)

    assert (looked.format, looked.header) == ("CSV", tuple(samples.header(language)))
    data, guide = book.worksheets
    validations = {
        str(one.sqref): (one.type, one.formula1) for one in data.data_validations.dataValidation
    }
    assert validations["C2:C10000"] == ("list", '"GPU,CPU"')
    assert validations["E2:E10000"] == ("decimal", "0")
    assert len(validations) == len(SHOWN)
    assert data["F2"].number_format == samples.CLOCK
    assert [row[0] for row in guide.iter_rows(min_row=2, values_only=True)] == list(
        looked.header
    )


def test_the_guide_tells_of_every_column_that_the_reader_knows():
    assert GUIDE.keys() == COLUMNS.keys()
