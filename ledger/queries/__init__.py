"""What the ledger knows: balances now and then, statements, acts, and its own proof."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from ledger.kinds import ACCOUNT_KINDS, FLOWS, Flow
from ledger.models import Account, Act, Period, Transfer

PROOF_MEMORY = "128MB"


@dataclass(frozen=True, slots=True)
class Balance:
    """An account's totals; `free` is what may still be held or moved, all in its one unit."""

    address: str
    unit: str
    debit: int
    credit: int
    pending: int

    @property
    def net(self) -> int:
        """Credit less debit: what is there, held value included."""
        return self.credit - self.debit

    @property
    def free(self) -> int:
        """What is there and not held."""
        return self.credit - self.debit - self.pending


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an account's statement; `amount` is signed, `balance` is after it."""

    at: datetime
    act_id: int
    act_kind: str
    other: str
    kind: int
    amount: int
    balance: int
    ref: str
    transfer_id: int


@dataclass(frozen=True, slots=True)
class Broken:
    """A row that contradicts the rows beside it."""

    table: str
    row: str
    what: str


def _rows(sql: str, parameters: Iterable[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, list(parameters))
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def balances(addresses: Iterable[str]) -> dict[str, Balance]:
    """Return the balances of many accounts now, by address; unknown ones are left out."""
    sql = """
        select a.address, a.unit, b.debit, b.credit, b.pending
        from ledger_account a cross join lateral ledger_balance_of(a.id) b
        where a.address = any(%s)
    """
    found = [
        Balance(address, unit, int(debit), int(credit), int(pending))
        for address, unit, debit, credit, pending in _rows(sql, [sorted(set(addresses))])
    ]
    return {balance.address: balance for balance in found}


def balance(address: str) -> Balance:
    """Return an account's balance now.

    :raises KeyError: if no account has this address.
    """
    return balances([address])[address]


_AS_OF = """
    select a.address, a.kind, a.unit,
        coalesce(sum(t.amount) filter (where t.debit_id = a.id and t.kind in (1, 3, 5)), 0),
        coalesce(sum(t.amount) filter (where t.credit_id = a.id and t.kind in (1, 3, 5)), 0),
        coalesce(sum(case when t.kind = 2 then t.amount else -t.amount end)
            filter (where t.debit_id = a.id and t.kind in (2, 3, 4, 6)), 0)
    from ledger_account a
    left join ledger_transfer t on (t.debit_id = a.id or t.credit_id = a.id) and t.at <= %s
    where {where}
    group by a.id order by a.kind, a.address
"""


def balance_as_of(address: str, at: datetime) -> Balance:
    """Return an account's balance as it stood after everything up to an instant.

    :raises KeyError: if no account has this address.
    """
    rows = _rows(_AS_OF.format(where="a.address = %s"), [at, address])
    if not rows:
        raise KeyError(address)
    return _balance_of(rows[0])


def _balance_of(row: tuple[Any, ...]) -> Balance:
    address, _kind, unit, debit, credit, pending = row
    return Balance(address, unit, int(debit), int(credit), int(pending))


def balances_as_of(prefixes: Iterable[str], at: datetime) -> dict[str, Balance]:
    """Return the balances, at an instant, of all accounts whose address begins with a prefix."""
    patterns = [prefix.replace("_", r"\_") + "%" for prefix in prefixes]
    rows = _rows(_AS_OF.format(where="a.address like any(%s)"), [at, patterns])
    return {row[0]: _balance_of(row) for row in rows}


_STATEMENT = """
    select t.at, t.act_id, c.kind, o.address, t.kind,
        case when t.credit_id = a.id then t.amount else -t.amount end, t.ref, t.id
    from ledger_account a
    join ledger_transfer t on t.debit_id = a.id or t.credit_id = a.id
    join ledger_act c on c.id = t.act_id
    join ledger_account o
        on o.id = case when t.credit_id = a.id then t.debit_id else t.credit_id end
    where a.address = %s and t.kind in (1, 3, 5)
    order by t.at, t.id
"""


def statement(address: str) -> list[Entry]:
    """Return every posted move of an account, oldest first, with the balance after each."""
    entries: list[Entry] = []
    running = 0
    for at, act_id, act_kind, other, kind, amount, ref, transfer_id in _rows(
        _STATEMENT, [address]
    ):
        running += amount
        entries.append(
            Entry(at, act_id, act_kind, other, kind, amount, running, ref, transfer_id)
        )
    return entries


def hold_remaining(hold: int) -> int:
    """Return what is left of a hold, in its account's unit; nothing if there is no such hold."""
    rows = _rows("select remaining from ledger_hold where id = %s", [hold])
    return int(rows[0][0]) if rows else 0


def holds_remaining(holds: Iterable[int]) -> dict[int, int]:
    """Return what is left of many holds, by their number."""
    rows = _rows(
        "select id, remaining from ledger_hold where id = any(%s)", [sorted(set(holds))]
    )
    return {hold: int(remaining) for hold, remaining in rows}


def holds_lapsed_by(at: datetime) -> list[int]:
    """Return the open holds whose time has passed at an instant, oldest first."""
    sql = "select id from ledger_hold where state = 1 and expires_at <= %s order by expires_at, id"
    return [int(row[0]) for row in _rows(sql, [at])]


def acts_about(about: str) -> QuerySet[Act]:
    """Return all that was done about a thing, oldest first."""
    return Act.objects.filter(about=about).order_by("at", "id")


def act_of(act_id: int) -> Act:
    """Return one act with its transfers and their accounts.

    :raises Act.DoesNotExist: if there is none.
    """
    return Act.objects.prefetch_related("transfers__debit", "transfers__credit").get(id=act_id)


def act_found(act_id: int) -> Act | None:
    """Return one act, or None if there is none of this number."""
    return Act.objects.filter(id=act_id).first()


def transfer_found(transfer_id: int) -> Transfer | None:
    """Return one transfer with its accounts, or None if there is none of this number."""
    return Transfer.objects.select_related("debit", "credit").filter(id=transfer_id).first()


def transfers_of(act_id: int) -> QuerySet[Transfer]:
    """Return the transfers of an act in their order."""
    return (
        Transfer.objects.filter(act_id=act_id)
        .select_related("debit", "credit")
        .order_by("position")
    )


def transfer_of(number: int) -> Transfer:
    """Return one transfer by its number.

    :raises Transfer.DoesNotExist: if there is none.
    """
    return Transfer.objects.select_related("debit", "credit").get(id=number)


def standing_transfers(about: str, flow: Flow, refs: Iterable[str]) -> dict[str, int]:
    """Return the transfers of a flow that acts about a thing made and none has reversed, by ref.

    Where several stand under one ref, it is the newest.
    """
    sql = """
        select t.ref, max(t.id) from ledger_act a join ledger_transfer t on t.act_id = a.id
        where a.about = %s and t.flow = %s and t.kind = 1 and t.ref = any(%s)
            and not exists (select from ledger_transfer r where r.reverses_id = t.id)
        group by t.ref
    """
    return dict(_rows(sql, [about, flow.value, sorted(set(refs))]))


def acts_found(words: str) -> QuerySet[Act]:
    """Return acts whose subject, kind or actor contains the words, newest first."""
    found = Act.objects.exclude(kind="seal").order_by("-at", "-id")
    if words:
        found = found.filter(
            Q(about__icontains=words) | Q(kind__icontains=words) | Q(actor=words)
        )
    return found


def accounts_found(words: str) -> QuerySet[Account]:
    """Return accounts whose address contains the words, in the chart's order."""
    return Account.objects.filter(address__icontains=words).order_by("kind", "address")


def periods_closed(programme: str) -> list[tuple[datetime, datetime]]:
    """Return the closed times [begins, ends) of a programme's accounts, oldest first."""
    found = Period.objects.filter(programme=programme).order_by("begins")
    return list(found.values_list("begins", "ends"))


def accounts_out_of_step() -> list[Broken]:
    """Return every row of the ledger that contradicts the rows beside it, gravest kind first."""
    sql = "select table_name, row_id, what from ledger_broken order by rank, table_name, row_id"
    with transaction.atomic():
        # The proof sorts and hashes every row there is; on disk that takes longer than the proof.
        _rows("select set_config('work_mem', %s, true)", [PROOF_MEMORY])
        found = [Broken(*row) for row in _rows(sql, [])]
    return _vocabulary_out_of_step() + found


def _vocabulary_out_of_step() -> list[Broken]:
    kinds = {row.kind.value: (row.kind.name, row.guard, row.is_kept) for row in ACCOUNT_KINDS}
    flows = {(f.value, d.value, c.value): f.name for f, d, c in FLOWS}
    told_kinds = {row[0]: row[1:] for row in _rows("select * from ledger_kind", [])}
    told_flows = {
        (row[0], row[2], row[3]): row[1] for row in _rows("select * from ledger_flow", [])
    }
    broken = [
        Broken("kind", str(kind), "it differs from the chart of accounts")
        for kind in sorted(kinds.keys() | told_kinds.keys())
        if kinds.get(kind) != told_kinds.get(kind)
    ]
    return broken + [
        Broken("flow", "/".join(map(str, flow)), "it differs from the listed roads")
        for flow in sorted(flows.keys() | told_flows.keys())
        if flows.get(flow) != told_flows.get(flow)
    ]


@dataclass(frozen=True, slots=True)
class Extent:
    """How much the ledger holds, for the proof's report."""

    acts: int
    transfers: int
    accounts: int
    blocks: int
    unsealed: int
    head: str


def extent() -> Extent:
    """Return the ledger's size, what is not sealed yet, and the hash of its newest block."""
    sql = """
        select (select count(*) from ledger_act), (select count(*) from ledger_transfer),
            (select count(*) from ledger_account), (select count(*) from ledger_block),
            (select count(*) from ledger_act
             where txid >= coalesce((select max(to_txid) from ledger_block), 0)),
            coalesce((select encode(hash, 'hex') from ledger_block order by seq desc limit 1), '')
    """
    return Extent(*_rows(sql, [])[0])


@dataclass(frozen=True, slots=True)
class FlowTotal:
    """All that moved, was held or was freed on one road of one programme up to an instant.

    `flow` is a `Flow`, `transfer_kind` a `TransferKind`, the two kinds `AccountKind`s; a
    reversal stands with its own direction, from the road's credited kind to the debited one.
    """

    programme: str
    unit: str
    flow: int
    transfer_kind: int
    debit_kind: int
    credit_kind: int
    amount: int


_FLOWS_AS_OF = """
    select split_part(d.address, ':', 2), d.unit, t.flow, t.kind, d.kind, c.kind, sum(t.amount)
    from ledger_transfer t
    join ledger_account d on d.id = t.debit_id
    join ledger_account c on c.id = t.credit_id
    where t.at <= %s and (%s = '' or split_part(d.address, ':', 2) = %s)
    group by 1, 2, 3, 4, 5, 6 order by 1, 2, 3, 4, 5, 6
"""


def flows_as_of(at: datetime, programme: str = "") -> list[FlowTotal]:
    """Return what moved on each road up to an instant, of one programme or of all.

    Every balance of a kind of account follows from these rows. The programme of an account is
    the second part of its address.
    """
    rows = _rows(_FLOWS_AS_OF, [at, programme, programme])
    return [
        FlowTotal(code, unit, flow, kind, debit_kind, credit_kind, int(amount))
        for code, unit, flow, kind, debit_kind, credit_kind, amount in rows
    ]


@dataclass(frozen=True, slots=True)
class Consumed:
    """What was taken from a voucher toward one account; reversals are taken off.

    `hold` is the hold it was captured from; without one, `act_id` is the act that moved it.
    `first_at` is when it was first taken.
    """

    programme: str
    unit: str
    voucher: str
    toward: str
    hold: int | None
    act_id: int | None
    amount: int
    first_at: datetime


_CONSUMED_AS_OF = """
    select split_part(v.address, ':', 2), v.unit, v.address, w.address, o.hold_id,
        case when o.hold_id is null then o.act_id end,
        sum(case when t.kind = 5 then -t.amount else t.amount end), min(t.at)
    from ledger_transfer t
    left join ledger_transfer r on r.id = t.reverses_id
    cross join lateral (
        select coalesce(r.hold_id, t.hold_id) as hold_id, coalesce(r.act_id, t.act_id) as act_id
    ) o
    join ledger_account v on v.id = case when t.kind = 5 then t.credit_id else t.debit_id end
    join ledger_account w on w.id = case when t.kind = 5 then t.debit_id else t.credit_id end
    where t.flow in (3, 4, 5) and t.kind in (1, 3, 5) and t.at <= %s
        and (%s = '' or split_part(v.address, ':', 2) = %s)
    group by 1, 2, 3, 4, 5, 6 order by 1, 3, 4, 5, 6
"""


def consumed_as_of(at: datetime, programme: str = "") -> list[Consumed]:
    """Return what was redeemed, claimed or delivered up to an instant, by voucher and hold."""
    rows = _rows(_CONSUMED_AS_OF, [at, programme, programme])
    return [
        Consumed(code, unit, voucher, toward, hold, act_id, int(amount), first_at)
        for code, unit, voucher, toward, hold, act_id, amount, first_at in rows
    ]


@dataclass(frozen=True, slots=True)
class VoucherMoves:
    """A voucher's account up to an instant: what was issued to it, when value first left it.

    `first_at` is its first hold or, where value moves without one, its first move out.
    """

    programme: str
    unit: str
    address: str
    issued: int
    first_at: datetime | None


_VOUCHERS_AS_OF = """
    select split_part(v.address, ':', 2), v.unit, v.address,
        coalesce(sum(case when t.kind = 5 then -t.amount else t.amount end)
            filter (where t.flow = 2 and t.kind in (1, 5)), 0),
        min(t.at) filter (where t.flow in (3, 4, 5) and t.kind in (1, 2))
    from ledger_transfer t
    cross join lateral (values (t.debit_id), (t.credit_id)) as side (account_id)
    join ledger_account v on v.id = side.account_id and v.kind = 30
    where t.at <= %s and (%s = '' or split_part(v.address, ':', 2) = %s)
    group by 1, 2, 3 order by 1, 3
"""


def vouchers_as_of(at: datetime, programme: str = "") -> list[VoucherMoves]:
    """Return every voucher that value was issued to up to an instant."""
    rows = _rows(_VOUCHERS_AS_OF, [at, programme, programme])
    return [
        VoucherMoves(code, unit, address, int(issued), first_at)
        for code, unit, address, issued, first_at in rows
    ]


def ended_below() -> int:
    """Return the transaction number below which every act that will ever be is here to read.

    Acts take their numbers before they commit, so a newer act may be seen before an older one;
    whoever reads acts in turn may forget those below this line, and no others.
    """
    return int(_rows("select pg_snapshot_xmin(pg_current_snapshot())::text::bigint", [])[0][0])
