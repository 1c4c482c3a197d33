"""`dev.py` needs nothing but Python, makes its environment once, and repairs it."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def dev(folder, *words, **more):
    environment = {**os.environ, "DATABASE_URL": "postgresql:///none", **more}
    return subprocess.run(
        [sys.executable, "dev.py", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def checkout(tmp_path):
    """A checkout that needs no packages, whose manage.py repeats what it is told."""
    shutil.copy(ROOT / "dev.py", tmp_path)
    (tmp_path / "requirements").mkdir()
    for name in ("base", "embedded", "test", "bench"):
        (tmp_path / "requirements" / f"{name}.txt").write_text("# none\n")
    (tmp_path / "manage.py").write_text(
        "import sys; print(*sys.argv[1:], sys.prefix); sys.exit(7)"
    )
    return tmp_path


def test_older_python_can_read_it_and_look_for_a_newer_one():
    ast.parse((ROOT / "dev.py").read_text(), feature_version=(3, 7))


def test_without_a_command_it_says_what_there_is(checkout):
    done = dev(checkout)

    assert done.returncode == 1
    assert "python3 dev.py run " in done.stderr
    assert not (checkout / ".venv").exists()


@pytest.mark.slow
def test_environment_is_made_once_and_the_command_s_code_comes_back(checkout):
    first = dev(checkout, "manage", "greet", "--kindly")
    made_at = (checkout / ".venv" / "tessera.json").stat().st_mtime_ns
    second = dev(checkout, "manage", "greet")

    assert (first.returncode, second.returncode) == (7, 7)
    assert first.stdout.endswith(f"greet --kindly {checkout / '.venv'}\n")
    assert second.stdout == f"greet {checkout / '.venv'}\n"
    assert (checkout / ".venv" / "tessera.json").stat().st_mtime_ns == made_at


@pytest.mark.slow
def test_environment_that_a_kill_left_half_made_is_made_anew(checkout):
    dev(checkout, "manage", "greet")
    (checkout / ".venv" / "tessera.unfinished").touch()
    (checkout / ".venv" / "half-a-package").touch()

    done = dev(checkout, "manage", "greet")

    assert done.returncode == 7
    assert not (checkout / ".venv" / "half-a-package").exists()
    assert not (checkout / ".venv" / "tessera.unfinished").exists()


@pytest.mark.slow
def test_changed_requirements_are_installed_and_a_moved_checkout_is_made_anew(checkout):
    dev(checkout, "manage", "greet")
    before = json.loads((checkout / ".venv" / "tessera.json").read_text())
    (checkout / "requirements" / "base.txt").write_text("# still none\n")
    dev(checkout, "manage", "greet")
    after = json.loads((checkout / ".venv" / "tessera.json").read_text())
    moved = checkout.rename(checkout.with_name("moved"))
    done = dev(moved, "manage", "greet")

    assert before["base"] != after["base"]
    assert before["embedded"] == after["embedded"]
    assert done.stdout.endswith(f"greet {moved / '.venv'}\n")
    assert json.loads((moved / ".venv" / "tessera.json").read_text())["root"] == str(moved)
