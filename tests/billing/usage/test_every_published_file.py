"""Every published usage file is read, refused in words, or told to be no usage; none is a crash."""

import pytest

from billing.usage.intake import read_usage
from billing.usage.options import ColumnsMissing, FileUnreadable, FormatNotRecognised, NotUsage
from tests.real_data import shared

pytestmark = pytest.mark.real_data

# File: format, accepted, skipped, errors.
READ = {
    "alibaba2023_pods_default.csv.gz": ("ALIBABA_2023", 7_255, 897, 0),
    "apel_aur_usage_records.xml": ("OGF_UR", 0, 2, 0),
    "apel_car_usage_records.xml": ("OGF_UR", 2, 0, 1),
    "hpc_cost_simulator_jobs.csv": ("LSF_JOBS", 87, 0, 0),
    "opencost_allocation_sample.json": ("OPENCOST", 3, 2, 0),
    "philly_jobs_7vc.csv.gz": ("PHILLY", 65_892, 0, 0),
    "slurm2sql_test-data1.csv": ("SACCT", 1, 4, 0),
    "slurm2sql_test-data2.csv": ("SACCT", 1, 4, 0),
    "xdmod_pozidriv_sacct.log.gz": ("SACCT", 11_704, 0, 0),
    "xdmod_shredder_unit/lsf/input/accounting-logs.log": ("LSF", 2, 0, 0),
    "xdmod_shredder_unit/lsf/input/utf8-multibyte-chars.log": ("LSF", 1, 0, 0),
    "xdmod_shredder_unit/pbs/input/accounting-logs.log": ("PBS", 9, 0, 0),
    "xdmod_shredder_unit/sge/input/accounting-logs.log": ("GRID_ENGINE", 2, 0, 0),
    "xdmod_shredder_unit/slurm/input/accounting-logs-with-job-arrays.log": ("SACCT", 6, 0, 0),
    "xdmod_shredder_unit/slurm/input/accounting-logs.log": ("SACCT", 4, 0, 0),
    "xdmod_shredder_unit/slurm/input/non-ended-job-state.log": ("SACCT", 0, 2, 0),
    "xdmod_shredder_unit/slurm/input/unknown-job-state.log": ("SACCT", 0, 0, 2),
    "xdmod_shredder_unit/slurm/input/utf8-multibyte-chars.log": ("SACCT", 1, 0, 0),
    "xdmod_shredder_unit/uge/input/accounting-logs.log": ("GRID_ENGINE", 2, 0, 0),
}
NO_USAGE = {
    "alibaba2023_nodes_gpu.csv": "a list of nodes",
    "alibaba2026_pod_gpu_duty_cycle.csv.gz": "a series of utilisation samples",
    "alibaba2026_spot_nodes.csv": "a list of nodes",
    "apel_star_usage_records.xml": "a list of storage records (StAR)",
    "dcgm_default_counters.csv": "a list of DCGM counters",
    "dcgm_sample_metrics.prom": "a page of telemetry (Prometheus)",
    "gpu_price_list_oci_usd.json": "a price list",
    **{
        f"gpu_telemetry/linux-x86_64__nvidia-h100-{name}.metrics": (
            "a page of telemetry (Prometheus)"
        )
        for name in (
            "80gb-hbm3__590.48.01__idle",
            "80gb-hbm3__590.48.01__load",
            "mig__590.48.01__load",
        )
    },
}
# A sacct export without End, State and AllocTRES.
REFUSED = {"slurm2sql_test-data3.csv": ColumnsMissing}
# What the publishers' own code made of their logs, which nobody sends as usage.
EXPECTED_BY_OTHERS = ("xdmod_expected/", "/output/", "_gpu_count.json")


def published():
    folder = shared("usage")
    return {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}


def test_there_is_a_verdict_on_every_file():
    known = {*READ, *NO_USAGE, *REFUSED}
    files = published()

    unknown = [
        name
        for name in files
        if name not in known and not any(part in name for part in EXPECTED_BY_OTHERS)
    ]

    assert unknown == []
    assert known <= set(files)


@pytest.mark.parametrize("name", READ)
def test_a_usage_file_is_recognised_and_read(name):
    with shared(f"usage/{name}").open("rb") as stream:
        parsed = read_usage(stream)
        accepted = sum(1 for _ in parsed)

    skipped = sum(parsed.skipped.values())
    assert (parsed.format, accepted, skipped, parsed.errors_total) == READ[name]


@pytest.mark.parametrize("name", NO_USAGE)
def test_what_is_no_usage_is_told_what_it_is(name):
    with shared(f"usage/{name}").open("rb") as stream, pytest.raises(NotUsage) as refused:
        list(read_usage(stream))

    assert refused.value.values["what"] == NO_USAGE[name]


@pytest.mark.parametrize("name", REFUSED)
def test_what_lacks_its_columns_is_refused_naming_them(name):
    with shared(f"usage/{name}").open("rb") as stream, pytest.raises(REFUSED[name]) as refused:
        list(read_usage(stream))

    assert refused.value.values["missing"] == "End, State, AllocTRES"


def test_what_others_made_of_their_logs_is_refused_in_words():
    for name, path in published().items():
        if not any(part in name for part in EXPECTED_BY_OTHERS):
            continue
        with path.open("rb") as stream, pytest.raises(FormatNotRecognised) as refused:
            list(read_usage(stream))
        assert isinstance(refused.value, FileUnreadable)
        assert "Slurm" in str(refused.value)
