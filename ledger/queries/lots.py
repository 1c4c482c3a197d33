"""Which of what was owed a payment paid: a payable is emptied oldest first.

A payable's credits (what was settled, and what came back from the bank) stand in a queue in the
order of their transactions. Whatever leaves it takes from the head of the queue. A correction
takes what it undoes out of the queue and, of what was taken already, as much from the head. So
the parts of a payment always come to the payment, nothing is paid twice, and what an earlier
payment paid is never said otherwise afterwards.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ledger.kinds import Flow
from ledger.queries import _rows

# A payment that came back, was sent again and came back again, is followed so many times.
RETURNS_FOLLOWED = 8


@dataclass(frozen=True, slots=True)
class Lot:
    """A part of one credit of a payable that one debit took; `amount` in the account's unit.

    `owed_*` are the credit's: its act, road, hold (if it was captured from one), reference, and
    the account that it came from. `taken_*` are the debit's. Each `offset` is where the part begins
    within the credit or the debit.
    """

    payable: str
    amount: int
    owed_transfer: int
    owed_act: int
    owed_flow: int
    owed_hold: int | None
    owed_ref: str
    owed_from: str
    owed_at: datetime
    owed_offset: int
    taken_transfer: int
    taken_act: int
    taken_flow: int
    taken_ref: str
    taken_at: datetime
    taken_offset: int


# Debits of a payable are few, one a payment; its credits are many. Those are read from the newest
# snapshot before which everything was taken already, to the oldest that has all that is asked for.
_LOTS = """
    with known as materialized (
        select * from unnest(%s::bigint[], %s::bigint[]) as k (id, early)
    ), asked as materialized ({asked}),
    account as materialized (select distinct account_id as id from asked),
    debit as materialized (
        select t.debit_id as account_id, t.id, t.act_id, t.flow, t.kind, t.reverses_id,
            case when t.kind = 5 then t.amount - coalesce(known.early, t.amount)
                else t.amount end as amount,
            t.txid, t.ref, t.at, known.early
        from account join ledger_transfer t on t.debit_id = account.id
        left join known on known.id = t.id
        where t.kind in (1, 3, 5) {more}
    ), undone as materialized (
        select d.account_id, d.reverses_id, coalesce(d.early, o.amount) as amount, o.txid
        from debit d join ledger_transfer o on o.id = d.reverses_id
    ), taken as materialized (
        select d.*, sum(d.amount) over (partition by d.account_id order by d.txid, d.id) as until
        from debit d where d.amount > 0
    ), bounds as materialized (
        select account.id, low.horizon, low.base, high.horizon as ceiling from account
        cross join lateral ({low}) low
        cross join lateral ({high}) high
    ), owed as materialized (
        select t.id, t.credit_id as account_id, t.debit_id, t.act_id, t.flow, t.hold_id, t.ref,
            t.at, t.amount - coalesce(u.amount, 0) as amount,
            bounds.base + sum(t.amount - coalesce(u.amount, 0))
                over (partition by t.credit_id order by t.txid, t.id) as until
        from bounds
        join ledger_transfer t on t.credit_id = bounds.id and t.txid >= bounds.horizon
            and t.txid < bounds.ceiling and t.kind in (1, 3, 5)
        left join undone u on u.reverses_id = t.id
    )
    select a.address, least(o.until, k.until) - x.begins, o.id, o.act_id, o.flow, o.hold_id,
        o.ref, s.address, o.at, x.begins - (o.until - o.amount), k.id, k.act_id, k.flow, k.ref,
        k.at, x.begins - (k.until - k.amount),
        exists (select from debit d where d.kind = 5 and d.early is null)
    from taken k
    join owed o on o.account_id = k.account_id
        and o.until > k.until - k.amount and o.until - o.amount < k.until and o.amount > 0
    cross join lateral (
        select greatest(o.until - o.amount, k.until - k.amount) as begins) x
    join ledger_account a on a.id = o.account_id
    join ledger_account s on s.id = o.debit_id
    where {side}.id in (select id from asked)
    order by a.address, k.txid, k.id, o.until, o.id
"""

# Where each correction met the queue: what had been owed before the credit that it undoes, and what
# had been taken by then.
_CORRECTIONS = """
    with asked as materialized ({asked}),
    account as materialized (select distinct account_id as id from asked)
    select r.debit_id, r.id, r.amount, o.txid, o.id,
        coalesce(low.credit, 0) + owed.before, taken.before
    from account
    join ledger_transfer r on r.debit_id = account.id and r.kind = 5
    join ledger_transfer o on o.id = r.reverses_id
    left join lateral (
        select s.credit, b.to_txid from ledger_snapshot s join ledger_block b on b.seq = s.block_seq
        where s.account_id = account.id and b.to_txid <= o.txid
        order by s.block_seq desc limit 1) low on true
    cross join lateral (
        select coalesce(sum(t.amount), 0) as before from ledger_transfer t
        where t.credit_id = account.id and t.kind in (1, 3, 5)
            and t.txid >= coalesce(low.to_txid, 0) and (t.txid, t.id) < (o.txid, o.id)) owed
    cross join lateral (
        select coalesce(sum(t.amount), 0) as before from ledger_transfer t
        where t.debit_id = account.id and t.kind in (1, 3) and (t.txid, t.id) < (r.txid, r.id)
        ) taken
    order by r.debit_id, r.txid, r.id
"""

_UNDONE_BELOW = """
    coalesce((select sum(u.amount) from undone u
        where u.account_id = account.id and u.txid < b.to_txid), 0)
"""
_SNAPSHOTS = """
    from ledger_snapshot s join ledger_block b on b.seq = s.block_seq
    where s.account_id = account.id and
"""
_EVERYTHING = "9223372036854775807"

# From before the first debit that is asked for, to where the credits reach the last.
_LOW_BY_DEBIT = """
    select coalesce(max(b.to_txid), 0) as horizon, coalesce(max(s.credit - {undone}), 0) as base
    {snapshots} s.block_seq = (
        select max(s.block_seq) {snapshots} s.credit <= (
            select min(k.until - k.amount) from taken k join asked on asked.id = k.id
            where k.account_id = account.id))
"""
_HIGH_BY_DEBIT = """
    select coalesce(min(b.to_txid), {everything}) as horizon
    {snapshots} s.credit - {undone} >= (
        select max(k.until) from taken k join asked on asked.id = k.id
        where k.account_id = account.id)
"""
# From before the first credit that is asked for, to the last.
_LOW_BY_CREDIT = """
    select coalesce(max(b.to_txid), 0) as horizon, coalesce(max(s.credit - {undone}), 0) as base
    {snapshots} s.block_seq = (
        select max(s.block_seq) {snapshots} b.to_txid <= (
            select min(asked.txid) from asked where asked.account_id = account.id))
"""
_HIGH_BY_CREDIT = """
    select max(asked.txid) + 1 as horizon from asked where asked.account_id = account.id
"""


@dataclass(frozen=True, slots=True)
class _Asking:
    """The statements for the lots of debits or of credits, and for the corrections between."""

    lots: str
    corrections: str


def _asking(asked: str, *, is_debit: bool, more: str = "") -> _Asking:
    """Return how some debits or credits are asked for; `more` are other debits."""
    words = {"undone": _UNDONE_BELOW, "snapshots": _SNAPSHOTS, "everything": _EVERYTHING}
    low, high = (
        (_LOW_BY_DEBIT, _HIGH_BY_DEBIT) if is_debit else (_LOW_BY_CREDIT, _HIGH_BY_CREDIT)
    )
    lots = _LOTS.format(
        asked=asked.format(**words),
        more=more.format(**words),
        low=low.format(**words),
        high=high.format(**words),
        side="k" if is_debit else "o",
    )
    return _Asking(lots, _CORRECTIONS.format(asked=asked.format(**words)))


_INSTRUCTED = _asking(
    """
        select t.id, t.debit_id as account_id, t.txid
        from ledger_act c join ledger_transfer t on t.act_id = c.id
        where c.about = any(%s) and t.ref = any(%s) and t.flow = 6 and t.kind = 1
    """,
    is_debit=True,
)
# Two debits that nobody has made yet: what other payments wait to take first, and this one's.
_TO_BE_PAID = _asking(
    """
        select -1::bigint as id, a.id as account_id, {everything} as txid
        from ledger_account a where a.address = %s
    """,
    is_debit=True,
    more="""
        union all
        select account.id, n.id, 0, 6, 1, null, n.amount, {everything}, '', now(), null
        from account cross join (values (-2::bigint, %s::bigint), (-1, %s)) as n (id, amount)
        where n.amount > 0
    """,
)
_OWED_BY = _asking(
    """
        select t.id, t.credit_id as account_id, t.txid
        from ledger_transfer t join ledger_account p on p.id = t.credit_id and p.kind in (40, 41)
        where t.act_id = any(%s) and t.kind in (1, 3, 5)
    """,
    is_debit=False,
)
_SENT_BACK = _asking(
    """
        select t.id, t.credit_id as account_id, t.txid
        from ledger_act c join ledger_transfer t on t.act_id = c.id
        where c.about = any(%s) and t.ref = any(%s) and t.flow = 8 and t.kind = 1
    """,
    is_debit=False,
)


def _lots(asking: _Asking, asked: Sequence[Any], more: Sequence[Any] = ()) -> list[Lot]:
    """Return lots; corrections are looked into only where there are any."""
    rows = _rows(asking.lots, [[], [], *asked, *more])
    if not rows or rows[0][-1]:
        early = _early(_rows(asking.corrections, asked))
        if early:
            known = [list(early), list(early.values())]
            rows = _rows(asking.lots, [*known, *asked, *more])
    return [_lot(row) for row in rows]


def _lot(row: tuple[Any, ...]) -> Lot:
    return Lot(
        payable=row[0],
        amount=int(row[1]),
        owed_transfer=row[2],
        owed_act=row[3],
        owed_flow=row[4],
        owed_hold=row[5],
        owed_ref=row[6],
        owed_from=row[7],
        owed_at=row[8],
        owed_offset=int(row[9]),
        taken_transfer=row[10],
        taken_act=row[11],
        taken_flow=row[12],
        taken_ref=row[13],
        taken_at=row[14],
        taken_offset=int(row[15]),
    )


def _early(rows: Iterable[tuple[Any, ...]]) -> dict[int, int]:
    """Return how much each correction took of what it undoes, before anything had taken that.

    The rest had been taken, and the correction took as much from the head of the queue.
    """
    found: dict[int, int] = {}
    done: dict[int, list[tuple[tuple[int, int], int, int]]] = defaultdict(list)
    for account, number, amount, txid, owed, owed_before, taken_before in rows:
        place = (txid, owed)
        earlier = done[account]
        begins = int(owed_before) - sum(early for at, early, _late in earlier if at < place)
        taken = int(taken_before) + sum(late for _at, _early, late in earlier)
        late = min(max(taken - begins, 0), amount)
        earlier.append((place, amount - late, late))
        found[number] = amount - late
    return found


def lots_paid(abouts: Collection[str], refs: Collection[str]) -> list[Lot]:
    """Return what payments were taken from, as far as they were sent to the bank.

    What came back from the bank and was paid again is followed to what was owed first.

    :param abouts: what the acts are about that sent them, such as `batch:B-2RLX7Q`.
    :param refs: the payments' references, their end-to-end ids.
    """
    if not refs:
        return []
    return _followed(_lots(_INSTRUCTED, [list(abouts), list(refs)]))


def _followed(found: list[Lot]) -> list[Lot]:
    """Return parts of what came back as parts of what was owed first."""
    for _time in range(RETURNS_FOLLOWED):
        again = {lot.owed_ref: _sender(lot.owed_from) for lot in found if _is_return(lot)}
        if not again:
            break
        earlier = _lots(_INSTRUCTED, [sorted(set(again.values())), sorted(again)])
        found = [part for lot in found for part in _within(lot, earlier)]
    return found


def lots_to_pay(payable: str, amount: int, waiting: int = 0) -> list[Lot]:
    """Return what a payment will be taken from that was not sent yet.

    :param waiting: what other payments wait to take from the payable before it.
    """
    found = _lots(_TO_BE_PAID, [payable], [waiting, amount])
    return _followed(found)


def lots_owed(acts: Collection[int]) -> list[Lot]:
    """Return what became of what acts made payable: each part, by what took it.

    A part whose payment came back stands twice if it was paid again: for the payment that came
    back, and for the later one. What nothing took yet has no part.
    """
    if not acts:
        return []
    found = newest = _lots(_OWED_BY, [sorted(set(acts))])
    for _time in range(RETURNS_FOLLOWED):
        sent = [lot for lot in newest if lot.taken_flow == Flow.INSTRUCT]
        if not sent:
            break
        # The batches that they were sent by are told by their clearing accounts.
        abouts = _abouts(sorted({lot.taken_transfer for lot in sent}))
        back = _lots(_SENT_BACK, [abouts, sorted({lot.taken_ref for lot in sent})])
        newest = [part for lot in sent for part in _sent_again(lot, back)]
        if not newest:
            break
        found = found + newest
    return found


def _is_return(lot: Lot) -> bool:
    return lot.owed_flow == Flow.RETURN_PAYMENT


def _sender(clearing: str) -> str:
    return f"batch:{clearing.rpartition(':')[2]}"


def _abouts(transfers: Collection[int]) -> list[str]:
    sql = """
        select distinct c.about from ledger_transfer t join ledger_act c on c.id = t.act_id
        where t.id = any(%s)
    """
    return [row[0] for row in _rows(sql, [list(transfers)])]


def _within(lot: Lot, earlier: Iterable[Lot]) -> list[Lot]:
    """Return a part of what came back as the parts of what had been paid, else itself."""
    if not _is_return(lot):
        return [lot]
    parts = []
    for one in earlier:
        if one.taken_ref != lot.owed_ref or one.payable != lot.payable:
            continue
        begins = max(one.taken_offset, lot.owed_offset)
        ends = min(one.taken_offset + one.amount, lot.owed_offset + lot.amount)
        if begins < ends:
            parts.append(
                replace(
                    one,
                    amount=ends - begins,
                    owed_offset=one.owed_offset + begins - one.taken_offset,
                    taken_transfer=lot.taken_transfer,
                    taken_act=lot.taken_act,
                    taken_flow=lot.taken_flow,
                    taken_ref=lot.taken_ref,
                    taken_at=lot.taken_at,
                    taken_offset=lot.taken_offset + begins - lot.owed_offset,
                )
            )
    return parts or [lot]


def _sent_again(lot: Lot, back: Iterable[Lot]) -> list[Lot]:
    """Return a part whose payment came back, as the parts of the payments that came later."""
    return [
        part
        for again in back
        if again.owed_ref == lot.taken_ref
        for part in _within(again, [lot])
        if part is not again
    ]
