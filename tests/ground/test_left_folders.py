"""The folder of a socket goes with its server, and at a later start where the server was killed."""

import os
import socket
import subprocess
import tempfile

import pytest

from config.embedded import ensure_postgres, start_valkey, stop_postgres, valkey, valkey_url
from config.embedded.places import remove_left_folders
from tests.ground.servers import folder_of_socket, kill

YEARS_AGO = (1_000_000_000, 1_000_000_000)


@pytest.fixture
def place(ground, monkeypatch):
    """The folder for temporary things, instead of the machine's."""
    place = ground / "t"
    place.mkdir()
    place.chmod(0o1777)
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def a_folder(place, name, *, listens=None):
    folder = place / f"tessera-{os.getuid()}-{name}"
    folder.mkdir(mode=0o700)
    if listens is not None:
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(folder / "valkey.sock"))
        if not listens:
            server.close()
            return folder, None
        server.listen()
        return folder, server
    return folder, None


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_database_that_is_stopped_leaves_no_folder(ground, place, is_killed):
    folder = folder_of_socket(ensure_postgres(ground / "pg", fast=True))
    assert folder.parent == place
    if is_killed:
        kill(ground / "pg")
        assert list(folder.iterdir())

    stop_postgres(ground / "pg")

    assert list(place.iterdir()) == []


def test_a_queue_that_has_ended_leaves_no_folder(ground, place):
    with valkey(ground / "valkey") as url:
        assert list(place.iterdir())
        assert url == valkey_url(ground / "valkey")

    assert list(place.iterdir()) == []


def test_a_start_removes_what_killed_servers_left_and_nothing_that_runs(ground, place):
    empty, _none = a_folder(place, "a" * 12)
    dead, _none = a_folder(place, "b" * 12, listens=False)
    (dead / ".s.PGSQL.5432.lock").write_text("1")
    alive, server = a_folder(place, "c" * 12, listens=True)
    full, _none = a_folder(place, "d" * 12)
    (full / "a file of somebody").touch()
    stranger, _none = a_folder(place, "of-a-stranger")
    for folder in (empty, dead, alive, full, stranger):
        os.utime(folder, YEARS_AGO)
    young, _none = a_folder(place, "e" * 12)

    process = start_valkey(ground / "valkey", stdout=subprocess.DEVNULL)

    own = {folder for folder in place.iterdir() if (folder / "valkey.sock").exists()} - {alive}
    assert len(own) == 1
    assert set(place.iterdir()) == {alive, full, stranger, young, *own}
    process.kill()
    process.wait()
    os.utime(*own, YEARS_AGO)
    server.close()
    os.utime(alive, YEARS_AGO)
    remove_left_folders(os.getuid())
    assert set(place.iterdir()) == {full, stranger, young}
