"""What of earlier acts was taken back by a later one."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from ledger.queries import _rows


@dataclass(frozen=True, slots=True)
class Reversal:
    """A transfer that takes back another: which act made which, and the hold it was of."""

    act_id: int
    at: datetime
    reversed_act_id: int
    hold: int | None
    amount: int


_REVERSALS = """
    select t.act_id, t.at, r.act_id, r.hold_id, t.amount
    from ledger_transfer r join ledger_transfer t on t.reverses_id = r.id
    where r.act_id = any(%s) order by t.act_id, t.id
"""


def reversals_of(act_ids: Collection[int]) -> list[Reversal]:
    """Return what was taken back of what some acts moved, oldest first; amounts in their unit."""
    rows = _rows(_REVERSALS, [sorted(set(act_ids))])
    return [Reversal(act, at, of, hold, int(amount)) for act, at, of, hold, amount in rows]
