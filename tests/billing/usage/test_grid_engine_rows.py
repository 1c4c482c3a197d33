"""A plain line of Grid Engine says, read at once, exactly what it says read field by field."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from billing.usage.grid_engine import GridEngineReader
from billing.usage.job import SchedulerReader
from billing.usage.options import Options
from billing.usage.record import UsageRecord
from tests.billing.usage.samples import grid_engine
from tests.billing.usage.test_plain_rows import NAME

# Where each cell stands that may be another, and what it may be.
CELLS = {
    0: st.sampled_from(["gpu.q", "#gpu.q", ""]),
    3: NAME,
    5: st.one_of(NAME, st.sampled_from(["5", "", "5\t", "7" * 250])),
    6: st.one_of(NAME, st.sampled_from(["sge", "NONE", ""])),
    9: st.sampled_from(
        ["1793606400", "0", "", "1793606400250", "x", "9999999999", "１793606400"]
    ),
    10: st.sampled_from(["1793610000", "0", "1793610000250", "1893610000", "1793606400"]),
    11: st.sampled_from(["0", "1", "25", "37 : qmaster", "100 : assumedly after job", ""]),
    12: st.sampled_from(["0", "1", "137", "143", ""]),
    13: st.sampled_from(["3600.0", "", "x"]),
    31: st.one_of(NAME, st.sampled_from(["NONE", "", "项目"])),
    34: st.sampled_from(["16", "0", "x", "", "٣", "1234567890"]),
    35: st.sampled_from(["0", "", "3", "x"]),
    39: st.sampled_from(
        ["-l gpu=2", "-l ngpus=1.0,h_rt=60", "-q gpu=3", "", "-l gpu=0", "-l gpu=1 -l gpus=2"]
    ),
    41: st.sampled_from(["NONE", "", "1.node-1", "sge"]),
}


@given(
    changed=st.fixed_dictionaries({}, optional=CELLS),
    width=st.sampled_from([45, 45, 45, 43, 42, 44]),
    resource=st.sampled_from([None, "GPU", "CPU"]),
    cluster=st.sampled_from(["", "north", "集群", "c" * 100]),
)
@settings(max_examples=2_000, deadline=None)
@example({5: "5", 10: "1893610000"}, 45, None, "")
@example({31: "NONE", 6: "sge"}, 45, "GPU", "north")
def test_both_ways_of_reading_a_line_agree(changed, width, resource, cluster):
    reader = GridEngineReader("", Options("", "UTC", cluster, resource, None))
    cells = grid_engine().rstrip("\n").split(":")
    for place, text in changed.items():
        cells[place] = text
    line = ":".join(cells[:width])

    assert reader.read(2, line) == SchedulerReader.read(reader, 2, line)


@pytest.mark.parametrize("resource", [None, "GPU"])
def test_a_plain_line_takes_the_quick_way(resource):
    reader = GridEngineReader("", Options("", "UTC", "north", resource, None))

    record = reader._rows.read(2, grid_engine().rstrip("\n"))

    assert isinstance(record, UsageRecord)
    assert record.key == "north/5/2026-11-02T08:00:00Z"
