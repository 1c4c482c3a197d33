"""A large usage file is read while web, worker and database are killed; its lines are all there.

`python3 dev.py kill_import --rows 1000000 --times 10 --seed 1` runs a Tessera of its own below
`var/killed_import/SEED`: PostgreSQL with durable commits, Valkey, worker, timetable and portal. A
provider's file is kept, looked over and sent; meanwhile one of the three is killed (SIGKILL) so
many times, each at a random instant while the worker is inside a transaction. In the end the
lines have to be exactly those of the file.
"""

import argparse
import csv
import json
import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import django
import psycopg

from bench.chaos.stack import ROOT, Stack

VICTIMS = ("worker", "database", "web")
WAIT_SECONDS = 1_800.0
_TICK = 0.05
_CLOCK = "%Y-%m-%d %H:%M:%S"
_WRITING = """
    select count(*) from pg_stat_activity
    where application_name = 'chaos-worker' and backend_xid is not null
        and query ilike '%%billing_usage%%'
"""
# Kept and asked for by actions; done by the worker of the stack alone.
_STATE = "select status, check_made_id, refusal::text from billing_filetask where id = %s"
_LINES = """
    select l.key, o.code, l.count_thousandths, l.started_at, l.ended_at
    from billing_usageline l join vouchers_order o on o.id = l.order_id order by l.key
"""
# Each has to be nothing: lines without their key or hour, sums that are not of the lines.
_UNSOUND = {
    "keys": "select (select count(*) from billing_usagekey)"
    " - (select count(*) from billing_usageline)",
    "sums": "select (select coalesce(sum(quantity_ms), 0) from billing_usagesum)"
    " - (select coalesce(sum(quantity_ms), 0) from billing_usageline)",
    "hours": "select (select coalesce(sum(quantity_ms), 0) from billing_usagehour)"
    " - (select coalesce(sum(quantity_ms), 0) from billing_usageline)",
    "files": "select count(*) - 1 from billing_usagefile",
}


def main() -> int:
    """Run what the command line asks for; 0 when the lines are those of the file."""
    parser = argparse.ArgumentParser(prog="dev.py kill_import", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    var = Path(os.environ.get("TESSERA_VAR") or ROOT / "var").absolute()
    stack = Stack(var / "killed_import" / str(given.seed))
    stack.clear()
    stack = Stack(stack.folder)
    try:
        return _run(stack, given.rows, given.times, random.Random(given.seed))
    finally:
        stack.stop()


def _run(stack: Stack, rows: int, times: int, dice: random.Random) -> int:
    stack.start_database()
    os.environ.update(stack.environment("harness"))
    django.setup()
    file, told = stack.folder / "june.csv", stack.folder / "told.json"
    _apart(_set_stage, file, told, rows)
    stack.start_servers()
    killed: list[str] = []
    for step in (_ask_to_check, _ask_to_send):
        _apart(step, told)
        task = json.loads(told.read_text())["task"]
        share = times // 2 if step is _ask_to_check else times - len(killed)
        killed += _kill_until_done(stack, task, share, dice, told)
    print(f"killed {len(killed)} times: {', '.join(killed)}")
    found = _compared(stack, file)
    print(json.dumps(found))
    is_right = found["lines"] == rows and not any(
        value for name, value in found.items() if name != "lines"
    )
    print(
        "the lines are exactly those of the file" if is_right else "NOT the lines of the file"
    )
    return 0 if is_right else 1


def _apart(step: Callable[..., None], *words: Any) -> None:
    """Do a step in a process of its own, whose sessions end with it."""
    process = multiprocessing.get_context("fork").Process(target=step, args=words)
    process.start()
    process.join()
    if process.exitcode:
        sys.exit(f"{step.__name__} failed.")


def _set_stage(file: Path, told: Path, rows: int) -> None:
    from bench.billing_entries.month import jobs_of, set_scene, write_jobs
    from billing import actions
    from providers.models import Provider

    month = set_scene()
    with file.open("w", encoding="ascii") as words:
        write_jobs(words, jobs_of(month, rows))
    provider = Provider.objects.get(pk=month.provider)
    with file.open("rb") as stream:
        kept = actions.keep_usage_file(
            provider=provider,
            name=file.name,
            stream=stream,
            actor=provider.address,
            at=datetime.now(UTC),
            key="kept",
        )
    told.write_text(json.dumps(asdict(month) | {"kept": kept.pk}))


def _ask_to_check(told: Path) -> None:
    from billing import actions
    from billing.models import KeptFile

    said = json.loads(told.read_text())
    kept = KeptFile.objects.select_related("provider").get(pk=said["kept"])
    task = actions.ask_to_check(
        file=kept,
        reading=actions.Reading(format="CSV", source="meter"),
        actor=_person(said["provider"]),
        at=datetime.now(UTC),
        key="check",
    )
    told.write_text(json.dumps(said | {"task": task.pk}))


def _ask_to_send(told: Path) -> None:
    from billing import actions
    from billing.models import FileCheck

    said = json.loads(told.read_text())
    task = actions.ask_to_send(
        check=FileCheck.objects.select_related("file__provider").get(),
        invoice_numbers={},
        actor=_person(said["provider"]),
        at=datetime.now(UTC),
        key="send",
    )
    told.write_text(json.dumps(said | {"task": task.pk}))


def _person(provider: int) -> Any:
    from parties.models import User
    from providers.models import Provider

    organisation = Provider.objects.get(pk=provider).organisation
    return User.objects.filter(memberships__organisation=organisation).first()


def _kill_until_done(
    stack: Stack, task: int, times: int, dice: random.Random, told: Path
) -> list[str]:
    """Kill so many times inside the task's transactions, and wait until it is done."""
    killed: list[str] = []
    deadline = time.monotonic() + WAIT_SECONDS
    patience = 1.0
    while time.monotonic() < deadline:
        stack.tend()
        if _ask(stack, _WRITING, (), 0) and len(killed) < times:
            time.sleep(dice.uniform(0, patience))
            if _ask(stack, _WRITING, (), 0):
                victim = VICTIMS[len(killed) % len(VICTIMS)]
                _kill(stack, victim)
                killed.append(victim)
                # Further inside each time, up to where a reading is likely to end.
                patience = min(patience * 1.5, 20.0)
        status, _check, refusal = _ask(
            stack, _STATE, (task,), ("WAITING", None, None), whole=True
        )
        if status == "DONE":
            return killed
        if status == "REFUSED":
            sys.exit(f"The file was refused: {refusal}")
        time.sleep(_TICK)
    sys.exit(f"The file was not read in {WAIT_SECONDS:.0f} s; see {told.parent}/log.")


def _kill(stack: Stack, victim: str) -> None:
    if victim == "database":
        os.kill(stack.postmaster, signal.SIGKILL)
    else:
        stack.servers[victim].kill()


def _ask(
    stack: Stack,
    statement: str,
    values: tuple[Any, ...],
    otherwise: Any,
    *,
    whole: bool = False,
) -> Any:
    """Return what the database says, or something else while it is down."""
    try:
        with psycopg.connect(stack.superuser_url(), connect_timeout=5) as session:
            row = session.execute(statement, values).fetchone()
    except psycopg.OperationalError:
        return otherwise
    if row is None:
        return otherwise
    return row if whole else row[0]


def _compared(stack: Stack, file: Path) -> dict[str, int]:
    """Return how many lines there are, and how many are not those of the file."""
    with file.open(newline="") as stream:
        said = {
            (row["job_id"], row["voucher"], int(row["count"]) * 1000, row["start"], row["end"])
            for row in csv.DictReader(stream)
        }
    found: dict[str, int] = {"lines": 0, "others": 0}
    with psycopg.connect(stack.superuser_url()) as session:
        session.execute("set time zone 'UTC'")
        for key, order, count, started, ended in session.cursor("lines").execute(_LINES):
            found["lines"] += 1
            job = key.partition("/")[0]  # before the instant that tells its runs apart
            line = (job, order, count, f"{started:{_CLOCK}}", f"{ended:{_CLOCK}}")
            if line in said:
                said.remove(line)
            else:
                found["others"] += 1
        found["missing"] = len(said)
        for name, statement in _UNSOUND.items():
            row = session.execute(statement).fetchone()
            assert row is not None
            found[name] = int(row[0])
    return found


if __name__ == "__main__":
    sys.exit(main())
