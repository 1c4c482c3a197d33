"""What the ledger held when an instant had passed, by the commits and not by the acts' own time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from ledger.queries import Balance

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Committed:
    """What had been committed by an instant: how much, every balance, what is left of holds."""

    acts: int
    transfers: int
    last_at: datetime | None
    balances: list[Balance]
    holds: dict[int, int]


_COMMITTED_BY = """
    with act as materialized (
        select id, at from ledger_act
        where coalesce(pg_xact_commit_timestamp(xmin) <= %s, true)
    ), transfer as materialized (
        select t.* from ledger_transfer t join act on act.id = t.act_id
    ) {select}
"""

_EXTENT_COMMITTED = """
    select (select count(*) from act), (select count(*) from transfer), (select max(at) from act)
"""

_BALANCES_COMMITTED = """
    select a.address, a.unit, coalesce(sum(s.debit), 0), coalesce(sum(s.credit), 0),
        coalesce(sum(s.pending), 0)
    from ledger_account a
    join act on act.id = a.act_id
    left join (
        select debit_id as id, case when kind in (1, 3, 5) then amount end as debit, 0 as credit,
            case when kind = 2 then amount when kind in (3, 4, 6) then -amount end as pending
        from transfer
        union all
        select credit_id, 0, amount, 0 from transfer where kind in (1, 3, 5)
    ) s on s.id = a.id
    group by a.id order by a.address
"""

_HOLDS_COMMITTED = """
    select coalesce(hold_id, id), sum(case when kind = 2 then amount else -amount end)
    from transfer where kind in (2, 3, 4, 6) group by 1 order by 1
"""


def committed_by(instant: datetime) -> Committed:
    """Return what had been committed by an instant, summed from the transfers.

    Unlike `balances_as_of` it asks when a transaction ended, not when its act took place.
    PostgreSQL must have kept `track_commit_timestamp` on since then.
    """
    extent, kept, holds = (
        _rows(_COMMITTED_BY.format(select=select), [instant])
        for select in (_EXTENT_COMMITTED, _BALANCES_COMMITTED, _HOLDS_COMMITTED)
    )
    return _committed(extent, kept, holds)


def committed_now() -> Committed:
    """Return all that is committed, with balances and holds as the ledger itself keeps them."""
    extent = _rows(
        "select (select count(*) from ledger_act), (select count(*) from ledger_transfer),"
        " (select max(at) from ledger_act)",
        [],
    )
    kept = _rows(
        "select a.address, a.unit, b.debit, b.credit, b.pending from ledger_account a"
        " cross join lateral ledger_balance_of(a.id) b order by a.address",
        [],
    )
    holds = _rows("select id, remaining from ledger_hold order by id", [])
    return _committed(extent, kept, holds)


def _committed(extent: Rows, kept: Rows, holds: Rows) -> Committed:
    acts, transfers, last_at = extent[0]
    return Committed(
        acts,
        transfers,
        last_at,
        [Balance(a, u, int(d), int(c), int(p)) for a, u, d, c, p in kept],
        {int(hold): int(remaining) for hold, remaining in holds},
    )


def commits_between(low: datetime, high: datetime) -> list[datetime]:
    """Return the instants in between at which acts were committed, oldest first."""
    sql = """
        select distinct c.at from ledger_act
        cross join lateral (select pg_xact_commit_timestamp(xmin) as at offset 0) c
        where c.at between %s and %s order by 1
    """
    return [row[0] for row in _rows(sql, [low, high])]


def _rows(sql: str, parameters: Iterable[Any]) -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(sql, list(parameters))
        return list(cursor.fetchall())
