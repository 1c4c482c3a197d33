"""Billed against metered, line by line, in whole numbers, and each minute's samples summed."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.usage.evidence import Finding, Seen, Tolerance, compare
from billing.usage.minutes import device_name, minutes_of
from billing.usage.telemetry import Sample

HOUR = 3_600_000
NONE = Tolerance(0, 0)
NOON = datetime(2025, 6, 10, 12, tzinfo=UTC)


def seen(hours, **more):
    """Return so many hours of one device, or of several together."""
    given = {"minutes": 1, "busy_minutes": 1, "idle_minutes": 0, "rank": 1, **more}
    return Seen(device_ms=int(Decimal(hours) * HOUR), **given)


def found(billed_hours, *, count=1000, devices=1, seen=None, tolerance=NONE):
    return compare(
        billed_ms=int(Decimal(billed_hours) * HOUR),
        count_thousandths=count,
        devices=devices,
        seen=seen,
        tolerance=tolerance,
    )


@pytest.mark.parametrize(
    ("billed", "of", "finding"),
    [
        ("10", "10", Finding.WITHIN),
        ("10", "9.9", Finding.WITHIN),
        ("10", "9.8999", Finding.OUTSIDE),
        # A hundredth of what was billed, where that is more than a tenth of an hour.
        ("100", "99", Finding.WITHIN),
        ("100", "98.9999", Finding.OUTSIDE),
        # More seen than billed is no finding.
        ("10", "12", Finding.WITHIN),
    ],
)
def test_the_tolerance_is_the_larger_of_a_share_and_an_amount(billed, of, finding):
    assert found(billed, seen=seen(of), tolerance=Tolerance(10, 360_000)).finding == finding


def test_without_devices_or_telemetry_nothing_is_said_of_the_line():
    assert found("10", devices=0, seen=None).finding == Finding.NO_DEVICE
    assert found("10", devices=1, seen=None).finding == Finding.NO_TELEMETRY
    assert found("10", seen=None).idle_thousandths is None


@pytest.mark.parametrize(
    ("count", "devices", "device_hours", "seen_hours"),
    [
        (1000, 1, "10", "10"),
        # A quarter of one GPU; eight on eight; three on two, which can't be; eight on one.
        (250, 1, "10", "2.5"),
        (8000, 8, "80", "80"),
        (3000, 2, "20", "20"),
        (8000, 1, "10", "10"),
    ],
)
def test_a_count_is_spread_over_the_devices_it_names(count, devices, device_hours, seen_hours):
    answer = found("80", count=count, devices=devices, seen=seen(device_hours))

    assert answer.seen_ms == Decimal(seen_hours) * HOUR
    assert answer.difference_ms == 80 * HOUR - answer.seen_ms


def test_idle_is_a_share_of_the_minutes_of_which_use_is_known():
    answer = found("1", seen=seen("1", minutes=60, busy_minutes=1, idle_minutes=2))

    assert answer.idle_thousandths == 666
    assert found("1", seen=seen("1", busy_minutes=0)).idle_thousandths is None


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    count=st.integers(1, 64_000),
    devices=st.integers(1, 64),
    seconds=st.integers(0, 10**6),
    share=st.integers(0, 1000),
    thousandths=st.integers(0, 1000),
    least=st.integers(0, 10**9),
)
def test_what_is_seen_whole_is_what_was_billed_and_never_more(
    count, devices, seconds, share, thousandths, least
):
    tolerance = Tolerance(thousandths, least)
    billed = count * seconds
    device_ms = devices * seconds * share
    answer = compare(
        billed_ms=billed,
        count_thousandths=count,
        devices=devices,
        seen=Seen(device_ms, 1, 1, 0, 1),
        tolerance=tolerance,
    )

    assert 0 <= answer.seen_ms <= billed
    if share == 1000 and count <= devices * 1000:
        assert answer.seen_ms == billed
    is_outside = billed - answer.seen_ms > tolerance.of(billed)
    assert (answer.finding == Finding.OUTSIDE) == is_outside


# --- minutes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gpu", "part", "name"),
    [
        ("GPU-AB12", "", "ab12"),
        ("ab12", "", "ab12"),
        ("GPU-AB12", "7", "ab12/7"),
        ("MIG-AB12", "", "mig-ab12"),
    ],
)
def test_a_device_has_one_name_whatever_the_exporter_writes(gpu, part, name):
    assert device_name(gpu, part) == name
    assert device_name(f"{gpu}/{part}" if part else gpu) == name


SAMPLES = st.builds(
    lambda metric, gpu, value, second: Sample(
        metric, {}, gpu, "", value, NOON + timedelta(seconds=second), 1
    ),
    st.sampled_from(["DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_POWER_USAGE", "up"]),
    st.sampled_from(["", "a", "b"]),
    st.none() | st.decimals(-5, 105, places=3),
    st.integers(0, 300),
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(SAMPLES))
def test_each_sample_of_a_gpu_counts_once_or_is_said_to_have_no_value(samples):
    result = minutes_of(samples, NOON, NOON + timedelta(hours=1))

    asked = [one for one in samples if one.gpu and one.metric != "up"]
    counted = sum(one.samples + one.power_samples for one in result.found)
    assert counted + result.blank + result.refused == len(asked)
    assert result.blank == sum(one.value is None for one in asked)
    keys = [(one.device, one.minute) for one in result.found]
    assert keys == sorted(set(keys))
    assert all(0 <= one.utilisation_total <= one.samples * 1000 for one in result.found)
    assert not result.is_later
