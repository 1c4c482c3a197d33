"""A record's quantity is an exact integer, and no cut of it loses or makes a millisecond."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.usage.record import NotExact, UsageRecord, clip, split_at_midnights

START = datetime(2026, 10, 31, 22, 30, tzinfo=UTC)


def record_of(started_at=START, ended_at=None, count_thousandths=8000):
    return UsageRecord(
        source="test",
        key="job",
        resource="GPU",
        count_thousandths=count_thousandths,
        started_at=started_at,
        ended_at=ended_at or started_at + timedelta(hours=3),
        state="COMPLETED",
        account="V-7K2QX9",
        resource_class="H100",
        row=2,
    )


instants = st.datetimes(
    min_value=datetime(1971, 1, 1), max_value=datetime(2190, 1, 1), timezones=st.just(UTC)
).map(lambda at: at.replace(microsecond=0))
lengths = st.integers(min_value=0, max_value=40 * 86_400)
counts = st.integers(min_value=0, max_value=10_000_000)
zones = st.sampled_from(["UTC", "Asia/Shanghai", "Europe/London", "America/St_Johns"])


@st.composite
def records(draw):
    started_at = draw(instants)
    return record_of(started_at, started_at + timedelta(seconds=draw(lengths)), draw(counts))


def test_eight_gpus_for_three_hours_are_86_400_000_gpu_ms():
    assert record_of().quantity_ms == 8000 * 3 * 3600


def test_a_quarter_gpu_for_one_second_is_250_gpu_ms():
    record = record_of(ended_at=START + timedelta(seconds=1), count_thousandths=250)

    assert record.quantity_ms == 250


def test_whole_gpus_may_be_measured_in_milliseconds():
    record = record_of(ended_at=START + timedelta(milliseconds=1), count_thousandths=3000)

    assert record.quantity_ms == 3


def test_a_time_finer_than_the_count_can_carry_is_refused():
    with pytest.raises(NotExact):
        record_of(ended_at=START + timedelta(milliseconds=1), count_thousandths=125)


def test_usage_does_not_run_backwards():
    with pytest.raises(ValueError, match="backwards"):
        record_of(ended_at=START - timedelta(seconds=1))


def test_an_instant_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="UTC"):
        record_of(started_at=datetime(2026, 10, 31), ended_at=datetime(2026, 10, 31))


def test_a_run_over_a_month_end_is_cut_at_midnight():
    first, second = split_at_midnights(record_of())

    assert (first.day, first.month, first.quantity_ms) == (
        date(2026, 10, 31),
        date(2026, 10, 1),
        8000 * 5400,
    )
    assert (second.day, second.month, second.quantity_ms) == (
        date(2026, 11, 1),
        date(2026, 11, 1),
        8000 * 5400,
    )


def test_midnight_is_that_of_the_programmes_zone():
    (only,) = split_at_midnights(record_of(), "Asia/Shanghai")

    assert only.day == date(2026, 11, 1)


def test_a_run_of_no_length_leaves_one_segment_of_nothing():
    (only,) = split_at_midnights(record_of(ended_at=START))

    assert only.quantity_ms == 0


@given(records(), zones)
def test_segments_sum_to_the_whole_and_meet_without_gap(record, zone):
    segments = split_at_midnights(record, zone)

    assert sum(segment.quantity_ms for segment in segments) == record.quantity_ms
    assert segments[0].started_at == record.started_at
    assert segments[-1].ended_at == record.ended_at
    for before, after in pairwise(segments):
        assert before.ended_at == after.started_at
        assert before.day + timedelta(days=1) == after.day


@given(records(), instants)
def test_cutting_at_an_instant_gives_two_parts_of_the_whole(record, at):
    before = clip(record, datetime(1970, 1, 1, tzinfo=UTC), at)
    after = clip(record, at, datetime(2200, 1, 1, tzinfo=UTC))

    parts = [part for part in (before, after) if part is not None]
    assert sum(part.quantity_ms for part in parts) == record.quantity_ms


@given(records(), instants, instants)
def test_a_clipped_record_lies_within_the_window(record, one, other):
    from_at, until_at = sorted((one, other))

    part = clip(record, from_at, until_at)

    if part is not None:
        assert from_at <= part.started_at <= part.ended_at <= until_at
        assert part.quantity_ms <= record.quantity_ms


def test_a_record_outside_the_window_is_none():
    assert clip(record_of(), START + timedelta(days=1), START + timedelta(days=2)) is None
