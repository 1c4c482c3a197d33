"""Where servers of our own live: folders, locks, accounts and the processes in them."""

import contextlib
import ctypes
import fcntl
import hashlib
import importlib.util
import os
import pwd
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1
# The longest path of a Unix socket on macOS; Linux allows four more.
_SOCKET_PATH_BYTES = 103
_SOCKETS = (".s.PGSQL.5432", "valkey.sock")
# No server takes nearly as long from its folder to its socket.
_LEFT_SECONDS = 3600.0


class EmbeddedServerError(Exception):
    """A server of ours could not be started; the message says why and what to do."""


def dying_with_parent() -> Callable[[], None]:
    """Return a `preexec_fn` that ends the new process with its parent, even by kill -9.

    Only Linux can; elsewhere it does nothing. The parent is the thread that starts it.
    """
    parent = os.getpid()

    def bind() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:
                os._exit(1)

    return bind


def package_folder(name: str) -> Path:
    """Return a wheel's folder without running the wheel's own code."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedServerError(
            f"The package {name} is missing. Install requirements/embedded.txt, or set "
            "DATABASE_URL and BROKER_URL to servers of your own."
        )
    return Path(spec.submodule_search_locations[0])


def account_name(uid: int) -> str:
    """Return an account's name, or its number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def nobody() -> tuple[int, int]:
    """Return the user and group of the account with no rights."""
    try:
        account = pwd.getpwnam("nobody")
    except KeyError:
        return 65534, 65534
    return account.pw_uid, account.pw_gid


def reachable(path: Path, uid: int) -> bool:
    """Whether an account can pass through every folder of a path."""
    path = path.resolve()
    folders = [folder.stat() for folder in (path, *path.parents) if folder.is_dir()]
    return all(
        found.st_mode & (stat.S_IXUSR if found.st_uid == uid else stat.S_IXOTH)
        for found in folders
    )


def tag(*parts: object) -> str:
    """Return a short name for something long, the same each time."""
    return hashlib.sha256(":".join(map(str, parts)).encode()).hexdigest()[:12]


def socket_folder(data: Path, uid: int, gid: int) -> Path:
    """Make the 0700 folder for the socket: short, and named after the data's inode.

    :raises EmbeddedServerError: when somebody else made a folder of that name.
    """
    name = f"tessera-{uid}-{tag(data.resolve(), data.stat().st_ino)}"
    folder = Path(tempfile.gettempdir()) / name
    too_long = len(os.fsencode(folder / ".s.PGSQL.5432.lock")) > _SOCKET_PATH_BYTES
    if too_long or not reachable(folder.parent, uid):
        folder = Path("/tmp") / name  # noqa: S108
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid == os.getuid() and stat.S_ISDIR(found.st_mode):
        os.chown(folder, uid, gid, follow_symlinks=False)
        found = folder.lstat()
    if (found.st_uid, stat.S_IFMT(found.st_mode), stat.S_IMODE(found.st_mode)) != (
        uid,
        stat.S_IFDIR,
        0o700,
    ):
        raise EmbeddedServerError(
            f"{folder} was made by {account_name(found.st_uid)} or is open to others. "
            "Remove it, or set TMPDIR to another folder."
        )
    os.utime(folder)
    return folder


def remove_socket_folder(folder: Path) -> None:
    """Remove the folder of a socket with what its server left there, unless one listens there."""
    # Whatever else is in it, or whoever was faster: then it stays, or is gone.
    with contextlib.suppress(OSError):
        if not any(_listens(folder / name) for name in _SOCKETS):
            for name in _SOCKETS:
                (folder / name).unlink(missing_ok=True)
                (folder / f"{name}.lock").unlink(missing_ok=True)
            folder.rmdir()


def remove_left_folders(uid: int) -> None:
    """Remove the socket folders of an account's servers that were killed and never came back.

    A folder is left once nothing listens in it and nothing in it has changed for an hour.
    """
    for place in {Path(tempfile.gettempdir()), Path("/tmp")}:  # noqa: S108
        for folder in place.glob(f"tessera-{uid}-{'[0-9a-f]' * 12}"):
            with contextlib.suppress(OSError):
                found = folder.lstat()
                is_old = time.time() - found.st_mtime > _LEFT_SECONDS
                if is_old and found.st_uid == uid and stat.S_ISDIR(found.st_mode):
                    remove_socket_folder(folder)


def _listens(address: Path) -> bool:
    """Whether a server has this socket open; one that is too busy to answer has."""
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as line:
        line.setblocking(False)
        try:
            line.connect(str(address))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except OSError:
            return True
    return True


def command_of(process: int) -> list[str]:
    """Return a process's command; a finished one that nobody waited for has none."""
    if Path("/proc/self/cmdline").exists():
        try:
            raw = Path(f"/proc/{process}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            return []
        return raw.decode(errors="replace").split("\0") if raw else []
    asked = ["/bin/ps", "-ww", "-o", "command=", "-p", str(process)]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()


@contextlib.contextmanager
def locked(path: Path) -> Iterator[int]:
    """Hold a lock for the length of a `with` block; the system frees it after a kill."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def lock_within(descriptor: int, *, seconds: float) -> bool:
    """Take a lock that another process may be about to let go; say whether it was had."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(0.05)
    return False
