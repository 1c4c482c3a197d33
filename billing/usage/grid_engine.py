"""Accounting files of Grid Engine: Sun's and Son's (SGE) and Univa's or Altair's (UGE)."""

import re
from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from billing.usage.adapter import Head, LineAdapter
from billing.usage.cells import EPOCH, CellProblem, Row
from billing.usage.grid_engine_rows import GridEngineRows
from billing.usage.job import Columns, Job, SchedulerReader, read_epoch, read_whole
from billing.usage.options import Options
from billing.usage.record import COMMENT, NEVER_STARTED, STEP, RowResult, Skipped

# The places that matter, after Grid Engine's manual page accounting(5).
_HOST = 1
_OWNER, _JOB, _ACCOUNT = 3, 5, 6
_START, _END, _FAILED, _EXIT, _WALL = 9, 10, 11, 12, 13
_PROJECT, _SLOTS, _TASK, _CATEGORY, _PE_TASK = 31, 34, 35, 39, 41
FIELDS_LEAST = 43
# In the order in which the quick way takes them.
_READ = (
    *(_JOB, _TASK, _PROJECT, _ACCOUNT, _START, _END),
    *(_FAILED, _EXIT, _SLOTS, _CATEGORY, _PE_TASK),
)
_GPUS = re.compile(r"(?:^|[\s,])(?:n?gpus?)=(\d{1,6})(?:\.0{1,6})?(?=$|[\s,])", re.ASCII)
_HARD = re.compile(r"-l (\S+)")
_DEFAULTS = frozenset({"", "NONE", "sge"})
# Codes of `failed` that are no plain failure (accounting(5) and sge_status(5)).
_REASONS = {"25": "REQUEUED", "26": "FAILED", "37": "TIMEOUT", "100": "CANCELLED"}
_KILLED = frozenset({"137", "143"})
_whole = read_whole("count_unreadable")


class GridEngineReader(SchedulerReader):
    """Reads a Grid Engine accounting file line by line: one record a job or array task.

    Times are seconds since 1970 in SGE and milliseconds in UGE, told apart by their digits.
    GPUs are `gpu=N` (or `gpus`, `ngpus`) among the hard requests in the category, a job: a site
    where the complex counts by slot sends another format. Cores are the slots. The rows that a
    tightly integrated job's parallel tasks leave (`pe_taskid`) are steps of it, and skipped. The
    account is the project, else the account string.
    """

    meter = "grid-engine"
    format = "Grid Engine"
    names = Columns("job_number", "project", "start_time", "end_time", "category")

    def __init__(self, first_line: str, options: Options) -> None:
        super().__init__(first_line, options)
        self._rows = GridEngineRows(
            options, self.meter, _READ, FIELDS_LEAST, _DEFAULTS, gpus_in, _said_state
        )

    def read(self, number: int, line: str) -> RowResult:
        """Return the record of a job, why it is skipped, or all that is wrong with it."""
        return self._rows.read(number, line) or super().read(number, line)

    def cells(self, line: str) -> list[str]:
        """Return a line's fields."""
        return line.split(":")

    def job(self, row: Row, cells: list[str]) -> Job | Skipped | None:
        """Return a line's job; comments and parallel tasks are skipped."""
        if cells[0].startswith("#"):
            return Skipped(COMMENT)
        if len(cells) < FIELDS_LEAST:
            row.note(
                "",
                ":".join(cells),
                CellProblem("columns_differ", found=len(cells), expected=45),
            )
            return None
        if cells[_PE_TASK] not in _DEFAULTS:
            return Skipped(STEP)
        if cells[_START] in {"0", ""}:
            return Skipped(NEVER_STARTED)
        started_at = row.take("start_time", cells[_START], read_epoch, EPOCH)
        ended_at = row.take("end_time", cells[_END], read_epoch, EPOCH)
        task = cells[_TASK]
        return Job(
            cluster=self.options.cluster,
            job_id=cells[_JOB] if task in {"0", ""} else f"{cells[_JOB]}.{task}",
            user=cells[_OWNER],
            account=cells[_PROJECT] if cells[_PROJECT] not in _DEFAULTS else cells[_ACCOUNT],
            state=_state_of(cells[_FAILED], cells[_EXIT]),
            started_at=started_at,
            ended_at=ended_at,
            wall_seconds=_wall(cells[_WALL], (ended_at - started_at) // timedelta(seconds=1)),
            nodes=1 if cells[_HOST] else 0,
            cores_thousandths=row.take("slots", cells[_SLOTS], _whole, 0) * 1000,
            gpus_thousandths=gpus_in(cells[_CATEGORY]) * 1000,
            models="",
        )


def gpus_in(category: str) -> int:
    """Return how many GPUs the hard requests (`-l`) of a job's category are for."""
    return sum(
        int(count) for requests in _HARD.findall(category) for count in _GPUS.findall(requests)
    )


def _state_of(failed: str, exit_status: str) -> str:
    code = failed.strip().partition(" ")[0]
    if code in _REASONS:
        return _REASONS[code]
    if code != "0" or exit_status != "0":
        return "CANCELLED" if exit_status in _KILLED else "FAILED"
    return "COMPLETED"


def _said_state(said: str) -> str:
    failed, _newline, exit_status = said.partition("\n")
    return _state_of(failed, exit_status)


def _wall(text: str, otherwise: int) -> int:
    whole, _point, _rest = text.partition(".")
    if whole.isascii() and whole.isdigit() and len(whole) <= 9:
        return int(whole)
    return otherwise


def _looks_like_grid_engine(head: Head) -> bool:
    cells = head.first_line.split(":")
    return len(cells) >= FIELDS_LEAST and all(
        cells[place].isascii() and cells[place].isdigit() for place in (_JOB, _START, _END)
    )


ADAPTER = LineAdapter(
    "GRID_ENGINE",
    _("Grid Engine accounting file (SGE, UGE)"),
    _looks_like_grid_engine,
    GridEngineReader,
)
