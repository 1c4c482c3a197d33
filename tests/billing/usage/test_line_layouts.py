"""Lines laid out like one before say, read at once, exactly what they say cell by cell."""

import csv

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from billing.usage.focus import FocusReader
from billing.usage.job import SchedulerReader
from billing.usage.line_layouts import LineLayouts
from billing.usage.lsf import LsfReader
from billing.usage.options import Options
from billing.usage.record import UsageRecord
from tests.billing.usage.samples import FOCUS, lsf

OPTIONS = st.builds(
    Options,
    st.sampled_from(["", "meter"]),
    st.just("UTC"),
    st.sampled_from(["", "north", "n" * 30, "\u2028"]),
    st.sampled_from([None, "GPU", "CPU"]),
    st.none(),
)
HOSTS = st.sampled_from(
    [("8*n1", "8*n2"), ("n1", "n1"), ("n1", "n2"), ("n1",), (), ("n 1", "n2"), ("", "n")]
)
LSF_CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "kind": st.sampled_from(["JOB_NEW", "", "x"]),
        "event_time": st.sampled_from(
            ["1793606399", "1828252800", "0", "", "x", "1793610000123"]
        ),
        "start": st.sampled_from(["0", "1793610001", "", "7258118400"]),
        "command": st.sampled_from(
            ['a ""b"" c', "", "\u00e9", '""', '"', 'a"b', "rusage[ngpus=9]"]
        ),
        "asked_for": st.sampled_from(
            ["", "rusage[ngpus=4]", 'rusage[""ngpus=2""]', "span[ptile=8]"]
        ),
        "in_force": st.sampled_from(["", "rusage[ngpus_physical=1.00]", "rusage[ngpus=0]"]),
        "hosts": HOSTS,
        "status": st.sampled_from(["32", "64", "", "x", "9" * 10, "96"]),
        "exit_info": st.sampled_from(["0", "5", "14", "", "x"]),
        "index": st.sampled_from(["0", "3", "", "x"]),
    },
)


@given(st.lists(LSF_CHANGES, max_size=4), OPTIONS, st.sampled_from(["", " ", " 1", '"']))
@settings(max_examples=1_500, deadline=None)
@example([{}, {"hosts": ("n1", "n1")}], Options(), "")
def test_lines_of_lsf_like_one_before_say_what_they_say_field_by_field(changes, options, end):
    reader = LsfReader("", options)
    for number, said in enumerate([{}, *changes, {}], start=1):
        text = lsf(**said).rstrip("\n") + (end if number > 1 else "")
        assert reader.read(number, text) == SchedulerReader.read(reader, number, text)


def test_a_log_of_lsf_is_taken_apart_once_for_lines_laid_out_alike():
    reader = LsfReader("", Options())
    reader.read(1, lsf().rstrip("\n"))

    record = reader._rows.read(2, lsf(status="32", exit_info="5", index="7").rstrip("\n"))

    assert isinstance(record, UsageRecord)
    assert (record.state, record.key.split("/")[1]) == ("TIMEOUT", "77[7]")
    assert (record.count_thousandths, record.quantity_ms) == (4_000, 4 * 3_600_000)


HEADER = FOCUS.splitlines()[0] + ",Tags,ChargeDescription"
CELLS = {
    "BilledCost": "6.50",
    "ChargeCategory": "Usage",
    "ChargePeriodStart": "2026-11-02T08:00:00Z",
    "ChargePeriodEnd": "2026-11-02T09:00:00Z",
    "ConsumedQuantity": "2",
    "ConsumedUnit": "GPU-Hours",
    "ResourceId": "job-7",
    "SkuPriceDetails": '"{""GpuCount"":2}"',
    "SubAccountId": "V-1",
    "Tags": "",
    "ChargeDescription": "p5.48xlarge in use",
}
VALUES = st.sampled_from(
    [
        *(
            "",
            "0",
            "1",
            "2",
            "2.5",
            "0.000001",
            "0.0000000001",
            "9" * 12,
            "9" * 13,
            "x",
            "-1",
            "1,5",
        ),
        *("Usage", "usage", "Tax", "null", "NULL", "none", " V-2", "a b", "a" * 61, "a" * 201),
        *(
            "GPU-Hours",
            "gpu-seconds",
            "Hours",
            "Seconds",
            "GB",
            "\u00e9",
            "\uff11",
            "\x00",
            '"a"',
        ),
        *("2026-11-02T08:00:00Z", "2026-11-02T10:00:00Z", "2026-11-31T08:00:00Z", "2026-11-02"),
        *("2028-11-02T08:00:00Z", "2026-11-02T16:00:00+08:00", "p4d.24xlarge", "no machine"),
        *(
            '"{""GpuCount"":8, ""GpuModel"":""H100""}"',
            '"{""GpuCount"":0}"',
            '"{""x"":1}"',
            '"{"',
        ),
        *(
            '"{""voucher_id"":""V-9""}"',
            '"{""voucher_id"":""V 9\u2028""}"',
            '"a ""b"" c"',
            'a"b',
        ),
    ]
)


@given(
    st.dictionaries(st.sampled_from(list(CELLS)), VALUES, max_size=2),
    st.lists(st.dictionaries(st.sampled_from(list(CELLS)), VALUES, max_size=3), max_size=4),
    st.sampled_from(["", "meter"]),
    st.sampled_from([",", "\t", ";"]),
)
@settings(max_examples=2_000, deadline=None)
def test_rows_of_focus_like_one_before_say_what_they_say_cell_by_cell(
    first, changes, source, separator
):
    reader = FocusReader(HEADER.replace(",", separator), Options(source=source))
    for number, said in enumerate([first, {}, *changes, {}], start=2):
        text = separator.join({**CELLS, **said}.values())
        assert reader.read(number, text) == reader.read_carefully(number, text)


@pytest.mark.parametrize("unit", ["GPU-Hours", "Hours"])
def test_a_table_of_focus_is_taken_apart_once_for_rows_laid_out_alike(unit):
    reader = FocusReader(HEADER, Options())
    line = ",".join({**CELLS, "ConsumedUnit": unit, "ConsumedQuantity": "1"}.values())
    reader.read(2, line)

    record = reader._rows.read(3, line.replace("V-1", "V-2"))

    assert isinstance(record, UsageRecord)
    assert (record.account, record.row) == ("V-2", 3)
    assert record.quantity_ms == {"GPU-Hours": 1, "Hours": 2}[unit] * 3_600_000


@given(st.text(alphabet='ab "\\,\u00e9', max_size=12), st.text(alphabet='ab ",', max_size=12))
@settings(max_examples=1_000, deadline=None)
def test_what_a_layout_matches_has_the_cells_that_csv_finds(first, then):
    layouts = LineLayouts(",", lambda cells: {0: "([ab ]*+)"})
    layouts.learn(first)
    found = layouts.find(then)

    # An empty line is no row.
    if found is not None and then:
        (cells,) = csv.reader([then], strict=True)
        (alike,) = csv.reader([first], strict=True)
        assert (cells[0], len(cells)) == (found[1][0], len(alike))
