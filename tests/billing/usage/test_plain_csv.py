"""A provider's CSV is read however a spreadsheet saved it, and every wrong cell is told."""

import io

import pytest

from billing.usage.intake import read_usage
from billing.usage.options import ColumnsMissing, ColumnsRepeated
from billing.usage.plain_csv import sample
from common.spreadsheets import safe_cell

HEADER = "job_id,voucher,resource,class,count,start,end,state"
ROW = "j1,V-7K2QX9,GPU,H100,8,2026-11-02 08:30:00,2026-11-02 20:30:00,COMPLETED"


def parse(text, encoding="utf-8", **options):
    parsed = read_usage(io.BytesIO(text.encode(encoding)), "CSV", **options)
    return list(parsed), parsed


def row(**cells):
    values = dict(zip(HEADER.split(","), ROW.split(","), strict=True)) | cells
    return f"{HEADER}\n{','.join(values.values())}\n"


def codes(parsed):
    return [(error.row, error.column, error.code) for error in parsed.errors]


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_sample_file_reads_without_an_error(language):
    records, parsed = parse(sample(language))

    assert [record.quantity_ms for record in records] == [
        8000 * 43_200,
        8000 * 750,
        250 * 28_800,
    ]
    assert (parsed.errors, parsed.unused_columns) == ([], ())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_chinese_files_read_alike_in_every_encoding(encoding):
    text = sample("zh-hans").replace("V-7K2QX9", "算力券－七")

    records, parsed = parse(text, encoding)

    assert [record.account for record in records] == ["算力券-七"] * 3
    assert parsed.errors == []


@pytest.mark.parametrize("separator", ["\t", ";"])
def test_tabs_and_semicolons_separate_as_commas_do(separator):
    records, _ = parse(sample().replace(",", separator))

    assert len(records) == 3


def test_windows_line_ends_blank_lines_and_quotes_are_read():
    text = f"\r\n{HEADER}\r\n\r\n{ROW.replace('j1', chr(34) + 'j,1' + chr(34))}\r\n"

    (record,), _ = parse(text)

    assert record.key == "j,1/2026-11-02T08:30:00Z"
    assert record.row == 4


def test_columns_come_in_any_order_and_unknown_ones_are_named():
    text = "note,end,start,state,count,class,resource,voucher,job_id\n"
    text += "x,2026-11-02 09:00:00,2026-11-02 08:00:00,FAILED,1,H100,GPU,V-1,j1\n"

    (record,), parsed = parse(text)

    assert record.quantity_ms == 3_600_000
    assert parsed.unused_columns == ("note",)


def test_full_width_digits_and_thousands_separators_are_numbers():
    text = row(count='"１，０２４．５"')

    (record,), parsed = parse(text)

    assert record.count_thousandths == 1_024_500
    assert parsed.errors == []


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("2026/11/2 8:30", "2026-11-02T08:30:00+00:00"),
        ("2026年11月2日 08:30:00", "2026-11-02T08:30:00+00:00"),
        ("２０２６－１１－０２　０８：３０：００", "2026-11-02T08:30:00+00:00"),
        ("2026-11-02T08:30:00+08:00", "2026-11-02T00:30:00+00:00"),
        ("2026-11-02T08:30:00.5Z", "2026-11-02T08:30:00.500000+00:00"),
        ("13/10/2026 08:30", "2026-10-13T08:30:00+00:00"),
        ("10/13/2026 08:30", "2026-10-13T08:30:00+00:00"),
    ],
)
def test_dates_are_read_in_any_order_that_has_one_meaning(text, start):
    (record,), _ = parse(row(start=text))

    assert record.started_at.isoformat() == start


@pytest.mark.parametrize(
    ("column", "cell", "code"),
    [
        ("start", "02/03/2026 08:00", "time_ambiguous"),
        ("start", "2026-11-02", "time_unreadable"),
        ("start", "1826-11-02 08:00:00", "time_out_of_range"),
        ("end", "2026-02-30 08:00:00", "time_unreadable"),
        ("end", "2026-11-01 08:00:00", "ends_before_start"),
        ("end", "2029-11-01 08:00:00", "runs_too_long"),
        ("count", "0", "count_unreadable"),
        ("count", "-8", "count_unreadable"),
        ("count", "1e3", "count_unreadable"),
        ("count", "NaN", "count_unreadable"),
        ("count", "0.1234", "count_too_fine"),
        ("count", "", "count_unreadable"),
        ("resource", "TPU", "resource_unknown"),
        ("state", "DONE?", "state_unknown"),
        ("job_id", "", "value_missing"),
        ("voucher", "", "value_missing"),
        ("class", "", "value_missing"),
        ("job_id", "x" * 201, "value_too_long"),
        ("job_id", "a\x07b", "value_unprintable"),
        ("job_id", "a\u202eb", "value_unprintable"),
        ("job_id", "a\ufeff\u200bb", "value_unprintable"),
    ],
)
def test_a_cell_that_cannot_be_used_is_told_with_its_place_and_a_fix(column, cell, code):
    records, parsed = parse(row(**{column: cell}))

    assert records == []
    assert codes(parsed) == [(2, column, code)]
    assert parsed.errors[0].problem
    assert parsed.errors[0].fix


def test_a_time_too_fine_for_a_shared_gpu_is_told():
    _, parsed = parse(row(count="0.125", start="2026-11-02T08:30:00.001Z"))

    assert codes(parsed) == [(2, "start", "time_too_fine")]


def test_several_wrong_cells_of_a_row_are_all_told():
    _, parsed = parse(row(count="x", start="y", job_id=""))

    assert codes(parsed) == [
        (2, "count", "count_unreadable"),
        (2, "start", "time_unreadable"),
        (2, "job_id", "value_missing"),
    ]


def test_a_row_that_is_too_short_or_has_an_open_quote_spoils_no_other():
    text = f'{HEADER}\nj0,V-1\n"j2,{ROW}\n{ROW}\n'

    records, parsed = parse(text)

    assert [record.row for record in records] == [4]
    assert codes(parsed) == [(2, "", "columns_differ"), (3, "", "quotes_open")]


def test_jobs_that_have_not_ended_are_skipped():
    text = row(end="") + ROW.replace("COMPLETED", "运行中") + "\n"

    records, parsed = parse(text)

    assert records == []
    assert parsed.skipped == {"not_ended": 2}


def test_cores_need_no_class():
    (record,), _ = parse(row(resource="CPU", **{"class": ""}))

    assert (record.resource, record.resource_class) == ("CPU", "")


def test_missing_columns_are_named_together_with_what_was_found():
    with pytest.raises(ColumnsMissing) as refusal:
        parse("job_id,start,colour\n1,2,3\n")

    assert refusal.value.values == {
        "missing": "voucher, resource, class, count, end, state",
        "found": "job_id, start, colour",
    }


def test_a_header_with_a_stray_quote_is_told_as_missing_columns():
    with pytest.raises(ColumnsMissing) as refusal:
        parse(f'"job"_id,{HEADER}\n{ROW}\n'.replace(",job_id", ""))

    assert refusal.value.values["missing"] == "job_id"


def test_two_columns_of_one_meaning_are_refused():
    with pytest.raises(ColumnsRepeated):
        parse(f"{HEADER},voucher code\n{ROW},V-2\n")


def test_another_sources_columns_may_be_named():
    text = "when,secs,n\n2026-11-02 08:00:00,90.5,2\n2026-11-02 08:00:00,90.5,2\n"

    records, _ = parse(text, columns={"start": "when", "duration": "secs", "count": "n"})

    assert [record.quantity_ms for record in records] == [181_000, 181_000]
    assert [record.key for record in records] == ["row 2", "row 3"]


def test_named_columns_that_are_not_there_are_told():
    with pytest.raises(ColumnsMissing) as refusal:
        parse("when,n\n1,2\n", columns={"start": "when", "count": "n"})

    assert refusal.value.values["missing"] == "end"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "＝", " ="])
def test_a_cell_that_a_spreadsheet_would_run_is_neutralised(start):
    assert safe_cell(start + "1") == "'" + start + "1"


def test_other_cells_stay_as_they_are():
    assert safe_cell("V-7K2QX9") == "V-7K2QX9"
