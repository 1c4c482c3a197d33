"""Slurm's `sacct` in pipe-separated form, with a header or in XDMoD's order of 26 fields."""

from datetime import UTC, datetime

from billing.usage.cells import (
    EPOCH,
    CellProblem,
    Row,
    read_instant,
    read_interval,
    read_name,
    read_state,
    read_text,
    skip_reason,
)
from billing.usage.options import ColumnsMissing, Options
from billing.usage.record import (
    NEVER_STARTED,
    NO_GPU,
    NOT_ENDED,
    STEP,
    NotExact,
    Resource,
    RowResult,
    Skipped,
    UsageRecord,
)

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


class SacctReader:
    """Reads `sacct -P` line by line: one record a job, never one a step.

    A job's GPUs are those of `gres/gpu=N` in AllocTRES, else the sum of its typed counts
    (`gres/gpu:a100=N`); Slurm may print both for the same cards. A job with several models has
    them joined by `+` as its class, which no offer matches. Cores are `cpu=N`, else NCPUS.
    Every state in which a job has ended is metered, whatever its outcome.

    :raises ColumnsMissing: if there is no header and the line has not XDMoD's 26 fields, or
        the header lacks a field that metering needs.
    """

    def __init__(self, first_line: str, options: Options) -> None:
        self._options = options
        names = [name.strip().casefold() for name in first_line.split("|")]
        has_header = "jobid" in names or "jobidraw" in names
        self.header_lines = int(has_header)
        # `sacct -p` ends each line with a separator, `sacct -P` does not.
        self._ends_with_bar = has_header and names[-1] == ""
        fields = names if has_header else XDMOD_FIELDS
        self.width = len(fields) - self._ends_with_bar
        self._at = {name: place for place, name in enumerate(fields) if name}
        self._name_is_last = fields[self.width - 1] == "jobname"
        self.unused_columns: tuple[str, ...] = ()
        if not has_header and len(names) < len(XDMOD_FIELDS):
            raise ColumnsMissing(missing="JobIDRaw, Start, End, State", found=first_line[:100])
        self._require(first_line)

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
            found = first_line.replace("|", ", ")[:200]
            raise ColumnsMissing(missing=", ".join(missing), found=found)

    def cells(self, line: str) -> list[str]:
        """Return a line's cells; separators in a job name that comes last are part of it."""
        if self._ends_with_bar and line.endswith("|"):
            line = line[:-1]
        return line.split("|", self.width - 1) if self._name_is_last else line.split("|")

    def read(self, number: int, line: str) -> RowResult:
        """Return the record of a job, why it is skipped, or all that is wrong with it."""
        cells = self.cells(line)
        row = Row(number)
        if len(cells) != self.width:
            problem = CellProblem("columns_differ", found=len(cells), expected=self.width)
            row.note("", line, problem)
            return tuple(row.errors)
        if "." in self._cell(cells, "jobidraw") or "." in self._cell(cells, "jobid"):
            return Skipped(STEP)
        return self._read_job(row, cells)

    def _read_job(self, row: Row, cells: list[str]) -> RowResult:
        state = row.take("State", self._cell(cells, "state"), read_state, "")
        if row.errors:
            return tuple(row.errors)
        reason = self._skip_reason(state, cells)
        if reason is not None:
            return Skipped(reason)
        nothing: dict[str, int] = {}
        tres = row.take("AllocTRES", self._cell(cells, "alloctres"), read_tres, nothing)
        resource, count, models = self._metered(row, tres, cells)
        if self._options.resource == "GPU" and resource == "CPU":
            return tuple(row.errors) or Skipped(NO_GPU)
        return self._record(row, cells, state, resource, count, models)

    def _skip_reason(self, state: str, cells: list[str]) -> str | None:
        reason = skip_reason(state)
        if reason is None and self._cell(cells, "start") in NO_TIME:
            return NEVER_STARTED
        if reason is None and self._cell(cells, "end") in NO_TIME:
            return NOT_ENDED
        return reason

    def _metered(
        self, row: Row, tres: dict[str, int], cells: list[str]
    ) -> tuple[Resource, int, str]:
        gpus, models = gpus_of(tres)
        if gpus and self._options.resource != "CPU":
            return "GPU", gpus * 1000, models
        if "cpu" in tres:
            return "CPU", tres["cpu"] * 1000, ""
        column = "NCPUS" if "ncpus" in self._at else "AllocCPUS"
        text = self._cell(cells, column.casefold())
        if not text and gpus:
            return "CPU", 0, ""
        return "CPU", row.take(column, text, _whole, 0) * 1000, ""

    def _record(
        self,
        row: Row,
        cells: list[str],
        state: str,
        resource: Resource,
        count: int,
        models: str,
    ) -> RowResult:
        zone = self._options.zone
        start, end = self._cell(cells, "start"), self._cell(cells, "end")
        started_at = row.take("Start", start, lambda text: _instant(text, zone), EPOCH)
        ended_at = row.take("End", end, lambda text: _instant(text, zone), EPOCH)
        job = row.take("JobIDRaw", self._job(cells), read_name, "")
        cluster = row.take("Cluster", self._cluster(cells), read_text, "")
        account = row.take("Account", self._cell(cells, "account"), read_text, "")
        row.take("AllocTRES", models, read_text, "")
        if not row.errors:
            row.take("End", end, lambda _text: read_interval(started_at, ended_at), None)
        if row.errors:
            return tuple(row.errors)
        try:
            return UsageRecord(
                source=self._options.source or "sacct",
                key=f"{cluster}/{job}/{started_at:%Y-%m-%dT%H:%M:%SZ}",
                resource=resource,
                count_thousandths=count,
                started_at=started_at,
                ended_at=ended_at,
                state=state,
                account=account,
                resource_class=models,
                row=row.number,
            )
        except NotExact:
            row.note("Start", start, CellProblem("time_too_fine", count=count // 1000))
            return tuple(row.errors)

    def _cell(self, cells: list[str], name: str) -> str:
        place = self._at.get(name)
        return "" if place is None else cells[place].strip()

    def _job(self, cells: list[str]) -> str:
        return self._cell(cells, "jobidraw") or self._cell(cells, "jobid")

    def _cluster(self, cells: list[str]) -> str:
        return self._cell(cells, "cluster") or self._options.cluster


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


def gpus_of(tres: dict[str, int]) -> tuple[int, str]:
    """Return how many GPUs are meant and of which models, counting no card twice."""
    typed = {
        name.partition(":")[2]: count
        for name, count in tres.items()
        if name.startswith("gres/gpu:") and count
    }
    return tres.get("gres/gpu", sum(typed.values())), "+".join(sorted(typed))


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise CellProblem("tres_unreadable")
    return int(text)


def _instant(text: str, zone: str) -> datetime:
    # SLURM_TIME_FORMAT=%s makes sacct print seconds since 1970, which have no time zone.
    if text.isascii() and text.isdigit() and len(text) <= 10:
        return datetime.fromtimestamp(int(text), UTC)
    return read_instant(text, zone)
