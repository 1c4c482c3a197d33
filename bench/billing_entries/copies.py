"""The reference: COPY of finished rows into the very table, with all that constrains it."""

import time
from contextlib import suppress
from pathlib import Path

import psycopg
from psycopg import sql

from bench.ground import Database

CHUNK_BYTES = 1 << 20


def write_rows(database: Database, table: str, order: str, path: Path) -> int:
    """Write a table's rows to a file as COPY writes them, and return how many."""
    statement = sql.SQL("copy (select {} from {} order by {}) to stdout").format(
        sql.SQL(", ").join(map(sql.Identifier, _columns(database, table))),
        sql.Identifier(table),
        sql.Identifier(order),
    )
    with psycopg.connect(database.superuser_url) as session, path.open("wb") as file:
        cursor = session.cursor()
        with cursor.copy(statement) as copy:
            for chunk in copy:
                file.write(chunk)
        return cursor.rowcount


def empty(database: Database, *tables: str) -> None:
    """Take all rows of tables away, and those that name them, past their triggers."""
    with psycopg.connect(database.superuser_url) as session:
        session.execute("set local session_replication_role = replica")
        for table in tables:
            session.execute(
                sql.SQL("truncate {} restart identity cascade").format(sql.Identifier(table))
            )


def copy_rows(database: Database, table: str, path: Path) -> float:
    """Copy a file of rows into a table, as its owner; return the seconds to the commit."""
    statement = sql.SQL("copy {} ({}) from stdin").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, _columns(database, table))),
    )
    with psycopg.connect(database.superuser_url) as session, path.open("rb") as file:
        start = time.perf_counter()
        with session.cursor().copy(statement) as copy:
            while chunk := file.read(CHUNK_BYTES):
                copy.write(chunk)
        session.commit()
        return time.perf_counter() - start


def _columns(database: Database, table: str) -> list[str]:
    asked = (
        "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0"
        " and not attisdropped order by attnum"
    )
    with psycopg.connect(database.superuser_url) as session:
        return [name for (name,) in session.execute(asked, [table])]


def forget(path: Path) -> None:
    """Remove a file of rows."""
    with suppress(FileNotFoundError):
        path.unlink()
