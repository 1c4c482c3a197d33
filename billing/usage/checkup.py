"""What a provider can know of its own export before it sends it, without a database."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO

from billing.usage.intake import read_usage
from billing.usage.record import ERRORS_KEPT, Resource, RowError, UsageRecord

_DIGEST_BYTES = 8


@dataclass(slots=True)
class Checkup:
    """What a file came to: its format, rows, what was skipped, what is wrong, how much it is.

    `quantity_ms` is resource-milliseconds by resource and class; `errors` are the first of
    `errors_total`, in the order of the rows.
    """

    format: str
    rows: int = 0
    accepted: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    errors: list[RowError] = field(default_factory=list)
    errors_total: int = 0
    quantity_ms: Counter[tuple[Resource, str]] = field(default_factory=Counter)
    accounts: set[str] = field(default_factory=set)
    unused_columns: tuple[str, ...] = ()
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def conforms(self) -> bool:
        """Say whether the file can be sent as it is: something counts, and nothing is wrong."""
        return self.accepted > 0 and self.errors_total == 0

    def of_resource(self, resource: Resource) -> int:
        """Return the resource-milliseconds of one resource, over all classes."""
        return sum(ms for (one, _class), ms in self.quantity_ms.items() if one == resource)


def check(
    stream: BinaryIO,
    format: str = "",
    *,
    zone: str = "UTC",
    cluster: str = "",
    resource: Resource | None = None,
) -> Checkup:
    """Read a usage file to its end and say what it came to.

    A key that comes twice counts once, as it would when the file is sent: the later row is an
    error. So is the later of two that use one GPU at a time, where rows name their GPUs. What
    needs the provider's orders and prices is not looked at. Memory grows with the number of
    rows, by about 150 bytes each for the keys; rows that name GPUs are kept whole.

    :raises FileUnreadable: in one of its kinds, if the file can't be read as a whole.
    """
    parsed = read_usage(stream, format, zone=zone, cluster=cluster, resource=resource)
    checkup = Checkup(parsed.format, unused_columns=parsed.unused_columns)
    repeated: list[RowError] = []
    repeats = 0
    uses: dict[str, list[UsageRecord]] = defaultdict(list)
    for record, first_row in _with_first_rows(parsed):
        if first_row is None:
            _count(checkup, record)
            for device in filter(None, record.device.split(" ")):
                uses[device].append(record)
            continue
        repeats += 1
        if len(repeated) < ERRORS_KEPT:
            values = {"first_row": first_row}
            repeated.append(RowError(record.row, "key", record.key, "duplicate", values))
    busy = []
    for record, error in _overlaps(uses):
        checkup.quantity_ms[record.resource, record.resource_class] -= record.quantity_ms
        busy.append(error)
    checkup.rows = parsed.rows
    checkup.accepted = parsed.accepted - repeats - len(busy)
    checkup.skipped = parsed.skipped
    checkup.errors_total = parsed.errors_total + repeats + len(busy)
    errors = sorted([*parsed.errors, *repeated, *busy], key=lambda error: error.row)
    checkup.errors = errors[:ERRORS_KEPT]
    return checkup


def _overlaps(
    uses: Mapping[str, list[UsageRecord]],
) -> Iterator[tuple[UsageRecord, RowError]]:
    """Give each row that uses a GPU before its use by another row has ended, once."""
    refused: set[int] = set()
    for device in sorted(uses):
        held: UsageRecord | None = None
        for use in sorted(uses[device], key=lambda one: (one.started_at, one.row)):
            if use.row in refused or use.started_at == use.ended_at:
                continue
            if held is None or use.started_at >= held.ended_at:
                held = use
                continue
            refused.add(use.row)
            until = f"{held.ended_at:%Y-%m-%d %H:%M:%S} UTC"
            values: dict[str, object] = {"other": held.key, "busy_until": until}
            yield use, RowError(use.row, "device", device, "device_in_use", values)


def _with_first_rows(
    records: Iterable[UsageRecord],
) -> Iterator[tuple[UsageRecord, int | None]]:
    """Give each record, and the row in which its key came before if it did."""
    rows: dict[bytes, int] = {}
    for record in records:
        name = f"{record.source}\0{record.key}".encode("utf-8", "surrogatepass")
        digest = hashlib.blake2b(name, digest_size=_DIGEST_BYTES).digest()
        first_row = rows.setdefault(digest, record.row)
        yield record, None if first_row == record.row else first_row


def _count(checkup: Checkup, record: UsageRecord) -> None:
    checkup.quantity_ms[record.resource, record.resource_class] += record.quantity_ms
    checkup.accounts.add(record.account)
    if checkup.started_at is None or record.started_at < checkup.started_at:
        checkup.started_at = record.started_at
    if checkup.ended_at is None or record.ended_at > checkup.ended_at:
        checkup.ended_at = record.ended_at
