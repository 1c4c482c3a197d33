"""The ground of every test: a real PostgreSQL, and the portal's own role on it.

Tests see the database as web and worker do, never as its owner. A test that only reads and
writes takes `db` and is rolled back; one that needs real commits, threads or processes takes
`committed_db`, a fresh copy of the migrated database. Nothing is ever flushed.
"""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import environ
import psycopg
import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.utils import translation
from psycopg import sql

from config.embedded import lend_postgres, superuser_url
from config.roles import ensure_app_role, grant_app, libpq_url

ROOT = Path(__file__).resolve().parent.parent
TEST_CLUSTER = ROOT / "var" / "test-pg18"
# Where collected files would lie; the static server warns when it is missing.
(ROOT / "var" / "static").mkdir(parents=True, exist_ok=True)


@dataclass(frozen=True)
class Database:
    """One database of the test cluster, as its owner and as the portal see it."""

    name: str
    owner_url: str
    app_url: str

    @property
    def superuser_url(self) -> str:
        return _named(
            os.environ.get("TESSERA_TEST_SUPERUSER_URL") or superuser_url(TEST_CLUSTER),
            self.name,
        )


def _named(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def _point_django_at(url: str) -> None:
    """Make every new connection of this process go to a database, with its role."""
    settings = connection.settings_dict
    connections.close_all()
    for field, value in environ.Env.db_url_config(url).items():
        settings[field] = value
    settings["ENGINE"] = "django.db.backends.postgresql"
    settings["CONN_MAX_AGE"] = 0


@contextmanager
def _maintenance(owner_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(libpq_url(owner_url), autocommit=True) as owner:
        yield owner


def _drop(owner: psycopg.Connection, name: str) -> None:
    """Drop a database; a session that is just ending, or autovacuum, is waited for."""
    statement = sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
    for _attempt in range(100):
        try:
            owner.execute(statement)
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectInUse):
            time.sleep(0.1)
        else:
            return
    owner.execute(statement)


@pytest.fixture(scope="session")
def cluster_owner_url() -> Iterator[str]:
    """The owner's address on the test cluster: given, or an embedded server of its own."""
    given = os.environ.get("TESSERA_TEST_OWNER_URL")
    if given:
        yield given
        return
    with lend_postgres(TEST_CLUSTER, fast=True) as url:
        yield url


@pytest.fixture(scope="session")
def template(cluster_owner_url: str, django_db_blocker, tmp_path_factory) -> Iterator[Database]:
    """The migrated database that rolled-back tests use and committed ones are copied from."""
    name = f"test_tessera_{secrets.token_hex(4)}"
    with _maintenance(cluster_owner_url) as owner:
        owner.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    owner_url = _named(cluster_owner_url, name)
    with django_db_blocker.unblock():
        _point_django_at(owner_url)
        call_command("migrate", verbosity=0)
        app_url = ensure_app_role(owner_url, tmp_path_factory.mktemp("secrets"))
        with connection.cursor():
            grant_app(connection)
        _point_django_at(app_url)
    yield Database(name, owner_url, app_url)
    connections.close_all()
    with _maintenance(cluster_owner_url) as owner:
        _drop(owner, name)
        owner.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(f"{name}_app")))


@pytest.fixture(autouse=True)
def no_registers(settings) -> None:
    """No register is connected but those that a test connects."""
    settings.REGISTERS_FOLDER = str(ROOT / "var" / "no-registers")


@pytest.fixture(scope="session")
def django_db_setup(template: Database) -> None:
    """What pytest-django asks for: the database is there, and Django points at it."""


@pytest.fixture
def committed_db(
    template: Database, cluster_owner_url: str, django_db_blocker
) -> Iterator[Database]:
    """A fresh copy of the migrated database, where commits are real and threads may race."""
    with copied(template, cluster_owner_url, django_db_blocker) as copy:
        yield copy


@pytest.fixture
def a_copy(template: Database, cluster_owner_url: str, django_db_blocker):
    """Return the way to a fresh copy, for a test that needs one for each of many examples."""
    return lambda: copied(template, cluster_owner_url, django_db_blocker)


@contextmanager
def copied(template: Database, cluster_owner_url: str, django_db_blocker) -> Iterator[Database]:
    """Point Django at a copy of the migrated database for a while, then drop the copy."""
    name = f"{template.name}_{secrets.token_hex(3)}"
    connections.close_all()
    with _maintenance(cluster_owner_url) as owner:
        owner.execute(
            sql.SQL("create database {} template {}").format(
                sql.Identifier(name), sql.Identifier(template.name)
            )
        )
        # Rights on a database itself are not copied with it.
        owner.execute(
            sql.SQL("revoke temporary on database {} from public").format(sql.Identifier(name))
        )
    copy = Database(name, _named(template.owner_url, name), _named(template.app_url, name))
    with django_db_blocker.unblock():
        _point_django_at(copy.app_url)
        try:
            yield copy
        finally:
            _point_django_at(template.app_url)
            with _maintenance(cluster_owner_url) as owner:
                _drop(owner, name)


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """Begin each test in English: a page asked for in another language is another test's."""
    with translation.override("en"):
        yield


_real_data_ran = 0


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count the tests of real data that ran, whichever worker ran them."""
    global _real_data_ran
    if report.when == "call" and "real_data" in report.keywords and not report.skipped:
        _real_data_ran += 1


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Leave the count where `.ci/run` prints it."""
    if not hasattr(session.config, "workerinput"):
        var = ROOT / "var"
        var.mkdir(exist_ok=True)
        (var / "real-data-count.txt").write_text(f"{_real_data_ran}\n")
