"""What the figures were measured on, and how busy it was."""

import os
import platform
from pathlib import Path
from typing import Any

import psycopg

PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
SETTINGS = (
    "archive_mode",
    "autovacuum",
    "checkpoint_timeout",
    "data_checksums",
    "fsync",
    "full_page_writes",
    "jit",
    "maintenance_work_mem",
    "max_wal_size",
    "shared_buffers",
    "synchronous_commit",
    "track_commit_timestamp",
    "wal_level",
    "work_mem",
)


def described(server: psycopg.Connection[Any]) -> dict[str, Any]:
    """Return the machine, the programs' versions and the server's settings in force."""
    asked = "select name, current_setting(name) from pg_settings where name = any(%s)"
    settings = dict(server.execute(asked, [list(SETTINGS)]).fetchall())
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "postgresql": server.info.parameter_status("server_version"),
        "settings": dict(sorted(settings.items())),
    }


def _cpu_model() -> str:
    file = PROC / "cpuinfo"
    if file.exists():
        for line in file.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def load() -> float:
    """Return the load average of the last minute."""
    return round(os.getloadavg()[0], 2)


def postmaster_of(server: psycopg.Connection[Any]) -> int | None:
    """Return the process that a server's sessions are children of, where that can be seen."""
    status = PROC / str(server.info.backend_pid) / "stat"
    return _fields(status)[1] if status.exists() else None


def cpu_seconds(postmaster: int | None) -> float:
    """Return the processor's time that a server has used so far, with all its children."""
    if postmaster is None:
        return 0.0
    own = _fields(PROC / str(postmaster) / "stat")
    spent = sum(own[11:15])
    for status in PROC.glob("[0-9]*/stat"):
        try:
            fields = _fields(status)
        except (OSError, IndexError):
            continue
        if fields[1] == postmaster:
            spent += fields[11] + fields[12]
    return spent / _TICKS


def _fields(status: Path) -> list[int]:
    """Return the numbers after a process's name and state: field 1 is the parent's."""
    words = status.read_text().rpartition(")")[2].split()
    return [0, *(int(word) for word in words[1:])]
