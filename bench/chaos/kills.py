"""Kill what the plan says, and show which transactions it caught."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.chaos.board import Board
from bench.chaos.lookout import Lookout
from bench.chaos.plan import Kill
from bench.chaos.sending import WAIT_POINT
from bench.chaos.stack import Stack

_LOOK_SECONDS = 0.6
_LOOK_AT_SERVER_SECONDS = 2.5

# Held up at the wait point: has written, and can't commit before the lock is let go.
_WAITING = """
    select a.pid from pg_locks l join pg_stat_activity a using (pid)
    where l.locktype = 'advisory' and (l.classid, l.objid) = (%s, %s) and not l.granted
        and a.backend_xid is not null and a.usename = %s
"""
# Has written, and had not committed when it was looked at.
_WRITING = """
    select pid from pg_stat_activity
    where backend_xid is not null and usename = %s and application_name like %s
"""


@dataclass(frozen=True, slots=True)
class Killed:
    """One kill: how many transactions were held inside it, or seen writing just before it."""

    at: float
    kind: str
    is_at_wait_point: bool
    held: int
    seen: int

    def to_json(self) -> dict[str, Any]:
        """Return it for the report."""
        return asdict(self)


class Killer:
    """Kills servers and sessions of one run, each by a number that the run itself keeps."""

    def __init__(self, stack: Stack, lookout: Lookout, board: Board, role: str) -> None:
        self._stack, self._lookout, self._board, self._role = stack, lookout, board, role

    def do(self, kill: Kill, *, at: float) -> Killed:
        """Do one kill of the plan at a second of the run, and tell what it hit."""
        self._lookout.count_deadlocks()
        if kill.kind in ("worker", "web", "broker"):
            held, seen = 0, self._kill_server(kill.kind)
        elif kill.kind == "herd":
            held, seen = self._herd(), 0
        else:
            held, seen = self._kill_sessions(kill)
        return Killed(round(at, 3), kill.kind, kill.is_at_wait_point, held, seen)

    def _kill_server(self, name: str) -> int:
        """Kill a server of ours, if it can be while it is inside a transaction."""
        seen = 0
        if name != "broker":
            deadline = time.monotonic() + _LOOK_AT_SERVER_SECONDS
            while not seen and time.monotonic() < deadline:
                seen = len(self._lookout.ask(_WRITING, self._role, f"chaos-{name}%"))
                time.sleep(0.004)
        self._stack.servers[name].kill()
        return seen

    def _herd(self) -> int:
        """Gather requests at the wait point, all for one fresh payable, and let them go at once."""
        with self._wait_point_closed():
            self._board.set_payday()
            return len(self._gather(least=7))

    def _kill_sessions(self, kill: Kill) -> tuple[int, int]:
        if kill.is_at_wait_point:
            with self._wait_point_closed():
                inside = self._gather(least=2)
                self._strike(kill, inside or self._writing())
            return len(inside), 0
        inside = self._writing()
        self._strike(kill, inside)
        return 0, len(inside)

    def _strike(self, kill: Kill, inside: list[int]) -> None:
        victim = inside[kill.place % len(inside)] if inside else 0
        if kill.kind == "postmaster":
            os.kill(self._stack.postmaster, signal.SIGKILL)
        elif kill.kind == "terminate":
            for pid in inside[:3]:
                self._lookout.ask("select pg_terminate_backend(%s)", pid)
        elif victim and _parent(victim) == self._stack.postmaster:
            os.kill(victim, signal.SIGKILL)

    @contextlib.contextmanager
    def _wait_point_closed(self) -> Iterator[None]:
        """Hold every request up that comes to the wait point; a killed server lets all go."""
        self._lookout.ask("select pg_advisory_lock(%s, %s)", *WAIT_POINT)
        try:
            yield
        finally:
            self._lookout.tell("select pg_advisory_unlock(%s, %s)", *WAIT_POINT)

    def _gather(self, least: int) -> list[int]:
        deadline = time.monotonic() + _LOOK_SECONDS
        found: list[int] = []
        while len(found) < least and time.monotonic() < deadline:
            time.sleep(0.01)
            found = self._lookout.ask(_WAITING, *WAIT_POINT, self._role)
        return found

    def _writing(self) -> list[int]:
        deadline = time.monotonic() + _LOOK_SECONDS
        found: list[int] = []
        while not found and time.monotonic() < deadline:
            found = self._lookout.ask(_WRITING, self._role, "%")
        return found


def _parent(process: int) -> int:
    """Return a process's parent, so that a number that was given out anew is not killed."""
    try:
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    except FileNotFoundError:
        return 0
