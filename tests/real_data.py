"""Published files that tests are checked against; they are read in place, never copied."""

import os
from pathlib import Path

import pytest

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"
SHARED = Path(os.environ.get("SHARED_DATA") or BESIDE)


def shared(path: str) -> Path:
    """Return a published file; where it is absent, skip the test, or fail it if required."""
    found = SHARED / path
    if found.exists():
        return found
    if os.environ.get("SHARED_DATA_REQUIRED") == "1":
        pytest.fail(f"{found} is absent, and SHARED_DATA_REQUIRED=1.")
    pytest.skip(f"{found} is absent: published data is not part of the project.")
