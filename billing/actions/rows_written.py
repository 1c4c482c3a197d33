"""Usage as rows of a binary COPY: what alike rows have in common is made out once."""

from collections.abc import Callable, Sequence

from billing.actions import binary_rows as binary
from billing.actions.desks import DEVICE_LENGTH, KEY_LENGTH, Desk, Desks
from billing.actions.known_rows import Tally
from billing.actions.line_numbers import month_part
from billing.actions.usage_hours import Hours
from billing.usage.record import MICROSECONDS, UsageRecord

# The order that rows are written in: what alike rows share, then what each has to itself.
COLUMNS = (
    "source, order_id, voucher_id, rate, resource, resource_class, state, "
    "id, count_thousandths, started_at, ended_at, quantity_ms, amount, key, device"
)
_ALIKE_KEPT_MAX = 10_000

# A meter, an account, a resource, a class and a state.
Likeness = tuple[str, str, str, str, str]


class Alike:
    """What the rows of one meter, account, resource, class and state have in common."""

    __slots__ = (
        "amount",
        "desk",
        "from_us",
        "front",
        "hours_of",
        "is_late_told",
        "most",
        "until_us",
    )

    def __init__(self, desk: Desk, front: bytes, hours_of: str | None) -> None:
        self.desk = desk
        # All columns that they share, as they are written.
        self.front = front
        self.hours_of = hours_of
        self.amount = None if desk.place.order is None else desk.amount
        self.from_us = binary.instant(desk.from_at)
        self.until_us = binary.instant(desk.until_at)
        self.most = desk.most
        self.is_late_told = desk.window is not None


class AlikeRows(dict[Likeness, Alike | None]):
    """What rows have in common, made out once; None where each takes a careful look."""

    def __init__(self, desks: Desks, head: Callable[[str], bytes], source: str) -> None:
        super().__init__()
        self._desks, self._head, self._source = desks, head, source

    def __missing__(self, likeness: Likeness) -> Alike | None:
        """Make out what rows that were not met before have in common."""
        _source, account, resource, resource_class, state = likeness
        desk = self._desks[account]
        alike = None
        if isinstance(desk, Desk) and self._desks.takes(desk, resource, resource_class, state):
            alike = self.alike(likeness, desk)
        if len(self) >= _ALIKE_KEPT_MAX:
            self.clear()
        self[likeness] = alike
        return alike

    def alike(self, likeness: Likeness, desk: Desk) -> Alike:
        """Return what rows have in common at a desk that takes them."""
        source, account, resource, resource_class, state = likeness
        texts = self._desks.texts
        front = (
            self._head(account),
            texts[self._source or source],
            desk.words,
            texts[resource],
            texts[resource_class],
            texts[state],
        )
        hours_of = (desk.class_name or resource_class) if resource == "GPU" else None
        return Alike(desk, b"".join(front), hours_of)


def rows_of(
    records: Sequence[UsageRecord],
    numbers: Sequence[int],
    desks: Desks,
    alike_rows: AlikeRows,
    tally: Tally,
    hours: Hours,
    *,
    has_place: bool = False,
) -> tuple[bytes, int]:
    """Return the recordable records as binary rows, and how many; note what is wrong with others.

    Their hours are added up meanwhile. A row is `head`, `COLUMNS`, and where it `has_place` the
    row's number in the file.

    :param numbers: one for each record.
    """
    texts, add_hours, instant = desks.texts, hours.add, binary.instant
    pack, pack_unpriced, latest_us = (
        binary.six_and_length,
        binary.five_and_length,
        instant(desks.latest),
    )
    written: list[bytes] = []
    count_of_rows = 0
    for record, number in zip(records, numbers, strict=True):
        (
            source,
            key,
            resource,
            count,
            started_at,
            ended_at,
            state,
            account,
            found,
            row,
            device,
        ) = record
        started, ended = instant(started_at), instant(ended_at)
        quantity, left_over = divmod(count * (ended - started), MICROSECONDS)
        if left_over:
            # Raises, as a record of such an interval does.
            quantity = record.quantity_ms
        likeness = (source, account, resource, found, state)
        alike = alike_rows[likeness]
        if (
            alike is None
            or ended > latest_us
            or (
                (started >= alike.until_us or ended <= alike.from_us)
                and started != alike.from_us
            )
            or quantity >= alike.most
            or len(key) > KEY_LENGTH
            or len(device) > DEVICE_LENGTH
        ):
            error = desks.refusal(record, quantity)
            if error is not None:
                tally.note([error])
                continue
            desk = desks[account]
            if not isinstance(desk, Desk):
                raise TypeError(f"{account} has no desk, and is not refused.")
            alike = alike or alike_rows.alike(likeness, desk)
        if alike.is_late_told:
            desks.note_late(alike.desk, record)
        if alike.hours_of is not None:
            add_hours(alike.hours_of, count, started, ended)
        name, priced = key.encode(), alike.amount
        figures = (
            8,
            month_part(started_at) + number,
            8,
            count,
            8,
            started,
            8,
            ended,
            8,
            quantity,
        )
        if priced is None:
            said = pack_unpriced(*figures, -1, len(name))
        else:
            said = pack(*figures, 8, priced(quantity), len(name))
        written += (alike.front, said, name, texts[device])
        if has_place:
            written.append(binary.integer(row))
        count_of_rows += 1
    return b"".join(written), count_of_rows
