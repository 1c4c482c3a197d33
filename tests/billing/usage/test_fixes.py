"""The rows to fix come back as they came, with what to do, and can be sent again as they are."""

import gzip
import io

import openpyxl
import pytest
from python_calamine import load_workbook

from billing.usage.fixes import as_csv, as_workbook, fixes_of
from billing.usage.intake import read_usage
from billing.usage.plain_csv import sample
from billing.usage.record import RowError
from tests.billing.usage.workbooks import HEADER, ROW, workbook

TEXT = "\n".join(
    [
        "note,job_id,voucher,resource,class,count,start,end,state",
        "first,0007,V-1,GPU,H100,8,2026-11-02 08:30:00,2026-11-02 20:30:00,COMPLETED",
        '"=1+1",0008,V-1,GPU,H100,many,2026-11-02 08:30:00,yesterday,COMPLETED',
        "",
        "last,0009,V-1,GPU,H100,8,2026-11-02 08:30:00,2026-11-02 20:30:00,SLEEPING",
    ]
)
ADDED = ["row", "error", "what to fix", "what we expected", "rule"]


def errors_in(stream):
    parsed = read_usage(stream, "CSV")
    list(parsed)
    return parsed.errors


def fixes(data):
    return fixes_of(io.BytesIO(data), errors_in(io.BytesIO(data)))


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.replace("\n", "\r\n").encode(),
        gzip.compress(TEXT.encode()),
    ],
)
def test_the_rows_with_errors_and_no_others_come_back_as_they_came(data):
    found = fixes(data)

    assert found.header == ("note", *HEADER)
    assert [(row.number, row.cells[0], row.cells[1]) for row in found.rows] == [
        (3, "=1+1", "0008"),
        (5, "last", "0009"),
    ]
    assert [error.code for error in found.rows[0].errors] == [
        "count_unreadable",
        "time_unreadable",
    ]


def test_a_chinese_file_comes_back_readable():
    text = sample("zh-hans").replace(",8,", ",许多,")

    found = fixes(text.encode("gb18030"))

    assert found.header[0] == "作业编号"
    assert [row.cells[4] for row in found.rows] == ["许多", "许多"]


def test_the_workbook_has_the_original_columns_then_error_fix_expectation_and_rule():
    data = as_workbook(fixes(TEXT.encode()))

    head, first, second = load_workbook(io.BytesIO(data)).get_sheet_by_index(0).to_python()
    assert head == ["note", *HEADER, *ADDED]
    assert first[1] == "0008"
    assert first[9] == "3"
    assert first[10].split("\n") == [
        "We cannot read “many” as a count.",
        "We cannot read “yesterday” as a date and time.",
    ]
    assert first[12].split("\n")[0] == (
        "A number above 0 with at most three decimals, such as 8 or 0.25"
    )
    assert first[13] == "count_unreadable\ntime_unreadable"
    assert second[13] == "state_unknown"


def test_in_the_workbook_everything_is_text_and_nothing_runs():
    sheet = openpyxl.load_workbook(io.BytesIO(as_workbook(fixes(TEXT.encode())))).active

    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n"}
    assert all(isinstance(cell.value, str | None) for row in sheet.iter_rows() for cell in row)
    assert (sheet["A2"].value, sheet["A2"].quotePrefix) == ("=1+1", True)
    assert sheet["B2"].number_format == "@"
    assert sheet["F2"].fill.fgColor.rgb.endswith("F8D7DA")
    assert sheet.column_dimensions["G"].width > len("2026-11-02 08:30:00")


def test_in_the_csv_nothing_runs_and_one_row_is_one_line():
    text = as_csv(fixes(TEXT.encode()))

    assert text.startswith(b"\xef\xbb\xbf")
    lines = text.decode("utf-8-sig").split("\r\n")
    assert len(lines) == 4
    assert lines[1].startswith("'=1+1,0008,V-1,GPU,H100,many,")


@pytest.mark.parametrize("write", [as_workbook, as_csv])
def test_what_was_corrected_in_place_is_read_by_our_own_reader(write):
    right = TEXT.replace("many", "4").replace("yesterday", "2026-11-02 09:30:00")
    right = right.replace("SLEEPING", "FAILED")
    told = errors_in(io.BytesIO(TEXT.encode()))
    corrected = write(fixes_of(io.BytesIO(right.encode()), told))

    parsed = read_usage(io.BytesIO(corrected), "CSV")
    records = list(parsed)

    assert parsed.errors == []
    assert [record.key for record in records] == [
        "0008/2026-11-02T08:30:00Z",
        "0009/2026-11-02T08:30:00Z",
    ]
    assert parsed.unused_columns == ("note", *ADDED)


def test_rows_of_a_workbook_come_back_by_their_own_numbers():
    bad = [*ROW[:4], "many", *ROW[5:]]
    data = workbook(["June"], [], HEADER, ROW, bad)

    found = fixes(data.getvalue())

    assert found.header == tuple(HEADER)
    assert [(row.number, row.cells[4]) for row in found.rows] == [(5, "many")]


def test_without_the_file_the_cells_in_error_are_what_is_known():
    told = [
        RowError(5, "count", "many", "count_unreadable"),
        RowError(7, "", "x", "quotes_open"),
    ]

    found = fixes_of(None, told)

    assert found.header == ("count",)
    assert [(row.number, row.cells) for row in found.rows] == [(5, ("many",)), (7, ("",))]


def test_columns_that_somebody_named_are_expected_by_what_they_mean():
    told = [RowError(2, "wann", "x", "time_unreadable", {"zone": "UTC"})]

    _header, rows = fixes_of(None, told, {"start": "wann"}).table()

    assert rows[0][4].startswith("A date and time such as")
