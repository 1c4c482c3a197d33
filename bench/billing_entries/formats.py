"""A month's jobs as the files of several meters, each with what it knows of a job's GPU."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import TextIOWrapper
from itertools import islice
from typing import TextIO, cast

from openpyxl import Workbook

from bench.billing_entries.month import HEADER, Job, Month, jobs_of, write_jobs

Writer = Callable[[Month, int, TextIO], None]
ROWS_AT_ONCE = 1_000
_OGF = "http://schema.ogf.org/urf/2003/09/urf"


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


def _pbs(month: Month, rows: int, file: TextIO) -> None:
    """Write an accounting log of PBS Professional."""
    for number, job in enumerate(jobs_of(month, rows), start=1):
        start, end = _epoch(job.start), _epoch(job.end)
        fields = (
            f"user=user group=lab account={job.order} jobname=train queue=gpu ctime={start}"
            f" qtime={start} etime={start} start={start} exec_host=node-1/0*16"
            " Resource_List.ncpus=16 Resource_List.ngpus=1 Resource_List.nodect=1 session=123"
            f" end={end} Exit_status=0 resources_used.cput=00:20:00"
            f" resources_used.walltime={job.end - job.start}"
        )
        file.write(f"{job.end:%m/%d/%Y %H:%M:%S};E;{number}.north;{fields}\n")


def _epoch(at: datetime) -> int:
    return int(at.replace(tzinfo=UTC).timestamp())


def _pods(month: Month, rows: int, file: TextIO) -> None:
    """Write a pod list of Kubernetes, without what `kubectl` leaves out or nobody reads."""
    file.write('{"apiVersion": "v1", "kind": "List", "items": [')
    for number, job in enumerate(jobs_of(month, rows)):
        file.write((",\n" if number else "") + json.dumps(_pod(job)))
    file.write("]}\n")


def _pod(job: Job) -> dict[str, object]:
    start, end = f"{job.start.isoformat()}Z", f"{job.end.isoformat()}Z"
    ended = {"exitCode": 0, "reason": "Completed", "startedAt": start, "finishedAt": end}
    gpu = {"nvidia.com/gpu": "1"}
    resources = {"limits": gpu, "requests": {"cpu": "16", "memory": "64Gi", **gpu}}
    return {
        "kind": "Pod",
        "metadata": {
            "name": f"train-{job.name}",
            "namespace": "team",
            "uid": job.name,
            "annotations": {"tessera.dev/voucher": job.order},
        },
        "spec": {
            "nodeName": "node-1",
            "nodeSelector": {"nvidia.com/gpu.product": "H100"},
            "serviceAccountName": "default",
            "containers": [{"name": "main", "image": "train:1", "resources": resources}],
        },
        "status": {
            "phase": "Succeeded",
            "startTime": start,
            "containerStatuses": [{"name": "main", "state": {"terminated": ended}}],
        },
    }


def _usage_records(month: Month, rows: int, file: TextIO) -> None:
    """Write usage records of the OGF in XML (UR 1.0)."""
    file.write(f'<?xml version="1.0"?>\n<UsageRecords xmlns="{_OGF}">\n')
    for number, job in enumerate(jobs_of(month, rows), start=1):
        seconds = (job.end - job.start) // timedelta(seconds=1)
        file.write(
            f"<JobUsageRecord><JobIdentity><GlobalJobId>{job.name}</GlobalJobId>"
            f"<LocalJobId>{number}</LocalJobId></JobIdentity>"
            "<UserIdentity><LocalUserId>user</LocalUserId></UserIdentity>"
            f"<Status>completed</Status><WallDuration>PT{seconds}S</WallDuration>"
            f"<StartTime>{job.start.isoformat()}Z</StartTime>"
            f"<EndTime>{job.end.isoformat()}Z</EndTime><MachineName>north</MachineName>"
            '<Processors description="gpu">1</Processors><NodeCount>1</NodeCount>'
            f"<ProjectName>{job.order}</ProjectName></JobUsageRecord>\n"
        )
    file.write("</UsageRecords>\n")


def _lsf(month: Month, rows: int, file: TextIO) -> None:
    """Write LSF's accounting log: a job on one host, and so many fields that nobody reads here."""
    for number, job in enumerate(jobs_of(month, rows), start=1):
        start, end = _epoch(job.start), _epoch(job.end)
        file.write(
            f'"JOB_FINISH" "10.1" {end} {number} 500 33554435 16 {start} 0 0 {start} "user" "gpu"'
            ' "rusage[ngpus_physical=1.00]" "" "" "login" "/home/user" "" "out" "err"'
            f' "1793600000.{number}" 0 1 "16*node-1" 64 60.0 "train" "python train.py"'
            f' {" ".join(["1.0"] * 19)} "" "{job.order}" 0 16 "" "" 0 0 0 "" "" "" "" 0 "" 0 ""'
            ' -1 "" "" "" "" -1 "" "" 0 "" 0 "" "" 0 1 node-1 1 0 1 1 0 3600 0 1 "" "" -1\n'
        )


def _focus(month: Month, rows: int, file: TextIO) -> None:
    """Write a Cost and Usage table of FOCUS 1.2, without the columns that nobody reads here."""
    file.write(
        "BilledCost,ChargeCategory,ChargePeriodStart,ChargePeriodEnd,ConsumedQuantity,"
        "ConsumedUnit,InvoiceId,ResourceId,ServiceName,SkuPriceDetails,SubAccountId\n"
    )
    for job in jobs_of(month, rows):
        seconds = (job.end - job.start) // timedelta(seconds=1)
        file.write(
            f"0.25,Usage,{job.start.isoformat()}Z,{job.end.isoformat()}Z,{seconds},GPU-Seconds,"
            f'INV-1,{job.name},Compute,"{{""GpuCount"": 1, ""GpuModel"": ""H100""}}",{job.order}\n'
        )


def _opencost(month: Month, rows: int, file: TextIO) -> None:
    """Write OpenCost's answer, an allocation a job, without what nobody reads here."""
    file.write('{"code": 200, "data": [{')
    for number, job in enumerate(jobs_of(month, rows)):
        allocation = {
            "name": job.name,
            "properties": {
                "cluster": "north",
                "namespace": "team",
                "pod": f"train-{job.name}",
                "labels": {"tessera_dev_voucher": job.order},
            },
            "start": f"{job.start.isoformat()}Z",
            "end": f"{job.end.isoformat()}Z",
            "cpuCoreHours": 16.5,
            "gpuHours": (job.end - job.start) / timedelta(hours=1),
            "totalCost": 0.25,
        }
        file.write((",\n" if number else "") + f'"{job.name}": {json.dumps(allocation)}')
    file.write("}]}\n")


def _grid_engine(month: Month, rows: int, file: TextIO) -> None:
    """Write Grid Engine's accounting file."""
    for number, job in enumerate(jobs_of(month, rows), start=1):
        start, end = _epoch(job.start), _epoch(job.end)
        file.write(
            f"gpu.q:node-1:lab:user:train:{number}:sge:0:{start}:{start}:{end}:0:0:{end - start}:"
            f"{':'.join(['0'] * 17)}:{job.order}:dept:mpi:16:0:1.0:1.0:0.0:"
            "-l gpu=1,h_rt=7200 -pe mpi 16:0.0:NONE:1.0:0:0\n"
        )


def _instance_events(month: Month, rows: int, file: TextIO) -> None:
    """Write a stream of instance events, two a session, in the way of OpenStack."""
    file.write("[")
    for number, job in enumerate(jobs_of(month, rows)):
        for kind, at in (("create.end", job.start), ("delete.end", job.end)):
            event = {
                "event_type": f"compute.instance.{kind}",
                "timestamp": f"{at.isoformat(sep=' ')}.000000",
                "payload": {
                    "instance_id": job.name,
                    "tenant_id": job.order,
                    "vcpus": 16,
                    "flavor": {"extra_specs": {"pci_passthrough:alias": "H100:1"}},
                },
            }
            is_first = number == 0 and at is job.start
            file.write(("" if is_first else ",\n") + json.dumps(event))
    file.write("]\n")


def _workbook(month: Month, rows: int, file: TextIO) -> None:
    """Write a workbook of the same table as in CSV, with times as spreadsheets have them."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("June")
    sheet.append([*HEADER.split(","), "device"])
    for job in jobs_of(month, rows):
        sheet.append(
            [job.name, job.order, "GPU", "H100", 1, job.start, job.end, "COMPLETED", job.gpu]
        )
    # The bytes below the text; nothing was written before them.
    book.save(cast(TextIOWrapper, file).buffer)


WRITERS: dict[str, Writer] = {
    "csv": _csv,
    "sacct": _sacct,
    "cloudevents": _cloud_events,
    "pbs": _pbs,
    "k8s_pods": _pods,
    "ogf_ur": _usage_records,
    "lsf": _lsf,
    "focus": _focus,
    "opencost": _opencost,
    "grid_engine": _grid_engine,
    "openstack": _instance_events,
    # What it is read as, once it is laid out, is the end of its name.
    "workbook.csv": _workbook,
}
