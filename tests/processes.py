"""The portal, the worker and the timetable as real processes on a test's own database."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError

ROOT = Path(__file__).resolve().parent.parent


def environment(app_url: str, var: Path, **more: str) -> dict[str, str]:
    """What a process of ours is told: the portal's address of the database, never the owner's."""
    own = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TESSERA_TEST", "PYTEST", "COVERAGE"))
    }
    return {
        **own,
        "DATABASE_URL": app_url,
        "TESSERA_VAR": str(var),
        "SECRET_KEY": "x" * 50,
        **more,
    }


@contextmanager
def process(command: list[str], told: dict[str, str], log: Path) -> Iterator[subprocess.Popen]:
    """Run a command in its own group until the test is done with it; stop it by its number."""
    with log.open("ab") as out:
        child = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=told,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait(10)


def free_port() -> int:
    with closing(socket.socket()) as line:
        line.bind(("127.0.0.1", 0))
        return line.getsockname()[1]


@contextmanager
def portal(app_url: str, var: Path, **more: str) -> Iterator[str]:
    """Serve the portal as `runall` does, and give its address once it answers."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    (var / "static").mkdir(parents=True, exist_ok=True)
    command = ["granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--blocking-threads", "4", "config.wsgi:application"]
    told = environment(app_url, var, PUBLIC_URL=address, **more)
    with process(command, told, var / "web.log") as child:
        deadline = time.monotonic() + 60
        while not answers(f"{address}/help"):
            assert child.poll() is None, (var / "web.log").read_text()[-3000:]
            assert time.monotonic() < deadline, (var / "web.log").read_text()[-3000:]
            time.sleep(0.1)
        yield address


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status == 200
    except HTTPError as error:
        raise AssertionError(f"{url} answers {error.code}") from error
    except (URLError, OSError):
        return False


@contextmanager
def worker(app_url: str, broker_url: str, var: Path, **more: str) -> Iterator[subprocess.Popen]:
    """Run a real Celery worker."""
    command = ["celery", "-A", "config", "worker", "-c", "1", "--loglevel", "INFO"]
    told = environment(app_url, var, BROKER_URL=broker_url, **more)
    with process(command, told, var / "worker.log") as child:
        yield child


@contextmanager
def beat(app_url: str, broker_url: str, var: Path) -> Iterator[subprocess.Popen]:
    """Run the timetable."""
    command = ["celery", "-A", "config", "beat", "-s", str(var / "beat"), "--loglevel", "INFO"]
    told = environment(app_url, var, BROKER_URL=broker_url)
    with process(command, told, var / "beat.log") as child:
        yield child
