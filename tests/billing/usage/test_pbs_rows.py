"""A plain line of a PBS log says, read at once, exactly what it says read field by field."""

from datetime import UTC

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from billing.usage.job import SchedulerReader
from billing.usage.options import Options
from billing.usage.pbs import PbsReader
from billing.usage.record import UsageRecord
from tests.billing.usage.samples import PBS_FIELDS

EPOCH = st.sampled_from(
    [
        "1793606400",
        "1793610000",
        "1793606400123",
        "0",
        "",
        "x",
        "-1",
        "7258118400",
        "\u0661793606400",
    ]
)
FIELDS = st.lists(
    st.one_of(
        st.builds("start={}".format, EPOCH),
        st.builds("end={}".format, EPOCH),
        st.builds("Exit_status={}".format, st.sampled_from(["0", "1", "271", "265", "", "x"])),
        st.builds(
            "{}={}".format,
            st.sampled_from(["account", "project", "group"]),
            st.sampled_from(
                ["V-1", '"V-1"', "", "_pbs_project_default", "a" * 201, "\u00e9", "a;b"]
            ),
        ),
        st.builds(
            "Resource_List.{}={}".format,
            st.sampled_from(["ngpus", "nodes", "select", "nodect", "ncpus", "gpu"]),
            st.sampled_from(
                ["4", "2:ppn=8:gpus=4", "1:ngpus=2", "1:gpus=1+2:gpus=2", "0", "x", "9" * 9, ""]
            ),
        ),
        st.sampled_from(["exec_host=n1/0-7+n2/0-7", "alone", "=", "user=amy", "\t", ""]),
    ),
    max_size=8,
)
JOBS = st.sampled_from(["12.head", "12", "12[3].head.site", ".head", "", "1 2.head", "12."])
KINDS = st.sampled_from(["E", "E", "E", "S", "Q", ""])


def line(fields=PBS_FIELDS, job="12.head", kind="E"):
    return f"11/02/2026 09:00:00;{kind};{job};{fields}"


@given(fields=FIELDS, job=JOBS, kind=KINDS, resource=st.sampled_from([None, "GPU", "CPU"]))
@settings(max_examples=1_500, deadline=None)
@example(PBS_FIELDS.split(), "12.head", "E", None)
@example([*PBS_FIELDS.split(), "end=1828252800"], "12.head", "E", None)
@example([*PBS_FIELDS.split(), "end=1793606399"], "12.head", "E", "GPU")
@example([*PBS_FIELDS.split(), "end=1793606400"], "12.head", "E", "GPU")
def test_both_ways_of_reading_a_line_agree(fields, job, kind, resource):
    reader = PbsReader("", Options("meter", "UTC", "", resource, None))
    text = line(" ".join(fields), job, kind)

    assert reader.read(2, text) == SchedulerReader.read(reader, 2, text)


@pytest.mark.parametrize("cluster", ["", "north"])
def test_a_plain_line_takes_the_quick_way(cluster):
    reader = PbsReader("", Options("", "UTC", cluster, None, None))

    record = reader._rows.read(2, line())

    assert isinstance(record, UsageRecord)
    assert (record.source, record.key.partition("/")[0]) == ("pbs", cluster or "head")
    assert record.quantity_ms == 8 * 3_600_000
    # What the arithmetic of records relies on.
    assert record.started_at.tzinfo is record.ended_at.tzinfo is UTC


NAMES = [
    *("start", "end", "Exit_status", "account", "project", "group", "jobname", "exec_host"),
    *(f"Resource_List.{name}" for name in ("ngpus", "nodes", "select", "nodect", "ncpus")),
]
VALUES = st.sampled_from(
    [
        *("1793606400", "1793610000", "1793606399", "1828252800", "7258118400", "0", "", "x"),
        *("1", "271", "4", "999999999", "2:ppn=8:gpus=4", "1:gpus=1+2:gpus=2", "V-1", '"V-1"'),
        *("_pbs_project_default", "a" * 61, "a" * 201, "\u00e9", "a;b", "a=b", "a b", "a  b=c"),
        *("x account=V-2", "\t", "\u0661793606400"),
    ]
)
LIKE_IT = [
    [f"{name}={'1793606400' if name in {'start', 'end'} else '1'}" for name in NAMES],
    PBS_FIELDS.split(),
]


@given(
    first=st.sampled_from(LIKE_IT),
    changes=st.lists(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=3), max_size=3),
    job=JOBS,
    kind=KINDS,
    cluster=st.sampled_from(["", "north", "n" * 60, "\u2028"]),
    resource=st.sampled_from([None, "GPU", "CPU"]),
)
@settings(max_examples=1_500, deadline=None)
def test_lines_with_the_fields_of_one_before_say_what_they_say_field_by_field(
    first, changes, job, kind, cluster, resource
):
    reader = PbsReader("", Options("meter", "UTC", cluster, resource, None))
    reader.read(1, line(" ".join(first)))

    for number, values in enumerate(changes, start=2):
        parts = (field.split("=", 1) for field in first)
        fields = " ".join(f"{name}={values.get(name, value)}" for name, value in parts)
        text = line(fields, job, kind)
        assert reader.read(number, text) == SchedulerReader.read(reader, number, text)


def test_a_log_is_taken_apart_once_for_lines_with_the_same_fields():
    reader = PbsReader("", Options())
    taken_apart = []
    careful = reader._rows._taken_apart
    reader._rows._taken_apart = lambda *line: taken_apart.append(line) or careful(*line)

    records = [reader.read(number, line(job=f"{number}.head")) for number in range(1, 50)]

    assert [record.row for record in records] == list(range(1, 50))
    assert len(taken_apart) == 1
