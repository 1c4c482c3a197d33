"""Send a request to the ledger through its own door, and say what came back."""

import contextlib
import dataclasses
import os
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction

from bench.chaos.model import Answer, Request
from common.errors import Refused
from ledger import actions as ledger
from ledger.kinds import AccountKind, ActKind, Flow

# Whoever holds this lock keeps requests inside their transactions, after they have written.
WAIT_POINT = (727_900, 3)
FIRST = datetime(2025, 1, 1, tzinfo=UTC)
UNIT = "CNY"
LOST = Answer("lost")
# What a broken session or a server that is starting says; anything else is a bug.
_BROKEN = ("57P", "08", "53")


class _Cut(Exception):
    """The harness has cut its own connection."""


def instant(second: int) -> datetime:
    """Return the instant of a second of the book's own time."""
    return FIRST + timedelta(seconds=second)


def send(request: Request, *, point: str = "", cut: str = "") -> Answer:
    """Send a request once; a connection that breaks gives an answer that is lost.

    `point` names where in its transaction it passes the wait point. `cut` breaks the connection:
    `within` at some moment of the request, `commit` after the commit was sent.
    """
    scissors = _scissors(request.at) if cut == "within" else contextlib.nullcontext()
    try:
        with scissors, transaction.atomic():
            answer = _perform(request, point)
            if cut == "commit":
                _commit_and_cut()
    except Refused as refused:
        return Answer(refused.code, facts=_plain(refused.values))
    except _Cut:
        forget_connection()
        return LOST
    except (OperationalError, InterfaceError) as error:
        forget_connection()
        return LOST if is_broken(error) else _strange(error)
    except DatabaseError as error:
        forget_connection()
        return _strange(error)
    return answer


def _perform(request: Request, point: str) -> Answer:
    words = ledger.Request(
        kind=ActKind(request.kind),
        key=request.key,
        actor=ledger.SYSTEM,
        about="chaos",
        at=instant(request.at),
        payload=request.content(),
        reason=request.identity,
    )
    if not point and request.at % 2:
        answer = _in_one_statement(words, request)
        if answer is not None:
            return answer
    act = ledger.begin(**dataclasses.asdict(words))
    if act.is_replay:
        return Answer("", act.id, True, _number(request, act.id))
    if point == "begun":
        _wait()
    number = _move(act, request)
    if point == "moved":
        _wait()
    return Answer("", act.id, False, number)


def _in_one_statement(words: ledger.Request, request: Request) -> Answer | None:
    """Ask for a lone hold or a lone capture as the hot path does; None for anything else.

    Every other request that could go this way does, so that one key is sent both ways.
    """
    if request.opens or request.moves or request.releases or request.lapses:
        return None
    if request.hold and not request.captures:
        flow, debit, credit, amount, expires_at = request.hold
        move = _move_of(flow, debit, credit, amount)
        held = ledger.request_hold(words, move, expires_at=instant(expires_at))
        return Answer("", held.act.id, held.act.is_replay, held.hold)
    if len(request.captures) == 1 and not request.hold and request.reverses is None:
        taken = ledger.request_capture(words, ledger.Capture(*request.captures[0]))
        return Answer("", taken.act.id, taken.act.is_replay, 0)
    return None


def _move(act: ledger.Act, request: Request) -> int:
    """Do what is asked; return the number of the hold placed, or the amount put back."""
    for address, kind in request.opens:
        ledger.open_account(act, address, AccountKind(kind), UNIT)
    ledger.post(act, [_move_of(*move) for move in request.moves])
    ledger.capture(act, [ledger.Capture(*one) for one in request.captures])
    if request.releases:
        ledger.release(act, request.releases)
    if request.lapses:
        ledger.lapse(act, request.lapses)
    if request.hold:
        flow, debit, credit, amount, expires_at = request.hold
        move = _move_of(flow, debit, credit, amount)
        return ledger.place_hold(act, move, expires_at=instant(expires_at))
    if request.reverses is not None:
        transfer, amount = _transfer_to_reverse(request.reverses)
        ledger.reverse(act, transfer, ref="")
        return amount
    return 0


def _move_of(flow: int, debit: str, credit: str, amount: int) -> ledger.Move:
    return ledger.Move(Flow(flow), debit, credit, amount)


def _transfer_to_reverse(what: int) -> tuple[int, int]:
    column = "hold_id" if what < 0 else "act_id"
    return _row(
        f"select id, amount from ledger_transfer where {column} = %s and kind in (1, 3)"
        " order by id limit 1",
        abs(what),
    ) or (0, 0)


def _number(request: Request, act: int) -> int:
    """Return the number that the first sending was answered."""
    if request.hold:
        found = _row("select id, 0 from ledger_transfer where act_id = %s and kind = 2", act)
    elif request.reverses is not None:
        found = _row(
            "select amount, 0 from ledger_transfer where act_id = %s and kind = 5", act
        )
    else:
        return 0
    return found[0] if found else 0


def _row(question: str, *values: Any) -> tuple[int, int] | None:
    with connection.cursor() as cursor:
        cursor.execute(question, values)
        return cursor.fetchone()  # type: ignore[no-any-return]


def _wait() -> None:
    """Pass the wait point: held up there, this transaction has written and can't commit."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock_shared(%s, %s)", WAIT_POINT)


# --- connections ----------------------------------------------------------------------------


def _socket_of_session() -> socket.socket | None:
    session = connection.connection
    if session is None or session.closed:
        return None
    with contextlib.suppress(psycopg.OperationalError, OSError):
        return socket.socket(fileno=os.dup(session.fileno()))
    return None


def _commit_and_cut() -> None:
    """Send the commit, and cut the line before its answer: it may have been done or not."""
    session: Any = connection.connection
    line = _socket_of_session()
    if line is not None:
        with line:
            session.pgconn.send_query(b"COMMIT")
            session.pgconn.flush()
            line.shutdown(socket.SHUT_RDWR)
    raise _Cut


@contextlib.contextmanager
def _scissors(number: int) -> Any:
    """Cut the line within the next milliseconds, which ones by the request's number."""
    with contextlib.suppress(OperationalError):
        connection.ensure_connection()
    line = _socket_of_session()
    if line is None:
        yield
        return
    with line:
        snip = threading.Timer((number % 17) / 5_000, _shut, [line])
        snip.start()
        try:
            yield
        finally:
            snip.cancel()
            snip.join()


def _shut(line: socket.socket) -> None:
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def forget_connection() -> None:
    """Let go of a broken connection, so that the next request makes a new one."""
    with contextlib.suppress(DatabaseError):
        connection.close()
    connection.connection = None
    connection.in_atomic_block = False
    connection.savepoint_ids = []
    connection.needs_rollback = False
    connection.closed_in_transaction = False


def is_broken(error: DatabaseError | InterfaceError) -> bool:
    """Say whether the session or the server ended, so that nobody knows the answer."""
    state = getattr(error.__cause__, "sqlstate", None) or ""
    return not state or state.startswith(_BROKEN)


def _strange(error: DatabaseError | InterfaceError) -> Answer:
    """Return an answer that no request may get, such as a deadlock's."""
    state = getattr(error.__cause__, "sqlstate", None) or "?"
    return Answer(f"error {state}", facts=(("words", str(error)[:300]),))


def _plain(values: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple((name, value) for name, value in values.items() if not isinstance(value, dict))


def pause(tries: int) -> None:
    """Wait before sending again what was lost: the server may be starting."""
    time.sleep(min(0.02 * tries, 0.25))
