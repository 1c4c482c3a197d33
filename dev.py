#!/usr/bin/env python3
"""Everything in one command, with nothing but Python 3.11 or later.

python3 dev.py run               start Tessera, with a demo, at http://127.0.0.1:8000/
python3 dev.py test [--fast]     the checks and every test; --fast leaves out the slow ones
python3 dev.py test ARGS ...     pytest with those arguments
python3 dev.py check             format, lint, types, layers, migrations
python3 dev.py backup [FOLDER]   copy the database, and keep its WAL from now on; --status, --stop
python3 dev.py restore ARGS ...  a copy as of an instant: --to INSTANT --into FOLDER; --drill
python3 dev.py bench [NAME ...]  measure beside references; --list, --check, --smallest, --repeats N
python3 dev.py manage ARGS ...   Django's manage.py
python3 dev.py chaos [--seed N] [--minutes M]   the ledger raced and killed; see bench/chaos
python3 dev.py kill_import [--rows N] [--times M]   a usage file read while all is killed
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, "tessera.json")
# There while packages are being installed: met at a start, it tells of a broken environment.
UNFINISHED = os.path.join(VENV, "tessera.unfinished")
LOWEST, HIGHEST = (3, 11), (3, 14)
RUN = ("base", "embedded")
TEST = ("base", "embedded", "test")
BENCH = ("base", "embedded", "bench")
CHROMIUMS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)


def version_of(program: str) -> tuple[int, int] | None:
    """Return an interpreter's version as a pair, or None where it does not run."""
    ask = [program, "-c", "import sys; print(*sys.version_info[:2])"]
    try:
        answer = subprocess.run(
            ask, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=20, check=True
        ).stdout
        major, minor = answer.split()
        return int(major), int(minor)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def fits(version: tuple[int, int] | None) -> bool:
    """Whether Tessera runs on a version of Python."""
    return version is not None and LOWEST <= version <= HIGHEST


def interpreter() -> str:
    """Return a fitting interpreter: this one, or one that PATH or a version manager has."""
    if fits(sys.version_info[:2]):
        return sys.executable
    minors = range(HIGHEST[1], LOWEST[1] - 1, -1)
    found = [shutil.which("python3.%d" % minor) for minor in minors]
    for pattern in (
        "~/.pyenv/versions/3.1[1-4].*/bin/python3",
        "~/.local/share/uv/python/cpython-3.1[1-4]*/bin/python3",
        "/opt/python*/bin/python3",
        "/usr/local/bin/python3.1[1-4]",
        "/usr/bin/python3.1[1-4]",
    ):
        found += sorted(glob.glob(os.path.expanduser(pattern)), reverse=True)
    for program in found:
        if program and fits(version_of(program)):
            return program
    sys.exit(
        "Tessera needs Python 3.11 to 3.14; this is %d.%d. On Debian or Ubuntu: "
        "apt install python3.11 python3.11-venv" % sys.version_info[:2]
    )


def requirements(name: str) -> str:
    """Return the path of a set of pinned packages."""
    return os.path.join(ROOT, "requirements", name + ".txt")


def wanted(sets: Sequence[str]) -> dict[str, str]:
    """Return what the stamp must say for sets of packages."""
    stamp = {"root": ROOT}
    for name in sets:
        with open(requirements(name), "rb") as file:
            stamp[name] = hashlib.sha256(file.read()).hexdigest()
    return stamp


def stamped() -> dict[str, str]:
    """Return what the stamp says is installed."""
    try:
        with open(STAMP) as file:
            stamp: dict[str, str] = json.load(file)
            return stamp
    except (OSError, ValueError):
        return {}


@contextlib.contextmanager
def alone() -> Iterator[int]:
    """Let one start at a time install packages; give the lock, for children to hold on to."""
    import fcntl

    os.makedirs(os.path.join(ROOT, "var"), exist_ok=True)
    with open(os.path.join(ROOT, "var", ".venv.lock"), "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()


def ensure_packages(sets: Sequence[str]) -> None:
    """Make .venv hold exactly the pinned packages; repair what a kill left half-made."""
    if wanted(sets).items() <= stamped().items() and not os.path.exists(UNFINISHED):
        return
    with alone() as lock:
        stamp = stamped()
        if wanted(sets).items() <= stamp.items() and not os.path.exists(UNFINISHED):
            return
        moved = stamp.get("root", ROOT) != ROOT
        if os.path.exists(UNFINISHED) or moved or not fits(version_of(PYTHON)):
            shutil.rmtree(VENV, ignore_errors=True)
            stamp = {}
        os.makedirs(VENV, exist_ok=True)
        with open(UNFINISHED, "w"):
            if not os.path.exists(PYTHON):
                make_environment(lock)
        print("Installing packages (a minute or two, once) ...", flush=True)
        install(sets, lock)
        stamp.update(wanted(sets))
        with open(STAMP + ".new", "w") as file:
            json.dump(stamp, file, indent=1)
        os.replace(STAMP + ".new", STAMP)
        os.remove(UNFINISHED)


def quietly(command: Sequence[str], lock: int) -> tuple[bool, str]:
    """Run a command that may fail; return whether it succeeded, and what it said."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment(),
        pass_fds=[lock],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.returncode == 0, done.stdout.decode(errors="replace")


def make_environment(lock: int) -> None:
    """Make .venv; without pip where the system's Python has taken pip's installer out."""
    python = interpreter()
    made, _ = quietly([python, "-m", "venv", VENV], lock)
    if not made:
        made, said = quietly([python, "-m", "venv", "--without-pip", "--clear", VENV], lock)
        with open(UNFINISHED, "w"):
            if not made:
                sys.exit(said + "\n" + advice(python))


def advice(python: str) -> str:
    """Return the one line for a system whose Python cannot install packages."""
    return "Python cannot make .venv. On Debian or Ubuntu: apt install python%d.%d-venv" % (
        version_of(python) or LOWEST
    )


def install(sets: Sequence[str], lock: int) -> None:
    """Install sets of packages, each file checked against its hash."""
    files = [word for name in sets for word in ("-r", requirements(name))]
    words = ["install", "--quiet", "--require-hashes", *files]
    uv = shutil.which("uv")
    # uv is quicker, but does not know pip's settings: where it fails, pip may still do.
    if uv and quietly([uv, "pip", words[0], "--python", PYTHON, *words[1:]], lock)[0]:
        return
    python = interpreter()
    pip = [PYTHON, "-m", "pip", "--disable-pip-version-check"]
    if not quietly([*pip, "--version"], lock)[0]:
        pip = [python, "-m", "pip", "--disable-pip-version-check", "--python", PYTHON]
        if not quietly([*pip, "--version"], lock)[0]:
            sys.exit(advice(python))
    done, said = quietly([*pip, *words], lock)
    if not done:
        sys.exit(said + "\nThe packages could not be installed; the lines above say why.")


def environment(**more: str) -> dict[str, str]:
    """Return this process's environment without what would lead Python or uv astray."""
    kept = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONHOME")}
    kept["UV_PYTHON_DOWNLOADS"] = "never"
    # The demo, with its door that asks for no password, is for machines set up by this file.
    kept.setdefault("TESSERA_DEMO", "1")
    kept["PATH"] = os.path.join(VENV, "bin") + os.pathsep + kept.get("PATH", os.defpath)
    kept.update(more)
    return kept


def become(command: list[str]) -> NoReturn:
    """Go on as another program."""
    sys.stdout.flush()
    os.execve(command[0], command, environment())  # noqa: S606


def with_database(variable: str, folder: str, command: list[str], *options: str) -> list[str]:
    """Return a command that runs another one with a database of this checkout's own."""
    data = os.path.join(os.environ.get("TESSERA_VAR") or os.path.join(ROOT, "var"), folder)
    return [PYTHON, "-m", "config.embedded", *options, variable, data, *command]


def run(words: list[str]) -> NoReturn:
    """Start everything."""
    ensure_packages(RUN)
    become([PYTHON, "manage.py", "runall", *words])


def manage(words: list[str]) -> NoReturn:
    """Run a command of Django's, as the owner of the database."""
    ensure_packages(RUN)
    command = [PYTHON, "manage.py", *words]
    if os.environ.get("DATABASE_URL") or words[:1] == ["runall"]:
        become(command)
    become(with_database("DATABASE_URL", "pg18", command))


def backup(words: list[str]) -> NoReturn:
    """Copy the database of this checkout's own, and keep what is written from then on."""
    ensure_packages(RUN)
    become([PYTHON, "manage.py", "backup", *words])


def restore(words: list[str]) -> NoReturn:
    """Make a copy of that database as it was at an instant."""
    ensure_packages(RUN)
    become([PYTHON, "manage.py", "restore", *words])


def bench(words: list[str]) -> NoReturn:
    """Measure on a server of its own, beside references."""
    ensure_packages(BENCH)
    become([PYTHON, "-m", "bench", *words])


def check(words: list[str]) -> int:
    """Run every check, tell of each, and fail when one did."""
    if words:
        sys.exit("check takes no arguments.")
    ensure_packages(TEST)
    migrations = [PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"]
    if not os.environ.get("DATABASE_URL"):
        migrations = with_database("DATABASE_URL", "test-pg18", migrations, "--fast")
    checks = [
        ("format", [PYTHON, "-m", "ruff", "format", "--check", "."]),
        ("lint", [PYTHON, "-m", "ruff", "check", "."]),
        ("types", [PYTHON, "-m", "mypy", "."]),
        ("layers", [os.path.join(VENV, "bin", "lint-imports")]),
        ("migrations", migrations),
        ("settings", [PYTHON, "manage.py", "check"]),
    ]
    failed = []
    for name, command in checks:
        print("--- %s" % name, flush=True)
        if subprocess.run(command, cwd=ROOT, env=environment(), check=False).returncode:
            failed.append(name)
    print("Checks failed: %s" % ", ".join(failed) if failed else "All checks passed.")
    return 1 if failed else 0


def chromium() -> str | None:
    """Return the path of a browser for the tests, installing one where that can be done."""
    found = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if found or not (os.geteuid() == 0 and shutil.which("apt-get")):
        return found
    print("Installing Chromium for the browser tests ...", flush=True)
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "chromium", "fonts-noto-cjk"],
    ):
        quiet = {**environment(), "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(command, env=quiet, stdout=subprocess.DEVNULL, check=False)
    return next(filter(None, map(shutil.which, CHROMIUMS)), None)


def test(words: list[str]) -> int:
    """Run the checks and the tests, or some tests; return pytest's code."""
    fast = words == ["--fast"]
    ensure_packages(TEST if fast else (*TEST, "bench"))
    checked = check([]) if fast or not words else 0
    more: dict[str, str] = {}
    if not fast:
        browser = chromium()
        if browser:
            more["TESSERA_CHROMIUM"] = browser
        else:
            print("\n*** NO CHROMIUM: the browser tests can't run. Install Chromium. ***\n")
            if os.environ.get("CI") == "true":
                return 1
    given = ["-m", "not browser and not slow"] if fast else words
    if not any(word == "-n" or word.startswith(("-n", "--numprocesses")) for word in given):
        given = ["-n", "2", *given]
    command = [PYTHON, "-m", "pytest", *given]
    if os.environ.get("DATABASE_URL"):
        more["TESSERA_TEST_OWNER_URL"] = os.environ["DATABASE_URL"]
    else:
        command = with_database("TESSERA_TEST_OWNER_URL", "test-pg18", command, "--fast")
    sys.stdout.flush()
    return wait_for(subprocess.Popen(command, cwd=ROOT, env=environment(**more))) or checked


def chaos(words: list[str]) -> NoReturn:
    """Race and kill a whole Tessera of its own, and prove that nothing was lost."""
    ensure_packages(RUN)
    become([PYTHON, "-m", "bench.chaos", *words])


def kill_import(words: list[str]) -> NoReturn:
    """Kill web, worker and database while a large usage file is read, and compare its lines."""
    ensure_packages(RUN)
    become([PYTHON, "-m", "bench.killed_import", *words])


def wait_for(process: subprocess.Popen[bytes]) -> int:
    """Return a process's code; Ctrl-C reaches it too, and it decides when to end."""
    while True:
        with contextlib.suppress(KeyboardInterrupt):
            return process.wait()


COMMANDS: dict[str, Callable[[list[str]], Any]] = {
    "run": run,
    "test": test,
    "check": check,
    "backup": backup,
    "restore": restore,
    "bench": bench,
    "manage": manage,
    "chaos": chaos,
    "kill_import": kill_import,
}


def main() -> None:
    """Run the command named on the command line."""
    if os.name != "posix":
        sys.exit("Tessera runs on Linux and macOS; on Windows use WSL.")
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    os.chdir(ROOT)
    try:
        sys.exit(COMMANDS[sys.argv[1]](sys.argv[2:]))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
