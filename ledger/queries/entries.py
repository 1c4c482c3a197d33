"""What moved on some accounts from an instant until another, with what was there before."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from ledger.queries import _rows


@dataclass(frozen=True, slots=True)
class Moved:
    """One posted move of an account: `amount` is signed, credit above 0; in the account's unit.

    `flow` is a `Flow`, `about` what its act is about, and `reversed_id` the transfer that it
    takes back, where it takes one back.
    """

    account: str
    at: datetime
    transfer_id: int
    act_id: int
    act_kind: str
    about: str
    flow: int
    amount: int
    ref: str
    reversed_id: int | None


_MOVED = """
    select a.address, t.at, t.id, t.act_id, c.kind, c.about, t.flow,
        case when t.credit_id = a.id then t.amount else -t.amount end, t.ref, t.reverses_id
    from ledger_account a
    join ledger_transfer t on t.debit_id = a.id or t.credit_id = a.id
    join ledger_act c on c.id = t.act_id
    where a.address = any(%s) and t.kind in (1, 3, 5) and (%s::timestamptz is null or t.at < %s)
    order by t.at, t.id
"""


def moved_before(addresses: Collection[str], until: datetime | None) -> list[Moved]:
    """Return every posted move of some accounts before an instant, or ever, oldest first."""
    return [Moved(*row) for row in _rows(_MOVED, [sorted(set(addresses)), until, until])]
