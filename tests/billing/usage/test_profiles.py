"""Published job tables are read as their publishers mean them, to the last GPU-hour."""

import csv
import gzip
import io
from collections import Counter
from decimal import Decimal

import pytest

from billing.usage.intake import read_usage
from billing.usage.options import ColumnsMissing
from tests.billing.usage.samples import ALIBABA, LSF_JOBS, PHILLY
from tests.real_data import shared


def parse(data, **options):
    parsed = read_usage(
        io.BytesIO(data if isinstance(data, bytes) else data.encode()), **options
    )
    return list(parsed), parsed


def pod_rows(*rows):
    return ALIBABA.splitlines()[0] + "\n" + "".join(f"{row}\n" for row in rows)


def test_a_share_of_one_gpu_is_its_thousandths_and_several_are_whole():
    records, parsed = parse(
        pod_rows(
            "a,4000,1,1,460,,LS,Succeeded,0,7200,3600",
            "b,4000,1,8,1000,V100,LS,Failed,0,7200,3600",
            "c,4500,1,0,0,,LS,Running,0,7200,3600",
            "d,4000,1,1,1000,,LS,Pending,0,7200,",
        )
    )

    assert [(r.resource, r.count_thousandths, r.resource_class) for r in records] == [
        ("GPU", 460, ""),
        ("GPU", 8_000, "V100"),
        ("CPU", 4_500, ""),
    ]
    assert all(r.quantity_ms == r.count_thousandths * 3_600 for r in records)
    assert parsed.skipped == {"pending": 1}


def test_all_that_is_wrong_with_pods_is_told():
    _, parsed = parse(
        pod_rows(
            "a,4000,1,1,460,,LS,Lost,0,7200,3600",
            "b,x,1,y,z,,LS,Failed,0,p,q",
            "c,1",
            "d,4000,1,1,460,,LS,Failed,0,3600,7200",
            'e,"4000,1,1,460,,LS,Failed,0,3600,7200',
        )
    )

    assert [(e.row, e.code) for e in parsed.errors] == [
        (2, "state_unknown"),
        (3, "duration_unreadable"),
        (3, "duration_unreadable"),
        (3, "count_unreadable"),
        (3, "count_unreadable"),
        (3, "count_unreadable"),
        (4, "columns_differ"),
        (5, "ends_before_start"),
        (6, "quotes_open"),
    ]


def test_cores_are_never_taken_for_gpus():
    (record,), _ = parse(LSF_JOBS)
    _, parsed = parse(LSF_JOBS, resource="GPU")

    assert (record.resource, record.count_thousandths) == ("CPU", 4_000)
    assert parsed.skipped == {"no_gpu": 1}


def test_named_as_a_profile_a_table_without_its_columns_is_refused():
    with pytest.raises(ColumnsMissing) as refused:
        parse(PHILLY, format="ALIBABA_2023")

    assert "num_gpu" in refused.value.values["missing"]


@pytest.mark.real_data
def test_alibabas_pods_have_51_470_674_gpu_hours_and_897_wait():
    records, parsed = parse(shared("usage/alibaba2023_pods_default.csv.gz").read_bytes())
    gpus = sum(record.quantity_ms for record in records if record.resource == "GPU")

    assert parsed.rows == 8_152
    assert parsed.skipped == {"pending": 897}
    assert parsed.errors == []
    assert f"{Decimal(gpus) / 3_600_000:.3f}" == "51470.674"


@pytest.mark.real_data
def test_philly_by_profile_is_gpu_time_by_tenant():
    data = shared("usage/philly_jobs_7vc.csv.gz").read_bytes()
    records, parsed = parse(data)
    published: Counter[str] = Counter()
    with gzip.open(io.BytesIO(data), "rt") as file:
        for row in csv.DictReader(file):
            published[row["cluster"]] += int(Decimal(row["gpu_time"]) * 1000)

    metered: Counter[str] = Counter()
    for record in records:
        metered[record.account] += record.quantity_ms

    assert (parsed.format, parsed.errors) == ("PHILLY", [])
    assert metered == published


@pytest.mark.real_data
def test_the_cost_simulators_jobs_are_their_run_time_in_cores():
    data = shared("usage/hpc_cost_simulator_jobs.csv").read_bytes()
    records, parsed = parse(data)
    rows = list(csv.DictReader(io.StringIO(data.decode())))

    assert (len(records), parsed.errors) == (87, [])
    for record, row in zip(records, rows, strict=True):
        hours, minutes, seconds = map(int, row["run_time"].split(":"))
        ran = hours * 3600 + minutes * 60 + seconds
        assert record.quantity_ms == int(row["num_cores"]) * 1000 * ran
        assert record.state == ("COMPLETED" if row["exit_status"] == "0" else "FAILED")
