"""Billed against metered: what telemetry says of one usage line, in whole numbers."""

from dataclasses import dataclass
from enum import StrEnum


class Finding(StrEnum):
    """What the evidence comes to for a line."""

    NO_DEVICE = "NO_DEVICE"
    NO_TELEMETRY = "NO_TELEMETRY"
    WITHIN = "WITHIN"
    OUTSIDE = "OUTSIDE"


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far what was billed may lie above what was seen: the larger of a share and an amount.

    `thousandths` of what was billed, or `least_ms` GPU-milliseconds (scoring.md, T09).
    """

    thousandths: int
    least_ms: int

    def of(self, billed_ms: int) -> int:
        """Return the tolerance for what was billed, in GPU-ms, rounded down."""
        return max(billed_ms * self.thousandths // 1000, self.least_ms)


@dataclass(frozen=True, slots=True)
class Seen:
    """What telemetry has of a line's devices within its interval.

    `device_ms` is milliseconds, summed over devices, each minute cut at the line's ends. A
    minute is busy or idle, or neither where its use is not known. `rank` is that of the least
    believed meter among those that counted.
    """

    device_ms: int
    minutes: int
    busy_minutes: int
    idle_minutes: int
    rank: int


@dataclass(frozen=True, slots=True)
class LineEvidence:
    """A line beside its telemetry; quantities are GPU-milliseconds."""

    finding: Finding
    billed_ms: int
    seen_ms: int
    tolerance_ms: int
    seen: Seen | None

    @property
    def difference_ms(self) -> int:
        """Return by how much more was billed than seen; negative where less was."""
        return self.billed_ms - self.seen_ms

    @property
    def idle_thousandths(self) -> int | None:
        """Return the share of idle minutes among those of which the use is known."""
        if self.seen is None:
            return None
        known = self.seen.busy_minutes + self.seen.idle_minutes
        return self.seen.idle_minutes * 1000 // known if known else None


def compare(
    *,
    billed_ms: int,
    count_thousandths: int,
    devices: int,
    seen: Seen | None,
    tolerance: Tolerance,
) -> LineEvidence:
    """Return what telemetry says of a line of so many thousandths of GPUs on so many devices.

    The line's count is spread evenly over the devices that it names, and a device is never more
    than one GPU: where eight are billed and one is named, at most one is seen. What was seen
    beyond what was billed is no finding: the meter decides.
    """
    most = tolerance.of(billed_ms)
    if not devices:
        return LineEvidence(Finding.NO_DEVICE, billed_ms, 0, most, None)
    if seen is None:
        return LineEvidence(Finding.NO_TELEMETRY, billed_ms, 0, most, None)
    counted = min(count_thousandths, devices * 1000)
    seen_ms = counted * seen.device_ms // (devices * 1000)
    finding = Finding.OUTSIDE if billed_ms - seen_ms > most else Finding.WITHIN
    return LineEvidence(finding, billed_ms, seen_ms, most, seen)
