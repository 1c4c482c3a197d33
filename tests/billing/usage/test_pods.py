"""Pods and allocations of Kubernetes become exact records, each counted once."""

import json

import pytest

from tests.billing.usage.reading import HOUR, codes, parse
from tests.billing.usage.samples import allocation, opencost, pod, pods
from tests.real_data import shared

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
