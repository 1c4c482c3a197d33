"""Every entry of the bench works, and its results can't say what their samples do not."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench import results
from bench.registry import NAMES, Entry, entries

ROOT = Path(__file__).resolve().parents[2]
FIELDS = [
    "name",
    "value",
    "unit",
    "reference",
    "ratio",
    "must",
    "aim",
    "samples",
    "load",
    "machine",
]
# Of so many rows that it is measured three times.
AN_ENTRY = Entry(
    "an_entry", "tx/s", 2.0, 3.0, "ours", "theirs", lambda ground: None, rows=600_000
)
KNOWN = {"an_entry": AN_ENTRY}


def bench(*words):
    return subprocess.run(
        [sys.executable, "-m", "bench", *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def measured(tmp_path):
    """A file with one row whose figures follow from its samples."""
    pairs = [(200.0, 100.0), (220.0, 90.0), (240.0, 80.0)]
    row = results.row(
        AN_ENTRY,
        samples=[
            {"of": side, "value": value}
            for pair in pairs
            for side, value in zip(("subject", "reference"), pair, strict=True)
        ],
        load={"before": 0.1, "after": 0.2},
        machine={},
    )
    file = tmp_path / "results.json"
    file.write_text(json.dumps([row]))
    return file


def changed(file, change, known=KNOWN):
    rows = json.loads(file.read_text())
    change(rows[0])
    file.write_text(json.dumps(rows))
    return results.check(rows, known)


def test_every_name_of_the_table_has_an_entry_and_no_other_has():
    assert tuple(entries()) == NAMES


def test_medians_and_ratio_follow_from_the_samples(measured):
    row = json.loads(measured.read_text())[0]

    assert (row["value"], row["reference"]["value"], row["ratio"]) == (220.0, 90.0, 2.444)
    assert results.check([row], KNOWN) == []


def test_ratio_of_times_is_such_that_more_is_better(measured):
    row = json.loads(measured.read_text())[0] | {"unit": "s"}

    assert results.figures(row) == (220.0, 90.0, 0.409)


def test_changed_sample_is_named(measured):
    found = changed(measured, lambda row: row["samples"][0].update(value=300.0))
    done = bench("--check", "--results", measured)

    assert found == [
        "an_entry: value 220 is stored, 240 follows from the samples",
        "an_entry: ratio 2.444 is stored, 2.667 follows from the samples",
    ]
    assert done.returncode == 1
    assert found[0] in done.stdout


def test_missed_must_and_missing_entry_are_named(measured):
    row = json.loads(measured.read_text())[0]
    demanding = {"an_entry": replace(AN_ENTRY, must=2.5), "another": AN_ENTRY}

    assert results.check([row | {"must": 2.5}], demanding) == [
        "another: it was never measured",
        "an_entry: ratio 2.444 is below 2.5",
    ]


def test_must_in_the_file_can_not_be_lowered(measured):
    found = changed(measured, lambda row: row.update(must=0.5))

    assert found == ["an_entry: it was measured against another must or aim"]


def test_limits_bind_what_the_subject_has_seen(measured):
    def use_too_much(row):
        for sample, peak in zip(row["samples"][::2], (290, 299, 312), strict=True):
            sample["peak_mib"] = peak

    found = changed(
        measured, use_too_much, {"an_entry": replace(AN_ENTRY, at_most={"peak_mib": 300})}
    )

    assert found == ["an_entry: peak_mib 312 is above 300"]


def test_an_entry_keeps_its_part_of_anothers_ratio(measured):
    row = json.loads(measured.read_text())[0]
    small = row | {"name": "small"}
    slower = {"an_entry": replace(AN_ENTRY, keeps={"small": 1.1}), "small": AN_ENTRY}
    as_fast = {"an_entry": replace(AN_ENTRY, keeps={"small": 1.0}), "small": AN_ENTRY}

    assert results.check([row, small], as_fast) == []
    assert results.check([row, small], slower) == [
        "an_entry: ratio 2.444 is below 1.1 of small's 2.444"
    ]


def test_sides_are_measured_by_turns_and_as_often_as_the_entry_says(measured):
    def swap(row):
        row["samples"][:2] = row["samples"][1::-1]

    assert changed(measured, swap) == ["an_entry: not 3 samples of each side by turns"]


def test_measuring_one_entry_keeps_the_others(measured):
    row = json.loads(measured.read_text())[0]

    results.write(measured, [row | {"name": "another"}], ["another", "an_entry"])
    results.write(measured, [row | {"must": 1.0}], ["another", "an_entry"])

    kept = json.loads(measured.read_text())
    assert [(one["name"], one["must"]) for one in kept] == [("another", 2.0), ("an_entry", 1.0)]


@pytest.mark.slow
def test_each_entry_works_in_its_smallest_form(tmp_path):
    file = tmp_path / "smallest.json"
    done = bench("--smallest", "--results", file)

    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads(file.read_text())
    assert [row["name"] for row in rows] == list(NAMES)
    for row in rows:
        assert list(row) == FIELDS, row["name"]
        assert results.wrong(row) == []
        assert [one["of"] for one in row["samples"]] == ["subject", "reference"]
        assert all(one["value"] > 0 for one in row["samples"]), row["name"]
        assert row["machine"]["settings"]["fsync"] == "on"
        assert row["machine"]["settings"]["synchronous_commit"] == "on"
