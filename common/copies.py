"""A folder of files that are never changed, each copied to a second place before it counts.

A file's name ends with the beginning of its SHA-256, so that the name alone says whether it is
whole. A link in the folder says where the second place is, so that whoever writes a file needs
not know who keeps the copies. Without the link there is none.
"""

import hashlib
import os
import re
import shutil
from pathlib import Path

LINK = "copies"
_CHUNK_BYTES = 1 << 20
_DIGITS = 12
_NAME = re.compile(rf"[^.].*-([0-9a-f]{{{_DIGITS}}})\.parquet")


def second_place(folder: Path) -> Path | None:
    """Return where copies of a folder's files go, or None where no link says so."""
    link = folder / LINK
    return link.readlink() if link.is_symlink() else None


def use_second_place(folder: Path, place: Path | None) -> None:
    """Have copies of a folder's files go to another folder from now on, or nowhere."""
    if place is None:
        (folder / LINK).unlink(missing_ok=True)
        return
    fresh = folder / f".{LINK}.new"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(place)
    fresh.replace(folder / LINK)


def named(stem: str, digest: str) -> str:
    """Return the name of a file with a SHA-256."""
    return f"{stem}-{digest[:_DIGITS]}.parquet"


def files_in(folder: Path) -> list[Path]:
    """Return the files of a folder that have such names, in order."""
    return sorted(path for path in folder.glob("*.parquet") if _NAME.fullmatch(path.name))


def is_whole(path: Path) -> bool:
    """Return whether a file is there, with the content that its name says."""
    said = _NAME.fullmatch(path.name)
    return said is not None and path.is_file() and fingerprint(path).startswith(said[1])


def copy_to(file: Path, place: Path) -> bool:
    """Have a file in a folder too, whole and on the disk; return whether it had to be copied.

    A whole copy is never written over, and a damaged file never copied.

    :raises OSError: if it is damaged and there is no copy, or can't be read, or written there.
    """
    there = place / file.name
    if is_whole(there):
        return False
    if not is_whole(file):
        raise OSError(f"{file} is not what it was when it was written")
    # Two may copy the same file at once.
    half = place / f".{file.name}.{os.getpid()}"
    try:
        shutil.copyfile(file, half)
        sync(half)
        half.replace(there)
        sync(place)
    finally:
        half.unlink(missing_ok=True)
    return True


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
