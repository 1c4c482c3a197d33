"""A plain batch says, read at once, exactly what its serializer reads in it."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from billing.api.usage import RECORDS_MAX, UsageInput
from billing.usage import cloud_events
from billing.usage.cells import Row
from billing.usage.options import Options
from billing.usage.plain_records import read_plain

WORD = st.text("abcXYZ019-_/.: é\\\"'\0\n;", max_size=6)
INSTANT = st.one_of(
    st.builds(
        "{}-{:02}-{:02}{}{:02}:{:02}:{:02}{}".format,
        st.sampled_from(["0001", "1969", "2025", "2026", "2199", "9999", "20٢6"]),
        st.integers(0, 13),
        st.integers(1, 32),
        st.sampled_from("TT t"),
        st.integers(0, 25),
        st.integers(0, 60),
        st.integers(0, 60),
        st.sampled_from(["Z", "Z", "+08:00", "-11:30", "+25:00", ".5Z", ".1234567Z", "", "z"]),
    ),
    st.sampled_from(["", "2026-W45-1T08:30:00Z", "20261102T08:30:00Z", 1_700_000_000, None]),
)
COUNT = st.sampled_from([1, 8, 0, -1, 0.5, 10**12, True, None]) | st.sampled_from(
    ["1", "8", "0.25", "0", "0.0", "-1", "1e3", "0.0001", "", "٢", " 4", "007", "9" * 12]
)
RECORD = st.fixed_dictionaries(
    {
        "key": WORD,
        "account": WORD,
        "resource": st.sampled_from(["GPU", "CPU", "gpu", "", None]),
        "count": COUNT,
        "started_at": INSTANT,
        "ended_at": INSTANT,
    },
    optional={
        "resource_class": st.one_of(WORD, st.none(), st.just("C" * 25)),
        "state": st.one_of(WORD, st.just(7)),
        "devices": st.one_of(
            st.lists(st.sampled_from(["GPU-1", "GPU-1/2", "G PU", "", "é", 4]), max_size=3),
            st.just(["GPU-1"] * 65),
            st.just("GPU-1"),
        ),
        "more": st.just("is not read"),
    },
)
PLAIN: dict[str, Any] = {
    "key": "train-0421",
    "account": "acct-0042",
    "resource": "GPU",
    "count": "8",
    "started_at": "2026-11-02T08:30:00+08:00",
    "ended_at": "2026-11-02T20:30:00.5Z",
}


def as_serializer_reads(batch: Any) -> Any:
    serializer = UsageInput(data=batch)
    return serializer.validated_data if serializer.is_valid() else None


def same(batch: Any) -> None:
    """Require that a batch which is read at once is one that the serializer reads alike."""
    read = read_plain(batch, RECORDS_MAX)
    if read is not None:
        assert read == as_serializer_reads(batch)


@given(st.lists(RECORD, max_size=2), st.one_of(WORD, st.none()))
@settings(max_examples=600, deadline=None)
@example([PLAIN], "cluster-a")
def test_a_batch_that_is_read_at_once_says_what_its_serializer_reads(records, source):
    same({"source": source, "records": records})


@given(RECORD)
@settings(max_examples=600, deadline=None)
def test_a_record_that_differs_in_one_place_does_so_too(other):
    for name, value in other.items():
        same({"source": "cluster-a", "records": [{**PLAIN, name: value}]})


def test_a_plain_batch_is_read_at_once():
    more = {"resource_class": "H100", "state": "FAILED", "devices": ["GPU-1", "GPU-2/3"]}
    batch = {"source": "cluster-a", "records": [PLAIN, {**PLAIN, "count": 8, **more}]}
    read = read_plain(batch, RECORDS_MAX)
    assert read is not None
    assert read == as_serializer_reads(batch)


@pytest.mark.parametrize(
    "batch",
    [
        None,
        [],
        {},
        {"source": "cluster-a"},
        {"source": "cluster-a", "records": []},
        {"source": "cluster-a", "records": PLAIN},
        {"source": "cluster-a", "records": [PLAIN], "more": 1},
        {"source": "cluster-a", "records": [PLAIN] * (RECORDS_MAX + 1)},
        {"source": "cluster-a", "records": [{**PLAIN, "account": None}]},
        {"source": "cluster-a", "records": ["train-0421"]},
    ],
)
def test_what_is_not_plain_is_left_to_the_serializer(batch):
    assert read_plain(batch, RECORDS_MAX) is None


@given(RECORD, st.one_of(WORD, st.just("s" * 81)), st.sampled_from([None, "GPU", "CPU"]))
@settings(max_examples=600, deadline=None)
def test_an_event_that_is_read_at_once_says_what_it_says_field_by_field(
    other, source, resource
):
    options = Options("", "UTC", "", resource, None)
    without_key = {name: value for name, value in PLAIN.items() if name != "key"}
    for name, value in {**other, "nothing": None, "no key": None}.items():
        data = {**PLAIN, name: value} if name in other else PLAIN
        data = without_key if name == "no key" else data
        event = {"type": cloud_events.TYPE, "source": source, "id": "e-1", "data": data}

        plain = cloud_events._plain(1, event, options)

        assert plain is None or plain == cloud_events._carefully(Row(1), event, options)


def test_a_plain_event_is_read_at_once():
    data = {**PLAIN, "ended_at": "2026-11-02T20:30:00Z", "devices": ["GPU-1", "GPU-2/3"]}
    event = {"type": cloud_events.TYPE, "source": "cluster-a", "id": "e-1", "data": data}

    plain = cloud_events._plain(1, event, Options("", "UTC", "", None, None))

    assert plain is not None
    assert plain == cloud_events._carefully(Row(1), event, Options("", "UTC", "", None, None))
