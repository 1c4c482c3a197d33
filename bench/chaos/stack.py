"""A whole Tessera of one run's own: its servers started, killed, and started again."""

import contextlib
import fcntl
import functools
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlsplit, urlunsplit
from urllib.request import urlopen

import psycopg

from config.embedded import (
    EmbeddedServerError,
    dying_with_parent,
    ensure_postgres,
    start_valkey,
    stop_postgres,
    superuser_url,
    valkey_url,
)
from config.roles import ensure_app_role, grant_app, libpq_url
from config.secrets import kept_secret
from config.supervisor import MARK, end_strays

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
_LOCK_SECONDS = 120.0
_START_SECONDS = 90.0
_STOP_SECONDS = 15.0

Start = Callable[..., "subprocess.Popen[bytes]"]


class Server:
    """One process that leads a group of its own; killed by its number, started again."""

    def __init__(self, name: str, start: Start, log: Path) -> None:
        self.name = name
        self.process: subprocess.Popen[bytes] | None = None
        self.starts = 0
        self._start, self._log = start, log

    def start(self) -> None:
        """Start the process; what it writes goes to its log."""
        with self._log.open("ab") as log:
            self.process = self._start(
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        self.starts += 1

    @property
    def is_dead(self) -> bool:
        """Whether it has to be started again."""
        return self.process is None or self.process.poll() is not None

    def kill(self) -> None:
        """Kill the whole group at once, and wait until it is gone."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        """Ask it to end, and kill what is late."""
        if self.process is not None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_STOP_SECONDS)
            self.kill()


class Stack:
    """The servers of one run, below one folder; all end with this process, even by kill -9."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "pg"
        self.servers: dict[str, Server] = {}
        self.postmaster = 0
        self.postmaster_starts = 0
        self.owner_url = self.app_url = ""
        self.port = 0
        # Where the cluster really is: root keeps it where its account can reach it.
        self.real_data = self.data
        self._warden: subprocess.Popen[bytes] | None = None
        self._lock: TextIO | None = None

    def start_database(self) -> None:
        """Make or find the cluster, durable, with all tables and the portal's role."""
        (self.folder / "log").mkdir(parents=True, exist_ok=True)
        self._take_folder()
        end_strays(str(self.folder))
        self.bring_up_database()
        self._manage("migrate", "--verbosity", "0")
        self.app_url = ensure_app_role(self.owner_url, self.folder / "secrets")
        with psycopg.connect(libpq_url(self.owner_url)) as connection:
            grant_app(connection)

    def _take_folder(self) -> None:
        """Be the only run of this folder, and leave a warden who stops PostgreSQL after us."""
        self._lock = (self.folder / ".run.lock").open("a")
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise EmbeddedServerError(f"{self.folder} is in use.") from None
                time.sleep(0.2)
        self._warden = subprocess.Popen(
            [sys.executable, "-m", "bench.chaos.warden", str(self.data)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            pass_fds=[self._lock.fileno()],
            start_new_session=True,
        )

    def bring_up_database(self) -> None:
        """Start PostgreSQL unless it runs, and keep its number."""
        self.owner_url = ensure_postgres(self.data)
        if not self.postmaster:
            with psycopg.connect(superuser_url(self.data)) as connection:
                row = connection.execute("show data_directory").fetchone()
            assert row is not None
            self.real_data = Path(row[0])
        number = int((self.real_data / "postmaster.pid").read_text().split()[0])
        if number != self.postmaster:
            self.postmaster = number
            self.postmaster_starts += 1

    def superuser_url(self) -> str:
        """Return the superuser's address of the run's database."""
        name = urlsplit(self.owner_url).path
        return urlunsplit(urlsplit(superuser_url(self.data))._replace(path=name))

    def environment(self, name: str) -> dict[str, str]:
        """Return what a process of the portal's role is told; its sessions carry its name."""
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("PG", "TESSERA_TEST", "PYTEST", "APP_DATABASE"))
        }
        return {
            **kept,
            "DATABASE_URL": self.app_url,
            "BROKER_URL": valkey_url(self.folder / "valkey"),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "SECRET_KEY": kept_secret(self.folder / "secrets", "django-secret-key"),
            "TESSERA_VAR": str(self.folder),
            "TESSERA_DEMO": "0",
            "PUBLIC_URL": self.address,
            "PGAPPNAME": f"chaos-{name}",
            MARK: str(self.folder),
        }

    @property
    def address(self) -> str:
        """The portal's address."""
        return f"http://{HOST}:{self.port}"

    def start_servers(self) -> None:
        """Start the broker, the worker, the timetable and the portal.

        The broker begins empty: what is due is in rows, and the timetable asks for it again.
        """
        (self.folder / "static").mkdir(exist_ok=True)
        shutil.rmtree(self.folder / "valkey", ignore_errors=True)
        self.port = _free_port()
        broker = functools.partial(start_valkey, self.folder / "valkey")
        self._add("broker", broker)
        celery = ["celery", "-A", "bench.chaos.timetable"]
        self._add("worker", self._python(*celery, "worker", "-c", "1", "--loglevel", "INFO"))
        schedule = str(self.folder / "beat")
        self._add(
            "beat", self._python(*celery, "beat", "-s", schedule, "--loglevel", "WARNING")
        )
        web = ["granian", "--interface", "wsgi", "--host", HOST, "--port", str(self.port)]
        web += ["--workers", "1", "--blocking-threads", "3", "config.wsgi:application"]
        self._add("web", self._python(*web))
        self._wait_for_web()

    def _wait_for_web(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), urlopen(f"{self.address}/help", timeout=5):
                return
            self.tend()
            time.sleep(0.1)
        raise EmbeddedServerError(f"The portal does not answer; see {self.folder}/log/web.log.")

    def _add(self, name: str, start: Start) -> None:
        server = Server(name, start, self.folder / "log" / f"{name}.log")
        self.servers[name] = server
        server.start()

    def _python(self, *words: str) -> Start:
        def start(**popen: Any) -> "subprocess.Popen[bytes]":
            name = "web" if words[0] == "granian" else words[3]
            return subprocess.Popen(
                [sys.executable, "-m", *words],
                env=self.environment(name),
                cwd=ROOT,
                preexec_fn=dying_with_parent(),
                **popen,
            )

        return start

    def tend(self) -> None:
        """Start again whatever has died."""
        if not _lives(self.postmaster):
            self.bring_up_database()
        for server in self.servers.values():
            if server.is_dead:
                server.kill()
                with contextlib.suppress(EmbeddedServerError):
                    server.start()

    def stop_servers(self) -> None:
        """Stop everything but the database."""
        for name in ("web", "beat", "worker", "broker"):
            if name in self.servers:
                self.servers.pop(name).stop()

    def clear(self) -> None:
        """Remove everything that an earlier run has left, once nobody uses it."""
        (self.folder / "log").mkdir(parents=True, exist_ok=True)
        self._take_folder()
        end_strays(str(self.folder))
        if (self.folder / "secrets").exists():
            self.bring_up_database()
            stop_postgres(self.data)
            shutil.rmtree(self.real_data)
        self.stop()
        shutil.rmtree(self.folder)

    def stop(self) -> None:
        """Stop everything."""
        self.stop_servers()
        stop_postgres(self.data)
        if self._warden is not None:
            self._warden.communicate()
        if self._lock is not None:
            self._lock.close()

    def _manage(self, *words: str) -> None:
        environment = {**self.environment("manage"), "DATABASE_URL": self.owner_url}
        subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *words],
            env=environment,
            preexec_fn=dying_with_parent(),
            check=True,
        )


def _lives(process: int) -> bool:
    """Whether a process that is not our child runs; one that nobody waited for does not."""
    try:
        os.kill(process, 0)
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        return not Path("/proc/self").exists()
    return state != "Z"


def _free_port() -> int:
    with contextlib.closing(socket.socket()) as line:
        line.bind((HOST, 0))
        return int(line.getsockname()[1])
