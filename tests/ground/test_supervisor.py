"""A supervised process is started again when it dies, leaves nothing behind, and stops in turn."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from config.supervisor import MARK, Supervisor, end_strays, starter
from tests.ground.servers import lives

HERE = Path(__file__).parent


def python(code):
    return starter([sys.executable, "-u", "-c", code], dict(os.environ), HERE)


def tend_until(supervisor, happened, seconds=15):
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        supervisor.tend(0.05)


@pytest.fixture
def supervisor(tmp_path):
    supervisor = Supervisor(tmp_path)
    yield supervisor
    supervisor.stop([child.name for child in supervisor.children])


def test_lines_of_each_process_carry_its_name_and_go_to_its_log(supervisor, tmp_path, capsys):
    supervisor.add("web", python("print('hello'); print('world'); input()"))

    tend_until(supervisor, lambda: "world" in (tmp_path / "web.log").read_text())

    out = capsys.readouterr().out
    assert "web     | hello\nweb     | world\n" in out


def test_dead_process_is_started_again_and_each_time_a_little_later(supervisor, tmp_path):
    supervisor.add("web", python("raise SystemExit(3)"))

    log = tmp_path / "web.log"
    tend_until(supervisor, lambda: log.read_text().count("ended with code 3") == 2)

    assert "ended with code 3; starts again in 1 s" in log.read_text()
    assert "ended with code 3; starts again in 2 s" in log.read_text()


def test_what_a_killed_process_leaves_behind_is_ended(supervisor, tmp_path):
    nap = "import subprocess, sys, time; p = subprocess.Popen(['sleep', '60']);"
    supervisor.add("worker", python(nap + "print(p.pid); time.sleep(60)"))
    log = tmp_path / "worker.log"
    tend_until(supervisor, lambda: log.read_text())
    orphan = int(log.read_text().split()[-1])

    os.kill(supervisor.children[0].process.pid, signal.SIGKILL)
    tend_until(supervisor, lambda: log.read_text().split()[-1].isdigit() is False)

    tend_until(supervisor, lambda: not lives(orphan))


def test_processes_stop_in_order_and_a_late_one_is_killed(tmp_path):
    supervisor = Supervisor(tmp_path)
    polite = "import signal, sys; signal.signal(15, lambda *_: sys.exit(print('bye')));"
    deaf = "import signal; signal.signal(15, signal.SIG_IGN);"
    sleep = "print('up'); import time; time.sleep(60)"
    supervisor.add("worker", python(deaf + sleep), stop_seconds=0.5)
    supervisor.add("web", python(polite + sleep))
    logs = [tmp_path / "web.log", tmp_path / "worker.log"]
    tend_until(supervisor, lambda: all("up" in log.read_text() for log in logs))
    processes = [child.process.pid for child in supervisor.children]

    supervisor.stop(["web", "worker"])

    assert "bye" in logs[0].read_text()
    assert [lives(process) for process in processes] == [False, False]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows environments")
def test_strays_of_a_killed_run_are_ended_and_others_are_not(tmp_path):
    stray = subprocess.Popen(["sleep", "60"], env={MARK: str(tmp_path), **os.environ})
    other = subprocess.Popen(["sleep", "60"], env={MARK: f"{tmp_path}-other", **os.environ})
    try:
        assert end_strays(str(tmp_path), patience=2) == 1

        assert stray.wait(5) == -signal.SIGTERM
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_supervised_process_ends_with_a_killed_supervisor(tmp_path):
    code = (
        "import os, sys; from pathlib import Path;"
        "from config.supervisor import Supervisor, starter;"
        "s = Supervisor(Path(sys.argv[1]));"
        "s.add('web', starter(['sleep', '60'], dict(os.environ), Path('/')));"
        "print(s.children[0].process.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=HERE.parents[1],
        stdout=subprocess.PIPE,
    )

    deadline = time.monotonic() + 5
    while lives(int(done.stdout)) and time.monotonic() < deadline:
        time.sleep(0.02)

    assert not lives(int(done.stdout))
