"""PBS jobs are metered once each, by their `E` line, with the GPUs that they were given."""

import io

import pytest

from billing.usage.cells import CellProblem
from billing.usage.intake import read_usage
from billing.usage.pbs import gpus_in
from tests.billing.usage.samples import PBS_FIELDS


def parse(*lines, **options):
    parsed = read_usage(io.BytesIO(("\n".join(lines) + "\n").encode()), "PBS", **options)
    return list(parsed), parsed


def line(fields=PBS_FIELDS, kind="E", job="12.head"):
    return f"11/02/2026 09:00:00;{kind};{job};{fields}"


def changed(**fields):
    kept = [one for one in PBS_FIELDS.split() if one.partition("=")[0] not in fields]
    return " ".join([*kept, *(f"{name}={value}" for name, value in fields.items() if value)])


def test_a_job_is_its_nodes_times_their_gpus_from_start_to_end():
    (record,), parsed = parse(line())

    assert (record.resource, record.count_thousandths) == ("GPU", 8_000)
    assert record.quantity_ms == 8 * 3_600_000
    assert record.key == "head/12/2026-11-02T08:00:00Z"
    assert (record.account, record.state, record.source) == ("V-1", "COMPLETED", "pbs")
    assert parsed.errors == []


def test_a_job_without_gpus_is_its_slots():
    (record,), _ = parse(line(changed(**{"Resource_List.nodes": "2:ppn=8"})))

    assert (record.resource, record.count_thousandths) == ("CPU", 16_000)


@pytest.mark.parametrize(
    ("fields", "gpus"),
    [
        ({"Resource_List.ngpus": "4", "Resource_List.nodes": "2:ppn=8:gpus=4"}, 4),
        ({"Resource_List.nodes": "", "Resource_List.select": "3:ncpus=8:ngpus=2"}, 6),
        ({"Resource_List.nodes": "", "Resource_List.nodect": "1:ppn=24:gpu=4:gpu"}, 4),
        ({"Resource_List.nodes": "1:gpus=1+2:gpus=2"}, 5),
    ],
)
def test_each_way_to_ask_for_gpus_is_counted_once(fields, gpus):
    (record,), _ = parse(line(changed(**fields)))

    assert record.count_thousandths == gpus * 1000


@pytest.mark.parametrize("name", ["gpu", "neednodes"])
def test_what_was_asked_for_elsewhere_is_not_counted(name):
    fields = {"Resource_List.nodes": "1:ppn=8", f"Resource_List.{name}": "1:ppn=8:gpus=3"}

    (record,), _ = parse(line(changed(**fields)))

    assert record.resource == "CPU"


def test_no_gpus_are_found_in_words_that_only_end_so():
    assert gpus_in("2:vgpus=3:xngpu=1") == 0
    with pytest.raises(CellProblem):
        gpus_in("999999999:gpus=999999+999999999:gpus=999999")


def test_other_lines_of_the_log_are_skipped():
    records, parsed = parse(*(line(kind=kind) for kind in "QSDARLB"))

    assert records == []
    assert parsed.skipped == {"other_event": 7}


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("0", "COMPLETED"),
        ("1", "FAILED"),
        ("-11", "FAILED"),
        ("271", "CANCELLED"),
        ("", "COMPLETED"),
    ],
)
def test_the_exit_status_is_the_state_and_any_is_metered(status, state):
    (record,), _ = parse(line(changed(Exit_status=status)))

    assert (record.state, record.quantity_ms) == (state, 8 * 3_600_000)


def test_a_requeued_job_and_the_parts_of_an_array_count_each():
    records, _ = parse(
        line(),
        line(changed(start="1793613600", end="1793617200")),
        line(job="13[1].head"),
        line(job="13[2].head"),
    )

    assert len({record.key for record in records}) == 4
    assert sum(record.quantity_ms for record in records) == 4 * 8 * 3_600_000


def test_the_account_is_the_one_named_then_the_project_then_the_group():
    given = [
        changed(project="P"),
        changed(account="", project="P"),
        changed(account="", project="_pbs_project_default"),
    ]

    records, _ = parse(*(line(fields) for fields in given))

    assert [record.account for record in records] == ["V-1", "P", "lab"]


def test_a_job_that_never_started_is_skipped():
    _, parsed = parse(line(changed(start="0")), line(changed(start="")))

    assert parsed.skipped == {"never_started": 2}


def test_all_that_is_wrong_is_told_by_line():
    records, parsed = parse(
        "not a line",
        line(changed(end="")),
        line(changed(end="1793606399")),
        line(changed(start="yesterday", end="99999999999")),
        line(changed(**{"Resource_List.nodes": "9999999999:gpus=1"})),
    )

    assert records == []
    assert [(error.row, error.column, error.code) for error in parsed.errors] == [
        (1, "", "line_unreadable"),
        (2, "end", "time_unreadable"),
        (3, "end", "ends_before_start"),
        (4, "start", "time_unreadable"),
        (4, "end", "time_out_of_range"),
        (5, "Resource_List", "gpus_unreadable"),
    ]
    assert all(error.problem and error.fix for error in parsed.errors)
