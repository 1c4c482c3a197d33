"""The portal's own role in the database: what it may do, and that it is not the owner."""

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from config.secrets import kept_secret

LEDGER = "ledger_"
INTERNAL = "_internal"
# Beside what Django keeps: what triggers of the owner write.
READ_ONLY = frozenset(
    {
        "django_migrations",
        "billing_archivedsum",
        "billing_usagearchive",
        "billing_usagedevice",
        "billing_usagekey",
        "billing_usagesum",
    }
)
# Any number will do, as long as nothing else in the database locks it.
_LOCK = 7_465_737_365


class RoleError(Exception):
    """The portal's role can't be made, or could do more than it may; nothing has changed."""


class HasCursor(Protocol):
    """A connection of psycopg or of Django."""

    def cursor(self) -> Any:
        """Return a cursor that is a context manager."""


class _Relation(NamedTuple):
    """A table, view or sequence, by PostgreSQL's letter for its kind."""

    name: str
    kind: str


def app_role(database: str) -> str:
    """Return the name of the portal's role in a database."""
    return f"{database}_app"


def ensure_app_role(owner_url: str, secrets_dir: Path) -> str:
    """Make the portal's role, or bring it up to date, and return the portal's address.

    The role may log in and nothing else: rights on tables come from `grant_app`. Its password
    is `APP_DATABASE_PASSWORD`, or one kept in `secrets_dir`. With `APP_DATABASE_URL` set that
    address is checked and returned, and no role is made. Safe when many ask at once.

    :raises RoleError: when the owner may not make roles (the message has the SQL to run), or
        when the role is the owner, is a member of it, or has rights over the whole server.
    """
    given = os.environ.get("APP_DATABASE_URL")
    with psycopg.connect(libpq_url(owner_url), connect_timeout=10) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        database = _one(connection, "SELECT current_database()")
        if given:
            role = urlsplit(given).username or ""
        else:
            role = app_role(database)
            password = os.environ.get("APP_DATABASE_PASSWORD") or kept_secret(
                secrets_dir, f"{role}-password"
            )
            _write_role(connection, role, password)
        _refuse_strength(connection, role)
        _close_to_public(connection, database, role)
    return given or _with_user(owner_url, role, password)


def grant_app(
    connection: HasCursor, *, role: str | None = None, insert_only: Collection[str] = ()
) -> None:
    """Give the portal's role its rights on everything in `public`, and take away all others.

    Tables may be read and written, never truncated; tables in `insert_only`, and those with a
    trigger of that name, may be added to;
    tables named `ledger_…` may be read, and are written by the ledger's functions alone, of
    which the `…_internal` ones and the triggers stay the owner's. Run by the owner after each
    migration, in one transaction, so that a running portal never lacks a right.

    :raises RoleError: when `insert_only` names a table that does not exist.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        who = _quoted(role or app_role(cursor.fetchone()[0]))
        relations = _relations(cursor)
        insert_only = {*insert_only, *_marked_insert_only(cursor)}
        missing = set(insert_only) - {relation.name for relation in relations}
        if missing:
            raise RoleError(f"No such table to be insert-only: {', '.join(sorted(missing))}.")
        statements = [
            f"SELECT pg_advisory_xact_lock({_LOCK})",
            f"GRANT USAGE ON SCHEMA public TO {who}",
        ]
        for relation in relations:
            statements += _rights_on_relation(relation, who, insert_only)
        statements += _rights_on_functions(cursor, who)
        # Sent as one message, PostgreSQL runs the statements as one transaction.
        cursor.execute("; ".join(statements))


def _relations(cursor: Any) -> list[_Relation]:
    """Return the tables, views and sequences of `public` that are the owner's."""
    cursor.execute(
        "SELECT relname, relkind::text FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace"
        " AND relkind = ANY (ARRAY['r', 'p', 'v', 'm', 'f', 'S']::\"char\"[])"
        # What a table's partitions hold is reached through the table alone.
        " AND NOT relispartition AND pg_has_role(relowner, 'USAGE') ORDER BY relname"
    )
    return [_Relation(*row) for row in cursor.fetchall()]


def _marked_insert_only(cursor: Any) -> list[str]:
    """Return the tables that carry the trigger of `common.insert_only`."""
    cursor.execute(
        "SELECT relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
        " WHERE tgname = 'insert_only' AND NOT relispartition"
    )
    return [name for (name,) in cursor.fetchall()]


def _rights_on_relation(
    relation: _Relation, who: str, insert_only: Collection[str]
) -> list[str]:
    is_sequence = relation.kind == "S"
    target = f"{'SEQUENCE' if is_sequence else 'TABLE'} public.{_quoted(relation.name)}"
    statements = [f"REVOKE ALL ON {target} FROM PUBLIC, {who}"]
    if is_sequence:
        rights = "" if relation.name.startswith(LEDGER) else "USAGE"
    else:
        rights = _rights_on_table(relation, insert_only)
    if rights:
        statements.append(f"GRANT {rights} ON {target} TO {who}")
    return statements


def _rights_on_table(relation: _Relation, insert_only: Collection[str]) -> str:
    if relation.kind in "vm" or relation.name.startswith(LEDGER) or relation.name in READ_ONLY:
        return "SELECT"
    if relation.name in insert_only:
        return "SELECT, INSERT"
    return "SELECT, INSERT, UPDATE, DELETE"


def _rights_on_functions(cursor: Any, who: str) -> list[str]:
    """Return the statements that leave the ledger's doors open and its inner rooms shut."""
    cursor.execute(
        "SELECT proname, oid::regprocedure::text,"
        " prorettype IN ('trigger'::regtype, 'event_trigger'::regtype) FROM pg_proc"
        " WHERE pronamespace = 'public'::regnamespace AND pg_has_role(proowner, 'USAGE')"
        " ORDER BY 2"
    )
    statements = []
    for name, signature, is_trigger in cursor.fetchall():
        if name.startswith(LEDGER):
            statements.append(f"REVOKE ALL ON ROUTINE {signature} FROM PUBLIC, {who}")
            if not (is_trigger or name.endswith(INTERNAL)):
                statements.append(f"GRANT EXECUTE ON ROUTINE {signature} TO {who}")
    return statements


def _write_role(connection: psycopg.Connection[Any], role: str, password: str) -> None:
    """Create the role, or give it its password again; the password itself is never sent."""
    known = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)"
    rights = "LOGIN NOINHERIT"
    verb = "ALTER"
    if not _one(connection, known, role):
        verb, rights = "CREATE", "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT"
    encrypted = connection.pgconn.encrypt_password(
        password.encode(), role.encode(), b"scram-sha-256"
    ).decode()
    try:
        connection.execute(
            sql.SQL("{} ROLE {} {} PASSWORD {}").format(
                sql.SQL(verb), sql.Identifier(role), sql.SQL(rights), sql.Literal(encrypted)
            )
        )
    except psycopg.errors.InsufficientPrivilege as error:
        raise RoleError(
            f"{connection.info.user} may not {verb.lower()} the portal's role. Let an "
            f"administrator of the database run\n"
            f"  {verb} ROLE {_quoted(role)} {rights} PASSWORD '…';\n"
            "and set APP_DATABASE_URL to that role's address."
        ) from error


def _refuse_strength(connection: psycopg.Connection[Any], role: str) -> None:
    """Refuse a role that could step over what `grant_app` leaves it."""
    found = connection.execute(
        "SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls,"
        " pg_has_role(oid, current_user, 'MEMBER') OR EXISTS"
        " (SELECT FROM pg_auth_members WHERE member = pg_roles.oid)"
        " FROM pg_roles WHERE rolname = %s",
        [role],
    ).fetchone()
    if found is None:
        raise RoleError(f"APP_DATABASE_URL names the role {role!r}, which does not exist.")
    is_strong, is_member = found
    if is_strong:
        raise RoleError(
            f"The portal's role {role} has rights over the whole server. Let an administrator "
            f"run\n  ALTER ROLE {_quoted(role)} NOSUPERUSER NOCREATEDB NOCREATEROLE "
            "NOREPLICATION NOBYPASSRLS;"
        )
    if is_member:
        raise RoleError(
            f"The portal's role {role} must be neither the owner of the tables nor a member "
            "of any role: it could change the ledger."
        )


def _close_to_public(connection: psycopg.Connection[Any], database: str, role: str) -> None:
    """Take from everybody what only the owner needs, as far as the owner may."""
    names = {"database": sql.Identifier(database), "role": sql.Identifier(role)}
    for statement in (
        "REVOKE ALL ON DATABASE {database} FROM PUBLIC, {role}",
        "GRANT CONNECT ON DATABASE {database} TO {role}",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC, {role}",
    ):
        try:
            with connection.transaction():
                connection.execute(sql.SQL(statement).format(**names))
        except psycopg.errors.InsufficientPrivilege:
            continue


def _one(connection: psycopg.Connection[Any], question: Any, *values: Any) -> Any:
    row = connection.execute(question, values or None).fetchone()
    return row[0] if row else None


def _quoted(name: str) -> str:
    return sql.Identifier(name).as_string(None)


def ensure_database(owner_url: str, name: str) -> str:
    """Make another database on the owner's server if need be; return the owner's address of it.

    Beside a database in which there is nobody yet it begins as a copy of that one, which is
    several times as fast as its migrations.
    """
    with psycopg.connect(libpq_url(owner_url), autocommit=True) as connection:
        known = connection.execute("SELECT FROM pg_database WHERE datname = %s", [name])
        if not known.rowcount:
            words = [sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))]
            if not connection.execute("SELECT FROM parties_user LIMIT 1").rowcount:
                own = sql.Identifier(_one(connection, "SELECT current_database()"))
                words.append(sql.SQL("TEMPLATE {}").format(own))
            connection.execute(sql.SQL(" ").join(words))
    return urlunsplit(urlsplit(owner_url)._replace(path=f"/{name}"))


def libpq_url(url: str) -> str:
    """Return an address that psycopg reads: Django's readers know more names for PostgreSQL."""
    return urlunsplit(urlsplit(url)._replace(scheme="postgresql"))


def _with_user(url: str, role: str, password: str) -> str:
    """Return an address of the same database for another role."""
    parts = urlsplit(libpq_url(url))
    where = parts.netloc.rpartition("@")[2]
    who = f"{quote(role, safe='')}:{quote(password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{who}@{where}"))
