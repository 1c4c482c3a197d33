"""One step of a month in a process of its own, so that its memory can be told.

`python -m bench.billing_entries.steps STEP ...`: the month comes as JSON on standard input.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.billing_entries.month import Month


def run_steps(database_url: str, month: "Month", path: Path, *steps: str) -> dict[str, float]:
    """Do steps (`import`, `bill`, `object`, `settle`) as the portal, in a process of its own.

    Returns the seconds of all, of each, the process's peak memory in MiB, and the rows that
    were recorded and covered.

    :raises subprocess.CalledProcessError: if the process failed; its words are on the terminal.
    """
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "SECRET_KEY": "of-a-measurement-alone-" * 3,
        "TESSERA_DEMO": "0",
    }
    done = subprocess.run(
        [sys.executable, "-m", "bench.billing_entries.steps", str(path), *steps],
        input=json.dumps(asdict(month)),
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    seen: dict[str, float] = json.loads(done.stdout)
    return seen


def main() -> None:
    """Do the steps of the command line, and print what was seen as JSON."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    import django

    django.setup()
    from bench.billing_entries.month import Month
    from common.processes import keep_what_is_loaded

    # As the worker's processes do.
    keep_what_is_loaded()
    given = json.load(sys.stdin)
    month = Month(given["provider"], given["programme"], tuple(given["orders"]))
    path, *steps = sys.argv[1:]
    print(json.dumps(_done(month, Path(path), steps)))


def _done(month: "Month", path: Path, steps: list[str]) -> dict[str, float]:
    from django.db import connection

    from bench.billing_entries import month as acts
    from billing.models import Bill

    connection.ensure_connection()
    seen: dict[str, float] = {}

    def do_import() -> None:
        report = acts.import_file(month, path, f"import {time.time()}")
        seen["recorded"] = report.recorded
        seen["known_before"] = report.known_before
        seen["errors"] = report.errors_total

    def do_settle() -> None:
        seen["covered"] = acts.settle(Bill.objects.get())

    what: dict[str, Callable[[], Any]] = {
        "import": do_import,
        "bill": lambda: acts.send_bill(month),
        "object": lambda: acts.object_to_some(Bill.objects.get()),
        "settle": do_settle,
    }
    began = time.perf_counter()
    for step in steps:
        start = time.perf_counter()
        what[step]()
        seen[f"{step}_s"] = round(time.perf_counter() - start, 3)
    seen["seconds"] = round(time.perf_counter() - began, 3)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seen["peak_mib"] = round(peak / 1024, 1)
    return seen


if __name__ == "__main__":
    main()
