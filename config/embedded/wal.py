"""WAL, the record of every change: how a finished segment is put by, and fetched again.

`archive_mode` can be changed by a restart alone, so it is always on, and what the command does
is decided by a link in the cluster: without one a finished segment is let go. The link is no
part of a base backup, so a restored cluster never writes among the original's segments.
"""

import re
import shlex
from pathlib import Path

from config.embedded.server import Server

LINK = "wal_archive"
SUFFIX = ".gz"
SEGMENT_BYTES = 16 * 2**20
_SEGMENTS_A_NAME = 2**32 // SEGMENT_BYTES
# Where the server marks a finished segment until its command has succeeded.
_MARKS = Path("pg_wal") / "archive_status"
# Run by the server in the cluster's folder. A segment gets its name once it is on disk; one
# that is there already is let pass when it is the same, so that a kill in between does no harm.
ARCHIVE_COMMAND = (
    f"if [ -L {LINK} ]; then"
    f" if [ -e {LINK}/%f.gz ]; then gzip -dc {LINK}/%f.gz | cmp -s - %p;"
    f" else gzip -1c %p > {LINK}/%f.new && sync {LINK}/%f.new"
    f" && mv {LINK}/%f.new {LINK}/%f.gz; fi"
    f" && sync {LINK}/; fi"
)


def restore_command(wal: Path) -> str:
    """Return the server's command that fetches a segment from a folder of archived WAL."""
    folder = shlex.quote(str(wal)).replace("%", "%%")
    return f"[ -e {folder}/%f.gz ] && gzip -dc {folder}/%f.gz > %p"


def archive_of(server: Server) -> Path | None:
    """Return the folder that a cluster's finished WAL goes to, or None where it is let go."""
    link = server.data / LINK
    return link.readlink() if link.is_symlink() else None


def waiting(server: Server) -> list[str]:
    """Return the finished segments that the cluster still keeps because they are not put by."""
    return sorted(mark.stem for mark in (server.data / _MARKS).glob("*.ready"))


def archived(wal: Path) -> list[str]:
    """Return the segments in a folder of archived WAL, by timeline and then in their row."""
    names = (path.name.removesuffix(SUFFIX) for path in wal.glob(f"*{SUFFIX}"))
    return sorted(name for name in names if re.fullmatch("[0-9A-F]{24}", name))


def number_of(segment: str) -> int:
    """Return a segment's place in the row of all, whatever its timeline."""
    return int(segment[8:16], 16) * _SEGMENTS_A_NAME + int(segment[16:], 16)


def unbroken_from(wal: Path) -> int:
    """Return the number of the first segment from which on none is missing."""
    numbers = {number_of(name) for name in archived(wal)}
    first = max(numbers, default=0)
    while first - 1 in numbers:
        first -= 1
    return first
