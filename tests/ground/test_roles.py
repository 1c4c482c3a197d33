"""The portal's role may log in and do what its tables allow, and nothing that needs the owner."""

import secrets
import threading
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import errors, sql

from config.embedded import superuser_url
from config.roles import RoleError, ensure_app_role, grant_app

TABLES = """
create table parties_user (id bigint generated always as identity primary key, name text);
create table billing_usage (line serial, gpu_ms bigint);
create table django_migrations (app text);
create table ledger_act (id serial, word text);
create view vouchers_open as select 1 as number;
create function ledger_post(word text) returns int language sql security definer
    set search_path = public as 'insert into ledger_act (word) values (word) returning id';
create function ledger_seal_internal() returns int language sql as 'select 1';
create function ledger_guard() returns trigger language plpgsql
    as $$ begin raise 'write-once'; end $$;
create trigger guard before update or delete on ledger_act execute function ledger_guard();
create function billing_total() returns int language sql as 'select 1';
"""
EVERY_RIGHT = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"]


@pytest.fixture
def database(owner_url):
    """A fresh database of the owner's, with tables of every sort."""
    name = f"made_{secrets.token_hex(4)}"
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    url = urlunsplit(urlsplit(owner_url)._replace(path=f"/{name}"))
    with psycopg.connect(url) as owner:
        owner.execute(TABLES)
    return url


@pytest.fixture
def portal(database, tmp_path):
    """The portal's address of that database, with its rights given."""
    url = ensure_app_role(database, tmp_path)
    grant(database)
    return url


def grant(database, **options):
    with psycopg.connect(database) as owner:
        grant_app(owner, **{"insert_only": ("billing_usage",), **options})


def ask(url, question):
    with psycopg.connect(url) as connection:
        return connection.execute(question).fetchone()


def rights_on(portal, table):
    held = [
        right
        for right in EVERY_RIGHT
        if ask(portal, f"select has_table_privilege('{table}', '{right}')") == (True,)
    ]
    return " ".join(held)


def name_of(url):
    return urlsplit(url).username


def test_role_is_its_database_s_and_has_no_power_over_the_server(portal, database):
    row = ask(
        portal,
        "select current_user::text, rolsuper, rolcreatedb, rolcreaterole, rolinherit,"
        " rolreplication, rolbypassrls, pg_has_role('tessera_owner', 'member')"
        " from pg_roles where rolname = current_user",
    )

    name = urlsplit(database).path.removeprefix("/")
    assert row == (f"{name}_app", *[False] * 7)


@pytest.mark.parametrize("password", ["wrong", None])
def test_wrong_or_absent_password_is_refused(portal, password):
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(portal, password=password or "")


@pytest.mark.parametrize("other", ["tessera_owner", "postgres"])
def test_its_password_opens_no_other_role(portal, other):
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(portal, user=other)


@pytest.mark.parametrize(
    ("table", "rights"),
    [
        ("parties_user", "SELECT INSERT UPDATE DELETE"),
        ("billing_usage", "SELECT INSERT"),
        ("ledger_act", "SELECT"),
        ("django_migrations", "SELECT"),
        ("vouchers_open", "SELECT"),
    ],
)
def test_rights_follow_the_table_s_name(portal, table, rights):
    assert rights_on(portal, table) == rights


def test_ledger_is_written_through_its_function_alone(portal, database):
    assert ask(portal, "select ledger_post('issue')") == (1,)

    assert ask(database, "select word from ledger_act") == ("issue",)
    with pytest.raises(errors.InsufficientPrivilege):
        ask(portal, "insert into ledger_act (word) values ('forged') returning id")


@pytest.mark.parametrize(
    "attempt",
    [
        "select ledger_seal_internal()",
        "select ledger_guard()",
        "select nextval('ledger_act_id_seq')",
        "truncate parties_user",
        "truncate ledger_act",
        "update ledger_act set word = 'forged'",
        "delete from ledger_act",
        "update billing_usage set gpu_ms = 1",
        "alter table ledger_act disable trigger guard",
        "drop table ledger_act",
        "create table mine (number int)",
        "create temporary table mine (number int)",
        "create schema mine",
        "create role mine",
        "set role tessera_owner",
        "set session_replication_role = replica",
        "copy parties_user to program 'cat'",
    ],
)
def test_what_needs_the_owner_is_refused(portal, attempt):
    with pytest.raises(
        (errors.InsufficientPrivilege, errors.RaiseException, errors.FeatureNotSupported)
    ):
        ask(portal, attempt)


def test_functions_outside_the_ledger_and_sequences_of_tables_work(portal):
    assert ask(portal, "select billing_total()") == (1,)
    assert ask(portal, "insert into billing_usage (gpu_ms) values (1) returning line") == (1,)
    assert ask(portal, "insert into parties_user (name) values ('Mina') returning id") == (1,)


@pytest.mark.parametrize("other", ["tessera", "postgres", "template1"])
def test_portal_of_one_database_cannot_enter_another(portal, other):
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(urlunsplit(urlsplit(portal)._replace(path=f"/{other}")))


def test_portal_cannot_pass_on_a_right(portal):
    with psycopg.connect(portal) as connection:
        connection.execute("grant update on parties_user to public")

    assert ask(
        portal,
        "select relacl::text not like '%,=%' from pg_class where relname = 'parties_user'",
    ) == (True,)


def test_asked_again_gives_the_same_address_and_the_same_rights(portal, database, tmp_path):
    assert ensure_app_role(database, tmp_path) == portal
    grant(database)

    assert rights_on(portal, "parties_user") == "SELECT INSERT UPDATE DELETE"
    assert ask(portal, "select ledger_post('issue')") == (1,)


def test_right_that_is_no_longer_meant_is_taken_away(portal, database):
    grant(database, insert_only=("billing_usage", "parties_user"))

    assert rights_on(portal, "parties_user") == "SELECT INSERT"


def test_unknown_insert_only_table_is_refused_and_nothing_moves(portal, database):
    with pytest.raises(RoleError, match="billing_usages"):
        grant(database, insert_only=("billing_usages",))

    assert rights_on(portal, "billing_usage") == "SELECT INSERT"


def test_six_at_once_make_one_role_and_never_take_a_right_away(database, tmp_path):
    portals, mistakes = [], []
    url = ensure_app_role(database, tmp_path)
    grant(database)

    def race():
        try:
            portals.append(ensure_app_role(database, tmp_path))
            grant(database)
            ask(url, "select ledger_post('issue')")
        except Exception as error:
            mistakes.append(error)

    racing = [threading.Thread(target=race) for _ in range(6)]
    for thread in racing:
        thread.start()
    for thread in racing:
        thread.join()

    assert mistakes == []
    assert portals == [url] * 6
    assert ask(url, "select count(*) from ledger_act") == (6,)


def test_password_may_be_given(database, tmp_path, monkeypatch):
    monkeypatch.setenv("APP_DATABASE_PASSWORD", "p@ss/word:1")

    url = ensure_app_role(database, tmp_path)

    assert urlsplit(url).password == "p%40ss%2Fword%3A1"
    assert ask(url, "select 1") == (1,)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def superuser(cluster):
    """A session of the superuser on the module's cluster."""
    with psycopg.connect(superuser_url(cluster), autocommit=True) as connection:
        yield connection


@pytest.fixture
def poor_owner(superuser, owner_url):
    """An owner of a database who may not make roles."""
    name = f"poor_{secrets.token_hex(4)}"
    superuser.execute(f"create role {name} login password 'poor'")
    superuser.execute(f"create database {name} owner {name}")
    return urlunsplit(urlsplit(owner_url)._replace(netloc=f"{name}:poor@", path=f"/{name}"))


def test_owner_who_may_not_make_roles_is_told_what_to_run(poor_owner, tmp_path):
    name = name_of(poor_owner)

    with pytest.raises(RoleError) as refused:
        ensure_app_role(poor_owner, tmp_path)

    assert str(refused.value) == (
        f"{name} may not create the portal's role. Let an administrator of the database run\n"
        f'  CREATE ROLE "{name}_app" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT '
        "PASSWORD '…';\nand set APP_DATABASE_URL to that role's address."
    )


def test_role_that_an_administrator_made_is_used(poor_owner, superuser, tmp_path, monkeypatch):
    role = f"{name_of(poor_owner)}_reader"
    superuser.execute(f"create role {role} login noinherit password 'given'")
    given = urlunsplit(urlsplit(poor_owner)._replace(netloc=f"{role}:given@"))
    monkeypatch.setenv("APP_DATABASE_URL", given)

    assert ensure_app_role(poor_owner, tmp_path) == given

    with psycopg.connect(poor_owner) as owner:
        owner.execute("create table parties_user (id int)")
        grant_app(owner, role=role)
    assert rights_on(given, "parties_user") == "SELECT INSERT UPDATE DELETE"


@pytest.mark.parametrize(
    ("making", "words"),
    [
        ("create role {role} login superuser", "rights over the whole server"),
        ("create role {role} login createrole", "rights over the whole server"),
        ("create role {role} login in role {owner}", "must be neither the owner"),
        ("create role {role} login in role pg_write_all_data", "must be neither the owner"),
        ("select '{role}'", "does not exist"),
    ],
)
def test_too_strong_or_unknown_role_is_refused(
    poor_owner, superuser, tmp_path, monkeypatch, making, words
):
    role = f"{name_of(poor_owner)}_strong"
    superuser.execute(making.format(role=role, owner=name_of(poor_owner)))
    given = urlunsplit(urlsplit(poor_owner)._replace(netloc=f"{role}:given@"))
    monkeypatch.setenv("APP_DATABASE_URL", given)

    with pytest.raises(RoleError, match=words):
        ensure_app_role(poor_owner, tmp_path)


def test_owner_itself_is_refused_as_the_portal_s_role(database, tmp_path, monkeypatch):
    monkeypatch.setenv("APP_DATABASE_URL", database)

    with pytest.raises(RoleError, match="rights over the whole server"):
        ensure_app_role(database, tmp_path)
