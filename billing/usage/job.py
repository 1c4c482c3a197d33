"""A job as its scheduler describes it, and the one record that it comes to."""

import csv
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from billing.usage.cells import (
    CELL_CHARACTERS_MAX,
    CellProblem,
    Row,
    read_interval,
    read_text,
)
from billing.usage.options import Options
from billing.usage.record import (
    NO_GPU,
    RUN_DAYS_MAX,
    NotExact,
    Resource,
    RowResult,
    Skipped,
    UsageRecord,
)

_CLOCK = re.compile(
    r"(?:(?P<days>\d{1,6})-)?(?:(?P<hours>\d{1,7}):)?(?P<minutes>\d{1,9}):(?P<seconds>\d{1,2})"
    r"(?:\.\d{1,9})?",
    re.ASCII,
)
LONGEST_RUN = timedelta(days=RUN_DAYS_MAX)


class Job(NamedTuple):
    """One run of a job: whose, when, on what. Instants are in UTC.

    `wall_seconds` is what the scheduler says that it ran, which may be less than from start to
    end. `models` are the GPU models that it held, joined by `+`.
    """

    cluster: str
    job_id: str
    user: str
    account: str
    state: str
    started_at: datetime
    ended_at: datetime
    wall_seconds: int
    nodes: int
    cores_thousandths: int
    gpus_thousandths: int
    models: str


class Columns(NamedTuple):
    """What a format calls the things that can be wrong with a job."""

    job: str
    account: str
    start: str
    end: str
    models: str


def resource_of(
    gpus_thousandths: int, cores_thousandths: int, options: Options
) -> tuple[Resource, int] | None:
    """Return what of a job is metered, and how much of it in thousandths.

    That is its GPUs if it has any and cores are not asked for, else its cores; None if GPUs
    alone are asked for and it has none.
    """
    if gpus_thousandths and options.resource != "CPU":
        return "GPU", gpus_thousandths
    return None if options.resource == "GPU" else ("CPU", cores_thousandths)


def key_of(cluster: str, job_id: str, started_at: datetime) -> str:
    """Return the key of one run of a job; its start is in UTC, without parts of a second."""
    return f"{cluster}/{job_id}/{started_at.isoformat()[:19]}Z"


def record_of(row: Row, job: Job, options: Options, meter: str, names: Columns) -> RowResult:
    """Return the record of a job, why it is skipped, or all that is wrong with it.

    Its key is the cluster, the job and the start, so that a requeued job's runs add up and the
    same run sent twice is known. `meter` is the source where the caller names none.
    """
    metered = resource_of(job.gpus_thousandths, job.cores_thousandths, options)
    if metered is None:
        return tuple(row.errors) or Skipped(NO_GPU)
    resource, count = metered
    models = job.models if resource == "GPU" else ""
    if not job.job_id:
        row.note(names.job, "", CellProblem("value_missing"))
    together = job.job_id + job.cluster + job.account + models
    if not together.isprintable() or len(together) > CELL_CHARACTERS_MAX:
        row.take(names.job, job.job_id, read_text, "")
        row.take(names.job, job.cluster, read_text, "")
        row.take(names.account, job.account, read_text, "")
        row.take(names.models, models, read_text, "")
    if not row.errors:
        try:
            read_interval(job.started_at, job.ended_at)
        except CellProblem as order:
            row.note(names.end, f"{job.ended_at:%Y-%m-%d %H:%M:%S}", order)
    if row.errors:
        return tuple(row.errors)
    usage = (
        options.source or meter,
        key_of(job.cluster, job.job_id, job.started_at),
        resource,
        count,
        job.started_at,
        job.ended_at,
        job.state,
        job.account,
        models,
        row.number,
        "",
    )
    if not (job.started_at.microsecond or job.ended_at.microsecond):
        # Whole seconds in UTC, forwards: nothing is left to be checked.
        return UsageRecord._make(usage)
    try:
        return UsageRecord(*usage)
    except NotExact:
        problem = CellProblem("time_too_fine", count=count // 1000)
        row.note(names.start, job.started_at.isoformat(), problem)
        return tuple(row.errors)


class SchedulerReader(ABC):
    """What the readers of accounting logs share: a line's cells, its job, the job's record.

    A subclass gives `meter`, `format`, `names`, `cells` and `job`.
    """

    header_lines = 0
    width = 0
    meter = ""
    format = ""
    names = Columns("job", "account", "start", "end", "")

    def __init__(self, first_line: str, options: Options) -> None:
        self.options = options
        self.unused_columns: tuple[str, ...] = ()

    @abstractmethod
    def cells(self, line: str) -> list[str]:
        """Return a line's cells."""

    @abstractmethod
    def job(self, row: Row, cells: list[str]) -> Job | Skipped | None:
        """Return a line's job, or why it has none; None after noting what is wrong."""

    def read(self, number: int, line: str) -> RowResult:
        """Return the record of a job, why it is skipped, or all that is wrong with it."""
        row = Row(number)
        try:
            cells = self.cells(line)
        except csv.Error:
            row.note("", line, CellProblem("quotes_open"))
            return tuple(row.errors)
        job = self.job(row, cells)
        if isinstance(job, Skipped):
            return job
        if job is None or row.errors:
            return tuple(row.errors)
        return record_of(row, job, self.options, self.meter, self.names)

    def unreadable(self, row: Row, line: str) -> None:
        """Note that a line is not one of this format."""
        row.note("", line, CellProblem("line_unreadable", format=self.format))


def read_epoch(text: str) -> datetime:
    """Return an instant from seconds since 1970; 12 or 13 digits are milliseconds."""
    if not (text.isascii() and text.isdigit() and len(text) <= 13):
        raise CellProblem("time_unreadable", zone="UTC")
    milliseconds = int(text) if len(text) >= 12 else int(text) * 1000
    try:
        at = datetime.fromtimestamp(milliseconds // 1000, UTC)
    except (OverflowError, OSError, ValueError):
        raise CellProblem("time_out_of_range") from None
    if at.year >= 2200:
        raise CellProblem("time_out_of_range")
    rest = milliseconds % 1000
    return at + timedelta(milliseconds=rest) if rest else at


def read_clock(text: str) -> int:
    """Return the whole seconds of a duration such as 02:20:07, 3-00:00:00 or 15:10.5.

    Plain digits are seconds. What is below a second is dropped, as schedulers do.
    """
    if text.isascii() and text.isdigit() and len(text) <= 10:
        return int(text)
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise CellProblem("seconds_unreadable")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def read_whole(code: str) -> Callable[[str], int]:
    """Return a reader of whole counts of at most nine digits, with the code of its problem."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= 9):
            raise CellProblem(code)
        return int(text)

    return read


def is_plain_cluster(cluster: str) -> bool:
    """Say whether a cluster's name leaves room for three names of 60 characters beside it."""
    return len(cluster) <= CELL_CHARACTERS_MAX - 3 * 60 and cluster.isprintable()


def plain_record(
    source: str,
    cluster: str,
    job_id: str,
    account: str,
    models: str,
    metered: tuple[Resource, int],
    state: str,
    run: tuple[datetime | None, datetime | None],
    row: int,
) -> UsageRecord | None:
    """Return the record of a job, or None where something is left to be said of it.

    What it says is what `record_of` says.

    :param metered: the resource, and how many whole ones.
    :param run: from when until when, in whole seconds and in UTC.
    """
    started_at, ended_at = run
    resource, count = metered
    if not (job_id and count and state and started_at and ended_at):
        return None
    together = f"{cluster}{job_id}{account}{models}"
    if len(together) > CELL_CHARACTERS_MAX or not together.isprintable():
        return None
    if not started_at <= ended_at < started_at + LONGEST_RUN:
        return None
    key, thousandths = key_of(cluster, job_id, started_at), count * 1000
    return UsageRecord._make(
        (source, key, resource, thousandths, *run, state, account, models, row, "")
    )
