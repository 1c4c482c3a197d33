"""What a provider can know of its own export before it sends it, without a database."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
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
    error. What needs the provider's orders and prices is not looked at. Memory grows with the
    number of rows, by about 150 bytes each, for the keys.

    :raises FileUnreadable: in one of its kinds, if the file can't be read as a whole.
    """
    parsed = read_usage(stream, format, zone=zone, cluster=cluster, resource=resource)
    checkup = Checkup(parsed.format, unused_columns=parsed.unused_columns)
    repeated: list[RowError] = []
    repeats = 0
    for record, first_row in _with_first_rows(parsed):
        if first_row is None:
            _count(checkup, record)
            continue
        repeats += 1
        if len(repeated) < ERRORS_KEPT:
            values = {"first_row": first_row}
            repeated.append(RowError(record.row, "key", record.key, "duplicate", values))
    checkup.rows = parsed.rows
    checkup.accepted = parsed.accepted - repeats
    checkup.skipped = parsed.skipped
    checkup.errors_total = parsed.errors_total + repeats
    errors = sorted([*parsed.errors, *repeated], key=lambda error: error.row)
    checkup.errors = errors[:ERRORS_KEPT]
    return checkup


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
