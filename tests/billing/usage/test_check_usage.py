"""A provider checks its export by itself: no database is asked, and the answer is the intake's."""

import gzip
import io
import json

import pytest
from django.core.management import CommandError, call_command

from billing.usage.checkup import check
from billing.usage.plain_csv import sample
from tests.billing.usage.samples import PBS, PBS_FIELDS, PHILLY, grid_engine
from tests.real_data import shared

ROW = "j%d,V-1,GPU,H100,%s,2026-11-02 08:00:00,2026-11-02 09:00:00,COMPLETED,%s\n"
HEADER = sample().splitlines()[0] + "\n"


def run(tmp_path, content, *options):
    """Run the command on a file; say what it wrote, and how it failed if it did."""
    path = tmp_path / "usage"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    out = io.StringIO()
    try:
        call_command("check_usage", str(path), *options, stdout=out)
    except CommandError as error:
        return out.getvalue(), str(error)
    return out.getvalue(), None


def test_a_file_in_order_is_told_with_its_format_rows_and_hours(tmp_path):
    text, failure = run(tmp_path, PBS + PBS.replace(";E;", ";Q;"))

    assert failure is None
    assert text.splitlines() == [
        "Format: PBS or Torque accounting log (PBS)",
        "Rows: 2",
        "Counted: 1",
        "Skipped: 1",
        "  1 events that do not end a job",
        "To fix: 0",
        "GPU-hours: 8.000000",
        "Core-hours: 0.000000",
        "Accounts: 1",
        "First start: 2026-11-02 08:00:00 UTC",
        "Last end: 2026-11-02 09:00:00 UTC",
    ]


def test_what_is_wrong_is_told_by_row_with_the_fix_and_it_fails(tmp_path):
    text, failure = run(tmp_path, HEADER + ROW % (1, "8", "") + ROW % (2, "many", ""))

    assert failure == "1 to fix. The good rows can be sent; these can't."
    assert text.splitlines()[-2:] == [
        "Row 3 count: We cannot read “many” as a count. [count_unreadable]",
        "  Write a number greater than 0, such as 8 or 0.25.",
    ]
    assert "GPU-hours: 8.000000" in text


def test_a_key_that_comes_twice_counts_once_and_is_told(tmp_path):
    text, failure = run(
        tmp_path,
        HEADER + ROW % (1, "8", "") + ROW % (2, "1", "") + ROW % (1, "8", ""),
        "--json",
    )
    report = json.loads(text)

    assert failure
    assert (report["rows"], report["accepted"], report["gpu_hours"]) == (3, 2, "9.000000")
    assert [(e["row"], e["code"]) for e in report["errors"]] == [(4, "duplicate")]
    assert "row 2" in report["errors"][0]["problem"]


def test_a_program_gets_the_same_as_json(tmp_path):
    text, failure = run(tmp_path, grid_engine() + grid_engine(job="6", end="x"), "--json")
    report = json.loads(text)

    assert failure
    assert report["format"] == "GRID_ENGINE"
    assert report["conforms"] is False
    assert (report["rows"], report["accepted"], report["errors_total"]) == (2, 1, 1)
    assert report["classes"] == [{"resource": "GPU", "class": "", "hours": "2.000000"}]
    assert set(report["errors"][0]) == {"row", "column", "value", "code", "problem", "fix"}


def test_a_file_that_cannot_be_read_is_refused_in_words_and_in_code(tmp_path):
    text, failure = run(tmp_path, "hello\nworld\n", "--json")

    assert failure.startswith("We do not recognise this file.")
    assert json.loads(text)["refusal"]["code"] == "format_not_recognised"
    assert run(tmp_path, "hello\n") == ("", failure)


def test_a_file_of_which_nothing_counts_fails(tmp_path):
    _text, failure = run(tmp_path, PBS.replace(";E;", ";S;"))

    assert failure == "No row of the file counts. Check that it holds jobs that have ended."


def test_it_is_told_in_chinese_when_asked(tmp_path):
    text, failure = run(tmp_path, HEADER + ROW % (1, "many", ""), "--language", "zh-hans")

    assert text.startswith("格式：采用本系统列名的表格 (CSV)\n")
    assert failure.startswith("有 1 处待修正")


def test_zone_cluster_and_resource_are_those_of_the_intake(tmp_path):
    path = tmp_path / "usage.gz"
    path.write_bytes(gzip.compress(PHILLY.encode()))
    with path.open("rb") as stream:
        checkup = check(stream, zone="Asia/Shanghai")
    cores = check(io.BytesIO(PBS.encode()), resource="CPU", cluster="north")

    assert checkup.started_at.isoformat() == "2026-11-02T00:00:00+00:00"
    assert (checkup.of_resource("GPU"), checkup.of_resource("CPU")) == (2 * 3_600_000, 0)
    assert (cores.of_resource("GPU"), cores.of_resource("CPU")) == (0, 16 * 3_600_000)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--zone", "Mars/Olympus"], "Mars/Olympus is no time zone"),
        (["--format", "TAPE"], "invalid choice"),
    ],
)
def test_options_that_mean_nothing_are_refused(tmp_path, options, words):
    _text, failure = run(tmp_path, PBS, *options)

    assert words in failure


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(CommandError, match="can't be read"):
        call_command("check_usage", str(tmp_path / "none"))


def test_only_the_first_errors_are_shown_and_all_are_counted(tmp_path):
    bad = "".join(f"11/02/2026 09:00:00;E;{n}.head;{PBS_FIELDS} start=x\n" for n in range(60))

    text, failure = run(tmp_path, bad)

    assert failure.startswith("60 to fix")
    assert text.count("[time_unreadable]") == 50
    assert text.splitlines()[-1].startswith("10 more are to be fixed")


@pytest.mark.real_data
def test_the_hours_of_a_published_trace_are_its_own(tmp_path):
    data = shared("usage/alibaba2023_pods_default.csv.gz").read_bytes()

    text, failure = run(tmp_path, data, "--json", "--resource", "GPU")

    report = json.loads(text)
    assert failure is None
    assert (report["rows"], report["gpu_hours"]) == (8_152, "51470.674158")
    assert report["skipped"]["pending"] == 897


def test_of_two_rows_on_one_gpu_at_a_time_the_later_is_told(tmp_path):
    both = "GPU-5fd4f087 GPU-86f37a43"
    rows = [
        ROW % (1, "2", both),
        ROW % (2, "1", "GPU-86f37a43"),
        ROW % (3, "0.5", "MIG-7 MIG-8"),
    ]
    text, failure = run(tmp_path, HEADER + "".join(rows), "--json")
    report = json.loads(text)

    assert failure
    assert (report["accepted"], report["gpu_hours"]) == (2, "2.500000")
    (error,) = report["errors"]
    assert (error["row"], error["column"], error["code"]) == (3, "device", "device_in_use")
    assert error["value"] == "GPU-86f37a43"
    assert (
        "was in use for j1/2026-11-02T08:00:00Z until 2026-11-02 09:00:00" in error["problem"]
    )
