"""Files of archived usage lines: beside the backups before they count, and put back from there.

The rows of a cluster name them (docs/decisions/0024-usage-archive.md); a file is never changed
and never let go, so whichever instant is restored, its files are the ones there are.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg

from common.copies import copy_to, files_in, fingerprint, second_place, use_second_place
from config.embedded.places import EmbeddedServerError
from config.embedded.server import Server

FOLDER = "usage"
_NAMED_MAX = 5


class NamedFile(NamedTuple):
    """A file that rows of a cluster name, and its SHA-256."""

    name: str
    sha256: str


@contextmanager
def copying_into(server: Server, files: Path, place: Path) -> Iterator[None]:
    """Have the files of a folder, and each that comes, in a place; as before when the block fails.

    What comes while the place changes is copied to the new one: a file has its name before
    whoever made it looks where its copy goes, and the names are listed after that was changed.
    """
    before = second_place(files)
    files.mkdir(parents=True, exist_ok=True)
    if not place.exists():
        place.mkdir(mode=0o700)
        server.own(place)
    use_second_place(files, place)
    try:
        _copy_all(server, files, place)
        yield
    except BaseException:
        if before not in (None, place):
            use_second_place(files, before)
            _copy_all(server, files, before)
        raise


def _copy_all(server: Server, files: Path, place: Path) -> None:
    for file in files_in(files):
        if copy_to(file, place):
            server.own(place / file.name)


def named_in(url: str) -> list[NamedFile]:
    """Return the files that the database at an address names; none before it had an archive."""
    with psycopg.connect(url, connect_timeout=10) as asked:
        (table,) = asked.execute("select to_regclass('billing_usagearchive')::text").fetchall()[
            0
        ]
        if table is None:
            return []
        found = asked.execute("select file, sha256 from billing_usagearchive order by file")
        return [NamedFile(*row) for row in found.fetchall()]


def lacking(named: list[NamedFile], place: Path) -> list[NamedFile]:
    """Return the files that a folder has not, or not with the content that was written down."""
    return [one for one in named if not _has(place, one)]


def put_back(named: list[NamedFile], place: Path, folder: Path) -> list[NamedFile]:
    """Copy what a folder lacks there from the place of copies, and return what was lacking.

    :raises EmbeddedServerError: if a file is in neither as it was written down; all others are
        put back before.
    """
    missing = lacking(named, folder)
    folder.mkdir(parents=True, exist_ok=True)
    lost = []
    for one in missing:
        if _has(place, one):
            copy_to(place / one.name, folder)
        else:
            lost.append(one)
    if lost:
        raise EmbeddedServerError(
            f"{words(lost)} with archived usage lines are neither in {folder} nor in {place} as "
            f"they were written. Put them into {folder} from another copy; nothing else is lost."
        )
    return missing


def words(files: list[NamedFile]) -> str:
    """Write how many files they are, and the names of the first."""
    some = ", ".join(one.name for one in files[:_NAMED_MAX])
    return f"{len(files)} files ({some}{', …' if len(files) > _NAMED_MAX else ''})"


def _has(place: Path, file: NamedFile) -> bool:
    path = place / file.name
    return path.is_file() and fingerprint(path) == file.sha256
