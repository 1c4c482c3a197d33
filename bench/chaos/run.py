"""One run: build the stack, let the clients at it, kill by the plan, and prove what is left."""

import json
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import django
import psycopg

from bench.chaos.board import Board
from bench.chaos.defects import apply
from bench.chaos.kills import Killer
from bench.chaos.lookout import Lookout
from bench.chaos.plan import CLIENTS, Kill, kills
from bench.chaos.stack import ROOT, Stack
from config.embedded import dying_with_parent

_END_SECONDS = 120.0
# Behind hundreds of thousands of acts a sweep has much to look through.
_SWEEP_SECONDS = 600.0
_TICK = 0.02


@dataclass
class Progress:
    """How far a run has come, on disk so that it goes on after a kill of the harness."""

    path: Path
    started_at: str = ""
    elapsed: float = 0.0
    sittings: int = 0
    kills: list[dict[str, Any]] = field(default_factory=list)
    restarts: dict[str, int] = field(default_factory=dict)
    deadlocks: int = 0
    verdict: str = ""

    def load(self) -> None:
        """Read what an earlier sitting of the run has left."""
        if self.path.exists():
            for name, value in json.loads(self.path.read_text()).items():
                setattr(self, name, value)

    def save(self) -> None:
        """Write it so that a kill leaves either the old or the new."""
        told = {name: value for name, value in vars(self).items() if name != "path"}
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps(told))
        fresh.replace(self.path)


class Run:
    """One seed's run in its folder."""

    def __init__(self, seed: int, minutes: float, folder: Path, defect: str = "") -> None:
        self.seed, self.seconds, self.folder, self.defect = seed, minutes * 60, folder, defect
        self.progress = Progress(folder / "progress.json")
        self.progress.load()
        self.failures: list[str] = []
        self.stack = Stack(folder)
        self._board = Board()
        self._people: dict[str, BaseProcess] = {}
        self._counted: dict[str, int] = {}

    def go(self) -> None:
        """Run until the minutes are over or something contradicts the model, then seal."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.progress.started_at = self.progress.started_at or f"{datetime.now(UTC):%FT%TZ}"
        self.progress.sittings += 1
        self.stack.start_database()
        self._break_on_purpose()
        self._become_portal()
        self.stack.start_servers()
        if self.progress.elapsed < self.seconds:
            self._start_people()
            self._let_them_work()
        self._wait_for_sweeps()
        self.stack.stop_servers()
        self._count_restarts()
        self.progress.save()

    def _break_on_purpose(self) -> None:
        done = self.folder / "defect.txt"
        if self.defect and not done.exists():
            done.write_text(" ".join(apply(self.defect, self.stack.owner_url)))

    def _become_portal(self) -> None:
        """Read the settings as the portal's role does; the clients are forked from here."""
        os.environ.update(self.stack.environment("harness"))
        # This process and its clients are not what a later run has to end.
        django.setup()

    def _start_people(self) -> None:
        """Fork the clients and the trade, whose scene is set before anything is killed."""
        from bench.chaos import clients
        from bench.chaos.trade import errands
        from bench.chaos.trade.scene import ensure_scene

        scene = _forked(ensure_scene, self.folder / "scene.json")
        scene.join()
        assert not scene.exitcode, "the scene of the trade could not be set"
        for number in range(CLIENTS):
            self._people[f"client-{number}"] = _forked(
                clients.live, self.seed, number, self.folder, self._board
            )
        self._people["trade"] = _forked(
            errands.live, self.seed, self.folder, self._board, self.stack.address
        )

    def _let_them_work(self) -> None:
        role = str(psycopg.conninfo.conninfo_to_dict(self.stack.app_url)["user"])
        lookout = Lookout(self.stack)
        killer = Killer(self.stack, lookout, self._board, role)
        begun, before = time.monotonic(), self.progress.elapsed
        plan = (kill for kill in kills(self.seed) if kill.at >= before)
        due, saved = next(plan), 0.0
        while self.progress.elapsed < self.seconds and not self.failures:
            self.progress.elapsed = before + time.monotonic() - begun
            self._keep_going()
            if self.progress.elapsed >= due.at:
                self._kill(killer, due)
                due = next(plan)
            elif self.progress.elapsed - saved > 1:
                saved = self.progress.elapsed
                self._count_restarts()
                self.progress.save()
                self.failures += lookout.broken()
                self._say()
            time.sleep(_TICK)
        self._end_people()
        lookout.count_deadlocks()
        lookout.close()
        self.progress.deadlocks = max(self.progress.deadlocks, lookout.deadlocks)

    def leave(self) -> None:
        """End everybody at once; what they were at is asked again by the next sitting."""
        for process in self._people.values():
            process.kill()
            process.join()

    def _keep_going(self) -> None:
        from bench.chaos.hot import MOMENT_SECONDS

        self.stack.tend()
        self._board.set_moment(int(self.progress.elapsed / MOMENT_SECONDS))
        for name, process in self._people.items():
            if process.exitcode is not None:
                self.failures.append(f"{name} ended with code {process.exitcode}")

    def _kill(self, killer: Killer, kill: Kill) -> None:
        killed = killer.do(kill, at=self.progress.elapsed)
        self.progress.kills.append(killed.to_json())
        self.progress.save()

    def _end_people(self) -> None:
        """Let everybody finish what they are at, with the servers up."""
        self._board.end()
        deadline = time.monotonic() + _END_SECONDS
        while any(one.exitcode is None for one in self._people.values()):
            if time.monotonic() > deadline:
                self.failures.append("a client did not come to its end")
                break
            self.stack.tend()
            time.sleep(_TICK)
        for name, process in self._people.items():
            if process.exitcode is None:
                process.kill()
            process.join()
            if process.exitcode:
                words = f"{name} ended with code {process.exitcode}"
                self.failures += [] if words in self.failures else [words]

    def _wait_for_sweeps(self) -> None:
        """Let the worker do what is due; what it leaves undone is told by the proof."""
        from bench.chaos.trade.proof import is_swept

        deadline = time.monotonic() + _SWEEP_SECONDS
        while not self.failures and not is_swept() and time.monotonic() < deadline:
            self.stack.tend()
            time.sleep(1)

    def _count_restarts(self) -> None:
        starts = {name: server.starts for name, server in self.stack.servers.items()}
        starts["postmaster"] = self.stack.postmaster_starts
        for name, count in starts.items():
            new = count - 1 - self._counted.get(name, 0)
            self._counted[name] = count - 1
            self.progress.restarts[name] = self.progress.restarts.get(name, 0) + new

    def _say(self) -> None:
        if sys.stdout.isatty() or int(self.progress.elapsed) % 10 == 0:
            counted = self._board.counted(CLIENTS)
            made = sum(one["kind"] != "herd" for one in self.progress.kills)
            print(
                f"seed {self.seed}: {self.progress.elapsed:.0f} s, {counted} requests answered,"
                f" {made} kills",
                flush=True,
            )


def _forked(live: Callable[..., Any], *words: Any) -> BaseProcess:
    """Start a function in a process that has this one's settings and ends with it."""
    bind = dying_with_parent()

    def begin() -> None:
        bind()
        # Ctrl-C is the harness's alone; its end ends this process too.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        live(*words)

    process = multiprocessing.get_context("fork").Process(target=begin)
    process.start()
    return process


def folder_of(seed: int, defect: str) -> Path:
    """Return where a seed's run has its servers, journals and progress."""
    var = Path(os.environ.get("TESSERA_VAR") or ROOT / "var").absolute()
    return var / "chaos" / (f"{seed}-{defect}" if defect else str(seed))
