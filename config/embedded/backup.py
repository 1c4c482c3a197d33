"""Base backups of a running server: made, verified, listed, and the older ones let go."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from config.embedded.archive import archive_into, archive_now, session
from config.embedded.places import EmbeddedServerError, account_name, locked, nobody
from config.embedded.server import Server, password_of, reachable_data, server_of
from config.embedded.usage_files import FOLDER, copying_into
from config.embedded.wal import SUFFIX, archive_of, archived
from config.secrets import keep_secret

KEPT = 2
PEOPLE = ("postgres", "owner")
_ABOUT = "about.json"
_SEGMENT = re.compile(r"^START WAL LOCATION: \S+ \(file ([0-9A-F]{24})\)$", re.MULTILINE)


@dataclass(frozen=True)
class Backup:
    """A verified base backup; with the WAL beside it, any instant from `ended_at` on."""

    folder: Path
    cluster: str
    began_at: datetime
    ended_at: datetime
    first_segment: str

    @property
    def data(self) -> Path:
        """The folder of the copied cluster."""
        return self.folder / "data"

    @property
    def wal(self) -> Path:
        """The folder of the archived WAL."""
        return self.folder.parent / "wal"

    @property
    def usage(self) -> Path:
        """The folder with a copy of each file of archived usage lines."""
        return self.folder.parent / FOLDER


def make_backup(data: Path, into: Path, files: Path, *, keep: int = KEPT) -> Backup:
    """Copy the running server of `data` into a folder, and put its WAL there from now on.

    The same with `files`, the folder of archived usage lines, which its rows name.

    The copy is verified against its checksums before it counts. The newest `keep` backups
    stay, with the WAL since the oldest of them; what is older goes. The folder is as secret
    as the cluster itself: it holds every row, and the passwords of the cluster's two people.

    :raises EmbeddedServerError: when the server was started without archiving, the folder is
        another cluster's, out of reach or too small, or WAL can't be put there.
    """
    data = data.absolute()
    server = server_of(data)
    place = _made_place(server, data, into.absolute())
    with locked(place / ".lock"), session(data) as asked:
        cluster = _cluster(asked)
        _refuse_others(place, cluster)
        _refuse_other_timelines(place, asked)
        need_room(place, size_of(server.data))
        with (
            _archiving_into(server, place / "wal"),
            copying_into(server, files, place / FOLDER),
        ):
            archive_now(data)
            for whose in PEOPLE:
                keep_secret(place / "secrets", whose, password_of(data, whose))
            made = _base(server, data, place, asked, cluster)
        _let_go(server, place, keep)
    return made


@contextmanager
def _archiving_into(server: Server, wal: Path) -> Iterator[None]:
    """Put WAL into a folder from now on; when the block fails, where it went before.

    What the folder got meanwhile is copied there too, so that the earlier row has no gap.
    """
    before = archive_of(server)
    archive_into(server, wal)
    try:
        yield
    except BaseException:
        if before not in (None, wal):
            archive_into(server, before)
            for name in archived(wal):
                _put_by(server, wal / f"{name}{SUFFIX}", before)
        raise


def _put_by(server: Server, segment: Path, wal: Path) -> None:
    """Copy a segment into another archive that lacks it; it has its name once it is whole."""
    if (wal / segment.name).exists():
        return
    half = wal / f"{segment.name}.new"
    shutil.copyfile(segment, half)
    server.own(half)
    half.rename(wal / segment.name)


def backups_in(place: Path) -> list[Backup]:
    """Return the backups in a folder, oldest first."""
    found = [_read(about.parent) for about in place.glob(f"[0-9]*/{_ABOUT}")]
    return sorted(found, key=lambda backup: backup.ended_at)


def backup_place(folder: Path) -> Path:
    """Return where the backups of a folder really are: beside a cluster in /var/tmp, perhaps."""
    folder = folder.absolute()
    if (folder / "wal").is_dir() or os.getuid() or not folder.parent.is_dir():
        return folder
    return reachable_data(folder, nobody()[0])


def size_of(folder: Path) -> int:
    """Return how many bytes the files of a folder have; what is just going counts nothing."""
    total = 0
    for path, _folders, files in os.walk(folder):
        for name in files:
            try:
                total += os.lstat(os.path.join(path, name)).st_size
            except FileNotFoundError:
                continue
    return total


def need_room(folder: Path, needed: int) -> None:
    """Check that a disk takes so many bytes and as much again as a tenth of them.

    :raises EmbeddedServerError: when it does not.
    """
    free = shutil.disk_usage(folder).free
    if free < needed * 1.1:
        raise EmbeddedServerError(
            f"The disk of {folder} has {free // 2**20} MiB free; {needed * 11 // 10 // 2**20} "
            "MiB are needed. Make room, or choose a folder on another disk."
        )


def _made_place(server: Server, data: Path, into: Path) -> Path:
    """Return the folder for backups, made for the server's account where need be."""
    into.parent.mkdir(parents=True, exist_ok=True)
    place = reachable_data(into, server.uid)
    if place != into and into.parent != data.parent:
        raise EmbeddedServerError(
            f"{account_name(server.uid)}, who runs the server, can't reach {into}. Choose a "
            "folder below one that is open to it, such as /var/backups/tessera."
        )
    if not place.exists():
        place.mkdir(mode=0o700)
    is_empty = not any(place.iterdir())
    if is_empty:
        server.own(place)
    if place.stat().st_uid != server.uid:
        raise EmbeddedServerError(
            f"{place} belongs to {account_name(place.stat().st_uid)}, and the server runs as "
            f"{account_name(server.uid)}. Choose an empty folder."
        )
    wal = place / "wal"
    if not (is_empty or wal.is_dir()):
        raise EmbeddedServerError(
            f"{place} holds something other than backups. Choose an empty folder."
        )
    if is_empty:
        wal.mkdir(mode=0o700)
        server.own(wal)
    return place


def _cluster(asked: psycopg.Connection[Any]) -> str:
    """Return the number that tells a cluster from all others."""
    cluster, mode = asked.execute(
        "select system_identifier::text, current_setting('archive_mode')"
        " from pg_control_system()"
    ).fetchall()[0]
    if mode == "off":
        raise EmbeddedServerError(
            "This server was started without archiving: by an earlier Tessera, or without "
            "durability for tests. Stop it, and start it again with: python3 dev.py run"
        )
    return str(cluster)


def _refuse_others(place: Path, cluster: str) -> None:
    other = next((b for b in backups_in(place) if b.cluster != cluster), None)
    if other is not None:
        raise EmbeddedServerError(
            f"{place} holds backups of another cluster ({other.cluster}, and this is "
            f"{cluster}). Choose an empty folder."
        )


def _refuse_other_timelines(place: Path, asked: psycopg.Connection[Any]) -> None:
    """Refuse a folder with WAL of before a restore: two histories have segments of one number."""
    current = asked.execute(
        "select substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)"
    ).fetchall()[0][0]
    if any(not name.startswith(current) for name in archived(place / "wal")):
        raise EmbeddedServerError(
            f"{place} holds backups from before this cluster was restored. Keep them as long as "
            "that history may be needed, and choose an empty folder for what comes now."
        )


def _base(
    server: Server, data: Path, place: Path, asked: psycopg.Connection[Any], cluster: str
) -> Backup:
    """Make a base backup beside its place and move it there: half a one is never seen."""
    fresh = place / ".new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    server.own(fresh)
    began_at = _now(asked)
    words = ["-h", server.running_folder(), "-p", "5432", "-U", "postgres", "--no-password"]
    words += ["--checkpoint=fast", "--wal-method=stream", "-D", fresh / "data"]
    server.run("pg_basebackup", *words, password=password_of(data, "postgres"))
    server.run("pg_verifybackup", fresh / "data")
    segment = _SEGMENT.search((fresh / "data" / "backup_label").read_text())
    assert segment is not None
    about = {
        "cluster": cluster,
        "began_at": began_at.isoformat(),
        "ended_at": _now(asked).isoformat(),
        "first_segment": segment[1],
    }
    _write(fresh / _ABOUT, json.dumps(about, indent=1))
    made = fresh.rename(place / f"{began_at:%Y%m%dT%H%M%S.%fZ}")
    _sync(place)
    return _read(made)


def _let_go(server: Server, place: Path, keep: int) -> None:
    """Remove the older backups, and the WAL that only they needed."""
    backups = backups_in(place)
    for backup in backups[:-keep]:
        old = place / ".old"
        shutil.rmtree(old, ignore_errors=True)
        backup.folder.rename(old)
        shutil.rmtree(old)
    oldest = backups[-keep:][0]
    server.run("pg_archivecleanup", "-x", SUFFIX, oldest.wal, oldest.first_segment)


def _read(folder: Path) -> Backup:
    about = json.loads((folder / _ABOUT).read_text())
    return Backup(
        folder,
        about["cluster"],
        datetime.fromisoformat(about["began_at"]),
        datetime.fromisoformat(about["ended_at"]),
        about["first_segment"],
    )


def _now(asked: psycopg.Connection[Any]) -> datetime:
    now: datetime = asked.execute("select clock_timestamp()").fetchall()[0][0]
    return now


def _write(path: Path, text: str) -> None:
    with path.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
