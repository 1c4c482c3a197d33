"""Slurm's `sacct` in pipe-separated form, with a header or in XDMoD's order of 26 fields."""

import csv
from datetime import UTC, datetime, timedelta

from django.utils.translation import gettext_lazy as _

from billing.usage.adapter import Head, LineAdapter
from billing.usage.cells import (
    EPOCH,
    CellProblem,
    Row,
    read_instant,
    read_state,
    skip_reason,
)
from billing.usage.job import (
    Columns,
    Job,
    SchedulerReader,
    read_clock,
    read_whole,
    resource_of,
)
from billing.usage.options import ColumnsMissing, Options
from billing.usage.record import NEVER_STARTED, NO_GPU, NOT_ENDED, STEP, RowResult, Skipped
from billing.usage.sacct_rows import NEEDED, Allocated, SacctRows

# The order in which XDMoD's shredder asks sacct for fields; job names come last, as they may
# hold the separator themselves.
XDMOD_FIELDS = [
    "jobid",
    "jobidraw",
    "cluster",
    "partition",
    "qos",
    "account",
    "group",
    "gid",
    "user",
    "uid",
    "submit",
    "eligible",
    "start",
    "end",
    "elapsed",
    "exitcode",
    "state",
    "nnodes",
    "ncpus",
    "reqcpus",
    "reqmem",
    "reqtres",
    "alloctres",
    "timelimit",
    "nodelist",
    "jobname",
]
NO_TIME = frozenset({"", "Unknown", "None"})


class SacctReader(SchedulerReader):
    """Reads `sacct -P` line by line: one record a job, never one a step.

    A job's GPUs are those of `gres/gpu=N` in AllocTRES, else the sum of its typed counts
    (`gres/gpu:a100=N`); Slurm may print both for the same cards. A job with several models has
    them joined by `+` as its class, which no offer matches. Cores are `cpu=N`, else NCPUS.
    Every state in which a job has ended is metered, whatever its outcome. Time that a job was
    suspended (`Suspended`, where it is printed) is taken off its end: Slurm counts it out of
    Elapsed (sacct's manual, Elapsed and Suspended).

    :raises ColumnsMissing: if there is no header and the line has not XDMoD's 26 fields, or
        the header lacks a field that metering needs.
    """

    meter = "sacct"
    format = "sacct"
    names = Columns("JobIDRaw", "Account", "Start", "End", "AllocTRES")

    def __init__(self, first_line: str, options: Options) -> None:
        super().__init__(first_line, options)
        # Some export it as a CSV instead, where a cell with commas is quoted.
        self._is_csv = "|" not in first_line and "," in first_line
        names = [name.strip().casefold() for name in self._header(first_line)]
        has_header = "jobid" in names or "jobidraw" in names
        self.header_lines = int(has_header)
        # `sacct -p` ends each line with a separator, `sacct -P` does not.
        self._ends_with_bar = has_header and names[-1] == ""
        fields = names if has_header else XDMOD_FIELDS
        self.width = len(fields) - self._ends_with_bar
        self._at = {name: place for place, name in enumerate(fields) if name}
        self._name_is_last = fields[self.width - 1] == "jobname"
        if not has_header and len(names) < len(XDMOD_FIELDS):
            raise ColumnsMissing(missing="JobIDRaw, Start, End, State", found=first_line[:100])
        self._require(first_line)
        fits = not self._is_csv and all(name in self._at for name in NEEDED)
        self._rows = (
            SacctRows(self._at, len(fields), options, self.meter, read_allocated)
            if fits
            else None
        )

    def read(self, number: int, line: str) -> RowResult:
        """Return the record of a job, why it is skipped, or all that is wrong with it."""
        record = self._rows.read(number, line) if self._rows else None
        return super().read(number, line) if record is None else record

    def _require(self, first_line: str) -> None:
        wanted = {
            "JobIDRaw": ("jobidraw", "jobid"),
            "Start": ("start",),
            "End": ("end",),
            "State": ("state",),
            "AllocTRES": ("alloctres", "ncpus", "alloccpus"),
        }
        missing = [
            name
            for name, places in wanted.items()
            if not any(place in self._at for place in places)
        ]
        if missing:
            found = ", ".join(self._header(first_line))[:200]
            raise ColumnsMissing(missing=", ".join(missing), found=found)

    def cells(self, line: str) -> list[str]:
        """Return a line's cells; separators in a job name that comes last are part of it.

        :raises csv.Error: if a quotation mark in a CSV is not closed.
        """
        if self._ends_with_bar and line.endswith("|"):
            line = line[:-1]
        if self._is_csv:
            return self._split(line)
        return line.split("|", self.width - 1) if self._name_is_last else line.split("|")

    def _header(self, line: str) -> list[str]:
        try:
            return self._split(line)
        except csv.Error:
            # Names that cannot be told apart are told as missing columns.
            return line.split(",")

    def _split(self, line: str) -> list[str]:
        if not self._is_csv:
            return line.split("|")
        return next(csv.reader([line], strict=True))

    def job(self, row: Row, cells: list[str]) -> Job | Skipped | None:
        """Return a line's job, or why it has none; None after noting what is wrong."""
        if len(cells) != self.width:
            problem = CellProblem("columns_differ", found=len(cells), expected=self.width)
            row.note("", "|".join(cells), problem)
            return None
        if "." in self._cell(cells, "jobidraw") or "." in self._cell(cells, "jobid"):
            return Skipped(STEP)
        state = row.take("State", self._cell(cells, "state"), read_state, "")
        if row.errors:
            return None
        reason = self._skip_reason(state, cells)
        if reason is not None:
            return Skipped(reason)
        nothing: dict[str, int] = {}
        tres = row.take("AllocTRES", self._cell(cells, "alloctres"), read_tres, nothing)
        gpus, models = gpus_of(tres)
        cores = self._cores(row, tres, gpus, cells)
        if resource_of(gpus * 1000, cores * 1000, self.options) is None:
            return None if row.errors else Skipped(NO_GPU)
        return self._job(row, cells, state, cores, gpus, models)

    def _skip_reason(self, state: str, cells: list[str]) -> str | None:
        reason = skip_reason(state)
        if reason is None and self._cell(cells, "start") in NO_TIME:
            return NEVER_STARTED
        if reason is None and self._cell(cells, "end") in NO_TIME:
            return NOT_ENDED
        return reason

    def _cores(self, row: Row, tres: dict[str, int], gpus: int, cells: list[str]) -> int:
        if "cpu" in tres:
            return tres["cpu"]
        column = "NCPUS" if "ncpus" in self._at else "AllocCPUS"
        text = self._cell(cells, column.casefold())
        if gpus and (not text or self.options.resource != "CPU"):
            return _lenient(text)
        return row.take(column, text, _whole, 0)

    def _job(
        self, row: Row, cells: list[str], state: str, cores: int, gpus: int, models: str
    ) -> Job:
        zone = self.options.zone
        start, end = self._cell(cells, "start"), self._cell(cells, "end")
        started_at = row.take("Start", start, lambda text: _instant(text, zone), EPOCH)
        ended_at = row.take("End", end, lambda text: _instant(text, zone), EPOCH)
        return Job(
            cluster=self._cell(cells, "cluster") or self.options.cluster,
            job_id=self._cell(cells, "jobidraw") or self._cell(cells, "jobid"),
            user=self._cell(cells, "user"),
            account=self._cell(cells, "account"),
            state=state,
            started_at=started_at,
            ended_at=self._without_stops(row, cells, started_at, ended_at),
            wall_seconds=self._wall(cells, started_at, ended_at),
            nodes=_lenient(self._cell(cells, "nnodes")),
            cores_thousandths=cores * 1000,
            gpus_thousandths=gpus * 1000,
            models=models,
        )

    def _without_stops(
        self, row: Row, cells: list[str], started_at: datetime, ended_at: datetime
    ) -> datetime:
        text = self._cell(cells, "suspended")
        if not text or row.errors:
            return ended_at
        stopped = timedelta(seconds=row.take("Suspended", text, read_clock, 0))
        if stopped > max(ended_at - started_at, timedelta()):
            row.note("Suspended", text, CellProblem("stopped_too_long"))
            return ended_at
        return ended_at - stopped

    def _wall(self, cells: list[str], started_at: datetime, ended_at: datetime) -> int:
        try:
            return read_clock(self._cell(cells, "elapsed"))
        except CellProblem:
            return (ended_at - started_at) // timedelta(seconds=1)

    def _cell(self, cells: list[str], name: str) -> str:
        place = self._at.get(name)
        return "" if place is None else cells[place].strip()


def read_tres(text: str) -> dict[str, int]:
    """Return the counts of `cpu` and of `gres/gpu` in a list of trackable resources.

    Memory and the like are passed over: they carry units, and are not metered.
    """
    counts: dict[str, int] = {}
    for part in filter(None, text.split(",")):
        name, equals, amount = part.partition("=")
        if not equals:
            raise CellProblem("tres_unreadable")
        if name == "cpu" or name == "gres/gpu" or name.startswith("gres/gpu:"):
            counts[name] = counts.get(name, 0) + _whole(amount)
    return counts


def read_allocated(text: str) -> Allocated:
    """Return the GPUs, their models and the cores in a list of trackable resources."""
    tres = read_tres(text.strip())
    return *gpus_of(tres), tres.get("cpu", 0)


def gpus_of(tres: dict[str, int]) -> tuple[int, str]:
    """Return how many GPUs are meant and of which models, counting no card twice."""
    typed = {
        name.partition(":")[2]: count
        for name, count in tres.items()
        if name.startswith("gres/gpu:") and count
    }
    return tres.get("gres/gpu", sum(typed.values())), "+".join(sorted(typed))


_whole = read_whole("tres_unreadable")


def _lenient(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else 0


def _instant(text: str, zone: str) -> datetime:
    # SLURM_TIME_FORMAT=%s makes sacct print seconds since 1970, which have no time zone.
    if text.isascii() and text.isdigit() and len(text) <= 10:
        return datetime.fromtimestamp(int(text), UTC)
    return read_instant(text, zone)


def _looks_like_sacct(head: Head) -> bool:
    line = head.first_line
    cells = line.split("|")
    names = {name.strip().casefold() for name in (cells if "|" in line else line.split(","))}
    # Slurm's own names: a header of ours says job_id.
    if len(names) > 1 and names & {"jobid", "jobidraw"}:
        return True
    return len(cells) >= len(XDMOD_FIELDS) and cells[1][:1].isdigit()


ADAPTER = LineAdapter("SACCT", _("Slurm accounting (sacct)"), _looks_like_sacct, SacctReader)
