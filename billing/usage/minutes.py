"""Samples of telemetry to what each device did in each minute, in whole numbers."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from billing.usage.telemetry import Sample

# How busy a GPU was, the most exact first, and what full use is in it: the share of time in
# which the graphics or compute engine worked (DCGM's field 1001, dcgm-exporter's
# default-counters.csv), that of nvidia-smi as a ratio (nvidia_gpu_exporter), and in per cent
# (DCGM's field 203).
UTILISATION = {
    "DCGM_FI_PROF_GR_ENGINE_ACTIVE": 1,
    "nvidia_smi_utilization_gpu_ratio": 1,
    "DCGM_FI_DEV_GPU_UTIL": 100,
}
# What it drew, in watts: DCGM's field 155, and nvidia-smi's power.draw.
POWER = ("DCGM_FI_DEV_POWER_USAGE", "nvidia_smi_power_draw_watts")
_PREFERRED = {name: place for place, name in enumerate([*UTILISATION, *POWER])}
# No GPU draws a megawatt; what says so is no power.
_WATTS_MAX = 1_000_000
DEVICE_LENGTH = 120
# Under this many thousandths of full use on average, a minute is idle (scoring.md, T18: activity
# under 5 %).
IDLE_BELOW = 50


class DeviceMinute(NamedTuple):
    """What was sent of one device for one minute: how many samples, and their sums.

    Use is in thousandths of full use a sample, power in milliwatts a sample.
    """

    device: str
    minute: datetime
    samples: int
    utilisation_total: int
    power_samples: int
    power_total: int


@dataclass(slots=True)
class Minutes:
    """What a page came to: its minutes, and how many samples of what was asked for had no value.

    `refused` counts samples whose value can't be: use above full, or power that no GPU draws.
    """

    found: list[DeviceMinute]
    blank: int
    refused: int
    is_later: bool


def device_name(gpu: str, part: str = "") -> str:
    """Return a GPU or a slice of one as evidence names it: UUID or UUID/slice, in small letters.

    NVML's UUIDs begin with `GPU-`, which some exporters leave out; here none has it.
    """
    name = gpu.strip().casefold().removeprefix("gpu-")
    return f"{name}/{part.strip().casefold()}" if part else name


def minutes_of(samples: Iterable[Sample], taken_at: datetime, until: datetime) -> Minutes:
    """Return what samples say of each device's minutes; a sample without a time is of `taken_at`.

    Where a page has several measures of use for one device and minute, the most exact with a
    value counts alone. A blank is no value: it makes a minute neither busy nor idle. `is_later`
    says whether a sample is of later than `until`.
    """
    sums: dict[tuple[str, datetime, str], list[int]] = {}
    result = Minutes([], 0, 0, is_later=taken_at > until)
    for sample in samples:
        if sample.metric not in _PREFERRED or not sample.gpu:
            continue
        if sample.value is None:
            result.blank += 1
            continue
        at = sample.at or taken_at
        result.is_later |= at > until
        device = device_name(sample.gpu, sample.slice)
        value = _whole(sample.metric, sample.value)
        if value is None or len(device) > DEVICE_LENGTH:
            result.refused += 1
            continue
        key = (device, at.replace(second=0, microsecond=0), sample.metric)
        one = sums.setdefault(key, [0, 0])
        one[0] += 1
        one[1] += value
    result.found = _chosen(sums)
    return result


def _whole(metric: str, value: Decimal) -> int | None:
    """Return thousandths of full use or milliwatts, half up; None for what can't be."""
    full = UTILISATION.get(metric)
    most = full if full is not None else _WATTS_MAX
    if not 0 <= value <= most:
        return None
    scaled = value * 1000 / (full or 1)
    return int(scaled.quantize(Decimal(1), ROUND_HALF_UP))


def _chosen(sums: dict[tuple[str, datetime, str], list[int]]) -> list[DeviceMinute]:
    chosen: dict[tuple[str, datetime], dict[bool, list[int]]] = {}
    for device, minute, metric in sorted(sums, key=lambda key: _PREFERRED[key[2]]):
        measures = chosen.setdefault((device, minute), {})
        measures.setdefault(metric in UTILISATION, sums[device, minute, metric])
    nothing = [0, 0]
    return [
        DeviceMinute(device, minute, *one.get(True, nothing), *one.get(False, nothing))
        for (device, minute), one in sorted(chosen.items())
    ]
