"""What others' shredders make of their own log lines is what ours make of them, field by field.

XDMoD's unit tests ship lines of each scheduler with the job that its code reads from them
(LGPL-3.0, ubccr/xdmod); they are read in place.
"""

import json

import pytest

from billing.usage.cells import Row
from billing.usage.grid_engine import GridEngineReader
from billing.usage.lsf import LsfReader
from billing.usage.options import Options
from billing.usage.pbs import PbsReader, gpus_in
from billing.usage.sacct import SacctReader
from tests.real_data import shared

pytestmark = pytest.mark.real_data
FOLDER = "usage/xdmod_shredder_unit"


def jobs(scheduler, reader, name="accounting-logs"):
    """Give the job that we read from each line, beside the one that XDMoD expects."""
    lines = shared(f"{FOLDER}/{scheduler}/input/{name}.log").read_text("utf-8").splitlines()
    expected = json.loads(shared(f"{FOLDER}/{scheduler}/output/{name}.json").read_text("utf-8"))
    read = reader(lines[0], Options())
    found = []
    for number, line in enumerate(lines, start=1):
        row = Row(number)
        found.append(read.job(row, read.cells(line)))
        assert row.errors == []
    published = list(expected.values()) if isinstance(expected, dict) else expected
    return list(zip(found, published, strict=True))


def instants(job):
    return int(job.started_at.timestamp()), int(job.ended_at.timestamp())


def test_slurm_jobs_are_xdmods():
    for job, expected in jobs("slurm", SacctReader):
        assert job.job_id == expected["job_id_raw"]
        assert (job.user, job.account) == (expected["user_name"], expected["account_name"])
        assert instants(job) == (expected["start_time"], expected["end_time"])
        assert job.wall_seconds == expected["elapsed"]
        assert job.nodes == int(expected["nnodes"])
        assert job.cores_thousandths == int(expected["ncpus"]) * 1000
        assert job.gpus_thousandths == expected["ngpus"] * 1000
        assert job.state == expected["state"].split()[0]


def test_a_multibyte_job_name_does_not_shift_a_slurm_job():
    ((job, _expected),) = jobs("slurm", SacctReader, "utf8-multibyte-chars")

    assert (job.job_id, job.cores_thousandths, job.state) == ("4103947", 8_000, "TIMEOUT")


# XDMoD counts PBS Professional's `0*0` as two cores, as PHP's range(1, 0) counts down from 1 to
# 0; the job ran on 48 (its Resource_List.ncpus and resources_used.ncpus).
CORES_OF_NO_SLOTS = ("3073070", 2, 48)


def test_pbs_jobs_are_xdmods():
    pairs = jobs("pbs", PbsReader)

    assert len(pairs) == 9
    for job, expected in pairs:
        assert job.job_id == expected["job_id"]
        assert job.user == expected["user"]
        # Where a line names no account, XDMoD has none and we take its project or group.
        assert job.account == expected.get("account", job.account)
        assert instants(job) == (int(expected["start"]), int(expected["end"]))
        assert job.wall_seconds == expected["resources_used_walltime"]
        assert job.gpus_thousandths == int(expected["resources_used_gpus"]) * 1000
        assert (job.state == "COMPLETED") == (expected["exit_status"] == "0")
        if "resources_used_nodes" in expected:
            assert job.nodes == expected["resources_used_nodes"]
            cores = (job.job_id, expected["resources_used_cpus"], job.cores_thousandths // 1000)
            assert cores == CORES_OF_NO_SLOTS or cores[1] == cores[2]


def test_gpus_in_pbs_requests_are_counted_as_xdmod_counts_them():
    cases = json.loads(shared(f"{FOLDER}/pbs_resource_list_gpu_count.json").read_text())

    assert len(cases) == 19
    for text, expected in cases:
        assert gpus_in(text) == expected, text


def test_lsf_jobs_are_xdmods():
    pairs = jobs("lsf", LsfReader)

    assert len(pairs) == 2
    for job, expected in pairs:
        assert job.job_id == expected["job_id"]
        assert (job.user, job.account) == (expected["user_name"], expected["project_name"])
        assert instants(job) == (int(expected["start_time"]), int(expected["event_time"]))
        assert job.wall_seconds == int(expected["event_time"]) - int(expected["start_time"])
        assert job.nodes == int(expected["num_ex_hosts"])
        assert job.cores_thousandths == int(expected["num_processors"]) * 1000
        assert job.gpus_thousandths == 0
        assert (job.state == "COMPLETED") == (expected["j_status"] == "64")


def test_a_multibyte_command_does_not_shift_an_lsf_job():
    ((job, _expected),) = jobs("lsf", LsfReader, "utf8-multibyte-chars")

    assert (job.job_id, job.user, job.nodes) == ("404717", "anonuser", 8)


@pytest.mark.parametrize("scheduler", ["sge", "uge"])
def test_grid_engine_jobs_are_xdmods(scheduler):
    pairs = jobs(scheduler, GridEngineReader)

    assert len(pairs) == 2
    for job, expected in pairs:
        assert job.job_id == expected["job_number"]
        assert (job.user, job.account) == (expected["owner"], expected["account"])
        assert instants(job) == (int(expected["start_time"]), int(expected["end_time"]))
        assert job.wall_seconds == int(expected["ru_wallclock"].partition(".")[0])
        assert job.nodes == 1
        assert job.cores_thousandths == int(expected["slots"]) * 1000
        assert job.gpus_thousandths == int(expected.get("resource_list_gpu", 0)) * 1000
        assert (job.state == "COMPLETED") == (
            expected["failed"] == "0" and expected["exit_status"] == "0"
        )
