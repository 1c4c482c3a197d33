"""Folders for servers of a test's own, outside the tests' database and away from var/."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.embedded import ensure_postgres, leave_valkey, stop_postgres


@pytest.fixture
def ground() -> Iterator[Path]:
    """A folder that every account can reach; the clusters made in it are stopped."""
    yield from _ground()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Path]:
    """The folder of a cluster that the tests of one module share."""
    for folder in _ground():
        ensure_postgres(folder / "pg", fast=True)
        yield folder / "pg"


@pytest.fixture(scope="module")
def owner_url(cluster: Path) -> str:
    """The owner's address on the module's cluster."""
    return ensure_postgres(cluster, fast=True)


def _ground() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="tessera-test-", dir="/var/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        for version in folder.glob("*/PG_VERSION"):
            stop_postgres(version.parent)
        for queue in folder.glob("*/appendonlydir"):
            leave_valkey(queue.parent)
        shutil.rmtree(folder)
