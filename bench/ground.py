"""The ground of every entry: one durable server, and fresh copies of a migrated database."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import environ
import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from psycopg import sql

from bench import machine
from config.embedded import lend_postgres, stop_postgres, superuser_url
from config.roles import ensure_app_role, grant_app, libpq_url

# As a server of its own would be set, and so that no checkpoint falls into one side's sample.
# The same for subject and reference: there is one server. All else is as shipped.
SERVER = {
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "1h",
    "log_min_duration_statement": "-1",
}
PREFIX = "bench_"
TEMPLATE = f"{PREFIX}template"


def named(url: str, name: str) -> str:
    """Return the address of another database of the same server and role."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def point_django_at(url: str) -> None:
    """Make every new connection of this process go to a database, with its role."""
    connections.close_all()
    for key, value in environ.Env.db_url_config(url).items():
        connection.settings_dict[key] = value
    connection.settings_dict["ENGINE"] = "django.db.backends.postgresql"


@dataclass(frozen=True, slots=True)
class Database:
    """One database as its owner, as the portal and as the server's superuser see it."""

    name: str
    owner_url: str
    app_url: str
    superuser_url: str

    @contextmanager
    def as_owner(self) -> Iterator[psycopg.Connection[Any]]:
        """Open a session of the owner, who may add rows to the ledger's tables by hand."""
        with psycopg.connect(self.owner_url, autocommit=True) as session:
            yield session


@dataclass
class Ground:
    """The server that entries stand on; `smallest` asks for each in its smallest form."""

    owner_url: str
    data: Path
    smallest: bool = False
    postmaster: int | None = None
    _template: Database | None = field(default=None, repr=False)

    def pick(self, full: int, smallest: int) -> int:
        """Return the size for this run."""
        return smallest if self.smallest else full

    def cpu_seconds(self) -> float:
        """Return the processor's time that the server has used so far."""
        return machine.cpu_seconds(self.postmaster)

    @contextmanager
    def maintenance(self) -> Iterator[psycopg.Connection[Any]]:
        """Open a session of the owner in which databases can be made."""
        with psycopg.connect(libpq_url(self.owner_url), autocommit=True) as session:
            yield session

    @contextmanager
    def superuser(self, database: str = "postgres") -> Iterator[psycopg.Connection[Any]]:
        """Open a session of the server's superuser, for what no owner may."""
        url = named(superuser_url(self.data), database)
        with psycopg.connect(url, autocommit=True) as session:
            yield session

    def settle(self) -> None:
        """Write everything out, so that what follows starts from rest."""
        with self.superuser() as session:
            session.execute("checkpoint")

    @contextmanager
    def database(self, template: Database | None = None) -> Iterator[Database]:
        """Lend a fresh migrated database, or a copy of one, that Django points at as the portal."""
        source = template or self._migrated()
        name = f"{PREFIX}{secrets.token_hex(4)}"
        connections.close_all()
        with self.maintenance() as owner:
            owner.execute(
                sql.SQL("create database {} template {} strategy file_copy").format(
                    sql.Identifier(name), sql.Identifier(source.name)
                )
            )
        copy = self._seen(name, source.app_url)
        point_django_at(copy.app_url)
        try:
            yield copy
        finally:
            self.drop(name)

    @contextmanager
    def pointed_at(self, database: Database) -> Iterator[None]:
        """Let Django work on one of several databases for a while."""
        before = dict(connection.settings_dict)
        point_django_at(database.app_url)
        try:
            yield
        finally:
            connections.close_all()
            connection.settings_dict.update(before)

    @contextmanager
    def empty_database(self) -> Iterator[str]:
        """Lend a database with nothing in it, by its owner's address."""
        name = f"{PREFIX}{secrets.token_hex(4)}"
        with self.maintenance() as owner:
            owner.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        try:
            yield named(self.owner_url, name)
        finally:
            self.drop(name)

    def drop(self, name: str) -> None:
        """Drop a database, as the superuser: it may be that autovacuum is at work there."""
        connections.close_all()
        with self.superuser() as session:
            session.execute(
                sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
            )

    def _seen(self, name: str, app_url: str) -> Database:
        return Database(
            name,
            named(self.owner_url, name),
            named(app_url, name),
            named(superuser_url(self.data), name),
        )

    def _migrated(self) -> Database:
        """Return the migrated database that the others are copied from, made when first asked."""
        if self._template is None:
            with self.maintenance() as owner:
                owner.execute(sql.SQL("create database {}").format(sql.Identifier(TEMPLATE)))
            owner_url = named(self.owner_url, TEMPLATE)
            point_django_at(owner_url)
            call_command("migrate", verbosity=0)
            app_url = ensure_app_role(owner_url, settings.VAR_DIR / "secrets")
            grant_app(connection)
            connections.close_all()
            self._template = self._seen(TEMPLATE, app_url)
        return self._template

    def clear(self) -> None:
        """Drop every database that a bench has made, this one or one that was killed."""
        self._template = None
        connections.close_all()
        with self.maintenance() as owner:
            found = owner.execute(
                "select datname from pg_database where starts_with(datname, %s)", [PREFIX]
            ).fetchall()
        for (name,) in found:
            self.drop(name)


@contextmanager
def ground(*, smallest: bool = False) -> Iterator[Ground]:
    """Lend the bench its own server, with durable commits, and leave nothing behind on it."""
    data: Path = settings.VAR_DIR / "bench-pg18"
    # The portal's role is made here, whatever role the environment names elsewhere.
    os.environ.pop("APP_DATABASE_URL", None)
    # One that a killed bench left running may have other settings.
    stop_postgres(data)
    with lend_postgres(data, settings=SERVER) as owner_url:
        lent = Ground(owner_url, data, smallest)
        with lent.superuser() as session:
            lent.postmaster = machine.postmaster_of(session)
        lent.clear()
        try:
            yield lent
        finally:
            with contextlib.suppress(psycopg.Error):
                lent.clear()
