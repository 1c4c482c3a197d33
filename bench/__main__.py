"""`python -m bench [NAME ...]`: measure, print a table, keep the results, or check them."""

import argparse
import os
import sys
import time
from pathlib import Path

import django

from bench import results
from bench.registry import NAMES, Entry, entries


def main() -> int:
    """Do what the command line says, and return its code."""
    given = _parser().parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    django.setup()
    known = entries()
    if given.check:
        return _check(given.results, known)
    if given.list:
        for one in known.values():
            print(f"{one.name}: {one.subject} | {one.reference} | {one.must:g} ({one.aim:g})")
        return 0
    unknown = [name for name in given.names if name not in known]
    if unknown:
        print(f"No entry {', '.join(unknown)}. There are: {', '.join(known)}.", file=sys.stderr)
        return 2
    if given.costs:
        return _costs(given)
    return _measure([known[name] for name in given.names or known], given)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dev.py bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="entries; all without a name")
    parser.add_argument("--list", action="store_true", help="print the entries and leave")
    parser.add_argument("--check", action="store_true", help="compute the results again")
    parser.add_argument(
        "--costs", action="store_true", help="what each safeguard of the ledger costs"
    )
    parser.add_argument("--smallest", action="store_true", help="only see that each works")
    parser.add_argument("--repeats", type=int, help="how often each side is measured")
    parser.add_argument(
        "--results", type=Path, default=results.FILE, help="the file of results"
    )
    return parser


def _check(file: Path, known: dict[str, Entry]) -> int:
    """Compute every figure of a file again; return 1 where one is wrong or misses its must."""
    rows = results.read(file)
    print(results.table(rows, known))
    found = results.check(rows, known)
    for said in found:
        print(said)
    if not found:
        print("Every figure follows from its samples, and reaches what it must.")
    return 1 if found else 0


def _costs(given: argparse.Namespace) -> int:
    """Print what a redemption costs without each of the ledger's safeguards."""
    from bench import costs
    from bench.ground import ground
    from config.embedded.places import locked

    with locked(_var() / ".bench.lock"), ground(smallest=given.smallest) as lent:
        print(costs.printed(costs.measure(lent)))
    return 0


def _measure(chosen: list[Entry], given: argparse.Namespace) -> int:
    """Measure entries one after another; each row is kept as soon as it is there."""
    from bench.ground import ground
    from bench.measuring import measure
    from config.embedded.places import locked

    file: Path = given.results
    if (given.smallest or given.repeats) and file == results.FILE:
        # Only what was measured as the entry says goes where it is kept.
        file = _var() / "bench-trial.json"
    known = {one.name: one for one in chosen}
    rows = []
    with locked(_var() / ".bench.lock"), ground(smallest=given.smallest) as lent:
        for one in chosen:
            print(f"--- {one.name}", end="", flush=True)
            start = time.monotonic()
            rows.append(measure(one, lent, repeats=given.repeats))
            results.write(file, rows[-1:], NAMES)
            print(
                f": ratio {rows[-1]['ratio']:.2f}, {time.monotonic() - start:.0f} s", flush=True
            )
    print(results.table(rows, known))
    missed = any(results.missed(row, known[row["name"]]) for row in rows)
    return 1 if missed and not given.smallest else 0


def _var() -> Path:
    from django.conf import settings

    folder: Path = settings.VAR_DIR
    folder.mkdir(parents=True, exist_ok=True)
    return folder


if __name__ == "__main__":
    sys.exit(main())
