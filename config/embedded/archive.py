"""The archive of a running server's WAL: begun, ended, brought up to now, and looked at."""

import os
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from config.embedded.places import EmbeddedServerError, account_name
from config.embedded.postgres import superuser_url
from config.embedded.server import Server, server_of
from config.embedded.wal import LINK, archive_of, waiting

ARCHIVE_SECONDS = 60.0


@dataclass(frozen=True)
class Archiving:
    """How a server's WAL is put by; `failed_at` is set while segments can't be."""

    folder: Path | None
    archived_at: datetime | None
    failed_at: datetime | None
    failed_segment: str
    waiting: int
    why: str


def session(data: Path) -> psycopg.Connection[Any]:
    """Return a session of the superuser's on the running server of `data`."""
    return psycopg.connect(superuser_url(data), autocommit=True, connect_timeout=10)


def archive_into(server: Server, wal: Path) -> None:
    """Have a server put every segment that it finishes from now on into a folder."""
    fresh = server.data / f".{LINK}.new"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(wal)
    server.own(fresh)
    os.replace(fresh, server.data / LINK)


def stop_archiving(data: Path) -> Path | None:
    """Have a server let go of finished WAL again; return where it went until now."""
    server = server_of(data.absolute())
    folder = archive_of(server)
    (server.data / LINK).unlink(missing_ok=True)
    return folder


def archive_now(data: Path, *, seconds: float = ARCHIVE_SECONDS) -> datetime:
    """Put all WAL up to now into the archive, and return the instant that it reaches.

    Whatever was committed by that instant, and by each one before, can be restored. The
    server must be running.

    :raises EmbeddedServerError: when no folder was set up, or a segment can't be put there.
    """
    server = server_of(data.absolute())
    folder = archive_of(server)
    if folder is None:
        raise EmbeddedServerError(
            f"The WAL of {data} is not put by yet. Make a backup first: python3 dev.py backup"
        )
    with session(data) as asked:
        reached, segment = _finish_segment(asked)
        deadline = time.monotonic() + seconds
        while segment in waiting(server):
            found = archiving(data, asked)
            if found.failed_at and found.failed_at > reached:
                raise EmbeddedServerError(alarm(server, found))
            if time.monotonic() > deadline:
                raise EmbeddedServerError(
                    f"WAL segment {segment} did not reach {folder} in {seconds:.0f} seconds; "
                    f"{found.waiting} are waiting. Look again: python3 dev.py backup --status"
                )
            time.sleep(0.05)
    return reached


def _finish_segment(asked: psycopg.Connection[Any]) -> tuple[datetime, str]:
    """End the segment that is being written; return an instant before its end, and its name."""
    reached: datetime = asked.execute("select clock_timestamp()").fetchall()[0][0]
    # Recovery knows that an instant has passed by a transaction that ended after it.
    asked.execute("select pg_current_xact_id()")
    segment: str = asked.execute("select pg_walfile_name(pg_switch_wal())").fetchall()[0][0]
    return reached, segment


def archiving(data: Path, asked: psycopg.Connection[Any]) -> Archiving:
    """Return how the WAL of the running server of `data` is put by."""
    server = server_of(data.absolute())
    archived_at, failed_at, segment = asked.execute(
        "select last_archived_time, last_failed_time, last_failed_wal from pg_stat_archiver"
    ).fetchall()[0]
    is_failing = failed_at and (archived_at is None or failed_at > archived_at)
    return Archiving(
        archive_of(server),
        archived_at,
        failed_at if is_failing else None,
        segment if is_failing else "",
        len(waiting(server)),
        _why(server) if is_failing else "",
    )


def _why(server: Server) -> str:
    """Return what the failed command said last: the line before the server's own."""
    lines = server.log_end().splitlines()
    failures = [n for n, line in enumerate(lines) if "archive command failed" in line]
    return lines[failures[-1] - 1].strip() if failures and failures[-1] else ""


def alarm(server: Server, found: Archiving) -> str:
    """Return the words for WAL that can't be put by, or nothing where all is well."""
    if found.failed_at is None:
        return ""
    return (
        f"WAL segment {found.failed_segment} can't be put into {found.folder} (last tried "
        f"{found.failed_at:%Y-%m-%d %H:%M:%S} UTC: {found.why}). {found.waiting} segments wait "
        f"in {server.data}, whose disk fills, and no later instant can be restored. Make room "
        f"there, or let {account_name(server.uid)} write there again; the server tries again "
        "by itself. `python3 dev.py backup --stop` gives the archive up."
    )


def alarm_of(data: Path) -> str:
    """Return what is wrong with the archive of a running server, in words, or nothing."""
    with session(data) as asked:
        return alarm(server_of(data.absolute()), archiving(data, asked))
