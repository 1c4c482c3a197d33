"""A snapshot saves reading, and never decides: with it or without, each balance is the same."""

from io import StringIO

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from config.roles import libpq_url
from ledger import actions as ledger
from ledger import queries
from ledger.kinds import ActKind, Flow
from tests.ledger.book import (
    NOON,
    at_once,
    begin,
    capture,
    figures,
    has_the_horizon_passed,
    hold,
    open_book,
    seal,
    sum_of_everything,
    superuser,
)

pytestmark = pytest.mark.slow

PAYABLE, CLEARING = "provider_payable:P:O-1", "clearing:P:B-1"
BALANCES = """
    select a.address, b.debit, b.credit, b.pending
    from ledger_account a cross join lateral ledger_balance_of(a.id) b order by 1
"""
AMOUNTS = st.lists(st.integers(1, 20), max_size=4)


@transaction.atomic
def instruct(key, amount):
    move = ledger.Move(Flow.INSTRUCT, PAYABLE, CLEARING, amount)
    ledger.post(begin(key, ActKind.RELEASE_BATCH), [move])


def instruct_at_most(key, amount):
    """Instruct an amount, or nothing where less is owed; return what was instructed."""
    try:
        instruct(key, amount)
    except ledger.NotEnough:
        return 0
    return amount


@transaction.atomic
def redeem(key, count):
    """Let the provider be owed 0.01 so many times."""
    move = ledger.Move(Flow.REDEEM, "voucher:P:V-1", PAYABLE, 1)
    ledger.post(begin(key, ActKind.SETTLE_BILL), [move] * count)


@pytest.fixture(autouse=True)
def a_snapshot_at_every_seal(monkeypatch):
    monkeypatch.setattr(ledger, "SNAPSHOT_AFTER", 1)


def counts_of_rows():
    """Return how many rows of transfers the connection has read so far."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select coalesce(sum(seq_tup_read), 0) + coalesce(sum(idx_tup_fetch), 0)"
            " from pg_stat_xact_user_tables where relname = 'ledger_transfer'"
        )
        return cursor.fetchone()[0]


def rows_read_for(address):
    with transaction.atomic():
        before = counts_of_rows()
        queries.balance(address)
        return counts_of_rows() - before


@given(
    periods=st.lists(st.tuples(AMOUNTS, AMOUNTS), min_size=1, max_size=5),
    after=AMOUNTS,
    data=st.data(),
)
@settings(
    max_examples=12,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
def test_deleting_any_snapshot_changes_no_balance(a_copy, periods, after, data):
    """A snapshot lost the usage before the last checkpoint (OpenMeter PR #4846)."""
    with a_copy() as database:
        open_book(voucher_amount=1_000_00)
        held = hold("h", 1_000_00)
        for period, (captures, instructions) in enumerate(periods):
            for number, amount in enumerate(captures):
                capture(f"c{period}-{number}", held, amount)
            for number, amount in enumerate(instructions):
                instruct_at_most(f"i{period}-{number}", amount)
            has_the_horizon_passed(seconds=0.5)
            ledger.seal(at=NOON)
        for number, amount in enumerate(after):
            capture(f"after {number}", held, amount)

        with superuser(database) as root:
            balances = root.execute(BALANCES).fetchall()
            rows = [
                row[0]
                for row in root.execute("select ctid::text from ledger_snapshot").fetchall()
            ]
            # None where another test's transaction kept every seal back.
            assume(rows)
            some = sorted(data.draw(st.sets(st.sampled_from(rows))))
            for gone in [*([row] for row in rows), some, rows]:
                with root.transaction(force_rollback=True):
                    root.execute(
                        "delete from ledger_snapshot where ctid::text = any(%s)", [gone]
                    )
                    assert root.execute(BALANCES).fetchall() == balances

        assert sum_of_everything() == 0
        assert queries.accounts_out_of_step() == []


def test_snapshots_made_while_value_moves_lose_nothing(committed_db):
    """Snapshots that raced with usage were stale (OpenMeter PR #4999)."""
    open_book(vouchers=8, voucher_amount=100_00)
    holds = [hold(f"h{number}", 100_00, voucher=number + 1) for number in range(8)]

    def keep_busy(number):
        done = 0
        for turn in range(10):
            name = f"{number}-{turn}"
            if number < 8:
                done += capture(name, holds[number], 7)
            elif number < 12:
                done += instruct_at_most(name, 5)
            else:
                ledger.seal(at=NOON)
        return done

    answers = at_once(13, keep_busy)

    assert [one for one in answers if isinstance(one, Exception)] == []
    seal(NOON)
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*) from ledger_snapshot where account_id = any("
            "select id from ledger_account where address = %s)",
            [PAYABLE],
        )
        assert cursor.fetchone()[0] > 0
    instructed = sum(answers[8:12])
    assert sum(answers[:8]) == 560
    assert figures(CLEARING) == (instructed, instructed)
    assert figures(PAYABLE) == (560 - instructed, 560 - instructed)
    assert queries.accounts_out_of_step() == []


def test_reading_a_balance_costs_the_same_however_long_its_history(committed_db):
    """The balance was a sum over all legs, and slowed down with each year
    (hordak PR #76, #126, PR #142)."""
    open_book(budget=1_000_00, voucher_amount=500_00)
    costs = []

    for count in (3_000, 30_000):
        redeem(f"history of {count}", count)
        seal(NOON)
        with psycopg.connect(libpq_url(committed_db.owner_url), autocommit=True) as owner:
            owner.execute("analyze")
        connection.close()
        redeem(f"after {count}", 3)
        costs.append((rows_read_for(PAYABLE), rows_read_for("voucher:P:V-1")))

    # Three transfers after the snapshot; a voucher's balance is a row of its own.
    assert costs == [(3, 0), (3, 0)]
    assert figures(PAYABLE) == (330_06, 330_06)


def test_a_wrong_snapshot_fails_the_proof(committed_db):
    """A checkpoint was checked, and a wrong one did not fail the check (hordak PR #142)."""
    open_book(voucher_amount=100_00)
    redeem("history", 10)
    seal(NOON)
    wrong = """
        update ledger_snapshot set credit = credit + 1
        where account_id = (select id from ledger_account where address = %s)
        returning account_id || '/' || block_seq
    """

    with superuser(committed_db) as root:
        row = root.execute(wrong, [PAYABLE]).fetchone()[0]

    with pytest.raises(CommandError, match=f"first: snapshot {row}: it differs") as failed:
        call_command("verify_ledger", stdout=StringIO())
    assert failed.value.returncode == 1
