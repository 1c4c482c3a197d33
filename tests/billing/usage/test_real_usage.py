"""Our meter agrees with what others published for their own logs, to the last decimal."""

import csv
import gzip
import io
import json
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from billing.usage.intake import read_usage
from billing.usage.options import ColumnsMissing
from billing.usage.record import clip, split_at_midnights
from billing.usage.sacct import gpus_of, read_tres
from tests.real_data import shared

pytestmark = pytest.mark.real_data

PHILLY_COLUMNS = {
    "start": "timestamp",
    "duration": "duration",
    "count": "num_gpus",
    "account": "cluster",
}


def hours(quantity_ms):
    return f"{Decimal(quantity_ms) / 3_600_000:.4f}"


def read(path, format, **options):
    parsed = read_usage(io.BytesIO(shared(path).read_bytes()), format, **options)
    return list(parsed), parsed


def expected_by_day(measure):
    path = shared(f"usage/xdmod_expected/pozidriv__total_{measure}__timeseries-Day.csv")
    with path.open() as file:
        return dict(list(csv.reader(file))[1:])


def by_day(records):
    totals = Counter()
    for record in records:
        for segment in split_at_midnights(record):
            totals[segment.day.isoformat()] += segment.quantity_ms
    return {day: hours(total) for day, total in totals.items() if total}


@pytest.fixture(scope="module")
def pozidriv():
    records, parsed = read("usage/xdmod_pozidriv_sacct.log.gz", "SACCT", resource="CPU")
    assert (parsed.errors, parsed.rows, parsed.accepted) == ([], 11_704, 11_704)
    return records


def test_core_hours_of_pozidriv_are_xdmods_in_total_and_on_all_eleven_days(pozidriv):
    assert hours(sum(record.quantity_ms for record in pozidriv)) == "71984.2764"
    assert by_day(pozidriv) == expected_by_day("cpu_hours")
    assert len(expected_by_day("cpu_hours")) == 11


def test_wall_hours_of_pozidriv_are_xdmods_in_total_and_on_all_eleven_days(pozidriv):
    jobs = [record._replace(count_thousandths=1000) for record in pozidriv]

    assert hours(sum(record.quantity_ms for record in jobs)) == "6717.9861"
    assert by_day(jobs) == expected_by_day("wallduration_hours")


def test_pozidriv_has_no_gpu_hours_as_xdmod_says():
    records, parsed = read("usage/xdmod_pozidriv_sacct.log.gz", "SACCT", resource="GPU")

    assert records == []
    assert parsed.skipped == {"no_gpu": 11_704}


def test_gpus_in_trackable_resources_are_counted_as_xdmod_counts_them():
    cases = json.loads(
        shared("usage/xdmod_shredder_unit/slurm_alloc_tres_gpu_count.json").read_text()
    )

    assert len(cases) == 9
    for text, expected in cases:
        assert gpus_of(read_tres(text))[0] == expected


def test_slurm_jobs_are_read_as_xdmods_shredder_reads_them():
    folder = "usage/xdmod_shredder_unit/slurm"
    records, parsed = read(f"{folder}/input/accounting-logs.log", "SACCT")
    expected = json.loads(shared(f"{folder}/output/accounting-logs.json").read_text())

    assert parsed.errors == []
    assert len(records) == len(expected) == 4
    for record, job in zip(records, expected, strict=True):
        assert record.started_at.timestamp() == job["start_time"]
        assert record.ended_at.timestamp() == job["end_time"]
        assert (record.ended_at - record.started_at).total_seconds() == job["elapsed"]
        assert record.state == job["state"].split()[0]
        assert record.account == job["account_name"]
        assert f"/{job['job_id_raw']}/" in record.key
        count = job["ngpus"] or int(job["ncpus"])
        assert record.count_thousandths == count * 1000
        assert record.resource == ("GPU" if job["ngpus"] else "CPU")


@pytest.mark.parametrize(
    ("name", "accepted", "skipped", "errors"),
    [
        ("non-ended-job-state", 0, {"not_ended": 1, "pending": 1}, []),
        ("unknown-job-state", 0, {}, ["state_unknown", "state_unknown"]),
        ("utf8-multibyte-chars", 1, {}, []),
        # Six spellings of one array job, under one raw id and start: they carry one key, under
        # which a file is metered once (`test_a_job_twice_in_a_file_counts_once`).
        ("accounting-logs-with-job-arrays", 1, {}, []),
    ],
)
def test_odd_slurm_jobs_are_skipped_or_told(name, accepted, skipped, errors):
    records, parsed = read(f"usage/xdmod_shredder_unit/slurm/input/{name}.log", "SACCT")

    assert len({record.key for record in records}) == accepted
    assert parsed.skipped == skipped
    assert [error.code for error in parsed.errors] == errors


@pytest.mark.parametrize("name", ["slurm2sql_test-data1.csv", "slurm2sql_test-data2.csv"])
def test_steps_are_not_metered_beside_their_job(name):
    records, parsed = read(f"usage/{name}", "SACCT")

    assert [(record.key, record.quantity_ms) for record in records] == [
        ("/43974388/2019-07-31T22:29:14Z", 2000 * (3 * 3600 + 33 * 60 + 25))
    ]
    assert parsed.skipped == {"step": 3, "not_ended": 1}
    assert parsed.errors == []


def test_a_slurm_file_without_ends_and_states_is_refused():
    with pytest.raises(ColumnsMissing):
        read("usage/slurm2sql_test-data3.csv", "SACCT")


def test_philly_has_88_069_2594_gpu_hours_in_october_2017():
    records, parsed = read("usage/philly_jobs_7vc.csv.gz", "CSV", columns=PHILLY_COLUMNS)
    month = (datetime(2017, 10, 1, tzinfo=UTC), datetime(2017, 11, 1, tzinfo=UTC))

    parts = [part for record in records if (part := clip(record, *month)) is not None]

    assert (parsed.errors, len(records)) == ([], 65_892)
    assert parsed.unused_columns == ("gpu_time",)
    assert hours(sum(part.quantity_ms for part in parts)) == "88069.2594"


def test_each_philly_job_is_its_published_gpu_time():
    records, _ = read("usage/philly_jobs_7vc.csv.gz", "CSV", columns=PHILLY_COLUMNS)
    with gzip.open(shared("usage/philly_jobs_7vc.csv.gz"), "rt") as file:
        published = [Decimal(row["gpu_time"]) * 1000 for row in csv.DictReader(file)]

    assert [record.quantity_ms for record in records] == published
