"""A plain pod or XML record says, read at once, exactly what it says read field by field."""

import copy
import io
import json
from contextlib import nullcontext
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from billing.usage import opencost, pods, usage_record_xml
from billing.usage.cells import Row
from billing.usage.intake import read_usage
from billing.usage.json_layouts import layout_of
from billing.usage.json_stream import JsonStream
from billing.usage.opencost import AllocationLayouts
from billing.usage.options import FileUnreadable, Options
from billing.usage.pods import PodLayouts
from billing.usage.record import UsageRecord
from billing.usage.xml_stream import records_in
from tests.billing.usage import samples

GPU = "nvidia.com/gpu"
PLACES = [
    ("kind",),
    ("metadata", "uid"),
    ("metadata", "labels"),
    ("metadata", "labels", "tessera.dev/voucher"),
    ("metadata", "annotations"),
    ("metadata", "annotations", "tessera.dev/voucher"),
    ("spec", "nodeSelector"),
    ("spec", "nodeSelector", "nvidia.com/gpu.product"),
    ("spec", "initContainers"),
    ("spec", "containers"),
    ("spec", "containers", 0, "resources", "limits"),
    ("spec", "containers", 0, "resources", "limits", GPU),
    ("spec", "containers", 0, "resources", "limits", "amd.com/gpu"),
    ("spec", "containers", 0, "resources", "requests"),
    ("spec", "containers", 0, "resources", "requests", GPU),
    ("status", "phase"),
    ("status", "reason"),
    ("status", "containerStatuses"),
    ("status", "containerStatuses", 0, "lastState"),
    ("status", "containerStatuses", 0, "state", "terminated"),
    ("status", "containerStatuses", 0, "state", "terminated", "reason"),
    ("status", "containerStatuses", 0, "state", "terminated", "startedAt"),
    ("status", "containerStatuses", 0, "state", "terminated", "finishedAt"),
]
ENDED = {"startedAt": "2026-11-02T07:00:00Z", "finishedAt": "2026-11-02T09:30:00Z"}
VALUES = st.sampled_from(
    [
        None,
        "",
        " ",
        "V-2",
        "a b",
        " V-2",
        "é",
        "a" * 201,
        "\x00",
        [],
        {},
        [1],
        {"a": "b"},
        "1",
        "0",
        "08",
        "-1",
        "1.5",
        "9" * 10,
        "Failed",
        "Pending",
        "OOMKilled",
        "Evicted",
        True,
        "2026-11-02T09:00:00+08:00",
        "2026-11-02 09:00:00",
        "2026-13-02T09:00:00Z",
        "1969",
        "2026-11-02T07:59:59Z",
        "2026-11-02T08:00:00Z",
        "2028-11-02T08:00:00Z",
        "0001-01-01T00:00:00Z",
        {GPU: "1"},
        {GPU: "1", "cpu": "2"},
        {"nvidia.com/mig-1g.10gb": "1"},
        {"x.io/gpu": "1"},
        {"terminated": ENDED},
        [{"name": "main"}],
        [{"state": {"terminated": ENDED}}],
        "Pod",
    ]
)
OPTIONS = st.builds(
    Options,
    st.sampled_from(["", "meter"]),
    st.just("UTC"),
    st.sampled_from(["", "north"]),
    st.sampled_from([None, "GPU", "CPU"]),
    st.none(),
)


def changed(pod, place, value):
    """Return a pod with another value at a place, or as it was where the place is not there."""
    pod = copy.deepcopy(pod)
    *path, last = place
    at = pod
    for name, within in zip(path, place[1:], strict=True):
        if isinstance(name, str) and isinstance(at, dict):
            at = at.setdefault(name, {})
        elif isinstance(name, int) and isinstance(at, list) and len(at) > name:
            at = at[name]
        if not isinstance(at, dict if isinstance(within, str) else list):
            return pod
    at[last] = value
    return pod


@given(st.lists(st.tuples(st.sampled_from(PLACES), VALUES), max_size=3), OPTIONS)
@settings(max_examples=2_000, deadline=None)
@example([(("metadata", "annotations"), {"tessera.dev/voucher": " "})], Options())
@example([(("spec", "containers", 0, "resources", "requests", GPU), "9")], Options())
def test_both_ways_of_reading_a_pod_agree(changes, options):
    pod = samples.pod()
    for place, value in changes:
        pod = changed(pod, place, value)

    plain = pods._plain(7, pod, options)

    assert plain is None or plain == pods._carefully(Row(7), pod, options)


@pytest.mark.parametrize("voucher", ["labels", "annotations"])
def test_a_plain_pod_takes_the_quick_way(voucher):
    pod = samples.pod(labels={})
    pod["metadata"][voucher] = {"tessera.dev/voucher": "V-1"}
    pod["spec"]["nodeSelector"] = {"nvidia.com/gpu.product": "H100"}

    record = pods._plain(7, pod, Options())

    assert isinstance(record, UsageRecord)
    assert (record.account, record.resource_class, record.row) == ("V-1", "H100", 7)
    assert record.quantity_ms == 2 * 3_600_000


NASTY = st.sampled_from(
    [
        *("", '"', "\\", "\\\\", '\\"', "\\u00e9", "\\ud800", "\\x", "\n", "\x00", "é"),
        *(",", "{", "}", "[", "]", " ", ":", "1", "-", "null", "0x1", "1e9"),
        *('"kind": "Job", ', '"uid": "u-9", ', "}, {", "]}"),
    ]
)


def told(text, format, options):
    """Return all that comes of a document."""
    asked = {"source": options.source, "cluster": options.cluster, "resource": options.resource}
    try:
        parsed = read_usage(io.BytesIO(text.encode()), format, **asked)
        return list(parsed), parsed.errors, parsed.skipped
    except FileUnreadable as refused:
        return type(refused), refused.values


def pods_told(text, options, *, quickly):
    """Return all that comes of a list of pods, by layouts or each decoded."""
    with nullcontext() if quickly else patch.object(PodLayouts, "read", lambda *_asked: None):
        return told(text, "K8S_PODS", options)


def a_list(pods, indent=None):
    return json.dumps({"kind": "List", "items": pods}, indent=indent)


@given(
    st.lists(st.lists(st.tuples(st.sampled_from(PLACES), VALUES), max_size=3), max_size=4),
    OPTIONS,
    st.sampled_from([None, 4]),
    st.lists(st.tuples(st.floats(0, 1), NASTY, st.integers(0, 3)), max_size=2),
    st.sampled_from([{}, {"reason": ""}, {"initContainerStatuses": [], "n": 1}]),
)
@settings(max_examples=1_500, deadline=None)
def test_pods_laid_out_alike_say_the_same_as_each_decoded(
    changes, options, indent, spoilt, status
):
    listed = []
    for each in [[], *changes, []]:
        pod = samples.pod(**status)
        pod["spec"]["nodeSelector"] = {"nvidia.com/gpu.product": "H100"}
        for place, value in each:
            pod = changed(pod, place, value)
        listed.append(pod)
    text = a_list(listed, indent)
    for where, what, less in spoilt:
        at = round(where * len(text))
        text = text[:at] + what + text[at + less :]

    quickly = pods_told(text, options, quickly=True)

    assert quickly == pods_told(text, options, quickly=False)


@pytest.mark.parametrize("indent", [None, 4])
def test_pods_laid_out_alike_are_decoded_once(indent):
    pods_listed = [samples.pod(uid=f"u-{number}", init=()) for number in range(50)]
    decoded = []
    value = JsonStream.value

    def watched(stream):
        decoded.append(value(stream))
        return decoded[-1]

    with patch.object(JsonStream, "value", watched):
        records, errors, _skipped = pods_told(
            a_list(pods_listed, indent), Options(), quickly=True
        )

    assert [record.key.split("/")[1] for record in records] == [f"u-{n}" for n in range(50)]
    assert errors == []
    assert [one["metadata"]["uid"] for one in decoded if isinstance(one, dict)] == ["u-0"]


ALLOCATION_PLACES = [
    ("name",),
    ("start",),
    ("end",),
    ("gpuHours",),
    ("cost",),
    ("properties",),
    ("properties", "cluster"),
    ("properties", "namespace"),
    ("properties", "labels"),
    ("properties", "labels", "tessera_dev_voucher"),
    ("properties", "labels", "tessera.dev/voucher"),
]
ALLOCATION_VALUES = st.one_of(
    VALUES,
    st.sampled_from(
        [
            *(0, 0.5, 1, 2880, 0.1, 1e-9, 1e9, 1e30, "2880", "1.5", "__idle__", "a/__idle__"),
            *("2026-08-01T00:00:00Z", "2026-09-01T00:00:00Z", "2026-09-31T00:00:00Z", True),
        ]
    ),
)


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from(ALLOCATION_PLACES), ALLOCATION_VALUES), max_size=3),
        max_size=4,
    ),
    OPTIONS,
    st.lists(st.tuples(st.floats(0, 1), NASTY, st.integers(0, 3)), max_size=2),
    st.lists(st.tuples(st.sampled_from(ALLOCATION_PLACES), ALLOCATION_VALUES), max_size=1),
)
@settings(max_examples=1_500, deadline=None)
def test_allocations_laid_out_alike_say_the_same_as_each_decoded(
    changes, options, spoilt, first
):
    listed = []
    for each in [first, *changes, []]:
        allocation = samples.allocation(hours=2.5, cost=1)
        for place, value in each:
            allocation = changed(allocation, place, value)
        listed.append(allocation)
    text = samples.opencost(*listed)
    for where, what, less in spoilt:
        at = round(where * len(text))
        text = text[:at] + what + text[at + less :]

    quickly = told(text, "OPENCOST", options)

    with patch.object(AllocationLayouts, "read", lambda *_asked: None):
        assert quickly == told(text, "OPENCOST", options)


def test_allocations_laid_out_alike_are_decoded_once():
    text = samples.opencost(*(samples.allocation(f"lab/{n}", 2.5) for n in range(50)))
    with patch.object(opencost, "_result", wraps=opencost._result) as decoded:
        records, errors, _skipped = told(text, "OPENCOST", Options())

    assert [record.row for record in records] == list(range(1, 51))
    assert (errors, decoded.call_count) == ([], 1)


LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
)
LISTED = LEAVES | st.lists(LEAVES, max_size=3)
JSON = LISTED | st.dictionaries(st.text(max_size=3), LISTED, max_size=3) | st.lists(LISTED)


@given(JSON, st.floats(0, 1), NASTY)
@settings(max_examples=500, deadline=None)
def test_what_a_layout_matches_is_json(value, where, what):
    text = json.dumps({"a": value, "b": "c"})
    layout = layout_of(text, {("b",): "(?P<b>[a-z]+)"})
    if layout is None:
        return
    at = round(where * len(text))
    spoilt = text[:at] + what + text[at:]

    assert layout.fullmatch(text)["b"] == "c"
    found = layout.fullmatch(spoilt)
    if found:
        assert json.loads(spoilt)["b"] == found["b"]


ONE_GPU = '<Processors urf:type="gpu">1</Processors>'
XML = st.fixed_dictionaries(
    {"processors": st.sampled_from([ONE_GPU, ONE_GPU, ONE_GPU * 2, ""])},
    optional={
        "job": st.sampled_from(["", "7", "a b", "\u00e9", "a" * 201]),
        "status": st.sampled_from(["", "completed", "failed", "started", "aborted", "?"]),
        "start": st.sampled_from(["", "2026-11-02T08:00:00", "2026-11-02T08:00:00.5Z", "1969"]),
        "end": st.sampled_from(["", "2026-11-02T07:00:00Z", "2026-11-02T08:00:00Z", "9999"]),
        "wall": st.sampled_from(
            ["", "PT0S", "PT60S", "PT3600S", "PT3601S", "PT99999999S", "P1D", "x"]
        ),
    },
)


def both(xml, options):
    content = samples.usage_records(xml).encode()
    ((_record, *elements),) = records_in(
        lambda: io.BytesIO(content), frozenset({"UsageRecord"})
    )
    texts, processors = usage_record_xml._said(elements)
    return (
        usage_record_xml._plain(7, texts, processors, options),
        usage_record_xml._carefully(Row(7), texts, processors, options),
    )


@given(XML, OPTIONS)
@settings(max_examples=1_000, deadline=None)
def test_both_ways_of_reading_an_xml_record_agree(said, options):
    plain, careful = both(samples.usage_record(**said), options)

    assert plain is None or plain == careful


@pytest.mark.parametrize("count", ["1", "8"])
def test_a_plain_xml_record_takes_the_quick_way(count):
    processors = ONE_GPU.replace(">1<", f">{count}<")
    record, _careful = both(
        samples.usage_record(processors=processors, wall="PT1800S"), Options()
    )

    assert isinstance(record, UsageRecord)
    assert record.quantity_ms == int(count) * 1_800_000
