"""The process that runs django-hordak, as the reference sees it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bench.ground import Ground
from bench.registry import Sample
from config.embedded import dying_with_parent


@contextmanager
def hordak(ground: Ground) -> Iterator[Callable[[int], Sample]]:
    """Start django-hordak on a database of its own; yield what measures some transfers."""
    with ground.empty_database() as url:
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.peers.hordak_transfers"],
            env={**os.environ, "DATABASE_URL": url},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=dying_with_parent(),
        )

        def line() -> str:
            assert process.stdout is not None
            answer = process.stdout.readline().strip()
            if not answer:
                raise RuntimeError("django-hordak's process has ended; its error is above.")
            return answer

        def measured(count: int) -> Sample:
            assert process.stdin is not None
            before = ground.cpu_seconds()
            process.stdin.write(f"{count}\n")
            process.stdin.flush()
            seconds = float(line())
            cpu = (ground.cpu_seconds() - before) / count * 1e6
            return Sample(count / seconds, {"transfers": count, "server_cpu_us": round(cpu, 1)})

        try:
            while line() != "ready":
                pass
            yield measured
        finally:
            process.stdin.close() if process.stdin else None
            process.wait(30)
