"""Child processes kept alive: logged, started again when they die, stopped in order."""

import contextlib
import logging
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO, Any

from config.embedded import EmbeddedServerError, dying_with_parent

Start = Callable[..., "subprocess.Popen[bytes]"]

# Every process below a supervisor has this variable, with the supervisor's folder.
MARK = "TESSERA_RUN"
LOG_BYTES_MAX = 10 * 1024 * 1024
BACKOFF_SECONDS_MAX = 30.0
STEADY_SECONDS = 60.0


class Child:
    """One process with its log; it leads a process group of its own."""

    def __init__(self, name: str, start: Start, *, stop_seconds: float, log: Path) -> None:
        self.name = name
        self.stop_seconds = stop_seconds
        self.process: subprocess.Popen[bytes] | None = None
        self._start = start
        self._rest = b""
        self._backoff = 0.0
        self._started = 0.0
        self._due = 0.0
        self._log = logging.Logger(name)
        handler = RotatingFileHandler(log, maxBytes=LOG_BYTES_MAX, backupCount=1)
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        self._log.addHandler(handler)

    def start(self) -> IO[bytes]:
        """Start the process and return its output, to be read without waiting."""
        self.process = self._start(
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
        self._started = time.monotonic()
        output = self.process.stdout
        assert output is not None
        os.set_blocking(output.fileno(), False)
        return output

    def bury(self) -> None:
        """End what a dead process left behind, and say when to start it again."""
        assert self.process is not None
        self.end_group()
        if time.monotonic() - self._started > STEADY_SECONDS:
            self._backoff = 0.0
        self.put_off(f"ended with code {self.process.returncode}")

    def put_off(self, reason: str) -> None:
        """Wait before the next start: twice as long each time, until one has lasted."""
        self.process = None
        self._backoff = min(max(1.0, self._backoff * 2), BACKOFF_SECONDS_MAX)
        self._due = time.monotonic() + self._backoff
        self.say(f"{reason}; starts again in {self._backoff:.0f} s")

    def end_group(self) -> None:
        """Kill what remains of the process group: a pool's children outlive their parent."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def is_due(self) -> bool:
        """Whether a dead process has waited long enough."""
        return self.process is None and time.monotonic() >= self._due

    def take(self, output: bytes) -> None:
        """Log what the process wrote, a line at a time."""
        *lines, self._rest = (self._rest + output).split(b"\n")
        for line in lines:
            self.say(line.decode(errors="replace"))

    def say(self, line: str) -> None:
        """Write a line to the log and to the terminal, with the process's name."""
        self._log.info(line)
        # Nobody may be reading any more; the log has the line.
        with contextlib.suppress(OSError):
            sys.stdout.write(f"{self.name:<8}| {line}\n")
            sys.stdout.flush()


class Supervisor:
    """The children of one run, in the order in which they were started."""

    def __init__(self, logs: Path) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self.children: list[Child] = []
        self.stopping = False
        self._logs = logs
        self._outputs = selectors.DefaultSelector()

    def add(self, name: str, start: Start, *, stop_seconds: float = 10) -> None:
        """Start a child and keep it alive. `start` takes the arguments of `Popen`."""
        child = Child(name, start, stop_seconds=stop_seconds, log=self._logs / f"{name}.log")
        self.children.append(child)
        self._start(child)

    def tend(self, seconds: float) -> None:
        """Pass on what the children wrote, and start again those that died."""
        self._listen(seconds)
        for child in self.children:
            if child.process is not None and child.process.poll() is not None:
                child.bury()
            if child.is_due() and not self.stopping:
                try:
                    self._start(child)
                except (EmbeddedServerError, OSError) as error:
                    child.put_off(str(error))

    def stop(self, order: list[str]) -> None:
        """Stop the children one after the other: each is asked first, and killed when late."""
        self.stopping = True
        for child in sorted(self.children, key=lambda child: order.index(child.name)):
            process = child.process
            if process is None:
                continue
            process.terminate()
            deadline = time.monotonic() + child.stop_seconds
            while process.poll() is None and time.monotonic() < deadline:
                self._listen(0.05)
            child.end_group()
            process.wait()
            self._listen(0)
            child.process = None

    def _start(self, child: Child) -> None:
        self._outputs.register(child.start(), selectors.EVENT_READ, child)

    def _listen(self, seconds: float) -> None:
        for key, _ in self._outputs.select(seconds):
            output: Any = key.fileobj
            written = output.read(65_536)
            if written:
                key.data.take(written)
            elif written is not None:
                self._outputs.unregister(output)
                output.close()


def starter(command: list[str], environment: dict[str, str], folder: Path) -> Start:
    """Return a function that starts a command in a folder, to end with this process."""

    def start(**popen: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command, env=environment, cwd=folder, preexec_fn=dying_with_parent(), **popen
        )

    return start


def end_strays(mark: str, *, patience: float = 3) -> int:
    """End processes of an earlier run that was killed, and say how many there were.

    They are known by the mark in their environment. Only Linux shows it; elsewhere an earlier
    run's processes end by themselves once they miss the broker.
    """
    strays = _marked(mark)
    for process in strays:
        _signal(process, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while _marked(mark) and time.monotonic() < deadline:
        time.sleep(0.1)
    for process in _marked(mark):
        _signal(process, signal.SIGKILL)
    return len(strays)


def _marked(mark: str) -> list[int]:
    """Return the other processes of this machine that carry the mark."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return [process for process in found if process != os.getpid()]


def _signal(process: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(process, number)
