"""Pods, instance events, allocations and CloudEvents become exact records, each counted once."""

import io
import json

import pytest

from billing.usage.intake import Limits, read_usage
from billing.usage.options import FileEmpty, FileTooLong, JsonBroken, JsonShapeUnknown
from tests.billing.usage.samples import (
    allocation,
    cloud_event,
    event,
    opencost,
    pod,
    pods,
)
from tests.real_data import shared

HOUR = 3_600_000


def parse(content, format, **options):
    text = content if isinstance(content, str) else json.dumps(content)
    parsed = read_usage(io.BytesIO(text.encode()), format, **options)
    return list(parsed), parsed


def codes(parsed):
    return [(error.row, error.column, error.code) for error in parsed.errors]


# Kubernetes.


def test_a_pod_is_its_gpus_from_its_first_containers_start_to_the_lasts_finish():
    (record,), parsed = parse(pods(pod()), "K8S_PODS", cluster="north")

    assert (record.resource, record.count_thousandths) == ("GPU", 2_000)
    assert record.quantity_ms == 2 * HOUR
    assert record.key == "north/u-1/2026-11-02T08:00:00Z"
    assert (record.account, record.state, record.source) == ("V-1", "COMPLETED", "kubernetes")
    assert parsed.errors == []


@pytest.mark.parametrize("shape", ["list", "array", "single", "lines"])
def test_each_way_to_write_pods_is_read_alike(shape):
    both = [pod(), pod(uid="u-2")]
    text = {
        "list": pods(*both),
        "array": json.dumps(both),
        "single": "".join(json.dumps(one, indent=2) for one in both),
        "lines": "\n".join(json.dumps(one) for one in both),
    }[shape]

    records, _ = parse(text, "K8S_PODS")

    assert [record.row for record in records] == [1, 2]
    assert sum(record.quantity_ms for record in records) == 4 * HOUR


def test_mig_slices_are_their_own_class_and_other_vendors_count_too():
    records, _ = parse(
        pods(
            pod(limits={"nvidia.com/mig-1g.10gb": "3"}),
            pod(uid="u-2", limits={"amd.com/gpu": 4}),
            pod(uid="u-3", limits={"nvidia.com/gpu": "1", "nvidia.com/gpumem": "80"}),
        ),
        "K8S_PODS",
    )

    assert [(one.count_thousandths, one.resource_class) for one in records] == [
        (3_000, "mig-1g.10gb"),
        (4_000, ""),
        (1_000, ""),
    ]


def test_an_init_container_counts_only_where_it_needs_more():
    init = {"name": "warm", "resources": {"limits": {"nvidia.com/gpu": "5"}}}

    (record,), _ = parse(pods(pod(init=[init])), "K8S_PODS")

    assert record.count_thousandths == 5_000


def test_a_pod_without_gpus_is_its_cores_or_skipped():
    content = pods(pod(limits={"memory": "1Gi"}))

    (record,), _ = parse(content, "K8S_PODS")
    _, parsed = parse(content, "K8S_PODS", resource="GPU")

    assert (record.resource, record.count_thousandths) == ("CPU", 7_500)
    assert parsed.skipped == {"no_gpu": 1}


def test_pods_that_run_wait_or_never_started_are_skipped_by_reason():
    _, parsed = parse(
        pods(
            pod(phase="Running"),
            pod(phase="Pending"),
            pod(phase="Failed", containerStatuses=[]),
            {"kind": "Node", "apiVersion": "v1"},
        ),
        "K8S_PODS",
    )

    assert parsed.skipped == {
        "not_ended": 1,
        "pending": 1,
        "never_started": 1,
        "other_event": 1,
    }


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({"phase": "Failed"}, "FAILED"),
        ({"phase": "Failed", "reason": "OOMKilled"}, "OUT_OF_MEMORY"),
    ],
)
def test_how_a_pod_ended_is_its_state(change, state):
    (record,), _ = parse(pods(pod(**change)), "K8S_PODS")

    assert (record.state, record.quantity_ms) == (state, 2 * HOUR)


def test_without_a_label_the_namespace_is_the_account():
    (record,), _ = parse(pods(pod(labels={})), "K8S_PODS")

    assert record.account == "lab"


def test_all_that_is_wrong_with_pods_is_told():
    _, parsed = parse(
        json.dumps(
            [
                "pod",
                pod(limits={"nvidia.com/gpu": "two"}),
                pod(start="soon"),
                pod(end="2026-11-02T07:00:00Z"),
            ]
        ),
        "K8S_PODS",
    )

    assert codes(parsed) == [
        (1, "", "not_an_object"),
        (2, "limits", "gpus_unreadable"),
        (3, "startedAt", "time_unreadable"),
        (4, "finishedAt", "ends_before_start"),
    ]


# OpenStack.


def stamp(hour):
    return f"2026-11-02 {hour:02}:00:00.000000"


def test_a_session_runs_from_its_opening_to_its_close():
    (record,), parsed = parse(
        [event("create.end", stamp(8)), event("delete.end", stamp(10))], "OPENSTACK"
    )

    assert (record.count_thousandths, record.resource_class) == (2_000, "a100")
    assert record.quantity_ms == 2 * 2 * HOUR
    assert (record.key, record.row) == ("/i-1/2026-11-02T08:00:00Z", 2)
    assert (record.account, record.source) == ("V-1", "openstack")
    assert parsed.errors == []


def test_time_that_an_instance_is_off_is_not_metered():
    kinds = ["create.end", "power_off.end", "power_on.end", "delete.end"]

    records, _ = parse([event(kind, stamp(8 + n)) for n, kind in enumerate(kinds)], "OPENSTACK")

    assert [record.quantity_ms for record in records] == [2 * HOUR, 2 * HOUR]
    assert len({record.key for record in records}) == 2


def test_a_session_without_an_end_is_provisional():
    records, parsed = parse([event("create.end", stamp(8))], "OPENSTACK")

    assert records == []
    assert parsed.skipped == {"not_ended": 1}


def test_events_that_neither_open_nor_close_are_skipped():
    records, parsed = parse(
        [
            event("create.start", stamp(7)),
            event("create.end", stamp(8)),
            event("power_on.end", stamp(9)),
            event("delete.end", stamp(10)),
        ],
        "OPENSTACK",
    )

    assert [record.quantity_ms for record in records] == [4 * HOUR]
    assert parsed.skipped == {"other_event": 2}


def test_a_close_whose_opening_was_before_the_file_takes_the_launch():
    records, parsed = parse(
        [
            event("delete.end", stamp(10), launched_at="2026-11-02T09:00:00.000000"),
            event("delete.end", stamp(10), instance="i-2"),
        ],
        "OPENSTACK",
    )

    assert [record.quantity_ms for record in records] == [2 * HOUR]
    assert codes(parsed) == [(2, "instance_id", "opened_never")]


def test_versioned_and_enveloped_events_are_unwrapped():
    opening = {
        "event_type": "instance.create.end",
        "timestamp": stamp(8),
        "payload": {
            "nova_object.data": {
                "uuid": "i-9",
                "tenant_id": "V-1",
                "flavor": {"nova_object.data": {"extra_specs": {"resources:VGPU": "1"}}},
            }
        },
    }
    closing = {**opening, "event_type": "instance.delete.end", "timestamp": stamp(9)}
    lines = [
        {"oslo.version": "2.0", "oslo.message": json.dumps(one)} for one in (opening, closing)
    ]

    (record,), _ = parse("\n".join(json.dumps(one) for one in lines), "OPENSTACK")

    assert (record.count_thousandths, record.quantity_ms) == (1_000, HOUR)


def test_an_instance_without_gpus_is_its_cores_or_skipped():
    content = [
        event("create.end", stamp(8), flavor={}),
        event("delete.end", stamp(9), flavor={}),
    ]

    (record,), _ = parse(content, "OPENSTACK")
    _, parsed = parse(content, "OPENSTACK", resource="GPU")

    assert (record.resource, record.count_thousandths) == ("CPU", 8_000)
    assert parsed.skipped == {"no_gpu": 1}


def test_all_that_is_wrong_with_events_is_told():
    _, parsed = parse(
        [7, event("create.end", "soon"), event("delete.end", stamp(9), instance="")],
        "OPENSTACK",
    )

    assert codes(parsed) == [
        (1, "", "not_an_object"),
        (2, "timestamp", "time_unreadable"),
        (3, "instance_id", "value_missing"),
    ]


# OpenCost.


def test_gpu_hours_of_a_window_are_the_fewest_whole_gpus_that_could_use_them():
    (record,), parsed = parse(opencost(allocation()), "OPENCOST")

    assert (record.count_thousandths, record.quantity_ms) == (4_000, 2_880 * HOUR)
    assert record.ended_at.isoformat() == "2026-08-31T00:00:00+00:00"
    assert record.key == "north/lab/train/2026-08-01T00:00:00Z"
    assert (record.account, record.source) == ("lab", "opencost")
    assert parsed.errors == []


@pytest.mark.parametrize(
    ("hours", "quantity_ms"),
    [
        (744, 744 * HOUR),
        (0.25, HOUR // 4),
        (0.016666666666666666, 60_000),
        (1487.9999999, 5_356_800_000),
        (1000.000001, 3_600_000_004),
    ],
)
def test_any_hours_are_kept_to_a_gpu_millisecond(hours, quantity_ms):
    (record,), _ = parse(opencost(allocation(hours=hours)), "OPENCOST")

    assert record.quantity_ms == quantity_ms


def test_idle_and_gpuless_allocations_are_skipped():
    _, parsed = parse(
        opencost(allocation("__idle__"), allocation(hours=0), allocation(hours=None)),
        "OPENCOST",
    )

    assert parsed.skipped == {"idle": 1, "no_gpu": 2}


def test_a_label_names_the_voucher():
    labelled = allocation(
        properties={"namespace": "lab", "labels": {"tessera_dev_voucher": "V-1"}}
    )

    (record,), _ = parse(opencost(labelled), "OPENCOST")

    assert record.account == "V-1"


def test_all_that_is_wrong_with_allocations_is_told():
    _, parsed = parse(
        opencost(
            7,
            allocation(hours="many"),
            allocation(start="soon"),
            allocation(end="2026-08-01T00:00:00Z"),
            allocation(hours=999_999_999),
            allocation(name=""),
        ),
        "OPENCOST",
    )

    assert codes(parsed) == [
        (1, "", "not_an_object"),
        (2, "gpuHours", "count_unreadable"),
        (3, "start", "time_unreadable"),
        (4, "gpuHours", "hours_too_many"),
        (5, "gpuHours", "hours_too_many"),
        (6, "name", "value_missing"),
    ]


@pytest.mark.real_data
def test_opencosts_own_sample_has_9_600_gpu_hours():
    records, parsed = parse(
        shared("usage/opencost_allocation_sample.json").read_text("utf-8"), "OPENCOST"
    )

    assert [(r.account, r.quantity_ms // HOUR) for r in records] == [
        ("inference", 2_880),
        ("inference", 5_760),
        ("batch", 960),
    ]
    assert (parsed.errors, parsed.skipped) == ([], {"no_gpu": 1, "idle": 1})


# CloudEvents.


def test_an_event_carries_a_record_as_the_api_takes_it():
    (record,), parsed = parse([cloud_event()], "CLOUDEVENTS")

    assert (record.source, record.key, record.account) == ("cluster-a", "train-1", "V-1")
    assert (record.resource, record.resource_class) == ("GPU", "H100")
    assert record.quantity_ms == 8 * 12 * HOUR
    assert record.started_at.isoformat() == "2026-11-02T00:30:00+00:00"
    assert parsed.errors == []


@pytest.mark.parametrize("shape", ["single", "lines", "batch"])
def test_one_event_one_a_line_and_a_batch_are_read_alike(shape):
    events = [cloud_event(), cloud_event(key="train-2", count=0.25)]
    events = events[:1] if shape == "single" else events
    text = json.dumps(events) if shape == "batch" else "\n".join(map(json.dumps, events))

    records, _ = parse(text, "CLOUDEVENTS")

    assert [record.count_thousandths for record in records] == [8_000, 250][: len(events)]


def test_without_a_key_the_event_is_known_by_its_id():
    (record,), _ = parse([cloud_event(key="")], "CLOUDEVENTS")

    assert record.key == "e-1"


def test_an_event_names_its_gpus_in_a_list():
    named = [["GPU-1", "GPU-2/3"], [], ["GPU 1"], [""], "GPU-1"]

    records, parsed = parse([cloud_event(devices=devices) for devices in named], "CLOUDEVENTS")

    assert [record.device for record in records] == ["GPU-1 GPU-2/3", ""]
    assert codes(parsed) == [(row, "devices", "devices_not_listed") for row in (3, 4, 5)]


def test_other_types_and_states_that_have_not_ended_are_skipped():
    other = {**cloud_event(), "type": "com.example.sampled"}

    _, parsed = parse(
        [other, cloud_event(state="RUNNING"), cloud_event(state="PENDING")], "CLOUDEVENTS"
    )

    assert parsed.skipped == {"other_event": 1, "not_ended": 1, "pending": 1}


def test_all_that_is_wrong_with_events_is_told_by_field():
    _, parsed = parse(
        [
            {**cloud_event(), "data": "text"},
            cloud_event(state="EXPLODED"),
            cloud_event(count="many", started_at="soon", account=""),
            cloud_event(ended_at="2026-11-02T08:00:00+08:00"),
            {**cloud_event(), "source": "s" * 81},
            cloud_event(resource="TPU"),
            cloud_event(started_at="2026-11-02T08:30:00.0001+08:00", count="0.001"),
        ],
        "CLOUDEVENTS",
    )

    assert codes(parsed) == [
        (1, "data", "data_missing"),
        (2, "state", "state_unknown"),
        (3, "started_at", "time_unreadable"),
        (3, "count", "count_unreadable"),
        (3, "account", "value_missing"),
        (4, "ended_at", "ends_before_start"),
        (5, "source", "value_too_long"),
        (6, "resource", "resource_unknown"),
        (7, "started_at", "time_too_fine"),
    ]
    assert all(error.problem and error.fix for error in parsed.errors)


# What all of them share.


@pytest.mark.parametrize(
    ("text", "format", "refusal"),
    [
        ("[]", "K8S_PODS", FileEmpty),
        ('{"items": []}', "K8S_PODS", FileEmpty),
        ('{"items": [{"kind": "Pod"}', "K8S_PODS", JsonBroken),
        ('{"items": [{"kind": "Pod"} {}]}', "K8S_PODS", JsonBroken),
        ('{"items" [', "K8S_PODS", JsonBroken),
        ("{,}", "K8S_PODS", JsonBroken),
        ("[{}] [{}]", "OPENSTACK", JsonBroken),
        ("[1 2]", "OPENSTACK", JsonBroken),
        ("[tru", "OPENSTACK", JsonBroken),
        ("[] ", "OPENCOST", JsonShapeUnknown),
        ('{"data": [5]}', "OPENCOST", FileEmpty),
    ],
)
def test_json_of_another_shape_is_refused_before_the_first_record(text, format, refusal):
    with pytest.raises(refusal) as refused:
        parse(text, format)

    assert str(refused.value)


def test_a_refusal_names_the_line():
    with pytest.raises(JsonBroken) as refused:
        parse('[\n{"a": 1},\n{"a": }\n]', "OPENSTACK")

    assert refused.value.values["line"] == 3


def test_records_beyond_the_limit_are_refused():
    with pytest.raises(FileTooLong):
        parse([cloud_event()] * 4, "CLOUDEVENTS", limits=Limits(rows_max=3))


def test_text_in_gb18030_is_read():
    content = json.dumps([cloud_event(account="算力券")], ensure_ascii=False).encode("gb18030")

    (record,) = read_usage(io.BytesIO(content), "CLOUDEVENTS")

    assert record.account == "算力券"
