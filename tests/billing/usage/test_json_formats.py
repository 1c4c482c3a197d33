"""Instance events and CloudEvents become exact records; what all JSON has in common."""

import io
import json

import pytest

from billing.usage.intake import Limits, read_usage
from billing.usage.options import FileEmpty, FileTooLong, JsonBroken, JsonShapeUnknown
from tests.billing.usage.reading import HOUR, codes, parse
from tests.billing.usage.samples import cloud_event, event

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
