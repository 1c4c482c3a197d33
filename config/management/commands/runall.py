"""Run the whole of Tessera on one machine: servers, portal, worker and timetable."""

import contextlib
import fcntl
import functools
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.embedded import (
    EmbeddedServerError,
    dying_with_parent,
    leave_valkey,
    lend_postgres,
    start_valkey,
    valkey_url,
)
from config.embedded.archive import alarm_of
from config.roles import (
    RoleError,
    ensure_app_role,
    ensure_database,
    grant_app,
    libpq_url,
)
from config.secrets import sandbox_secret
from config.supervisor import MARK, Supervisor, end_strays, starter

HOST = "127.0.0.1"
PORT = 8000
ANSWER_SECONDS = 60
STOP_ORDER = ["web", "sandbox", "beat", "sandbox-worker", "worker", "valkey"]
SANDBOX_DATABASE = "tessera_sandbox"
# What the portal, worker and beat must not be told.
OWNERS_ALONE = {"APP_DATABASE_URL", "APP_DATABASE_PASSWORD", "TESSERA_TEST_OWNER_URL"}


class Command(BaseCommand):
    """Run everything until Ctrl-C; the database's owner runs this, the portal's role serves."""

    help = "Start PostgreSQL, Valkey, the portal, the worker and the timetable."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--prepare-only",
            action="store_true",
            help="migrate, make the portal's role and its rights, then leave",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        signal.signal(signal.SIGTERM, _leave)
        if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
            signal.signal(signal.SIGHUP, _leave)
        try:
            with _only_run(settings.VAR_DIR) as run_file:
                self._run(run_file, prepare_only=options["prepare_only"])
        except (EmbeddedServerError, RoleError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            with contextlib.suppress(OSError):
                self.stdout.write("Tessera has stopped.")

    def _run(self, run_file: Path, *, prepare_only: bool) -> None:
        var: Path = settings.VAR_DIR
        if end_strays(str(var)):
            self.stdout.write("Ended what an earlier run had left running.")
        with contextlib.ExitStack() as servers:
            owner_url = os.environ.get("DATABASE_URL")
            if not owner_url:
                self.stdout.write("Starting PostgreSQL ...")
                owner_url = servers.enter_context(lend_postgres(var / "pg18"))
                if alarm := alarm_of(var / "pg18"):
                    self.stderr.write(f"*** {alarm} ***")
            self.stdout.write("Migrating ...")
            _migrate(owner_url)
            sandbox_url = self._prepare_sandbox(owner_url)
            app_url = self._prepare(owner_url)
            if not prepare_only:
                self._serve(run_file, app_url, sandbox_url)

    def _prepare(self, owner_url: str) -> str:
        """Give the portal's role its rights, and load the demo; return the portal's address."""
        app_url = ensure_app_role(owner_url, settings.VAR_DIR / "secrets")
        role = psycopg.conninfo.conninfo_to_dict(app_url)["user"]
        with psycopg.connect(libpq_url(owner_url)) as connection:
            grant_app(connection, role=str(role))
            has_people = connection.execute("SELECT FROM parties_user LIMIT 1").rowcount
        if settings.DEMO and not has_people:
            self.stdout.write("Loading the demo ...")
            _manage(_environment(app_url), "load_demo")
        return app_url

    def _prepare_sandbox(self, owner_url: str) -> str | None:
        """Return the sandbox's address of its own database, or None where there is no sandbox.

        On servers of one's own it is a second set of processes, docs/decisions/0021-sandbox.md.
        """
        if not settings.SANDBOX_STARTS or os.environ.get("DATABASE_URL"):
            return None
        self.stdout.write("Preparing the sandbox ...")
        own_url = ensure_database(owner_url, SANDBOX_DATABASE)
        _migrate(own_url)
        app_url = ensure_app_role(own_url, settings.VAR_DIR / "secrets")
        with psycopg.connect(libpq_url(own_url)) as connection:
            grant_app(connection)
        return app_url

    def _serve(self, run_file: Path, app_url: str, sandbox_url: str | None) -> None:
        """Keep the processes running until asked to stop."""
        var: Path = settings.VAR_DIR
        (var / "static").mkdir(parents=True, exist_ok=True)
        port = _free_port()
        address = f"http://{HOST}:{port}/"
        environment = _environment(app_url)
        environment.setdefault("PUBLIC_URL", address.rstrip("/"))
        sandbox_port = _free_port_after(port) if sandbox_url else 0
        if sandbox_url:
            environment["SANDBOX_URL"] = f"http://{HOST}:{sandbox_port}"
        supervisor = Supervisor(var / "log")
        try:
            if not os.environ.get("BROKER_URL"):
                queue = var / "valkey"
                environment["BROKER_URL"] = valkey_url(queue)
                supervisor.add("valkey", functools.partial(start_valkey, queue))
            for name, command, stop_seconds in _commands(port, var):
                supervisor.add(
                    name,
                    starter(command, environment, settings.BASE_DIR),
                    stop_seconds=stop_seconds,
                )
            if sandbox_url:
                told = _sandbox_environment(environment, sandbox_url, var)
                for name, command, stop_seconds in _sandbox_commands(sandbox_port, var):
                    start = starter(command, told, settings.BASE_DIR)
                    supervisor.add(name, start, stop_seconds=stop_seconds)
            sandbox = environment.get("SANDBOX_URL", "") if sandbox_url else ""
            here = {"address": address, "process": os.getpid(), "sandbox": sandbox}
            run_file.write_text(json.dumps(here))
            self._welcome(supervisor, address, sandbox)
            while True:
                supervisor.tend(0.5)
        finally:
            # A second Ctrl-C must not leave processes behind.
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            supervisor.stop(STOP_ORDER)
            if not os.environ.get("BROKER_URL"):
                leave_valkey(var / "valkey")
            run_file.unlink(missing_ok=True)

    def _welcome(self, supervisor: Supervisor, address: str, sandbox: str) -> None:
        """Wait until the portal answers, and say where it is and who can sign in."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while not _answers(address):
            if time.monotonic() > deadline:
                log = settings.VAR_DIR / "log" / "web.log"
                self.stderr.write(f"The portal does not answer at {address}: see {log}.")
                return
            supervisor.tend(0.2)
        places = ["", f"Tessera is at {address}"]
        places += [f"Its sandbox is at {sandbox}/"] if sandbox else []
        self.stdout.write("\n".join([*places, *demo_accounts()]))
        self.stdout.write("Ctrl-C stops it.\n")
        self.stdout.flush()


def demo_accounts() -> list[str]:
    """Return the lines that the demo's loader left about who can sign in."""
    file = Path(settings.VAR_DIR) / "demo-accounts.txt"
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def _leave(*_: object) -> None:
    raise KeyboardInterrupt


@contextlib.contextmanager
def _only_run(var: Path) -> Iterator[Path]:
    """Make sure that this checkout runs once, and give the file that says where."""
    var.mkdir(parents=True, exist_ok=True)
    run_file = var / "run.json"
    with (var / ".run.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError(_already(run_file)) from None
        run_file.unlink(missing_ok=True)
        yield run_file


def _already(run_file: Path) -> str:
    try:
        run = json.loads(run_file.read_text())
    except FileNotFoundError:
        return "Tessera is being started already from this checkout."
    return f"Tessera is running already at {run['address']} (process {run['process']})."


def _environment(app_url: str) -> dict[str, str]:
    """Return what the portal, worker and beat are told: the portal's role, not the owner's."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in OWNERS_ALONE and not name.startswith("PG")
    }
    return {
        **kept,
        "DATABASE_URL": app_url,
        "SECRET_KEY": settings.SECRET_KEY,
        "PYTHONUNBUFFERED": "1",
        MARK: str(settings.VAR_DIR),
    }


def _migrate(owner_url: str) -> None:
    """Bring a database up to date as its owner."""
    told = {"DATABASE_URL": owner_url, "SECRET_KEY": settings.SECRET_KEY}
    _manage({**os.environ, **told}, "migrate", "--verbosity", "0")


def _sandbox_environment(
    environment: dict[str, str], app_url: str, var: Path
) -> dict[str, str]:
    """Return what the sandbox's processes are told: a database, a secret, a folder of its own."""
    own = {name: value for name, value in environment.items() if name != "SANDBOX_URL"}
    (var / "sandbox" / "static").mkdir(parents=True, exist_ok=True)
    return {
        **own,
        "DATABASE_URL": app_url,
        "PUBLIC_URL": environment["SANDBOX_URL"],
        "SECRET_KEY": sandbox_secret(settings.SECRET_KEY),
        "TESSERA_DEMO": "0",
        "TESSERA_IS_SANDBOX": "1",
        "TESSERA_VAR": str(var / "sandbox"),
        "WEBHOOKS_TO_LOOPBACK": "1" if settings.WEBHOOKS_TO_LOOPBACK else "0",
    }


def _sandbox_commands(port: int, var: Path) -> list[tuple[str, list[str], float]]:
    """Return the sandbox's two processes: its pages, and a worker that keeps the timetable."""
    web = ["granian", "--interface", "wsgi", "--host", HOST, "--port", str(port)]
    web += ["--workers", "1", "--blocking-threads", "4", "--backpressure", "64"]
    web += ["config.wsgi:application"]
    worker = ["celery", "-A", "config", "worker", "-B", "-c", "1", "--loglevel", "WARNING"]
    worker += ["-s", str(var / "sandbox" / "celerybeat-schedule")]
    worker += ["--without-heartbeat", "--without-gossip", "--without-mingle"]
    python = [sys.executable, "-m"]
    return [("sandbox-worker", [*python, *worker], 60), ("sandbox", [*python, *web], 15)]


def _manage(environment: dict[str, str], *words: str) -> None:
    """Run another command in a process of its own, with other rights than ours."""
    command = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), *words]
    done = subprocess.run(command, env=environment, preexec_fn=dying_with_parent(), check=False)
    if done.returncode:
        raise CommandError(f"manage.py {words[0]} failed; nothing was started.")


def _commands(port: int, var: Path) -> list[tuple[str, list[str], float]]:
    """Return the name, command and seconds to stop of each process of ours."""
    web = ["granian", "--interface", "wsgi", "--host", HOST, "--port", str(port)]
    web += ["--workers", "2", "--blocking-threads", "4", "--backpressure", "64"]
    web += ["config.wsgi:application"]
    worker = ["celery", "-A", "config", "worker", "-c", "2", "--loglevel", "INFO"]
    # Nobody reads what workers tell each other, and a heartbeat that has lost its broker is sent
    # again for ever: such a worker would not end with its supervisor.
    worker += ["--without-heartbeat", "--without-gossip", "--without-mingle"]
    beat = ["celery", "-A", "config", "beat", "--loglevel", "WARNING"]
    beat += ["-s", str(var / "celerybeat-schedule")]
    python = [sys.executable, "-m"]
    return [
        ("worker", [*python, *worker], 60),
        ("beat", [*python, *beat], 10),
        ("web", [*python, *web], 15),
    ]


def _free_port() -> int:
    """Return the port asked for, or the first free one from 8000 on."""
    asked = os.environ.get("PORT")
    if asked:
        if not _is_free(int(asked)):
            raise CommandError(f"Port {asked} is taken. Leave PORT unset to have a free one.")
        return int(asked)
    found = next((port for port in range(PORT, PORT + 100) if _is_free(port)), None)
    if found is None:
        raise CommandError(f"The ports from {PORT} on are taken. Set PORT to a free one.")
    return found


def _free_port_after(port: int) -> int:
    """Return the first free port after one."""
    found = next((one for one in range(port + 1, port + 101) if _is_free(one)), None)
    if found is None:
        raise CommandError(f"The ports after {port} are taken. Set PORT to another one.")
    return found


def _is_free(port: int) -> bool:
    with contextlib.closing(socket.socket()) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            line.bind((HOST, port))
        except OSError:
            return False
    return True


def _answers(address: str) -> bool:
    host = address.removeprefix("http://").rstrip("/")
    line = http.client.HTTPConnection(host, timeout=3)
    try:
        line.request("GET", "/")
        line.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()
    return True
