"""A small book to test with: one programme's accounts, and moves between them."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from config.roles import libpq_url
from ledger import actions as ledger
from ledger import queries
from ledger.kinds import AccountKind, ActKind, Flow

NOON = datetime(2025, 6, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=30)
MAY = datetime(2025, 5, 1, tzinfo=UTC)
JUNE = datetime(2025, 6, 1, tzinfo=UTC)
JULY = datetime(2025, 7, 1, tzinfo=UTC)
UNIT = "CNY"


def begin(
    key: str, kind: ActKind = ActKind.CORRECT_TRANSFER, at: datetime = NOON, **payload: Any
) -> ledger.Act:
    return ledger.begin(
        kind=kind, key=key, actor="user:1", about="voucher:P:V-1", at=at, payload=payload
    )


@transaction.atomic
def open_book(budget: int = 1_000_00, vouchers: int = 1, voucher_amount: int = 0) -> None:
    """Open the accounts of programme P, allot a budget, issue to each voucher."""
    act = begin("open the book")
    for address, kind in (
        ("appropriation:P:2025", AccountKind.APPROPRIATION),
        ("available:P", AccountKind.AVAILABLE),
        ("provider_payable:P:O-1", AccountKind.PROVIDER_PAYABLE),
        ("clearing:P:B-1", AccountKind.CLEARING),
        ("paid:P", AccountKind.PAID),
        ("expired:P", AccountKind.EXPIRED),
        ("lapsed:P", AccountKind.LAPSED),
    ):
        ledger.open_account(act, address, kind, UNIT)
    for number in range(1, vouchers + 1):
        ledger.open_account(act, f"voucher:P:V-{number}", AccountKind.VOUCHER, UNIT)
    moves = [ledger.Move(Flow.ALLOT, "appropriation:P:2025", "available:P", budget)]
    if voucher_amount:
        moves += [
            ledger.Move(Flow.ISSUE, "available:P", f"voucher:P:V-{number}", voucher_amount)
            for number in range(1, vouchers + 1)
        ]
    ledger.post(act, moves)


@transaction.atomic
def issue(key: str, amount: int, voucher: int = 1) -> ledger.Act:
    act = begin(key, ActKind.ISSUE_VOUCHER, amount=amount, voucher=voucher)
    if not act.is_replay:
        move = ledger.Move(Flow.ISSUE, "available:P", f"voucher:P:V-{voucher}", amount)
        ledger.post(act, [move])
    return act


@transaction.atomic
def hold(key: str, amount: int, voucher: int = 1, expires_at: datetime = LATER) -> int | None:
    """Place a hold and return its number, or nothing where it was placed before."""
    act = begin(key, ActKind.PLACE_HOLD, amount=amount, voucher=voucher)
    if act.is_replay:
        return None
    move = ledger.Move(Flow.REDEEM, f"voucher:P:V-{voucher}", "provider_payable:P:O-1", amount)
    return ledger.place_hold(act, move, expires_at=expires_at)


@transaction.atomic
def capture(key: str, hold: int, amount: int, is_final: bool = False) -> int:
    act = begin(key, ActKind.SETTLE_BILL, hold=hold, amount=amount, is_final=is_final)
    return 0 if act.is_replay else ledger.capture(act, [ledger.Capture(hold, amount, is_final)])


@transaction.atomic
def lapse(key: str, hold: int, at: datetime) -> None:
    ledger.lapse(begin(key, ActKind.LAPSE_HOLD, at=at), [hold])


@transaction.atomic
def reverse(key: str, transfer: int) -> int:
    act = begin(key, transfer=transfer)
    return 0 if act.is_replay else ledger.reverse(act, transfer, ref="")


@transaction.atomic
def close(key: str, begins: datetime, ends: datetime, programme: str = "P") -> ledger.Act:
    """Close a period of a programme a month after it is over."""
    at = ends + timedelta(days=30)
    act = begin(key, ActKind.CLOSE_PERIOD, at=at, begins=begins, ends=ends, programme=programme)
    if not act.is_replay:
        ledger.close_period(act, programme, begins, ends)
    return act


def figures(address: str) -> tuple[int, int]:
    """What is there and what of it is free."""
    balance = queries.balance(address)
    return balance.net, balance.free


def sum_of_everything() -> int:
    """Credits less debits over all accounts; anything but nothing is a broken book."""
    with connection.cursor() as cursor:
        cursor.execute("select coalesce(sum(credit - debit), 0) from ledger_entry")
        return int(cursor.fetchone()[0])


def has_the_horizon_passed(seconds: float) -> bool:
    """Wait until every earlier transaction of the whole server has ended, or time is up.

    The horizon is the server's: a test of another worker may hold it back for a while.
    """
    horizon = """
        select pg_snapshot_xmin(pg_current_snapshot())::text::bigint > max(txid) from ledger_act
    """
    deadline = time.monotonic() + seconds
    with connection.cursor() as cursor:
        while True:
            cursor.execute(horizon)
            has_passed = bool(cursor.fetchone()[0])
            if has_passed or time.monotonic() > deadline:
                return has_passed
            time.sleep(0.05)


def seal(at: datetime) -> int | None:
    """Seal everything that was done."""
    has_the_horizon_passed(seconds=60)
    return ledger.seal(at=at)


def superuser(database: Any) -> psycopg.Connection:
    """Connect as somebody whom no trigger and no right holds back."""
    root = psycopg.connect(libpq_url(database.superuser_url), autocommit=True)
    try:
        root.execute("set session_replication_role = replica")
    except psycopg.errors.InsufficientPrivilege:
        pytest.skip("On a server of one's own, name a superuser in TESSERA_TEST_SUPERUSER_URL.")
    return root


def at_once(count: int, ask: Callable[[int], Any]) -> list[Any]:
    """Ask `count` times from as many threads at one moment; refusals are answers too."""
    gate = threading.Barrier(count)
    answers: list[Any] = [None] * count

    def run(number: int) -> None:
        gate.wait()
        try:
            answers[number] = ask(number)
        except Exception as error:
            answers[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return answers
