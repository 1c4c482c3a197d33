"""The portal's role may read the ledger and call its functions; it may change nothing itself."""

import psycopg
import pytest
from psycopg import sql

from config.roles import libpq_url

pytestmark = pytest.mark.slow

DENIED = (psycopg.errors.InsufficientPrivilege,)


@pytest.fixture
def portal(committed_db):
    with psycopg.connect(libpq_url(committed_db.app_url), autocommit=True) as connection:
        yield connection


def ledger_tables(connection):
    rows = connection.execute(
        "select tablename from pg_tables where schemaname = 'public' and tablename like 'ledger\\_%'"
    ).fetchall()
    tables = sorted(row[0] for row in rows)
    assert len(tables) == 11
    return tables


def test_the_role_is_nobody_special(portal):
    role = portal.execute(
        "select rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls from pg_roles"
        " where rolname = current_user"
    ).fetchone()
    owner = portal.execute(
        "select tableowner from pg_tables where tablename = 'ledger_transfer'"
    ).fetchone()[0]

    assert role == (False, False, False, False, False)
    assert owner != portal.info.user
    for other in (owner, "postgres"):
        member = (
            "select pg_has_role(current_user, oid, 'MEMBER') from pg_roles where rolname = %s"
        )
        assert portal.execute(member, [other]).fetchone() in ((False,), None)
        with pytest.raises(psycopg.errors.Error):
            portal.execute(sql.SQL("set role {}").format(sql.Identifier(other)))


def test_no_ledger_table_can_be_written(portal):
    for table in ledger_tables(portal):
        column = portal.execute(
            "select column_name from information_schema.columns where table_name = %s limit 1",
            [table],
        ).fetchone()[0]
        for statement in (
            f"update {table} set {column} = {column}",
            f"delete from {table}",
            f"truncate {table} cascade",
            f"insert into {table} select * from {table}",
            f"alter table {table} disable trigger all",
            f"alter table {table} disable trigger user",
            f"drop table {table} cascade",
            f"create trigger mine before insert on {table} for each row execute function ledger_append_only()",
        ):
            with pytest.raises(DENIED):
                portal.execute(statement)


def test_no_trigger_can_be_switched_off_for_a_session(portal):
    with pytest.raises(DENIED):
        portal.execute("set session_replication_role = replica")


def test_rows_that_say_what_happened_can_only_be_added(portal):
    # With a column of each: not every table has a number of its own.
    tables = dict(
        portal.execute(
            "select t.tgrelid::regclass::text, min(a.attname::text) from pg_trigger t"
            " join pg_attribute a on a.attrelid = t.tgrelid and a.attnum = 1"
            " where t.tgname = 'insert_only' group by 1 order by 1"
        ).fetchall()
    )

    assert "billing_verdict" in tables
    assert "vouchers_decision" in tables
    for table, column in tables.items():
        with pytest.raises(DENIED):
            portal.execute(f"update {table} set {column} = {column}")
        with pytest.raises(DENIED):
            portal.execute(f"delete from {table}")


def test_the_inner_functions_are_not_the_portals(portal):
    for call in (
        "select ledger_complete_internal(1, 0, 0, 0)",
        "select ledger_apply_internal(array[1::bigint], array[0::bigint], array[1::bigint], array[0::bigint])",
    ):
        with pytest.raises(DENIED):
            portal.execute(call)


def test_nothing_can_be_planted_in_the_functions_way(portal):
    for statement in (
        "create table public.mine (x int)",
        "create function public.sha256(bytea) returns bytea language sql as 'select $1'",
        "create temp table ledger_transfer (id bigint)",
    ):
        with pytest.raises(DENIED):
            portal.execute(statement)


def test_a_role_with_another_password_is_not_let_in(committed_db, template):
    url = libpq_url(committed_db.app_url)
    for user in (
        "postgres",
        psycopg.conninfo.conninfo_to_dict(libpq_url(template.owner_url))["user"],
    ):
        facts = psycopg.conninfo.conninfo_to_dict(url)
        facts["user"] = user
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(psycopg.conninfo.make_conninfo(**facts))
