"""LSF jobs are metered by their JOB_FINISH, and no command can claim GPUs for itself."""

import io

import pytest

from billing.usage.intake import read_usage
from tests.billing.usage.samples import lsf


def parse(*lines, **options):
    parsed = read_usage(io.BytesIO("".join(lines).encode()), "LSF", **options)
    return list(parsed), parsed


def test_gpus_are_those_of_a_host_times_the_hosts():
    (record,), parsed = parse(lsf())

    assert (record.resource, record.count_thousandths) == ("GPU", 4_000)
    assert record.quantity_ms == 4 * 3_600_000
    assert record.key == "/77/2026-11-02T08:00:00Z"
    assert (record.account, record.state, record.source) == ("V-1", "COMPLETED", "lsf")
    assert parsed.errors == []


def test_the_requirement_in_force_goes_before_the_one_asked_for():
    (record,), _ = parse(
        lsf(in_force="select[x] rusage[mem=1,ngpus_physical=1.00] span[hosts=1]")
    )

    assert record.count_thousandths == 2_000


@pytest.mark.parametrize(
    "text", ["rusage[ngpus_physical=64.00]", 'a ""rusage[ngpus_physical=64]"" b']
)
def test_a_command_that_names_gpus_gets_none(text):
    (record,), _ = parse(lsf(asked_for="span[ptile=8]", command=text))

    assert (record.resource, record.count_thousandths) == ("CPU", 16_000)


def test_a_host_that_is_named_for_each_slot_is_one_host():
    (record,), _ = parse(lsf(hosts=("n1", "n1", "n2", "n2")))

    assert record.count_thousandths == 4_000


@pytest.mark.parametrize(
    ("status", "exit_info", "state"),
    [
        ("64", "0", "COMPLETED"),
        ("32", "0", "FAILED"),
        ("32", "5", "TIMEOUT"),
        ("32", "14", "CANCELLED"),
        ("32", "1", "PREEMPTED"),
        ("32", "16", "OUT_OF_MEMORY"),
    ],
)
def test_every_end_is_metered_under_its_state(status, exit_info, state):
    (record,), _ = parse(lsf(status=status, exit_info=exit_info))

    assert (record.state, record.quantity_ms) == (state, 4 * 3_600_000)


def test_an_arrays_parts_have_keys_of_their_own():
    records, _ = parse(lsf(index="1"), lsf(index="2"))

    assert [record.key.split("/")[1] for record in records] == ["77[1]", "77[2]"]


def test_other_events_and_jobs_that_never_ran_are_skipped():
    _, parsed = parse(lsf(kind="JOB_RESIZE"), lsf(start="0"))

    assert parsed.skipped == {"other_event": 1, "never_started": 1}


def test_all_that_is_wrong_is_told_by_line():
    whole = lsf()
    records, parsed = parse(
        '"JOB_FINISH" "10.1" 1 2 3\n',
        "1 2 3\n",
        whole.replace('"V-1"', '"V-1'),
        lsf(event_time="1793606399"),
        whole.replace(" 0 2 ", " 0 99999 ", 1),
    )

    assert records == []
    assert [(error.row, error.code) for error in parsed.errors] == [
        (1, "line_unreadable"),
        (2, "line_unreadable"),
        (3, "quotes_open"),
        (4, "ends_before_start"),
        (5, "line_unreadable"),
    ]
    assert all(error.problem and error.fix for error in parsed.errors)
