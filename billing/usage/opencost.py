"""Allocations of OpenCost: GPU-hours by workload and window, as its API answers them."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import count
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.usage.adapter import Document, DocumentAdapter, Head
from billing.usage.cells import EPOCH, CellProblem, Row, read_instant
from billing.usage.job import LONGEST_RUN, Columns, Job, is_plain_cluster, record_of
from billing.usage.json_layouts import Path, layout_of
from billing.usage.json_stream import JsonStream, text_at
from billing.usage.options import Options
from billing.usage.record import (
    IDLE,
    MICROSECONDS,
    NO_GPU,
    RowResult,
    Skipped,
    UsageRecord,
    plain_usage,
)

_NAMES = Columns("name", "namespace", "start", "end", "gpuHours")
_HOURS = re.compile(r"\d{1,9}(?:\.\d{1,20})?", re.ASCII)
_VOUCHERS = ("tessera_dev_voucher", "tessera.dev/voucher")
_MILLISECONDS = 3_600_000
_GPUS_MOST = 100_000
# How many more GPUs than needed are tried until the hours divide into whole microseconds.
_TRIES = 1_000


def results(document: Document, options: Options) -> Iterator[RowResult]:
    """Give what each allocation came to.

    An allocation says how many GPU-hours fell into a window and not when. It is written as the
    fewest whole GPUs that could have used them, from the window's start on, so that the
    quantity is exact: 2,880 hours in August are 4 GPUs for 720 hours. Hours are rounded to a
    GPU-millisecond, as OpenCost writes binary fractions. `__idle__` is nobody's use, and
    allocations without GPU-hours are skipped. The account is the label `tessera.dev/voucher`,
    else the namespace.

    :raises FileUnreadable: in JSON's kinds.
    """
    stream = JsonStream(document.texts())
    layouts = AllocationLayouts(options)
    for number, allocation in enumerate(_allocations(stream, layouts), start=1):
        if isinstance(allocation, UsageRecord):
            yield allocation
            continue
        result = _result(Row(number), allocation, options)
        if isinstance(result, UsageRecord):
            layouts.learn(stream.value_text)
        yield result


_WORD = r"[!#-\[\]-~]{1,60}+"
_INSTANT = r"(?:19[89]|20\d|21\d)\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"
_LABELS = [("properties", "labels", name) for name in _VOUCHERS]
_WANTED: dict[Path, str] = {
    # Of an idle machine the name has two of these before the word.
    ("name",): r"(?P<name>[!#-\[\]-^`-~]{1,60}+)",
    ("start",): f"(?P<start>{_INSTANT})",
    ("end",): f"(?P<end>{_INSTANT})",
    ("gpuHours",): r"(?P<hours>\d{1,9}+(?:\.\d{1,20}+)?)",
    ("properties", "cluster"): f"(?P<cluster>(?:{_WORD})?)",
    ("properties", "namespace"): f"(?P<namespace>(?:{_WORD})?)",
    _LABELS[0]: f"(?P<voucher>{_WORD})",
    _LABELS[1]: f"(?P<voucher_too>{_WORD})",
}
_NUMBERS = frozenset[Path]([("gpuHours",)])
_LAYOUTS_MAX, _LEARNT_MAX = 4, 16


class AllocationLayouts:
    """Reads allocations laid out like those that were decoded; all others it leaves alone."""

    def __init__(self, options: Options) -> None:
        self._source, self._cluster = options.source or "opencost", options.cluster
        self._layouts: list[re.Pattern[str]] = []
        is_wanted = options.resource != "CPU" and is_plain_cluster(options.cluster)
        self._may_learn = _LEARNT_MAX if is_wanted else 0

    def learn(self, text: str) -> None:
        """Learn how an allocation is laid out that came to a record."""
        if not self._may_learn or any(layout.fullmatch(text) for layout in self._layouts):
            return
        self._may_learn -= 1
        layout = layout_of(text, _WANTED, numbers=_NUMBERS)
        if layout is not None:
            self._layouts = [layout, *self._layouts[: _LAYOUTS_MAX - 1]]

    def read(self, text: str, at: int, number: int) -> tuple[UsageRecord, int] | None:
        """Return the plain allocation that begins at a place as a record, and where it ends.

        :param number: its row.
        """
        for layout in self._layouts:
            match = layout.match(text, at)
            if match is not None:
                record = self._record_of(match, number)
                return None if record is None else (record, match.end())
        return None

    def _record_of(self, match: re.Match[str], number: int) -> UsageRecord | None:
        name, start, end, hours, cluster, namespace, *vouchers = match.group(
            "name", "start", "end", "hours", "cluster", "namespace", "voucher", "voucher_too"
        )
        try:
            started_at, until = datetime.fromisoformat(start), datetime.fromisoformat(end)
        except ValueError:
            # A day that no calendar has.
            return None
        quantity_ms = _read_hours(hours)
        spread = _spread(quantity_ms, started_at, until) if quantity_ms else None
        if spread is None or not spread[1] < started_at + LONGEST_RUN:
            return None
        gpus, ended_at = spread
        if gpus * 1000 * ended_at.microsecond % MICROSECONDS:
            return None
        return plain_usage(
            (
                self._source,
                f"{self._cluster or cluster}/{name}/{start}",
                "GPU",
                gpus * 1000,
                started_at,
                ended_at,
                "COMPLETED",
                next(filter(None, vouchers), namespace),
                "",
                number,
                "",
            )
        )


def _allocations(stream: JsonStream, layouts: AllocationLayouts) -> Iterator[Any]:
    """Give each allocation, and those that are plain as the records that they come to."""
    numbers = count(1)
    for name in stream.members():
        if name != "data":
            stream.value()
        elif stream.peek() == "[":
            for _window in stream.elements():
                yield from _window_of(stream, layouts, numbers)
        else:
            yield from _window_of(stream, layouts, numbers)


def _window_of(
    stream: JsonStream, layouts: AllocationLayouts, numbers: Iterator[int]
) -> Iterator[Any]:
    if stream.peek() != "{":
        # A window without data is null.
        stream.value()
        return
    for _name in stream.members():
        record = stream.taken(layouts.read, next(numbers))
        yield stream.value() if record is None else record


def _result(row: Row, allocation: Any, options: Options) -> RowResult:
    if not isinstance(allocation, dict):
        row.note("", str(allocation), CellProblem("not_an_object"))
        return tuple(row.errors)
    name = text_at(allocation, "name")
    if "__idle__" in name:
        return Skipped(IDLE)
    quantity_ms = row.take("gpuHours", text_at(allocation, "gpuHours") or "0", _read_hours, 0)
    if not quantity_ms:
        return tuple(row.errors) or Skipped(NO_GPU)
    start, end = text_at(allocation, "start"), text_at(allocation, "end")
    started_at = row.take("start", start, lambda text: read_instant(text, options.zone), EPOCH)
    ended_at = row.take("end", end, lambda text: read_instant(text, options.zone), EPOCH)
    if row.errors:
        return tuple(row.errors)
    spread = _spread(quantity_ms, started_at, ended_at)
    if spread is None:
        row.note("gpuHours", text_at(allocation, "gpuHours"), CellProblem("hours_too_many"))
        return tuple(row.errors)
    gpus, used_until = spread
    job = _job(allocation, name, gpus, started_at, used_until, options)
    return record_of(row, job, options, "opencost", _NAMES)


def _job(
    allocation: dict[str, Any],
    name: str,
    gpus: int,
    started_at: datetime,
    ended_at: datetime,
    options: Options,
) -> Job:
    labels = [text_at(allocation, "properties", "labels", one) for one in _VOUCHERS]
    return Job(
        cluster=options.cluster or text_at(allocation, "properties", "cluster"),
        job_id=name,
        user="",
        account=next(filter(None, labels), "")
        or text_at(allocation, "properties", "namespace"),
        state="COMPLETED",
        started_at=started_at,
        ended_at=ended_at,
        wall_seconds=(ended_at - started_at) // timedelta(seconds=1),
        nodes=1,
        cores_thousandths=0,
        gpus_thousandths=gpus * 1000,
        models="",
    )


def _read_hours(text: str) -> int:
    """Return GPU-milliseconds of GPU-hours, rounded half to even."""
    if not _HOURS.fullmatch(text):
        raise CellProblem("count_unreadable")
    return int((Decimal(text) * _MILLISECONDS).quantize(Decimal(1), ROUND_HALF_EVEN))


def _spread(
    quantity_ms: int, from_at: datetime, until_at: datetime
) -> tuple[int, datetime] | None:
    """Return the fewest whole GPUs that use so much within a window, and until when they do.

    GPU-milliseconds are thousandths of a GPU times seconds, so that N GPUs take
    quantity / (1000 N) seconds.
    """
    window = (until_at - from_at) // timedelta(microseconds=1)
    if window <= 0:
        return None
    least = -(-quantity_ms * 1000 // window)
    for gpus in range(max(least, 1), min(least + _TRIES, _GPUS_MOST) + 1):
        microseconds, left_over = divmod(quantity_ms * 1000, gpus)
        if not left_over:
            return gpus, from_at + timedelta(microseconds=microseconds)
    return None


def _looks_like_allocations(head: Head) -> bool:
    return (
        head.text.startswith("{")
        and '"data"' in head.text
        and any(f'"{name}"' in head.text for name in ("gpuHours", "gpuCost", "cpuCoreHours"))
    )


ADAPTER = DocumentAdapter(
    "OPENCOST", _("OpenCost allocations (JSON)"), _looks_like_allocations, results
)
