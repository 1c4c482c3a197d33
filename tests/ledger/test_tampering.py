"""A row changed behind the ledger's back is found and named: every column of every table.

The columns come from the database's own catalogue, so that a new one is covered on the day it
is added. The changes are made as a superuser with triggers and foreign keys switched off.
"""

import json
from datetime import timedelta
from io import StringIO

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from config.roles import libpq_url
from ledger import actions as ledger
from ledger import queries
from tests.ledger.book import (
    JUNE,
    LATER,
    MAY,
    NOON,
    begin,
    capture,
    close,
    figures,
    hold,
    issue,
    lapse,
    open_book,
    seal,
    sum_of_everything,
    superuser,
)

pytestmark = pytest.mark.slow

TABLES = {
    "ledger_kind": "kind",
    "ledger_flow": "flow",
    "ledger_act": "id",
    "ledger_key": "key",
    "ledger_account": "id",
    "ledger_balance": "account_id",
    "ledger_transfer": "id",
    "ledger_hold": "id",
    "ledger_block": "seq",
    "ledger_snapshot": "account_id",
    "ledger_period": "act_id",
}

# Another value of the same type, whatever stands there.
OTHER = {
    "bigint": "coalesce({c}, 0) + 1",
    "integer": "coalesce({c}, 0) + 1",
    "smallint": "coalesce({c}, 0) + 1",
    "numeric": "coalesce({c}, 0) + 1",
    "text": "coalesce({c}, '') || 'x'",
    "boolean": "not {c}",
    "jsonb": "{c} || '{{\"x\": 1}}'",
    "bytea": "{c} || '\\x00'",
    "timestamp with time zone": "coalesce({c}, '2025-01-01') + interval '1 second'",
}


@pytest.fixture
def book(committed_db, monkeypatch):
    """A book with a row of every kind in every table, some sealed and some not."""
    monkeypatch.setattr(ledger, "SNAPSHOT_AFTER", 1)
    open_book(budget=5_000_00, vouchers=2, voucher_amount=400_00)
    held = hold("h1", 300_00)
    capture("c1", held, 100_00)
    close("May", MAY, JUNE)
    seal(NOON)
    return committed_db


def add_unsealed_rows():
    issue("later", 5_00, voucher=2)
    held = hold("h2", 50_00, voucher=2)
    capture("c2", held, 20_00, is_final=True)
    lapsed = hold("h3", 10_00, voucher=2)
    lapse("l3", lapsed, LATER)
    close("June", JUNE, LATER - timedelta(days=1))


def columns():
    """Every column of every ledger table, from the catalogue of a migrated database."""
    return """
        select table_name, column_name, data_type from information_schema.columns
        where table_schema = 'public' and table_name like 'ledger\\_%'
          and table_name in (select tablename from pg_tables where schemaname = 'public')
        order by 1, ordinal_position
    """


def told(expected_table):
    with pytest.raises(CommandError) as caught:
        call_command("verify_ledger", stdout=StringIO())
    assert "broken; first:" in str(caught.value)
    report = queries.accounts_out_of_step()
    assert report
    return report


@pytest.mark.parametrize("is_sealed", [True, False], ids=["sealed", "not yet sealed"])
def test_every_changed_column_is_found_and_named(book, is_sealed):
    add_unsealed_rows()
    if is_sealed:
        seal(LATER)
    missed, seen = [], set()
    with superuser(book) as root:
        catalogue = root.execute(columns()).fetchall()
        assert {row[0] for row in catalogue} == set(TABLES)
        for table, column, kind in catalogue:
            if table in ("ledger_block", "ledger_snapshot") and not is_sealed:
                continue
            seen.add(table)
            for order in ("asc", "desc"):
                row = root.execute(
                    f"select ctid, {TABLES[table]}::text from {table} order by {TABLES[table]} {order} limit 1"
                ).fetchone()
                change = OTHER[kind].format(c=column)
                with root.transaction(force_rollback=True):
                    for check in root.execute(
                        "select conname from pg_constraint where contype = 'c' and conrelid = %s::regclass",
                        [table],
                    ).fetchall():
                        root.execute(f"alter table {table} drop constraint {check[0]}")
                    for index in root.execute(
                        "select conname from pg_constraint where contype in ('u', 'p') and conrelid = %s::regclass",
                        [table],
                    ).fetchall():
                        root.execute(f"alter table {table} drop constraint {index[0]} cascade")
                    root.execute(
                        f"update {table} set {column} = {change} where ctid = %s", [row[0]]
                    )
                    broken = root.execute(
                        "select table_name, row_id, what from ledger_broken"
                    ).fetchall()
                    if table in ("ledger_kind", "ledger_flow"):
                        stored = root.execute(f"select * from {table} order by 1, 2").fetchall()
                        if stored != root_vocabulary(table):
                            broken.append((table.removeprefix("ledger_"), row[1], ""))
                if table.removeprefix("ledger_") not in {name for name, _row, _what in broken}:
                    missed.append(f"{table}.{column} ({order}, {row[1]}): {broken}")
    assert missed == []
    assert queries.accounts_out_of_step() == []


def root_vocabulary(table):
    from ledger.kinds import ACCOUNT_KINDS, FLOWS

    if table == "ledger_kind":
        return sorted((k.kind.value, k.kind.name, k.guard, k.is_kept) for k in ACCOUNT_KINDS)
    return sorted((f.value, f.name, d.value, c.value) for f, d, c in FLOWS)


@pytest.mark.parametrize("is_sealed", [True, False], ids=["sealed", "not yet sealed"])
@pytest.mark.parametrize("table", sorted(TABLES))
def test_a_deleted_row_is_found_and_named(book, table, is_sealed):
    add_unsealed_rows()
    if is_sealed:
        seal(LATER)
    name = table.removeprefix("ledger_")
    with superuser(book) as root:
        newest = root.execute(
            f"delete from {table} where ctid = (select ctid from {table} order by {TABLES[table]} desc limit 1)"
            f" returning {TABLES[table]}::text"
        ).fetchone()
    assert newest

    report = told(name)

    assert report[0].row


@pytest.mark.parametrize("is_sealed", [True, False], ids=["sealed", "not yet sealed"])
@pytest.mark.parametrize("table", sorted(TABLES))
def test_an_inserted_row_is_found_and_named(book, table, is_sealed):
    add_unsealed_rows()
    if is_sealed:
        seal(LATER)
    key = TABLES[table]
    with superuser(book) as root:
        names = [
            row[0]
            for row in root.execute(
                "select column_name from information_schema.columns where table_name = %s order by ordinal_position",
                [table],
            ).fetchall()
        ]
        unique = {
            "ledger_key": {"key", "act_id"},
            "ledger_account": {"id", "address"},
            "ledger_block": {"seq", "act_id", "to_txid"},
            "ledger_transfer": {"id", "position"},
            "ledger_kind": {"kind", "code"},
            "ledger_period": {"act_id", "programme"},
        }.get(table, {key})
        picked = ", ".join(
            f"{column} || 'x'"
            if column in unique and column in ("key", "address", "code", "programme")
            else f"{column} + {'90' if table in ('ledger_kind', 'ledger_flow') else '1000000'}"
            if column in unique
            else column
            for column in names
        )
        root.execute(
            f"insert into {table} ({', '.join(names)}) select {picked} from {table} order by {key} desc limit 1"
        )

    assert told(table.removeprefix("ledger_"))


def test_the_command_answers_a_program_too(book):
    with superuser(book) as root:
        root.execute(
            "update ledger_transfer set amount = amount + 1"
            " where id = (select min(id) from ledger_transfer)"
        )
        first = root.execute("select min(id)::text from ledger_transfer").fetchone()[0]
    answer = StringIO()

    with pytest.raises(CommandError):
        call_command("verify_ledger", "--json", stdout=answer)

    report = json.loads(answer.getvalue())
    assert report["is_proven"] is False
    assert report["broken"][0] == {
        "table": "transfer",
        "row": first,
        "what": "its content differs from its digest",
    }


def test_a_second_reversal_is_found_by_the_proof(committed_db):
    open_book(budget=1_000_00)
    transfer = queries.transfers_of(issue("k", 400_00).id).get().id
    issue("another", 500_00)
    with transaction.atomic():
        ledger.reverse(begin("undo"), transfer, ref="once")
    again = """
        do $$
        declare a ledger_act; t ledger_transfer; act bigint;
        begin
            select act_id into act from ledger_begin('correct_transfer', 'correct_transfer/again',
                'x', 'user:1', 'voucher:P:V-1', now(), '', '{}');
            select * into t from ledger_transfer where reverses_id is not null;
            a := ledger_complete_internal(act, 0, 1, t.amount);
            t.id := nextval('ledger_transfer_id');
            t.act_id := a.id;
            t.position := 1;
            t.at := a.at;
            t.txid := a.txid;
            perform ledger_insert_internal(t);
            perform ledger_apply_internal(array[t.debit_id, t.credit_id], array[t.amount, 0],
                array[0, t.amount], array[0::bigint, 0]);
        end $$
    """

    with psycopg.connect(libpq_url(committed_db.owner_url), autocommit=True) as owner:
        owner.execute("drop index ledger_transfer_reversed_once")
        owner.execute(again)

    assert sum_of_everything() == 0
    assert figures("voucher:P:V-1") == (100_00, 100_00)
    assert [one.what for one in queries.accounts_out_of_step()] != []


def test_a_key_that_was_taken_away_is_told_once(committed_db):
    open_book(budget=1_000_00)
    act = issue("k", 400_00)

    with superuser(committed_db) as owner:
        owner.execute("delete from ledger_key where act_id = %s", [act.id])

    assert queries.accounts_out_of_step() == [
        queries.Broken("act", str(act.id), "no key claims it")
    ]
