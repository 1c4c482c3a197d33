"""The quick way through sacct: lines as most clusters write them, by what cells said before."""

from collections.abc import Callable, Mapping

from billing.usage.cells import read_state, skip_reason
from billing.usage.job import plain_record
from billing.usage.known import Instants, Known
from billing.usage.options import Options
from billing.usage.record import Resource, UsageRecord

NEEDED = ("jobidraw", "state", "start", "end", "alloctres")
_NOT_STOPPED = frozenset({"", "00:00:00"})

# GPUs, their models, and cores.
Allocated = tuple[int, str, int]


class SacctRows:
    """Reads a line that has nothing to tell but one record, and leaves all others alone.

    Such a line is printable ASCII, without blanks in the names that count, with times such as
    2026-11-02T08:30:00. What it says is what `SacctReader` says of it cell by cell
    (`tests/billing/usage/test_sacct_rows.py`), at a fraction of the cost.
    """

    def __init__(
        self,
        at: Mapping[str, int],
        width: int,
        options: Options,
        source: str,
        read_allocated: Callable[[str], Allocated],
    ) -> None:
        self._source = options.source or source
        self._resource = options.resource
        self._cluster_otherwise = options.cluster
        self._width = width
        self._job, self._state, self._start, self._end, self._tres = (at[one] for one in NEEDED)
        self._job_id = at.get("jobid", self._job)
        self._account = at.get("account")
        self._cluster = at.get("cluster")
        self._suspended = at.get("suspended")
        self._states: Known[str] = Known(_ended_state)
        self._allocated: Known[Allocated] = Known(read_allocated)
        self._instants = Instants(options.zone)

    def read(self, number: int, line: str) -> UsageRecord | None:
        """Return the record of a plain line, or None where it takes a careful look."""
        if not (line.isascii() and line.isprintable()):
            return None
        cells = line.split("|")
        if len(cells) != self._width:
            return None
        job = cells[self._job]
        account = cells[self._account] if self._account is not None else ""
        cluster = cells[self._cluster] if self._cluster is not None else ""
        if not self._is_plain(job, cells[self._job_id], f"{account}{cluster}"):
            return None
        if self._suspended is not None and cells[self._suspended] not in _NOT_STOPPED:
            return None
        state = self._states[cells[self._state]]
        allocated = self._allocated[cells[self._tres]]
        started_at = self._instants.read(cells[self._start])
        ended_at = self._instants.read(cells[self._end])
        if state is None or allocated is None:
            return None
        gpus, models, cores = allocated
        metered: tuple[Resource, int] = ("GPU", gpus)
        if not gpus or self._resource == "CPU":
            if self._resource == "GPU":
                return None
            metered, models = ("CPU", cores), ""
        return plain_record(
            self._source,
            cluster or self._cluster_otherwise,
            job,
            account,
            models,
            metered,
            state,
            (started_at, ended_at),
            number,
        )

    def _is_plain(self, job: str, job_id: str, names: str) -> bool:
        if not job or "." in job or "." in job_id:
            return False
        return " " not in job and " " not in names


def _ended_state(text: str) -> str | None:
    state = read_state(text.strip())
    return state if skip_reason(state) is None else None
