"""Job CSVs that others publish or export, each recognised by its header and read as it means."""

import csv
from abc import abstractmethod
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from billing.usage.adapter import Head, LineAdapter
from billing.usage.cells import EPOCH, CellProblem, Row, read_instant, read_seconds
from billing.usage.job import Columns, Job, SchedulerReader, read_whole
from billing.usage.options import ColumnsMissing, Options, Reader
from billing.usage.plain_csv import PlainCsvReader
from billing.usage.record import PENDING, Skipped

_PHILLY = {
    "start": "timestamp",
    "duration": "duration",
    "count": "num_gpus",
    "account": "cluster",
}
_PODS = ("name", "cpu_milli", "num_gpu", "gpu_milli", "gpu_spec", "pod_phase")
_PODS_TIMES = ("creation_time", "deletion_time", "scheduled_time")
_JOBS = ("job_id", "num_cores", "num_hosts", "start_time", "finish_time", "exit_status")
# The trace counts seconds from a day that its publisher does not tell.
_TRACE_BEGAN_AT = datetime(2023, 1, 1, tzinfo=UTC)
_PHASES = {"Succeeded": "COMPLETED", "Running": "COMPLETED", "Failed": "FAILED"}
_whole = read_whole("count_unreadable")


class _CsvReader(SchedulerReader):
    """What the readers of foreign CSVs share: cells by the name of their column."""

    header_lines = 1
    needed: ClassVar[tuple[str, ...]]

    def __init__(self, first_line: str, options: Options) -> None:
        super().__init__(first_line, options)
        header = [name.strip().strip('"') for name in first_line.split(",")]
        self._at = {name: place for place, name in enumerate(header)}
        self.width = len(header)
        self.unused_columns = tuple(name for name in header if name not in self.needed)
        missing = [name for name in self.needed if name not in self._at]
        if missing:
            raise ColumnsMissing(missing=", ".join(missing), found=", ".join(header)[:200])

    def cells(self, line: str) -> list[str]:
        """Return a line's cells.

        :raises csv.Error: if a quotation mark is not closed.
        """
        return next(csv.reader([line], strict=True))

    def job(self, row: Row, cells: list[str]) -> Job | Skipped | None:
        """Return a line's job, or why it has none; None after noting what is wrong."""
        if len(cells) != self.width:
            problem = CellProblem("columns_differ", found=len(cells), expected=self.width)
            row.note("", ",".join(cells), problem)
            return None
        named = {name: cells[place].strip() for name, place in self._at.items()}
        return self.job_of(row, named)

    @abstractmethod
    def job_of(self, row: Row, cells: dict[str, str]) -> Job | Skipped | None:
        """Return the job in the cells by name."""


class AlibabaPodsReader(_CsvReader):
    """Reads the pod list of Alibaba's GPU trace of 2023.

    A pod has `num_gpu` GPUs, or of one GPU the thousandths in `gpu_milli`, from
    `scheduled_time` to `deletion_time`; one that was never scheduled is skipped (the trace's
    README, cluster-trace-gpu-v2023). Seconds count from the trace's start, here 2023-01-01.
    """

    meter = "alibaba-2023"
    format = "Alibaba 2023"
    names = Columns("name", "name", "scheduled_time", "deletion_time", "gpu_spec")
    needed = _PODS + _PODS_TIMES

    def job_of(self, row: Row, cells: dict[str, str]) -> Job | Skipped | None:
        """Return a pod's job; one that was never scheduled is skipped."""
        if not cells["scheduled_time"]:
            return Skipped(PENDING)
        state = _PHASES.get(cells["pod_phase"])
        if state is None:
            row.note("pod_phase", cells["pod_phase"], CellProblem("state_unknown"))
            return None
        began = row.take("scheduled_time", cells["scheduled_time"], read_seconds, timedelta())
        ended = row.take("deletion_time", cells["deletion_time"], read_seconds, timedelta())
        gpus = row.take("num_gpu", cells["num_gpu"], _whole, 0)
        milli = row.take("gpu_milli", cells["gpu_milli"], _whole, 0)
        return Job(
            cluster=self.options.cluster,
            job_id=cells["name"],
            user="",
            account="",
            state=state,
            started_at=_TRACE_BEGAN_AT + began,
            ended_at=_TRACE_BEGAN_AT + ended,
            wall_seconds=(ended - began) // timedelta(seconds=1),
            nodes=1,
            cores_thousandths=row.take("cpu_milli", cells["cpu_milli"], _whole, 0),
            gpus_thousandths=gpus * 1000 if gpus > 1 else gpus * milli,
            models=cells["gpu_spec"],
        )


class LsfJobsReader(_CsvReader):
    """Reads the job table that the HPC cost simulator makes of LSF's log: cores, no GPUs."""

    meter = "lsf-jobs"
    format = "HPC cost simulator"
    names = Columns("job_id", "job_id", "start_time", "finish_time", "")
    needed = _JOBS

    def job_of(self, row: Row, cells: dict[str, str]) -> Job | Skipped | None:
        """Return a row's job."""

        def instant(text: str) -> datetime:
            return read_instant(text, self.options.zone)

        started_at = row.take("start_time", cells["start_time"], instant, EPOCH)
        ended_at = row.take("finish_time", cells["finish_time"], instant, EPOCH)
        return Job(
            cluster=self.options.cluster,
            job_id=cells["job_id"],
            user="",
            account="",
            state="COMPLETED" if cells["exit_status"] == "0" else "FAILED",
            started_at=started_at,
            ended_at=ended_at,
            wall_seconds=(ended_at - started_at) // timedelta(seconds=1),
            nodes=row.take("num_hosts", cells["num_hosts"], _whole, 0),
            cores_thousandths=row.take("num_cores", cells["num_cores"], _whole, 0) * 1000,
            gpus_thousandths=0,
            models="",
        )


def philly_reader(first_line: str, options: Options) -> Reader:
    """Return a reader of the Philly trace: GPUs for a duration, its tenant as the account."""
    return PlainCsvReader(first_line, replace(options, columns=_PHILLY))


def _names_of(head: Head) -> set[str]:
    return {name.strip().strip('"') for name in head.first_line.split(",")}


def _is_alibaba(head: Head) -> bool:
    return {*_PODS, *_PODS_TIMES} <= _names_of(head)


def _is_lsf_jobs(head: Head) -> bool:
    return set(_JOBS) <= _names_of(head)


def _is_philly(head: Head) -> bool:
    return {*_PHILLY.values(), "gpu_time"} <= _names_of(head)


ADAPTERS = (
    LineAdapter(
        "ALIBABA_2023", _("Alibaba GPU trace 2023 (CSV)"), _is_alibaba, AlibabaPodsReader
    ),
    LineAdapter(
        "LSF_JOBS", _("Job table of the HPC cost simulator (CSV)"), _is_lsf_jobs, LsfJobsReader
    ),
    LineAdapter("PHILLY", _("Philly trace (CSV)"), _is_philly, philly_reader),
)
