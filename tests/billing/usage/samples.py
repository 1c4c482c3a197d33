"""A small file of each format, made for these tests; no row of it stems from a real site."""

import json

from billing.usage.plain_csv import sample

SACCT = (
    "JobID|JobIDRaw|Cluster|Account|State|Start|End|NCPUS|AllocTRES\n"
    "7|7|north|V-1|COMPLETED|2026-11-02T08:00:00|2026-11-02T09:00:00|16|cpu=16,gres/gpu=2\n"
)

PBS_FIELDS = (
    "user=amy group=lab account=V-1 jobname=train queue=gpu ctime=1793600000 start=1793606400 "
    "end=1793610000 Exit_status=0 exec_host=n1/0-7+n2/0-7 Resource_List.nodes=2:ppn=8:gpus=4 "
    "resources_used.walltime=01:00:00"
)
PBS = f"11/02/2026 09:00:00;E;12.head;{PBS_FIELDS}\n"


def lsf(
    *,
    kind="JOB_FINISH",
    event_time="1793610000",
    start="1793606400",
    command="train",
    asked_for="rusage[ngpus_physical=2.00]",
    in_force="",
    hosts=("8*n1", "8*n2"),
    status="64",
    exit_info="0",
    index="0",
):
    fields = [f'"{kind}"', '"10.1"', event_time, "77", "500", "33554435", "16", "1793600000"]
    fields += ["0", "0", start, '"amy"', '"gpu"', f'"{asked_for}"', '""', '""', '"login"']
    fields += ['"/home"', '""', '"o"', '"e"', '"1.77"', "0", str(len(hosts))]
    fields += [f'"{host}"' for host in hosts]
    fields += [status, "60.0", '"name"', f'"{command}"', *["1.0"] * 19, '""', '"V-1"']
    # From exitStatus to exitInfo, then on to jobDescription.
    fields += ["0", "16", '""', '""', index, "0", "0", '""', '""', '""', '""', "0", '""']
    fields += [exit_info, '""', "-1", '""', '""', '""', '""', "-1", '""', '""', "0", '""']
    fields += ["0", '""', '""', "0", "2", "n1", "1", "0", "1", "1", "0"]
    fields += ["n2", "1", "0", "1", "1", "0", "3600", "0", "1", f'"{in_force}"', '""', "-1"]
    return " ".join(fields) + "\n"


LSF = lsf()


def grid_engine(
    *,
    job="5",
    start="1793606400",
    end="1793610000",
    failed="0",
    exit_status="0",
    project="V-1",
    slots="16",
    task="0",
    category="-l gpu=2,h_rt=7200 -pe mpi 16",
    pe_task="NONE",
):
    fields = ["gpu.q", "n1", "lab", "amy", "train", job, "sge", "0", "1793600000", start, end]
    fields += [failed, exit_status, "3600", *["0"] * 17, project, "dept", "mpi", slots, task]
    fields += ["1.0", "1.0", "0.0", category, "0.0", pe_task, "1.0", "0", "0"]
    return ":".join(fields) + "\n"


GRID_ENGINE = "# Version: 8.1\n" + grid_engine()


def usage_record(
    *,
    job="7005",
    status="completed",
    start="2026-11-02T08:00:00Z",
    end="2026-11-02T09:00:00Z",
    wall="PT1H",
    processors='<Processors>8</Processors><Processors urf:type="gpu">2</Processors>',
):
    return (
        f"<UsageRecord><JobIdentity><LocalJobId>{job}</LocalJobId></JobIdentity>"
        "<UserIdentity><LocalUserId>amy</LocalUserId><Group>V-1</Group></UserIdentity>"
        f"<Status>{status}</Status><WallDuration>{wall}</WallDuration>"
        f"<NodeCount>1</NodeCount>{processors}"
        f"<EndTime>{end}</EndTime><StartTime>{start}</StartTime>"
        "<MachineName>north</MachineName></UsageRecord>"
    )


CAR = "http://eu-emi.eu/namespaces/2012/11/computerecord"


def usage_records(*records):
    return (
        f'<?xml version="1.0"?>\n<UsageRecords xmlns="{CAR}" xmlns:urf="{CAR}">\n'
        + "\n".join(records)
        + "\n</UsageRecords>\n"
    )


OGF_UR = usage_records(usage_record())


def pod(
    *,
    uid="u-1",
    name="train-0",
    phase="Succeeded",
    limits=None,
    start="2026-11-02T08:00:00Z",
    end="2026-11-02T09:00:00Z",
    reason="Completed",
    labels=None,
    init=(),
    **status,
):
    ended = {"startedAt": start, "finishedAt": end, "reason": reason, "exitCode": 0}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "uid": uid,
            "name": name,
            "namespace": "lab",
            "labels": {"tessera.dev/voucher": "V-1"} if labels is None else labels,
        },
        "spec": {
            "containers": [
                {
                    "name": "main",
                    "resources": {
                        "limits": {"nvidia.com/gpu": "2"} if limits is None else limits,
                        "requests": {"cpu": "7500m"},
                    },
                }
            ],
            "initContainers": list(init),
        },
        "status": {
            "phase": phase,
            "containerStatuses": [{"name": "main", "state": {"terminated": ended}}],
            **status,
        },
    }


def pods(*some):
    return json.dumps({"apiVersion": "v1", "items": list(some), "kind": "List"}, indent=1)


PODS = pods(pod())


def event(kind, timestamp, instance="i-1", **payload):
    body = {"instance_id": instance, "tenant_id": "V-1", "vcpus": 8, "user_id": "amy"}
    specs = {"flavor": {"extra_specs": {"pci_passthrough:alias": "a100:2"}}}
    return {
        "event_type": f"compute.instance.{kind}",
        "timestamp": timestamp,
        "payload": {**body, **specs, **payload},
    }


EVENTS = json.dumps(
    [
        event("create.end", "2026-11-02 08:00:00.000000"),
        event("delete.end", "2026-11-02 09:00:00.000000"),
    ]
)


def allocation(name="lab/train", hours=2880, **more):
    return {
        "name": name,
        "start": "2026-08-01T00:00:00Z",
        "end": "2026-09-01T00:00:00Z",
        "properties": {"namespace": "lab", "cluster": "north", "labels": {}},
        "gpuHours": hours,
        **more,
    }


def opencost(*allocations):
    window = {str(number): one for number, one in enumerate(allocations)}
    return json.dumps({"code": 200, "data": [window]})


OPENCOST = opencost(allocation())


def cloud_event(**data):
    return {
        "specversion": "1.0",
        "type": "dev.tessera.usage.v1",
        "source": "cluster-a",
        "id": "e-1",
        "datacontenttype": "application/json",
        "data": {
            "key": "train-1",
            "account": "V-1",
            "resource": "GPU",
            "resource_class": "H100",
            "count": "8",
            "started_at": "2026-11-02T08:30:00+08:00",
            "ended_at": "2026-11-02T20:30:00+08:00",
            "state": "COMPLETED",
            **data,
        },
    }


CLOUD_EVENTS = json.dumps([cloud_event()])

ALIBABA = (
    "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,"
    "deletion_time,scheduled_time\n"
    "pod-1,4000,1024,1,460,,LS,Succeeded,0,7200,3600\n"
)
LSF_JOBS = (
    "job_id,num_cores,max_mem_gb,num_hosts,start_time,finish_time,exit_status\n"
    "386,4,0.5,1,2026-11-02T08:00:00,2026-11-02T09:00:00,0\n"
)
PHILLY = (
    "timestamp,duration,num_gpus,gpu_time,cluster\n2026-11-02 08:00:00,3600.0,2,7200.0,lab\n"
)

FOCUS = (
    "BilledCost,ChargeCategory,ChargePeriodStart,ChargePeriodEnd,ConsumedQuantity,ConsumedUnit,"
    "ResourceId,SkuPriceDetails,SubAccountId\n"
    '6.50,Usage,2026-11-02T08:00:00Z,2026-11-02T09:00:00Z,2,GPU-Hours,job-7,"{""GpuCount"":2}",V-1\n'
)

# One good file of each format; a new adapter adds its own here, and is recognised, fuzzed and
# measured by the tests of all formats from then on.
GOOD: dict[str, bytes] = {
    "SACCT": SACCT.encode(),
    "PBS": PBS.encode(),
    "LSF": LSF.encode(),
    "GRID_ENGINE": GRID_ENGINE.encode(),
    "OGF_UR": OGF_UR.encode(),
    "K8S_PODS": PODS.encode(),
    "OPENSTACK": EVENTS.encode(),
    "OPENCOST": OPENCOST.encode(),
    "CLOUDEVENTS": CLOUD_EVENTS.encode(),
    "ALIBABA_2023": ALIBABA.encode(),
    "LSF_JOBS": LSF_JOBS.encode(),
    "PHILLY": PHILLY.encode(),
    "FOCUS": FOCUS.encode(),
    "CSV": sample().encode(),
}
TEXTS = {code: data.decode() for code, data in GOOD.items() if b"\0" not in data}
