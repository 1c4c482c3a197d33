"""Whatever is killed while a file is read: in the end its lines are there, each once."""

import os
import re
import subprocess
import sys

import pytest

from tests.bench.test_chaos import ended, ground
from tests.processes import ROOT

__all__ = ["ground"]

pytestmark = pytest.mark.slow


def test_a_file_that_is_read_while_everything_is_killed_is_there_as_a_whole(ground):
    own = {k: v for k, v in os.environ.items() if not k.startswith(("TESSERA_TEST", "PYTEST"))}
    command = [sys.executable, "-m", "bench.killed_import", "--rows", "30000", "--times", "3"]
    with (ground / "chaos.log").open("ab") as log:
        run = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**own, "TESSERA_VAR": str(ground / "var")},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    assert ended(run, ground, 400) == 0
    said = (ground / "chaos.log").read_text()
    assert "the lines are exactly those of the file" in said
    assert int(re.search(r"killed (\d+) times", said)[1]) >= 1
