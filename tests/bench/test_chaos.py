"""What the chaos promises: a sound ledger passes, and one with a safeguard taken out fails."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.processes import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture
def ground():
    """A folder that every account can reach: the run's server is not root's."""
    folder = Path(tempfile.mkdtemp(prefix="tessera-test-", dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def start(ground, *words):
    own = {k: v for k, v in os.environ.items() if not k.startswith(("TESSERA_TEST", "PYTEST"))}
    command = [
        sys.executable,
        "-m",
        "bench.chaos",
        "--reports",
        str(ground / "reports"),
        *words,
    ]
    with (ground / "chaos.log").open("ab") as log:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env={**own, "TESSERA_VAR": str(ground / "var")},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def ended(process, ground, seconds):
    """Return a run's code; one that takes too long is asked to stop, and fails."""
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.terminate()
        process.wait(120)
        raise AssertionError((ground / "chaos.log").read_text()[-3000:]) from None


def report(ground, name):
    return json.loads((ground / "reports" / f"{name}.json").read_text())


def elapsed(ground):
    try:
        return json.loads((ground / "var/chaos/1/progress.json").read_text())["elapsed"]
    except FileNotFoundError:
        return 0


def test_a_minute_of_chaos_loses_nothing_even_when_it_is_killed_itself(ground):
    words = ("--seed", "1", "--minutes", "1")
    first = start(ground, *words)
    while elapsed(ground) < 20:
        assert first.poll() is None, (ground / "chaos.log").read_text()[-3000:]
        time.sleep(0.2)
    first.send_signal(signal.SIGKILL)
    first.wait()

    code = ended(start(ground, *words), ground, 400)

    log = (ground / "chaos.log").read_text()[-3000:]
    made = report(ground, "seed-1")
    assert (code, made["verdict"]) == (0, "passed"), log
    assert (made["lost"], made["repeated"], made["violations"], made["deadlocks"]) == (0,) * 4
    assert (made["sittings"], made["minutes"]) == (2, pytest.approx(1, abs=0.2))
    assert made["sendings"] >= 2 * made["operations"] > 1_000
    assert made["answers_lost"] > 0
    assert made["kills"]["inside_transactions"] > 0
    assert set(made["kills"]["by_kind"]) == {
        *("postmaster", "backend", "terminate", "worker", "broker", "web")
    }
    assert made["trade"]["operations"] > 0


# A race is a matter of chance: on a busy machine one minute may pass without it. A sound ledger
# never fails, so that one failure of a few is proof.
SEEDS = range(1, 5)


@pytest.mark.parametrize("defect", ["check", "lock", "queue", "key"])
def test_a_ledger_without_one_safeguard_fails_within_a_minute_of_a_few(ground, defect):
    for seed in SEEDS:
        words = ("--seed", str(seed), "--minutes", "1", "--defect", defect)
        code = ended(start(ground, *words), ground, 400)
        made = report(ground, f"seed-{seed}-{defect}")
        if code:
            break

    assert (code, made["verdict"]) == (1, "failed")
    assert made["findings"], made
    assert made["minutes"] <= 1.1
