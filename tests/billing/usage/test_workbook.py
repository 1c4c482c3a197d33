"""A workbook is read as the same table in CSV is."""

import csv
import io
import random
import re
import zipfile
from datetime import date, datetime, timedelta
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import load_workbook

from billing.usage.intake import read_usage
from billing.usage.options import FileEmpty
from common.workbook import (
    Measures,
    WorkbookBroken,
    WorkbookTooLarge,
    as_text,
    lay_out,
)
from tests.billing.usage.workbooks import (
    HEADER,
    HEADER_ZH,
    ROW,
    parts_of,
    saved,
    sheet_of,
    workbook,
)


def read(stream, **options):
    parsed = read_usage(stream, "CSV", **options)
    return list(parsed), parsed


@pytest.mark.parametrize("header", [HEADER, HEADER_ZH])
def test_a_workbook_says_what_the_same_table_in_csv_says(header):
    text = ",".join(header) + "\n"
    text += "j1,V-7K2QX9,GPU,H100,8,2026-11-02 08:30:00,2026-11-02 20:30:00,COMPLETED\n"

    records, parsed = read(workbook(header, ROW))

    assert records == read(io.BytesIO(text.encode()))[0]
    assert records[0].quantity_ms == 8 * 12 * 3_600_000
    assert parsed.errors == []


def test_rows_are_told_by_the_numbers_that_a_person_sees():
    bad = [*ROW[:4], "many", *ROW[5:]]

    records, parsed = read(workbook(["Usage of June"], [], HEADER, ROW, [], bad))

    assert [record.row for record in records] == [4]
    assert [(error.row, error.column, error.value) for error in parsed.errors] == [
        (6, "count", "many")
    ]


def test_the_sheet_that_looks_like_usage_is_read_wherever_it_stands():
    laid_out = lay_out(
        workbook(["Read me"], ["Fill in the other sheet"], title="Guide", June=[HEADER, ROW]),
        known=HEADER,
    )

    assert laid_out.sheet == "June"
    assert laid_out.lines.read().startswith(b"job_id\tvoucher\t")


def test_a_hidden_sheet_is_never_read():
    made = openpyxl.load_workbook(workbook(["nothing"], Secret=[HEADER, ROW]))
    made["Secret"].sheet_state = "hidden"

    assert lay_out(saved(made), known=HEADER).sheet == "June"


def test_an_empty_workbook_has_no_rows():
    with pytest.raises(FileEmpty):
        lay_out(workbook())


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (8, "8"),
        (0.25, "0.25"),
        (0.1 + 0.2, "0.3"),
        (1e-7, "0.0000001"),
        (12345678901, "12345678901"),
        (True, "TRUE"),
        (None, ""),
        ("００８", "００８"),
        ("a\tb\nc", "a b c"),
        ('say "x"', '"say ""x"""'),
        (datetime(2026, 11, 2, 8, 29, 59, 500_000), "2026-11-02 08:29:59.500"),
        (datetime(2026, 11, 2).date(), "2026-11-02 00:00:00"),
        (timedelta(hours=30, milliseconds=500), "108000.500"),
    ],
)
def test_each_kind_of_cell_is_written_as_it_would_be_typed(cell, text):
    lines = lay_out(workbook(["a", cell, "z"])).lines.read().decode()

    assert lines == f"a\t{text}\tz\n"


def test_a_formula_is_what_it_showed_and_is_never_worked_out():
    made = io.BytesIO()
    saved_before = workbook(HEADER, [*ROW[:4], "=2*4", *ROW[5:]])
    with zipfile.ZipFile(saved_before) as archive, zipfile.ZipFile(made, "w") as copy:
        for name in archive.namelist():
            part = archive.read(name)
            copy.writestr(name, re.sub(rb"(<f>2\*4</f>)<v ?/>|<v></v>", rb"\1<v>16</v>", part))
    made.seek(0)

    (record,), _ = read(made)

    assert record.count_thousandths == 16_000


def test_a_formula_that_was_never_worked_out_is_an_empty_cell_that_is_told():
    _, parsed = read(workbook(HEADER, [*ROW[:4], "=2*4", *ROW[5:]]))

    assert [(error.row, error.column, error.code) for error in parsed.errors] == [
        (2, "count", "count_unreadable")
    ]


@given(
    count=st.decimals("0.001", "99999.999", places=3),
    second=st.integers(0, 40_000_000),
    length=st.integers(0, 8_000_000),
)
@settings(max_examples=60, deadline=None)
def test_numbers_and_times_arrive_exactly(count, second, length):
    start = datetime(2025, 1, 1) + timedelta(seconds=second)
    end = start + timedelta(seconds=length)

    (record,), _ = read(workbook(HEADER, [*ROW[:4], count, start, end, "COMPLETED"]))

    assert record.count_thousandths == int(Decimal(count) * 1000)
    assert record.started_at.replace(tzinfo=None) == start
    assert record.ended_at.replace(tzinfo=None) == end


def test_a_cell_at_the_far_corner_does_not_make_a_sheet_of_seventeen_billion():
    corner = openpyxl.Workbook()
    corner.active["A1"], corner.active["XFD1048576"] = "job_id", "x"

    with pytest.raises(WorkbookTooLarge):
        as_text(saved(corner))


def test_rows_far_apart_keep_their_numbers_and_cost_a_byte_each():
    rows = '<row r="3"><c t="str"><v>a</v></c></row><row r="1048576"><c><v>1</v></c></row>'

    assert as_text(sheet_of(rows)).read() == b"\n\na" + b"\n" * (1_048_576 - 3) + b"1\n"


def test_one_long_text_said_by_many_cells_is_counted_each_time():
    text = random.Random(1).randbytes(15_000).hex()
    cells = "".join('<row><c t="s"><v>0</v></c></row>' for _ in range(5_000))

    with pytest.raises(WorkbookTooLarge) as refusal:
        as_text(sheet_of(cells, f"<sst><si><t>{text}</t></si></sst>"))

    assert refusal.value.values["most"] == 128 << 20


def test_more_texts_than_are_kept_are_refused():
    with pytest.raises(WorkbookTooLarge):
        as_text(
            sheet_of("<row/>", "<sst>" + "<si><t>abc</t></si>" * 50 + "</sst>"),
            measures=Measures(texts_max=100),
        )


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="2"/><row r="1"/>',
        '<row r="99999999999"/>',
        '<row r="-1"/>',
        '<row r="1"><c r="A2"><v>1</v></c></row>',
        '<row r="1"><c r="B1"/><c r="A1"/></row>',
        '<row r="1"><c r="AAAA1"/></row>',
        '<row><c t="s"><v>7</v></c></row>',
        '<row><c t="s"><v>x</v></c></row>',
        "<row><c>",
        "<c><v>1</v></c>",
    ],
)
def test_a_sheet_that_no_program_writes_is_refused_in_words(rows):
    with pytest.raises(WorkbookBroken):
        as_text(sheet_of(rows))


def test_a_document_type_with_its_entities_is_refused():
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><worksheet>&b;</worksheet>'

    with pytest.raises(WorkbookBroken):
        as_text(parts_of(xl__worksheets__sheet1=bomb))


def test_how_a_chinese_text_is_spoken_is_no_part_of_it():
    texts = "<sst><si><r><t>算力</t></r><r><t>券</t></r><rPh><t>suan</t></rPh></si></sst>"

    stream = sheet_of('<row><c t="s"><v>0</v></c></row>', texts)

    assert as_text(stream).read().decode() == "算力券\n"


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ('<c t="e"><v>#REF!</v></c>', "#REF!"),
        ('<c t="b"><v>0</v></c>', "FALSE"),
        ("<c><v>0.29999999999999999</v></c>", "0.3"),
        ("<c><v>1.0000000000000001E-2</v></c>", "0.01"),
        ("<c><v>12E2</v></c>", "1200"),
        ("<c><v>-0</v></c>", "0"),
        ("<c><v>NaN</v></c>", "NaN"),
        ("<c><v>1e999999</v></c>", "1e999999"),
        ('<c t="d"><v>2026-11-02T08:30:00</v></c>', "2026-11-02T08:30:00"),
        ('<c t="inlineStr"><is><t>x</t></is></c>', "x"),
        ("<c><f>1+1</f><v>2</v></c>", "2"),
    ],
)
def test_each_kind_of_stored_value_is_said_plainly(cell, said):
    assert as_text(sheet_of(f"<row>{cell}</row>")).read().decode() == f"{said}\n"


@given(
    rows=st.lists(
        st.lists(
            st.one_of(
                st.text("ab 7é算", max_size=6),
                st.integers(-(10**12), 10**12),
                st.decimals("-9999", "9999", places=3).map(float),
                st.datetimes(datetime(1980, 1, 1), datetime(2100, 1, 1)).map(
                    lambda at: at.replace(microsecond=0)
                ),
                st.booleans(),
                st.none(),
            ),
            min_size=1,
            max_size=5,
        ),
        min_size=1,
        max_size=5,
    )
)
@settings(max_examples=100, deadline=None)
def test_another_reader_of_workbooks_finds_the_same_cells(rows):
    data = workbook(*rows)
    others = load_workbook(data).get_sheet_by_index(0).to_python(skip_empty_area=False)
    expected = [[plain(cell) for cell in row] for row in others]

    if not any(any(row) for row in expected):
        with pytest.raises(FileEmpty):
            as_text(data)
        return
    text = as_text(data).read().decode()
    found = [line for line in csv.reader(io.StringIO(text), delimiter="\t") if any(line)]

    # How many empty cells end a row is not said by all readers alike.
    assert [ended(row) for row in found] == [ended(row) for row in expected if any(row)]


def ended(row):
    """Return a row without the empty cells that end it."""
    return ended(row[:-1]) if row and not row[-1] else row


def plain(cell):
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float):
        return f"{Decimal(repr(cell)).normalize():f}" if cell else "0"
    if isinstance(cell, date):  # which a datetime is too
        return f"{cell:%Y-%m-%d %H:%M:%S}"
    return cell.strip()
