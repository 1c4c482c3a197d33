"""A new cluster from a base backup and the WAL after it, exactly as it was at an instant."""

import contextlib
import dataclasses
import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from config.embedded.backup import (
    PEOPLE,
    Backup,
    backup_place,
    backups_in,
    need_room,
    size_of,
)
from config.embedded.places import EmbeddedServerError, locked
from config.embedded.postgres import recover
from config.embedded.server import Server, password_name, password_of, server_of
from config.embedded.wal import LINK, SEGMENT_BYTES, archived, number_of, restore_command
from config.secrets import keep_secret

RECOVERY_SECONDS = 6 * 3600.0
_TOO_EARLY = "recovery ended before configured recovery target was reached"
_LAST_COMMIT = re.compile(r"last completed transaction was at log time (.+)$", re.MULTILINE)
_REDO_DONE = re.compile(r"redo done at ([0-9A-F]+)/([0-9A-F]+)")


@dataclass(frozen=True)
class Restored:
    """A cluster made from a backup, stopped; `to` is None where all archived WAL counts."""

    data: Path
    backup: Backup
    to: datetime | None


def restore(backup: Path, to: datetime | None, into: Path) -> Restored:
    """Make the cluster `into` as of an instant: all that was committed by then, nothing later.

    `backup` is a folder of backups, of which the newest that ended by the instant is taken,
    or one backup in it. Without an instant all archived WAL counts. The original is not
    needed and not touched; the new cluster has its roles and passwords, keeps no archive, and
    is left stopped: start it with `ensure_postgres` or `lend_postgres`.

    :raises EmbeddedServerError: when the instant lies before the backup or after the archived
        WAL, a file is damaged or missing, or `into` is not empty. Nothing is then left.
    """
    into = into.absolute()
    chosen = _chosen(backup, to)
    server = server_of(into, like=chosen.data)
    into.parent.mkdir(parents=True, exist_ok=True)
    lock = into.with_name(f".{into.name}.lock")
    with locked(chosen.wal.parent / ".lock"), locked(lock):
        for folder in (into, server.data):
            if folder.exists() and any(folder.iterdir()):
                raise EmbeddedServerError(f"{folder} is not empty. Give a new folder.")
        need_room(server.data.parent, size_of(chosen.data))
        with _copied(chosen, server) as fresh:
            _recover(fresh, chosen, to)
            for whose in PEOPLE:
                secret = (chosen.wal.parent / "secrets" / whose).read_text()
                keep_secret(into.parent / "secrets", password_name(into, whose), secret)
            fresh.data.rename(server.data)
    return Restored(into, chosen, to)


def replace(data: Path, by: Path) -> Path | None:
    """Put a restored cluster in the place of another, and return where that one is now.

    Nothing is deleted: the earlier cluster, if there still is one, and its passwords are
    moved aside together.

    :raises EmbeddedServerError: when either is in use, or they are on two disks.
    """
    data, by = data.absolute(), by.absolute()
    secrets = data.parent / "secrets"
    with _unused(data), _unused(by):
        was, new = server_of(data), server_of(by)
        if was.data.parent.stat().st_dev != new.data.stat().st_dev:
            raise EmbeddedServerError(
                f"{new.data} is on another disk than {was.data}. Restore again into a folder "
                f"beside it: python3 dev.py restore --to ... --into {data.with_name('restored')}"
            )
        kept = _moved_aside(data, was) if was.data.exists() else None
        # Passwords first, so that a kill in between leaves what a second asking can finish.
        for whose in PEOPLE:
            keep_secret(secrets, password_name(data, whose), password_of(by, whose))
        new.data.rename(was.data)
        for whose in PEOPLE:
            (by.parent / "secrets" / password_name(by, whose)).unlink()
    return kept


def _moved_aside(data: Path, was: Server) -> Path:
    aside = data.with_name(f"{data.name}-before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    kept = server_of(aside, like=was.data).data
    for whose in PEOPLE:
        secret = password_of(data, whose)
        keep_secret(data.parent / "secrets", password_name(aside, whose), secret)
    was.data.rename(kept)
    # Started again to be looked at, it must not write among the segments put by.
    (kept / LINK).unlink(missing_ok=True)
    return kept


@contextlib.contextmanager
def _unused(data: Path) -> Iterator[None]:
    """Keep a cluster from being started for the length of a `with` block; it is stopped.

    :raises EmbeddedServerError: when somebody uses it.
    """
    with (
        data.with_name(f".{data.name}.users").open("a") as users,
        locked(data.with_name(f".{data.name}.lock")),
    ):
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EmbeddedServerError(
                f"{data} is in use. Stop what uses it (python3 dev.py run), and ask again."
            ) from None
        server_of(data).stop()
        yield


def remove_cluster(data: Path) -> None:
    """Stop a cluster and remove it, with its passwords and locks."""
    data = data.absolute()
    server = server_of(data)
    server.stop()
    shutil.rmtree(server.data, ignore_errors=True)
    for whose in PEOPLE:
        (data.parent / "secrets" / password_name(data, whose)).unlink(missing_ok=True)
    for what in ("lock", "users"):
        data.with_name(f".{data.name}.{what}").unlink(missing_ok=True)


def _chosen(backup: Path, to: datetime | None) -> Backup:
    """Return the backup to begin with."""
    place = backup_place(backup)
    named = next((b for b in backups_in(backup.absolute().parent) if b.folder == place), None)
    known = [named] if named else backups_in(place)
    if not known:
        raise EmbeddedServerError(
            f"{place} holds no backup. Make one: python3 dev.py backup, or name another "
            "folder with --from."
        )
    fitting = [b for b in known if to is None or b.ended_at <= to]
    if not fitting:
        raise EmbeddedServerError(
            f"{to} lies before the end of the oldest backup in {place}, {known[0].ended_at}. "
            "Give an instant from then on, or name an older backup with --from."
        )
    return fitting[-1]


@contextlib.contextmanager
def _copied(chosen: Backup, server: Server) -> Iterator[Server]:
    """Copy a base backup beside its place for the length of a `with` block, and verify it."""
    data = server.data.with_name(f"{server.data.name}.new")
    fresh = dataclasses.replace(server, data=data)
    shutil.rmtree(data, ignore_errors=True)
    try:
        shutil.copytree(chosen.data, data, symlinks=True)
        for path, _folders, files in os.walk(data):
            for found in (path, *(os.path.join(path, name) for name in files)):
                fresh.own(Path(found))
        fresh.run("pg_verifybackup", data)
        (data / LINK).unlink(missing_ok=True)
        fresh.log.unlink(missing_ok=True)
        signal = data / "recovery.signal"
        signal.touch(mode=0o600)
        fresh.own(signal)
        yield fresh
    finally:
        shutil.rmtree(data, ignore_errors=True)


def _recover(fresh: Server, chosen: Backup, to: datetime | None) -> None:
    settings = {
        "restore_command": restore_command(chosen.wal),
        "recovery_target_timeline": "latest",
        "recovery_target_action": "promote",
    }
    if to is not None:
        settings["recovery_target_time"] = to.isoformat()
    try:
        recover(fresh, settings, seconds=RECOVERY_SECONDS)
    except EmbeddedServerError as error:
        said = fresh.log.read_text(errors="replace") if fresh.log.exists() else ""
        if _TOO_EARLY not in said:
            raise
        last = _LAST_COMMIT.search(said)
        raise EmbeddedServerError(
            f"The WAL in {chosen.wal} ends, or has a gap, after "
            f"{last[1] if last else chosen.ended_at}; {to} lies after that. Give an instant up "
            "to then."
        ) from error
    if to is None:
        _refuse_a_gap(fresh, chosen)


def _refuse_a_gap(fresh: Server, chosen: Backup) -> None:
    """Refuse a recovery that ended before the last archived segment."""
    done = _REDO_DONE.search(fresh.log.read_text(errors="replace"))
    assert done is not None
    reached = (int(done[1], 16) * 2**32 + int(done[2], 16)) // SEGMENT_BYTES
    last = max(map(number_of, archived(chosen.wal)), default=reached)
    if reached < last:
        raise EmbeddedServerError(
            f"Of the {last - reached} segments of WAL after number {reached} the next is "
            f"missing or damaged in {chosen.wal}. Put it back, or give an instant before it."
        )
