"""Lend a server to a command: `python -m config.embedded [--fast] NAME DATA COMMAND ...`."""

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path

from config.embedded import EmbeddedServerError, dying_with_parent, lend_postgres


def _lend(variable: str, data: Path, command: list[str], *, fast: bool) -> int:
    """Run a command with the owner's address in an environment variable; return its code."""
    with lend_postgres(data, fast=fast) as url:
        process = subprocess.Popen(
            command, env={**os.environ, variable: url}, preexec_fn=dying_with_parent()
        )
        # The terminal sends Ctrl-C to both; the command decides what it means.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        code = process.wait()
    return code if code >= 0 else 128 - code


def main() -> int:
    """Lend a server to the command on the command line, and end with its code."""
    parser = argparse.ArgumentParser(prog="python -m config.embedded")
    parser.add_argument("variable", help="environment variable for the owner's address")
    parser.add_argument("data", type=Path, help="folder of the cluster")
    parser.add_argument("--fast", action="store_true", help="give up durability")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    try:
        return _lend(given.variable, given.data, given.command, fast=given.fast)
    except EmbeddedServerError as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
