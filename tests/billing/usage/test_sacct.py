"""Slurm's jobs are metered once each, with the cards that they held, whatever their outcome."""

import io

import pytest

from billing.usage.intake import read_usage
from billing.usage.options import ColumnsMissing
from billing.usage.record import ENDED_STATES
from billing.usage.sacct import gpus_of, read_tres

HEADER = "JobID|JobIDRaw|Cluster|Account|State|Start|End|NCPUS|AllocTRES"


def parse(*lines, header=HEADER, **options):
    text = "\n".join([header, *lines]) + "\n"
    parsed = read_usage(io.BytesIO(text.encode()), "SACCT", **options)
    return list(parsed), parsed


def job(
    number="7",
    state="COMPLETED",
    start="2026-11-02T08:00:00",
    end="2026-11-02T09:00:00",
    tres="cpu=16,gres/gpu=2,mem=64G",
    cpus="16",
):
    return f"{number}|{number}|north|V-7K2QX9|{state}|{start}|{end}|{cpus}|{tres}"


def codes(parsed):
    return [(error.row, error.column, error.code) for error in parsed.errors]


def test_a_job_with_gpus_is_one_gpu_record():
    (record,), parsed = parse(job())

    assert (record.resource, record.count_thousandths) == ("GPU", 2000)
    assert record.quantity_ms == 2 * 3_600_000
    assert record.key == "north/7/2026-11-02T08:00:00Z"
    assert (record.account, record.row, record.source) == ("V-7K2QX9", 2, "sacct")
    assert parsed.errors == []


def test_a_job_without_gpus_is_one_cpu_record():
    (record,), _ = parse(job(tres="cpu=16,mem=64G"))

    assert (record.resource, record.count_thousandths) == ("CPU", 16_000)


def test_cores_of_every_job_may_be_asked_for():
    (record,), _ = parse(job(), resource="CPU")

    assert (record.resource, record.count_thousandths) == ("CPU", 16_000)


def test_with_gpus_asked_for_other_jobs_are_counted_as_skipped():
    records, parsed = parse(job(tres="cpu=16"), resource="GPU")

    assert records == []
    assert parsed.skipped == {"no_gpu": 1}


def test_a_total_and_its_models_are_not_added_up():
    (record,), _ = parse(job(tres="cpu=8,gres/gpu=4,gres/gpu:a100=4"))

    assert (record.count_thousandths, record.resource_class) == (4000, "a100")


def test_models_alone_are_added_up_and_both_named():
    assert gpus_of(read_tres("gres/gpu:a100=2,gres/gpu:v100=1,gres/gpumem=80G")) == (
        3,
        "a100+v100",
    )


@pytest.mark.parametrize("state", sorted(ENDED_STATES))
def test_every_state_in_which_a_job_has_ended_is_metered(state):
    (record,), _ = parse(job(state=state))

    assert record.state == state


def test_who_cancelled_is_not_part_of_the_state():
    (record,), _ = parse(job(state="CANCELLED by 423120"))

    assert record.state == "CANCELLED"


def test_steps_are_skipped_and_counted():
    records, parsed = parse(job(), job("7.batch"), job("7.extern"), job("7.0"))

    assert len(records) == 1
    assert parsed.skipped == {"step": 3}


def test_jobs_that_run_wait_or_never_started_are_skipped_by_reason():
    records, parsed = parse(
        job("1", state="RUNNING"),
        job("2", end="Unknown"),
        job("3", state="PENDING", end="Unknown"),
        job("4", state="CANCELLED by 9", start="None", end="2026-11-02T08:00:00"),
    )

    assert records == []
    assert parsed.skipped == {"not_ended": 2, "pending": 1, "never_started": 1}


def test_a_requeued_job_counts_each_of_its_runs():
    records, parsed = parse(
        job(state="REQUEUED"), job(start="2026-11-02T10:00:00", end="2026-11-02T11:00:00")
    )

    assert sum(record.quantity_ms for record in records) == 2 * 2 * 3_600_000
    assert parsed.errors == []


def test_the_same_job_and_start_twice_carries_one_key():
    records, _parsed = parse(job(), job())

    assert len({record.key for record in records}) == 1


def test_bare_times_are_read_in_the_clusters_zone():
    (record,), _ = parse(job(), zone="Asia/Shanghai")

    assert record.started_at.isoformat() == "2026-11-02T00:00:00+00:00"


def test_a_time_that_the_clocks_repeat_is_told():
    line = job(start="2026-10-25T01:30:00", end="2026-10-25T05:00:00")

    records, parsed = parse(line, zone="Europe/London")

    assert records == []
    assert codes(parsed) == [(2, "Start", "time_twice")]


def test_seconds_since_1970_are_understood():
    (record,), _ = parse(job(start="1435460150", end="1435719350"))

    assert record.started_at.isoformat() == "2015-06-28T02:55:50+00:00"
    assert record.quantity_ms == 2000 * 259_200


def test_all_that_is_wrong_in_all_rows_is_told():
    _, parsed = parse(
        job(state="FOO"),
        job("8", start="yesterday", end="2026-02-30T00:00:00"),
        job("9", start="2026-11-02T10:00:00"),
        job("10", tres="gres/gpu=two"),
        "11|11|north",
        job("12", start="2024-01-01T00:00:00"),
    )

    assert codes(parsed) == [
        (2, "State", "state_unknown"),
        (3, "Start", "time_unreadable"),
        (3, "End", "time_unreadable"),
        (4, "End", "ends_before_start"),
        (5, "AllocTRES", "tres_unreadable"),
        (6, "", "columns_differ"),
        (7, "End", "runs_too_long"),
    ]
    assert all(error.problem and error.fix for error in parsed.errors)


def test_a_job_name_that_comes_last_may_hold_the_separator():
    header = "JobIDRaw|State|Start|End|NCPUS|JobName"
    line = "7|COMPLETED|2026-11-02T08:00:00|2026-11-02T09:00:00|4|a|b|c"

    (record,), _ = parse(line, header=header)

    assert record.count_thousandths == 4000


def test_a_separator_at_the_end_of_every_line_is_no_column():
    (record,), parsed = parse(job() + "|", header=HEADER + "|")

    assert record.count_thousandths == 2000
    assert parsed.errors == []


def test_missing_columns_are_named_together():
    with pytest.raises(ColumnsMissing) as refusal:
        parse("1,job1", header="JobID|JobName|ReqTRES|Start")

    assert refusal.value.values["missing"] == "End, State, AllocTRES"


def test_a_file_without_a_header_needs_the_26_fields():
    with pytest.raises(ColumnsMissing):
        parse("1|2|3", header="7|7|north")


def test_time_that_a_job_was_suspended_is_not_metered():
    header = f"{HEADER}|Suspended"

    (record,), parsed = parse(f"{job()}|00:20:00", header=header)

    assert record.quantity_ms == 2 * 40 * 60_000
    assert (record.started_at.hour, record.ended_at.minute) == (8, 40)
    assert record.key == "north/7/2026-11-02T08:00:00Z"
    assert parsed.errors == []


def test_a_suspension_longer_than_the_job_or_unreadable_is_told():
    header = f"{HEADER}|Suspended"

    records, parsed = parse(f"{job()}|1-00:00:00", f"{job('8')}|a while", header=header)

    assert records == []
    assert codes(parsed) == [
        (2, "Suspended", "stopped_too_long"),
        (3, "Suspended", "seconds_unreadable"),
    ]


def test_an_export_as_csv_is_read_with_its_quoted_cells():
    header = HEADER.replace("|", ",")
    cells = job().split("|")
    line = ",".join([*cells[:-1], f'"{cells[-1]}"'])

    (record,), parsed = parse(line, line.replace('"', ""), header=header)

    assert (record.resource, record.count_thousandths) == ("GPU", 2_000)
    assert codes(parsed) == [(3, "", "columns_differ")]


def test_tasks_of_an_array_count_each_under_their_raw_id():
    header = "JobID|JobIDRaw|State|Start|End|AllocTRES"
    ran = "COMPLETED|2026-11-02T08:00:00|2026-11-02T09:00:00|gres/gpu=1"

    records, _ = parse(f"70_1|71|{ran}", f"70_2|70|{ran}", header=header)

    assert [record.key.split("/")[1] for record in records] == ["71", "70"]


def test_a_multibyte_account_is_kept_as_it_is():
    (record,), _ = parse(job().replace("V-7K2QX9", "算力券-甲"))

    assert record.account == "算力券-甲"
