"""Client processes: started once, each with its own session, driven together."""

import multiprocessing
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from django.db import connections

from bench.ground import Ground, point_django_at
from bench.registry import Sample

WARM_SECONDS = 0.5

# One round of work; returns how many transactions it committed.
Step = Callable[[], int]
# Makes a client's step, in the client's own process, from the client's number.
Work = Callable[[int], Step]


class ClientError(Exception):
    """A client failed; the message is its traceback."""


@dataclass
class Clients:
    """A set of running client processes."""

    ground: Ground
    processes: list[BaseProcess]
    pipes: list[Connection]

    def run(self, seconds: float) -> Sample:
        """Let all work for some seconds at once, and return their transactions a second."""
        before = self.ground.cpu_seconds()
        self.start(seconds)
        return self.finish(before)

    def start(self, seconds: float) -> None:
        """Let all work for some seconds from now on."""
        for pipe in self.pipes:
            pipe.send(seconds)

    def finish(self, before: float) -> Sample:
        """Wait until all are done; `before` is the server's processor time at their start."""
        answers = [self._answer(pipe) for pipe in self.pipes]
        count = sum(done for done, _elapsed, _cpu in answers)
        rate = sum(done / elapsed for done, elapsed, _cpu in answers)
        seen: dict[str, float] = {"transactions": count}
        if count:
            seen["client_cpu_us"] = round(sum(cpu for *_, cpu in answers) / count * 1e6, 1)
            seen["server_cpu_us"] = round((self.ground.cpu_seconds() - before) / count * 1e6, 1)
        return Sample(rate, seen)

    def _answer(self, pipe: Connection) -> tuple[int, float, float]:
        answer = pipe.recv()
        if isinstance(answer, str):
            raise ClientError(answer)
        done, elapsed, cpu = answer
        return done, elapsed, cpu


@contextmanager
def clients(ground: Ground, url: str, count: int, work: Work) -> Iterator[Clients]:
    """Start client processes on a database; they are warm, and wait for the first run."""
    connections.close_all()
    fork = multiprocessing.get_context("fork")
    processes: list[BaseProcess] = []
    pipes: list[Connection] = []
    for number in range(count):
        ours, theirs = fork.Pipe()
        # A client that kept our end of a pipe open would never see it closed.
        inherited = (*pipes, ours)
        process: BaseProcess = fork.Process(
            target=_serve, args=(theirs, inherited, url, work, number), daemon=True
        )
        process.start()
        theirs.close()
        processes.append(process)
        pipes.append(ours)
    try:
        started = Clients(ground, processes, pipes)
        started.run(min(WARM_SECONDS, 0.1) if ground.smallest else WARM_SECONDS)
        yield started
    finally:
        for pipe in pipes:
            pipe.close()
        for process in processes:
            process.join(10)
            process.kill()


def _serve(
    pipe: Connection, inherited: Iterable[Connection], url: str, work: Work, number: int
) -> None:
    """Work for as long as each message says, until the pipe is closed."""
    for end in inherited:
        end.close()
    try:
        point_django_at(url)
        step = work(number)
        while True:
            seconds = pipe.recv()
            pipe.send(_timed(step, seconds))
    except (EOFError, KeyboardInterrupt):
        return
    except Exception:
        pipe.send(traceback.format_exc())


def _timed(step: Step, seconds: float) -> tuple[int, float, float]:
    done, cpu, start = 0, time.process_time(), time.perf_counter()
    while time.perf_counter() - start < seconds:
        done += step()
    return done, time.perf_counter() - start, time.process_time() - cpu
