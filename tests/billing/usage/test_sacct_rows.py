"""A plain line of sacct says, read at once, exactly what it says read cell by cell."""

from datetime import UTC

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from billing.usage.job import SchedulerReader
from billing.usage.options import Options
from billing.usage.record import UsageRecord
from billing.usage.sacct import SacctReader
from tests.billing.usage.test_plain_rows import INSTANT, NAME, ZONES

HEADER = "JobID|JobIDRaw|Cluster|Account|State|Start|End|Suspended|NCPUS|AllocTRES"
TRES = st.sampled_from(
    [
        *(
            "cpu=16,gres/gpu=2",
            "gres/gpu=2",
            "cpu=4",
            "",
            "billing=1,cpu=1,gres/gpu:a100=2",
            " cpu=1",
        ),
        *(
            "gres/gpu=0,cpu=2",
            "cpu=x",
            "gres/gpu",
            "gres/gpu:a=1,gres/gpu:b=2",
            "cpu=0",
            "mem=1G",
        ),
    ]
)
CELLS = st.tuples(
    st.one_of(NAME, st.sampled_from(["7", "7.batch", "7_1", "7_[1-3]"])),
    st.one_of(NAME, st.sampled_from(["7", "7.batch"])),
    NAME,
    st.one_of(NAME, st.just("a" * 199)),
    st.sampled_from(
        ["COMPLETED", "RUNNING", "PENDING", "CANCELLED by 7", " FAILED", "?", "已完成"]
    ),
    st.one_of(INSTANT, st.sampled_from(["Unknown", "None", "1793606400"])),
    st.one_of(INSTANT, st.sampled_from(["Unknown", "1793610000"])),
    st.sampled_from(["", "00:00:00", "00:20:00", "9-00:00:00", "?"]),
    st.sampled_from(["", "16", "x", "0"]),
    TRES,
)
RAN = ("7", "7", "north", "V-1", "COMPLETED")


@given(cells=CELLS, zone=ZONES, resource=st.sampled_from([None, "GPU", "CPU"]))
@settings(max_examples=1_500, deadline=None)
@example(
    (*RAN, "2026-11-01T00:30:00", "2026-11-01T01:30:00", "", "1", "gres/gpu=1"),
    "America/New_York",
    None,
)
@example(
    (*RAN, "2026-11-02T08:00:00", "2026-11-02T08:00:00", "", "1", "gres/gpu=1"), "UTC", None
)
@example(
    (*RAN, "2026-11-02T08:00:00", "2027-12-07T08:00:00", "", "1", "gres/gpu=1"), "UTC", None
)
@example((*RAN, "2026-11-02T08:00:00", "2026-11-02T09:00:00", "", "1", "cpu=8"), "UTC", "GPU")
@example(
    (*RAN, "2026-11-02T08:00:00", "2026-11-02T09:00:00", "", "4", "gres/gpu=2"), "UTC", "CPU"
)
def test_both_ways_of_reading_a_line_agree(cells, zone, resource):
    reader = SacctReader(HEADER, Options("meter", zone, "", resource, None))
    line = "|".join(cells)

    assert reader.read(2, line) == SchedulerReader.read(reader, 2, line)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "Europe/London"])
def test_a_plain_line_takes_the_quick_way(zone):
    reader = SacctReader(HEADER, Options("meter", zone, "", None, None))
    line = "|".join([*RAN, "2026-11-02T08:00:00", "2026-11-02T09:00:00", "", "1", "gres/gpu=2"])

    record = reader._rows.read(2, line)

    assert isinstance(record, UsageRecord)
    assert record.quantity_ms == 2 * 3_600_000
    # What the arithmetic of records relies on.
    assert record.started_at.tzinfo is record.ended_at.tzinfo is UTC
