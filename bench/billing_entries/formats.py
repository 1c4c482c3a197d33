"""A month's jobs as the files of several meters, each with what it knows of a job's GPU."""

import json
from collections.abc import Callable
from itertools import islice
from typing import TextIO

from bench.billing_entries.month import Job, Month, jobs_of, write_jobs

Writer = Callable[[Month, int, TextIO], None]
ROWS_AT_ONCE = 1_000


def _csv(month: Month, rows: int, file: TextIO) -> None:
    write_jobs(file, jobs_of(month, rows), has_devices=True)


def _sacct(month: Month, rows: int, file: TextIO) -> None:
    """Write `sacct -P`; Slurm's accounting names no GPU."""
    head = ("JobIDRaw", "Cluster", "Account", "User", "State", "Start", "End", "NCPUS")
    file.write("|".join((*head, "AllocTRES")) + "\n")
    for number, job in enumerate(jobs_of(month, rows), start=1):
        start, end = job.start.isoformat(), job.end.isoformat()
        tres = "cpu=16,gres/gpu=1,gres/gpu:h100=1,mem=64G,node=1"
        words = (str(number), "north", job.order, "user", "COMPLETED", start, end, "16", tres)
        file.write("|".join(words) + "\n")


def _cloud_events(month: Month, rows: int, file: TextIO) -> None:
    """Write one batch of CloudEvents (application/cloudevents-batch+json)."""
    jobs = map(_event, jobs_of(month, rows))
    file.write("[")
    before = ""
    while some := list(islice(jobs, ROWS_AT_ONCE)):
        file.write(before + ",\n".join(some))
        before = ",\n"
    file.write("]\n")


def _event(job: Job) -> str:
    return json.dumps(
        {
            "specversion": "1.0",
            "type": "dev.tessera.usage.v1",
            "source": "/clusters/north",
            "id": job.name,
            "time": f"{job.end.isoformat()}Z",
            "data": {
                "account": job.order,
                "resource": "GPU",
                "resource_class": "H100",
                "count": "1",
                "started_at": f"{job.start.isoformat()}Z",
                "ended_at": f"{job.end.isoformat()}Z",
                "state": "COMPLETED",
                "devices": [job.gpu],
            },
        }
    )


WRITERS: dict[str, Writer] = {"csv": _csv, "sacct": _sacct, "cloudevents": _cloud_events}
