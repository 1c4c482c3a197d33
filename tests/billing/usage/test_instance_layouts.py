"""An event laid out like one that was decoded says, read at once, what it says decoded."""

import io
import json

from hypothesis import example, given, settings
from hypothesis import strategies as st

from billing.usage import instance_events
from billing.usage.instance_layouts import InstanceLayouts
from billing.usage.intake import read_usage

KINDS = st.sampled_from(
    ["create.end", "delete.end", "power_on.end", "suspend.end", "create.start", "delete.end"]
)
INSTANCES = st.sampled_from(["i-1", "i-2", "i-3", "", " i-1", 'i"4', "机器", "i" * 61])
AT = st.sampled_from(
    [
        "2026-11-02 08:00:00.000000",
        "2026-11-02T08:00:00",
        "2026-11-02 09:00:00",
        "2026-11-02 09:00:00.250000",
        "2026-11-02 09:00:00Z",
        "2026-11-01 01:30:00",
        "2026-02-30 09:00:00",
        "2028-11-02 09:00:00",
        "soon",
    ]
)
TENANTS = st.sampled_from(["V-1", "V-2", "", None, 7, " V-1 ", "项目"])
FLAVORS = st.sampled_from(
    [
        {"extra_specs": {"pci_passthrough:alias": "a100:2"}},
        {"extra_specs": {"pci_passthrough:alias": "a100:2,h100:1"}},
        {"extra_specs": {"resources:PGPU": 4}},
        {"extra_specs": {"resources:VGPU": "many"}},
        {"vcpus": 8},
        {"extra_specs": {}},
        {"nova_object.data": {"extra_specs": {"resources:PGPU": "2"}}},
    ]
)


@st.composite
def an_event(draw):
    payload = {
        draw(st.sampled_from(["instance_id", "instance_id", "uuid"])): draw(INSTANCES),
        draw(st.sampled_from(["tenant_id", "tenant_id", "project_id"])): draw(TENANTS),
        "display_name": draw(st.sampled_from(["train", "", 'a "name"', "训练"])),
        "flavor": draw(FLAVORS),
    }
    if draw(st.booleans()):
        payload["launched_at"] = draw(AT)
    event = {"event_type": f"compute.instance.{draw(KINDS)}", "timestamp": draw(AT)}
    shape = draw(st.integers(0, 9))
    if shape == 0:
        return {**event, "payload": {"nova_object.data": payload}}
    if shape == 1:
        return {"oslo.message": json.dumps({**event, "payload": payload})}
    return {**event, "payload": payload}


def careful(data, options):
    """Read as before anything was learnt."""
    before = InstanceLayouts.learn
    InstanceLayouts.learn = lambda *_given: None
    try:
        parsed = read_usage(io.BytesIO(data), "OPENSTACK", **options)
        return list(parsed), (parsed.errors, parsed.skipped)
    finally:
        InstanceLayouts.learn = before


@given(
    events=st.lists(an_event(), min_size=1, max_size=30),
    zone=st.sampled_from(["UTC", "Asia/Shanghai", "America/New_York"]),
    resource=st.sampled_from([None, "GPU", "CPU"]),
)
@settings(max_examples=500, deadline=None)
@example([{"event_type": "compute.instance.create.end"}], "UTC", None)
def test_both_ways_of_reading_a_stream_agree(events, zone, resource):
    data = json.dumps(events).encode()
    options = {"zone": zone, "resource": resource}

    parsed = read_usage(io.BytesIO(data), "OPENSTACK", **options)
    records = list(parsed)

    assert (records, (parsed.errors, parsed.skipped)) == careful(data, options)


def test_a_plain_stream_takes_the_quick_way(monkeypatch):
    taken = []
    careful_way = instance_events._take
    monkeypatch.setattr(
        instance_events, "_take", lambda *given: taken.append(1) or careful_way(*given)
    )
    events = []
    for number in range(10):
        for kind, hour in (("create.end", 8), ("delete.end", 9)):
            payload = {
                "instance_id": f"i-{number}",
                "tenant_id": f"V-{number}",
                "flavor": {"extra_specs": {"pci_passthrough:alias": "a100:2"}},
            }
            at = f"2026-11-02 {hour:02}:00:00.000000"
            event = {"event_type": f"compute.instance.{kind}", "timestamp": at}
            events.append({**event, "payload": payload})

    parsed = read_usage(io.BytesIO(json.dumps(events).encode()), "OPENSTACK")
    records = list(parsed)

    assert len(taken) == 2
    assert [record.account for record in records] == [f"V-{number}" for number in range(10)]
    assert {record.quantity_ms for record in records} == {2 * 3_600_000}
    assert records[9].key == "/i-9/2026-11-02T08:00:00Z"
    assert (records[9].resource_class, records[9].row) == ("a100", 20)
