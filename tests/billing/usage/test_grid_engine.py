"""Grid Engine's jobs are metered in either's unit of time, without the rows of their tasks."""

import io

import pytest

from billing.usage.grid_engine import gpus_in
from billing.usage.intake import read_usage
from tests.billing.usage.samples import grid_engine


def parse(*lines, **options):
    parsed = read_usage(io.BytesIO("".join(lines).encode()), "GRID_ENGINE", **options)
    return list(parsed), parsed


def test_a_job_is_its_gpus_from_start_to_end():
    (record,), parsed = parse("# Version: 8.1\n", grid_engine())

    assert (record.resource, record.count_thousandths) == ("GPU", 2_000)
    assert record.quantity_ms == 2 * 3_600_000
    assert record.key == "/5/2026-11-02T08:00:00Z"
    assert (record.account, record.row, record.source) == ("V-1", 2, "grid-engine")
    assert (parsed.errors, parsed.skipped) == ([], {"comment": 1})


def test_milliseconds_are_told_from_seconds_by_their_digits():
    (record,), _ = parse(grid_engine(start="1793606400250", end="1793610000250"))

    assert record.quantity_ms == 2 * 3_600_000
    assert record.started_at.microsecond == 250_000


def test_a_job_without_gpus_is_its_slots():
    (record,), _ = parse(grid_engine(category="-l h_rt=60 -pe mpi 16"))

    assert (record.resource, record.count_thousandths) == ("CPU", 16_000)


@pytest.mark.parametrize(
    ("category", "gpus"),
    [
        ("-l gpu=1,m_mem_free=1.000G -pe threads 16", 1),
        ("-q gpu.q -l h_rt=60,ngpus=4", 4),
        ("-l h_vmem=gpu=2", 0),
        ("-soft -q gpu=3", 0),
        ("", 0),
    ],
)
def test_gpus_are_hard_requests_by_name(category, gpus):
    assert gpus_in(category) == gpus


@pytest.mark.parametrize(
    ("failed", "exit_status", "state"),
    [
        ("0", "0", "COMPLETED"),
        ("0", "1", "FAILED"),
        ("0", "137", "CANCELLED"),
        ("100 : assumedly after job", "137", "CANCELLED"),
        ("37", "0", "TIMEOUT"),
        ("25", "0", "REQUEUED"),
    ],
)
def test_every_end_is_metered_under_its_state(failed, exit_status, state):
    text = grid_engine(failed=failed.partition(" ")[0], exit_status=exit_status)

    (record,), _ = parse(text)

    assert (record.state, record.quantity_ms) == (state, 2 * 3_600_000)


def test_rows_of_parallel_tasks_are_steps_and_those_of_an_array_are_jobs():
    records, parsed = parse(
        grid_engine(pe_task="1.n2"), grid_engine(task="1"), grid_engine(task="2")
    )

    assert [record.key.split("/")[1] for record in records] == ["5.1", "5.2"]
    assert parsed.skipped == {"step": 1}


def test_without_a_project_the_account_string_counts():
    (record,), _ = parse(grid_engine(project="NONE"))

    assert record.account == "sge"


def test_all_that_is_wrong_is_told_by_line():
    records, parsed = parse(
        "a:b:c\n",
        grid_engine(end="x"),
        grid_engine(end="1793606399"),
        grid_engine(slots="many"),
        grid_engine(start="0", end="0"),
    )

    assert records == []
    assert [(error.row, error.column, error.code) for error in parsed.errors] == [
        (1, "", "columns_differ"),
        (2, "end_time", "time_unreadable"),
        (3, "end_time", "ends_before_start"),
        (4, "slots", "count_unreadable"),
    ]
    assert parsed.skipped == {"never_started": 1}
