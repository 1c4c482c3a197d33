"""The embedded PostgreSQL starts anywhere, keeps what was committed, and opens to few."""

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from config.embedded import (
    EmbeddedServerError,
    ensure_postgres,
    lend_postgres,
    stop_postgres,
    superuser_url,
)
from tests.ground.servers import (
    ENSURE,
    ROOT,
    ask,
    folder_of_socket,
    kill,
    postmaster,
)


def test_owner_is_no_superuser_and_owns_its_database(ground):
    url = ensure_postgres(ground / "pg")

    assert ask(
        url,
        "select current_user::text, rolsuper, rolcreaterole, rolcreatedb,"
        " current_database()::text"
        " from pg_roles where rolname = current_user",
    ) == ("tessera_owner", False, True, True, "tessera")
    assert ask(
        url,
        "select pg_get_userbyid(datdba)::text, datlocale from pg_database"
        " where datname = current_database()",
    ) == ("tessera_owner", "C.UTF-8")
    assert ask(
        superuser_url(ground / "pg"), "select rolsuper from pg_roles where oid = 10"
    ) == (True,)


def test_rows_are_durable_and_no_network_port_is_open(ground):
    url = ensure_postgres(ground / "pg")

    assert ask(
        url,
        "select current_setting('fsync'), current_setting('synchronous_commit'),"
        " current_setting('full_page_writes'), current_setting('listen_addresses'),"
        " current_setting('max_connections')",
    ) == ("on", "on", "on", "", "200")
    assert stat.S_IMODE(folder_of_socket(url).stat().st_mode) == 0o700


def test_passwords_are_kept_for_their_owner_alone(ground):
    ensure_postgres(ground / "pg", fast=True)

    secrets = ground / "secrets"
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    assert {p.name: stat.S_IMODE(p.stat().st_mode) for p in secrets.iterdir()} == {
        "pg-owner": 0o600,
        "pg-postgres": 0o600,
    }


@pytest.mark.parametrize("role", ["postgres", "tessera_owner"])
@pytest.mark.parametrize("password", ["wrong", None])
def test_wrong_or_absent_password_is_refused(owner_url, role, password):
    host = str(folder_of_socket(owner_url))

    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(host=host, user=role, password=password, dbname="tessera")


def test_copy_takes_ten_thousand_rows(owner_url):
    with psycopg.connect(owner_url) as connection:
        connection.execute("create temporary table usage (line int, gpu_ms bigint)")
        with connection.cursor().copy("copy usage from stdin") as copy:
            for line in range(10_000):
                copy.write_row((line, line * 1000))

        assert connection.execute("select count(*), sum(gpu_ms) from usage").fetchone() == (
            10_000,
            49_995_000_000,
        )


def test_six_processes_at_once_meet_one_server(ground):
    data = ground / "pg"

    racing = [
        subprocess.Popen(
            [sys.executable, "-c", ENSURE, str(data)], cwd=ROOT, stdout=subprocess.PIPE
        )
        for _ in range(6)
    ]
    urls = {process.communicate(timeout=60)[0].decode().strip() for process in racing}

    assert [process.returncode for process in racing] == [0] * 6
    assert len(urls) == 1
    assert ask(urls.pop(), "select 1") == (1,)


def test_killed_server_keeps_committed_rows(ground):
    data = ground / "pg"
    url = ensure_postgres(data)
    with psycopg.connect(url) as connection:
        connection.execute("create table paid as select generate_series(1, 1000) as number")

    kill(data)
    again = ensure_postgres(data)

    assert again == url
    assert ask(again, "select count(*), sum(number) from paid") == (1000, 500_500)


def test_what_sessions_say_as_they_end_does_not_keep_a_killed_server_down(ground):
    data = ground / "pg"
    url = ensure_postgres(data, fast=True)
    for _kill in range(3):
        sessions = [psycopg.connect(url) for _number in range(30)]
        os.kill(postmaster(data), signal.SIGKILL)

        assert ask(ensure_postgres(data, fast=True), "select 1") == (1,)

        for session in sessions:
            session.close()


def test_recycled_process_number_is_not_taken_for_the_server(ground):
    data = ground / "pg"
    ensure_postgres(data, fast=True)
    kill(data)
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        (data / "postmaster.pid").write_text("\n".join([str(stranger.pid), *lines[1:], ""]))

        url = ensure_postgres(data, fast=True)

        assert ask(url, "select 1") == (1,)
        assert postmaster(data) != stranger.pid
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_empty_process_file_of_a_full_disk_is_no_obstacle(ground):
    data = ground / "pg"
    ensure_postgres(data, fast=True)
    kill(data)
    (data / "postmaster.pid").write_text("")

    assert ask(ensure_postgres(data, fast=True), "select 1") == (1,)


@pytest.mark.slow
@pytest.mark.parametrize("moment", [0.25, 0.45, 0.65, 0.9])
def test_start_killed_at_any_moment_is_made_good_by_the_next(ground, moment):
    data = ground / "pg"
    first = subprocess.Popen(
        [sys.executable, "-c", ENSURE, str(data)], cwd=ROOT, stdout=subprocess.DEVNULL
    )
    time.sleep(moment)
    first.kill()
    first.wait()

    assert ask(ensure_postgres(data, fast=True), "select 1") == (1,)


def test_removed_folder_means_a_fresh_start(ground):
    data = ground / "pg"
    url = ensure_postgres(data, fast=True)
    with psycopg.connect(url) as connection:
        connection.execute("create table old (number int)")
    number = postmaster(data)
    # Held open, the folder's inode is given to no other, should its server end by itself first.
    held = os.open(data, os.O_RDONLY)
    shutil.rmtree(data)
    try:
        fresh = ensure_postgres(data, fast=True)

        assert ask(fresh, "select to_regclass('old')::text") == (None,)
        assert folder_of_socket(fresh) != folder_of_socket(url)
    finally:
        os.close(held)
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGQUIT)


def test_replaced_password_is_told_in_words(ground):
    data = ground / "pg"
    ensure_postgres(data, fast=True)
    (ground / "secrets" / "pg-owner").unlink()
    (ground / "secrets" / "pg-postgres").unlink()

    with pytest.raises(EmbeddedServerError, match="Put the passwords back"):
        ensure_postgres(data, fast=True)


def test_lost_password_of_the_owner_alone_is_made_anew(ground):
    data = ground / "pg"
    ensure_postgres(data, fast=True)
    (ground / "secrets" / "pg-owner").unlink()

    assert ask(ensure_postgres(data, fast=True), "select 1") == (1,)


def test_folder_with_something_else_in_it_is_left_alone(ground):
    data = ground / "pg"
    data.mkdir()
    (data / "letter.txt").write_text("Dear Sir")

    with pytest.raises(EmbeddedServerError, match="other than a cluster"):
        ensure_postgres(data, fast=True)

    assert [path.name for path in data.iterdir()] == ["letter.txt"]


def test_last_to_leave_stops_the_server(ground):
    data = ground / "pg"

    with lend_postgres(data, fast=True) as url:
        with lend_postgres(data, fast=True):
            pass
        assert ask(url, "select 1") == (1,)

    assert not (data / "postmaster.pid").exists()


def test_command_is_lent_the_server_and_its_code_comes_back(ground):
    look = (
        "import os, sys, psycopg; row = psycopg.connect(os.environ['LENT'])"
        ".execute('select 41 + 1').fetchone(); sys.exit(row[0])"
    )
    command = ["-m", "config.embedded", "--fast", "LENT", str(ground / "pg")]

    done = subprocess.run([sys.executable, *command, sys.executable, "-c", look], cwd=ROOT)

    assert done.returncode == 42
    assert not (ground / "pg" / "postmaster.pid").exists()


def test_changed_temporary_folder_still_finds_the_running_server(ground):
    data = ground / "pg"
    url = ensure_postgres(data, fast=True)
    elsewhere = ground / "tmp"
    elsewhere.mkdir(mode=0o777)

    done = subprocess.run(
        [sys.executable, "-c", ENSURE, str(data)],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(elsewhere)},
        capture_output=True,
        text=True,
    )

    assert done.stdout.strip() == url


def test_socket_removed_by_a_cleaner_is_put_back(ground):
    data = ground / "pg"
    url = ensure_postgres(data, fast=True)
    shutil.rmtree(folder_of_socket(url))

    assert ask(ensure_postgres(data, fast=True), "select 1") == (1,)


def test_folder_squatted_by_another_account_is_refused(ground):
    data = ground / "pg"
    url = ensure_postgres(data, fast=True)
    stop_postgres(data)
    folder = folder_of_socket(url)
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)
    try:
        with pytest.raises(EmbeddedServerError, match="open to others"):
            ensure_postgres(data, fast=True)
    finally:
        folder.rmdir()


def test_long_temporary_folder_does_not_make_the_socket_unreachable(ground):
    long = ground / ("x" * 90)
    long.mkdir(mode=0o755)

    done = subprocess.run(
        [sys.executable, "-c", ENSURE, str(ground / "pg")],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(long)},
        capture_output=True,
        text=True,
    )

    assert ask(done.stdout.strip(), "select 1") == (1,)
    assert folder_of_socket(done.stdout.strip()).parent == Path(tempfile.gettempdir())
