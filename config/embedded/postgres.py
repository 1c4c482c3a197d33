"""PostgreSQL 18: made, started, found again after a kill, lent out and stopped."""

import contextlib
import fcntl
import os
import shlex
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from config.embedded.places import (
    EmbeddedServerError,
    locked,
    remove_left_folders,
    socket_folder,
)
from config.embedded.server import Server, password_of, server_of
from config.embedded.server_log import has_given_up
from config.embedded.wal import ARCHIVE_COMMAND

OWNER = "tessera_owner"
DATABASE = "tessera"
START_SECONDS = 90.0
# No system gives out a process number this high.
_NO_PROCESS = 2**31 - 2

_DURABLE = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_duration_statement": "500",
    # Backups and restored instants: decision 0011.
    "archive_mode": "on",
    "archive_command": ARCHIVE_COMMAND,
    "archive_timeout": "5min",
    "track_commit_timestamp": "on",
}
_FAST = {
    "archive_mode": "off",
    "track_commit_timestamp": "off",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
}


def ensure_postgres(
    data: Path, *, fast: bool = False, settings: Mapping[str, str] | None = None
) -> str:
    """Make and start the cluster in `data` if need be, and return its owner's address.

    Safe when many processes ask at once, after a kill -9, and as root (the server then runs
    as the owner of `data`, or as `nobody`). `fast` gives up durability, for tests; `settings`
    are the server's own words and count where this call starts it. The owner is no superuser;
    its password is kept in the folder `secrets` beside `data`.

    :raises EmbeddedServerError: with the end of the server's log.
    """
    data = data.absolute()
    data.parent.mkdir(parents=True, exist_ok=True)
    with locked(data.with_name(f".{data.name}.lock")) as lock:
        server = server_of(data)
        if not (server.data / "PG_VERSION").exists():
            _initialise(server, password_of(data, "postgres"), fast=fast, lock=lock)
        _bring_up(server, {**_DURABLE, **(_FAST if fast else {}), **(settings or {})})
        _ensure_owner(server, data)
        return server.url(DATABASE, OWNER, password_of(data, "owner"))


def superuser_url(data: Path) -> str:
    """Return the address for the cluster's superuser; the server must be running."""
    data = data.absolute()
    return server_of(data).url("postgres", "postgres", password_of(data, "postgres"))


def stop_postgres(data: Path) -> None:
    """Stop the server of `data`, if it runs; open sessions are ended, committed rows stay."""
    data = data.absolute()
    if not data.parent.is_dir():
        return
    with locked(data.with_name(f".{data.name}.lock")):
        server_of(data).stop()


@contextlib.contextmanager
def lend_postgres(
    data: Path, *, fast: bool = False, settings: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Keep the server of `data` running while in use; the last user to leave stops it.

    A user that is killed counts as gone. `fast` and `settings` are as for `ensure_postgres`.
    """
    data = data.absolute()
    data.parent.mkdir(parents=True, exist_ok=True)
    with data.with_name(f".{data.name}.users").open("a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield ensure_postgres(data, fast=fast, settings=settings)
        finally:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                stop_postgres(data)


def _initialise(server: Server, password: str, *, fast: bool, lock: int) -> None:
    """Make a cluster beside `data` and move it there: half a cluster is never seen."""
    if server.data.exists() and any(server.data.iterdir()):
        raise EmbeddedServerError(f"{server.data} holds something other than a cluster.")
    fresh = server.data.with_name(f"{server.data.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    # The password goes through a pipe, so that a kill leaves no copy of it behind.
    reading, writing = os.pipe()
    server.own(fresh)
    if server.account:
        os.fchown(reading, server.uid, server.gid)
    os.write(writing, password.encode() + b"\n")
    os.close(writing)
    locale = ["--locale=C.UTF-8"]
    if server.major() >= 17:
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    words = ["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", *locale]
    words += ["--data-checksums"]
    words += ["--no-sync"] if fast else []
    try:
        # initdb inherits the lock: after a kill of this process nobody meets it half-way.
        server.run(
            "initdb",
            f"--pgdata={fresh}",
            "--pwfile=/dev/stdin",
            *words,
            stdin=reading,
            pass_fds=[lock],
        )
    finally:
        os.close(reading)
    fresh.rename(server.data)


def _bring_up(server: Server, settings: Mapping[str, str]) -> None:
    """Start the server unless it runs, and wait until it takes sessions."""
    deadline = time.monotonic() + START_SECONDS
    while not (server.is_alive() and _ready(server)):
        if time.monotonic() > deadline:
            raise EmbeddedServerError(f"PostgreSQL does not answer.\n{server.log_end()}")
        if not server.is_alive():
            _start(server, settings)
        elif _socket_is_lost(server):
            server.run("pg_ctl", "-D", server.data, "-m", "fast", "-w", "-t", "60", "stop")
        else:
            time.sleep(0.1)


def _start(server: Server, settings: Mapping[str, str]) -> None:
    """Start the server; leave it to the caller to wait for it."""
    remove_left_folders(server.uid)
    folder = socket_folder(server.data, server.uid, server.gid)
    _forget_dead_process(server, folder)
    options = _options(settings, folder)
    log = server.log
    length = log.stat().st_size if log.exists() else 0
    try:
        words = ["-D", server.data, "-W", "-l", log, "-o", options, "start"]
        server.run("pg_ctl", *words)
    except EmbeddedServerError as error:
        raise EmbeddedServerError(f"{error}\n{server.log_end()}") from error
    give_up = time.monotonic() + 2
    while not server.is_alive():
        if has_given_up(log.read_bytes()[length:] if log.exists() else b""):
            raise EmbeddedServerError(f"PostgreSQL did not start.\n{server.log_end()}")
        if time.monotonic() > give_up:
            return
        time.sleep(0.05)


def _options(settings: Mapping[str, str], folder: Path) -> str:
    """Return settings, and the folder of the socket, as words on the server's command line."""
    told = {**settings, "unix_socket_directories": str(folder)}
    return " ".join(f"-c {name}={shlex.quote(value)}" for name, value in told.items())


def recover(server: Server, settings: Mapping[str, str], *, seconds: float) -> None:
    """Run a copied cluster's recovery to its end, and leave the cluster stopped.

    `settings` say where its WAL is and up to which instant it counts; the log is new.

    :raises EmbeddedServerError: when the end was not reached, with the end of the log.
    """
    folder = socket_folder(server.data, server.uid, server.gid)
    # Without sessions in recovery, "ready" means that it has ended.
    told = _options({**_DURABLE, "hot_standby": "off", **settings}, folder)
    words = ["-D", server.data, "-W", "-l", server.log, "-o", told, "start"]
    began = time.monotonic()
    try:
        server.run("pg_ctl", *words)
        while not server.is_ready():
            has_ended = _has_shut_down(server) and not server.is_alive()
            if has_ended or time.monotonic() - began > seconds:
                raise EmbeddedServerError(f"Recovery did not end.\n{server.log_end()}")
            time.sleep(0.05)
    finally:
        server.stop()


def _has_shut_down(server: Server) -> bool:
    """Whether the log says that the server has ended; it may not even have begun."""
    return server.log.exists() and "database system is shut down" in server.log_end()


def _forget_dead_process(server: Server, folder: Path) -> None:
    """Keep PostgreSQL from taking a stranger's process, or a zombie, for its own earlier one.

    In the data's file only the number is overwritten: PostgreSQL still looks at the shared
    memory named in it, which is what keeps two servers off one cluster.
    """
    (folder / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
    file = server.data / "postmaster.pid"
    lines = server.lines()
    if not lines:
        file.unlink(missing_ok=True)
        return
    with file.open("r+") as rewritten:
        rewritten.write("\n".join([str(_NO_PROCESS), *lines[1:], ""]))
        rewritten.truncate()


def _ready(server: Server) -> bool:
    words = ["-q", "-h", server.running_folder(), "-p", "5432", "-U", "postgres"]
    try:
        server.run("pg_isready", *words, "-d", "postgres")
    except EmbeddedServerError:
        return False
    return True


def _socket_is_lost(server: Server) -> bool:
    """Whether a server that is up has had its socket removed by a cleaner of /tmp."""
    return server.is_ready() and not (server.running_folder() / ".s.PGSQL.5432").exists()


def _ensure_owner(server: Server, data: Path) -> None:
    """Make the owner and its database once, as the superuser."""
    password = password_of(data, "owner")
    with contextlib.suppress(psycopg.OperationalError):
        psycopg.connect(server.url(DATABASE, OWNER, password), connect_timeout=10).close()
        return
    superuser = server.url("postgres", "postgres", password_of(data, "postgres"))
    try:
        connection = psycopg.connect(superuser, autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as error:
        raise EmbeddedServerError(
            f"The passwords in {data.parent / 'secrets'} do not open {server.data}: one of "
            "the two was replaced. Put the passwords back, or stop the server and remove "
            f"the cluster (its rows are lost).\n{error}"
        ) from error
    with connection:
        _make_owner(connection, password)


def _make_owner(connection: psycopg.Connection[Any], password: str) -> None:
    """Create or repair the owner's role and database, and close the other databases."""
    encrypted = connection.pgconn.encrypt_password(
        password.encode(), OWNER.encode(), b"scram-sha-256"
    ).decode()
    known = "SELECT FROM pg_roles WHERE rolname = %s"
    verb = "ALTER" if connection.execute(known, [OWNER]).rowcount else "CREATE"
    connection.execute(
        sql.SQL("{} ROLE {} LOGIN NOSUPERUSER CREATEROLE CREATEDB PASSWORD {}").format(
            sql.SQL(verb), sql.Identifier(OWNER), sql.Literal(encrypted)
        )
    )
    known = "SELECT FROM pg_database WHERE datname = %s"
    if not connection.execute(known, [DATABASE]).rowcount:
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(
                sql.Identifier(DATABASE), sql.Identifier(OWNER)
            )
        )
    connection.execute("REVOKE ALL ON DATABASE postgres, template1, tessera FROM PUBLIC")
    connection.execute(
        sql.SQL("GRANT CONNECT ON DATABASE postgres TO {}").format(sql.Identifier(OWNER))
    )
