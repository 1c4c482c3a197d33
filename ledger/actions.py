"""The only door through which value moves: one thin module over the SQL functions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from psycopg.types.numeric import Int2, Int8

from common.statements import quick_rows
from ledger.acts import (
    ACT_BEGUN,
    SYSTEM,
    Act,
    Request,
    ask_with_act,
    begin,
    begin_as,
    one_row,
    payload_hash,
)
from ledger.kinds import AccountKind, ActKind, Flow
from ledger.refusals import (
    HoldClosed,
    KeyReused,
    NoSuchRoad,
    NotEnough,
    NotReversible,
    PeriodLocked,
    PeriodNotLockable,
    refusals,
)

__all__ = [
    "ACT_BEGUN",
    "SNAPSHOT_AFTER",
    "SYSTEM",
    "Act",
    "Capture",
    "Captured",
    "Held",
    "HoldClosed",
    "KeyReused",
    "Move",
    "NoSuchRoad",
    "NotEnough",
    "NotReversible",
    "PeriodLocked",
    "PeriodNotLockable",
    "Request",
    "ask_with_act",
    "await_closing",
    "begin",
    "begin_as",
    "capture",
    "close_period",
    "lapse",
    "open_account",
    "open_accounts",
    "payload_hash",
    "place_hold",
    "post",
    "release",
    "request_capture",
    "request_hold",
    "reverse",
    "reverse_many",
    "seal",
]

SNAPSHOT_AFTER = 1000


@dataclass(frozen=True, slots=True)
class Move:
    """Value that goes from a debited to a credited account, both named by address."""

    flow: Flow
    debit: str
    credit: str
    amount: int
    ref: str = ""


def open_account(act: Act, address: str, kind: AccountKind, unit: str) -> int:
    """Open an account, or return the number of the one that is open under this address.

    :raises NoSuchRoad: if the address is taken by an account of another kind or unit.
    """
    sql = "select ledger_open_account(%s, %s, %s::smallint, %s)"
    return int(one_row(sql, [act.id, address, kind.value, unit])[0])


def open_accounts(act: Act, addresses: Sequence[str], kind: AccountKind, unit: str) -> int:
    """Open many accounts of a kind at once; those that are open already stay. Return how many.

    :raises NoSuchRoad: if an address is taken by an account of another kind or unit.
    """
    if not addresses:
        return 0
    sql = "select ledger_open_accounts(%s, %s::text[], %s::smallint, %s)"
    return int(one_row(sql, [act.id, _quoted(addresses), kind.value, unit])[0])


def _account_ids(addresses: Iterable[str]) -> dict[str, int]:
    wanted = sorted(set(addresses))
    with connection.cursor() as cursor:
        cursor.execute(
            "select address, id from ledger_account where address = any(%s)", [wanted]
        )
        ids = dict(cursor.fetchall())
    missing = [address for address in wanted if address not in ids]
    if missing:
        raise NoSuchRoad(detail=f"no account {missing[0]}")
    return ids


def post(act: Act, moves: Sequence[Move]) -> None:
    """Move value now: one move or a million, in a constant number of statements.

    :raises NotEnough: if a guarded account would fall below nothing; nothing has moved.
    :raises NoSuchRoad: if an account is unknown, of another unit, or the road is not listed.
    """
    if not moves:
        return
    debited = [move.debit for move in moves]
    credited = [move.credit for move in moves]
    found = _account_ids({*debited, *credited})
    ids = {address: str(number) for address, number in found.items()}
    one_row(
        "select ledger_post("
        "%s, %s::smallint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[])",
        [
            act.id,
            _array(map(int.__repr__, [move.flow for move in moves])),
            _array(map(ids.__getitem__, debited)),
            _array(map(ids.__getitem__, credited)),
            _array(map(int.__repr__, [move.amount for move in moves])),
            _quoted([move.ref for move in moves]),
        ],
    )


def _array(elements: Iterable[str]) -> str:
    """Write an array as PostgreSQL reads it; an adapter would ask each element what it is."""
    return "{" + ",".join(elements) + "}"


def _quoted(texts: Sequence[str]) -> str:
    """Write an array of texts, each within quotation marks."""
    joined = '","'.join(texts)
    if "\\" not in joined and joined.count('"') == 2 * (len(texts) - 1):
        return '{"' + joined + '"}'
    escaped = (text.replace("\\", "\\\\").replace('"', '\\"') for text in texts)
    return '{"' + '","'.join(escaped) + '"}'


def place_hold(act: Act, move: Move, *, expires_at: datetime) -> int:
    """Set value aside without moving it yet, and return the hold's number.

    :raises NotEnough: if the account has less free than the move's amount.
    """
    ids = _account_ids([move.debit, move.credit])
    sql = "select ledger_place_hold(%s, %s::smallint, %s, %s, %s, %s, %s)"
    parameters = [act.id, move.flow.value, ids[move.debit], ids[move.credit]]
    return int(one_row(sql, [*parameters, move.amount, expires_at, move.ref])[0])


@dataclass(frozen=True, slots=True)
class Held:
    """The act that placed a hold, and the hold's number."""

    act: Act
    hold: int


@dataclass(frozen=True, slots=True)
class Captured:
    """The act that captured of a hold, and how much."""

    act: Act
    amount: int


_REQUEST_HOLD = """
    select act_id, replayed, hold_id from ledger_request_hold(
        %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s::smallint, %s, %s, %s, %s, %s)
"""
_REQUEST_CAPTURE = """
    select act_id, replayed, captured from ledger_request_capture(
        %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s, %s)
"""


def request_hold(request: Request, move: Move, *, expires_at: datetime) -> Held:
    """Begin an act and place its one hold, in a single statement; a replay gives the first's.

    Needs no transaction of its own: what it does is done whole or not at all.

    :raises NotEnough: if the account has less free than the move's amount.
    :raises NoSuchRoad: if an account is unknown, of another unit, or the road is not listed.
    :raises KeyReused: if the key was used with another payload.
    """
    flow, amount = Int2(move.flow), Int8(move.amount)
    what = [flow, move.debit, move.credit, amount, expires_at, move.ref]
    act_id, is_replay, hold = _quick_row(_REQUEST_HOLD, [*request.words(), *what])
    return Held(Act(act_id, is_replay, request.at), hold)


def request_capture(request: Request, capture: "Capture") -> Captured:
    """Begin an act and capture of one hold, in a single statement; a replay gives the first's.

    :raises HoldClosed: if the hold is closed, unknown, or has less left.
    :raises KeyReused: if the key was used with another payload.
    """
    what = [Int8(capture.hold), Int8(capture.amount), capture.is_final]
    act_id, is_replay, amount = _quick_row(_REQUEST_CAPTURE, [*request.words(), *what])
    return Captured(Act(act_id, is_replay, request.at), amount)


def _quick_row(sql: str, parameters: Sequence[Any]) -> tuple[Any, ...]:
    with refusals():
        (row,) = quick_rows(sql, parameters)
    return row


@dataclass(frozen=True, slots=True)
class Capture:
    """How much of a hold becomes payable; a final capture frees what is left."""

    hold: int
    amount: int
    is_final: bool


def capture(act: Act, captures: Sequence[Capture]) -> int:
    """Turn held value into a posted move, each hold named once; return the amount captured.

    :raises HoldClosed: if a hold is closed, unknown, or has less left.
    """
    if not captures:
        return 0
    return int(
        one_row(
            "select ledger_capture(%s, %s::bigint[], %s::bigint[], %s::boolean[])",
            [
                act.id,
                [one.hold for one in captures],
                [one.amount for one in captures],
                [one.is_final for one in captures],
            ],
        )[0]
    )


def release(act: Act, holds: Sequence[int]) -> None:
    """Free what is left of holds.

    :raises HoldClosed: if one is not open.
    """
    one_row("select ledger_release(%s, %s::bigint[])", [act.id, list(holds)])


def lapse(act: Act, holds: Sequence[int]) -> None:
    """Free what is left of holds whose time has passed at the act's instant.

    :raises HoldClosed: if one is not open, or its time has not passed.
    """
    one_row("select ledger_lapse(%s, %s::bigint[])", [act.id, list(holds)])


def reverse(act: Act, transfer: int, *, ref: str) -> int:
    """Undo a transfer by another one in the opposite direction, once.

    :raises NotReversible: if it is unknown, only held, or reversed already.
    :raises NotEnough: if the value has moved on.
    """
    return int(one_row("select ledger_reverse(%s, %s, %s)", [act.id, transfer, ref])[0])


def close_period(act: Act, programme: str, begins: datetime, ends: datetime) -> None:
    """Lock [begins, ends) of a programme's accounts for good: nothing is dated in it any more.

    Waits for whatever is being dated in it, and counts it; the proof compares the count.

    :param programme: its code, the second part of its accounts' addresses.
    :raises PeriodNotLockable: if the act comes before its end, or some of it is locked.
    """
    one_row("select ledger_close_period(%s, %s, %s, %s)", [act.id, programme, begins, ends])


def await_closing(programme: str) -> None:
    """Wait until no period of a programme is being closed; none is until the commit.

    For what must not come into a closed period and moves no value: it looks after this.
    """
    one_row("select ledger_await_closing(%s)", [programme])


def reverse_many(act: Act, refs: Mapping[int, str]) -> None:
    """Undo transfers, given with what to call each, in one statement and each once.

    :raises NotReversible: if one is unknown, only held, or reversed already; nothing has moved.
    :raises NotEnough: if the value of one has moved on; nothing has moved.
    """
    if not refs:
        return
    one_row(
        "select ledger_reverse_many(%s, %s::bigint[], %s::text[])",
        [act.id, _array(map(int.__repr__, refs)), _quoted(list(refs.values()))],
    )


@transaction.atomic
def seal(*, at: datetime) -> int | None:
    """Chain all ended acts into the next block, and return its number, or nothing to seal.

    Sealers at once make one block: each waits for the other, and then sees what it sealed.
    """
    one_row("select ledger_await_sealer()", [])
    (waiting,) = one_row("select ledger_unsealed()", [])
    if not waiting:
        return None
    (newest,) = one_row("select coalesce(max(seq), 0) from ledger_block", [])
    act = begin(
        kind=ActKind.SEAL,
        key=str(newest + 1),
        actor=SYSTEM,
        about=f"block:{newest + 1}",
        at=at,
        payload={},
    )
    if act.is_replay:
        return None
    return int(one_row("select ledger_seal(%s, %s)", [act.id, SNAPSHOT_AFTER])[0])
