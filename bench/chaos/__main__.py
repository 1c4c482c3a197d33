"""The command: one seed here, or several beside each other, each a process of its own."""

import argparse
import subprocess
import sys
import time
from pathlib import Path

from bench.chaos.defects import DEFECTS
from bench.chaos.stack import ROOT

REPORTS = ROOT / "bench" / "chaos" / "reports"


def main() -> int:
    """Run what the command line asks for; 0 when every promise was kept."""
    parser = argparse.ArgumentParser(prog="dev.py chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", help="several, such as 1-10 or 3,5,8")
    parser.add_argument("--at-once", type=int, default=1, help="how many of them run together")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--again", action="store_true", help="forget an earlier run")
    parser.add_argument("--defect", choices=DEFECTS, default="", help="break one safeguard")
    parser.add_argument("--reports", type=Path, default=REPORTS, help="folder of the reports")
    given = parser.parse_args()
    if given.seeds:
        return _several(_read_seeds(given.seeds), given)
    from bench.chaos.seat import sit

    words = {"defect": given.defect, "again": given.again, "reports": given.reports}
    return sit(given.seed, given.minutes, **words)


def _read_seeds(text: str) -> list[int]:
    seeds: list[int] = []
    for part in text.split(","):
        first, _dash, last = part.partition("-")
        seeds += range(int(first), int(last or first) + 1)
    return seeds


def _several(seeds: list[int], given: argparse.Namespace) -> int:
    words = ["--minutes", str(given.minutes), "--reports", str(given.reports)]
    words += ["--again"] if given.again else []
    words += ["--defect", given.defect] if given.defect else []
    running: list[subprocess.Popen[bytes]] = []
    code = 0
    try:
        while seeds or running:
            while seeds and len(running) < given.at_once:
                seed = ["--seed", str(seeds.pop(0))]
                command = [sys.executable, "-m", "bench.chaos", *seed, *words]
                running.append(subprocess.Popen(command, cwd=ROOT))
            for process in [one for one in running if one.poll() is not None]:
                running.remove(process)
                code = max(code, abs(process.returncode))
            time.sleep(0.2)
    finally:
        for process in running:
            process.terminate()
            process.wait()
    return code


if __name__ == "__main__":
    sys.exit(main())
