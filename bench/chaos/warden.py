"""Outlive a run that was killed, and stop its PostgreSQL: `python -m bench.chaos.warden DATA`.

PostgreSQL leaves its starter's family when it starts, so it can't be made to end with it. The
warden waits for the end of a pipe, which comes however the run ends, and holds the run's lock until
PostgreSQL has stopped.
"""

import signal
import sys
from pathlib import Path

from config.embedded import stop_postgres


def main() -> None:
    """Wait for the run's end, then stop its server."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    stop_postgres(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
