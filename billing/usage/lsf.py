"""Accounting logs of LSF (`lsb.acct`): one `JOB_FINISH` line an ended job."""

import csv
import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice

from django.utils.translation import gettext_lazy as _

from billing.usage.adapter import Head, LineAdapter
from billing.usage.cells import EPOCH, Row
from billing.usage.job import Columns, Job, SchedulerReader, read_epoch, read_whole
from billing.usage.lsf_rows import LsfRows
from billing.usage.options import Options
from billing.usage.record import NEVER_STARTED, OTHER_EVENT, RowResult, Skipped, UsageRecord

_LINE = re.compile(r'"[A-Z_]+" "[\d.]+" \d{9,}', re.ASCII)
_GPUS = re.compile(r"\bngpus(?:_physical)?=(\d{1,6})(?:\.0{1,6})?(?![\d.])", re.ASCII)
_RUSAGE = re.compile(r"rusage\[([^\]]{0,500})\]")
_HOST = re.compile(r"(?:\d{1,7}\*)?(.+)")
# The numbers of LSF's termination reasons (`lsbatch.h`, TERM_*) that are no plain failure.
_REASONS = {
    "1": "PREEMPTED",
    "5": "TIMEOUT",
    "6": "DEADLINE",
    "8": "CANCELLED",
    "9": "CANCELLED",
    "10": "REQUEUED",
    "11": "REQUEUED",
    "12": "TIMEOUT",
    "14": "CANCELLED",
    "15": "CANCELLED",
    "16": "OUT_OF_MEMORY",
}
_DONE = 64
_HOSTS_MOST = 20_000
_whole = read_whole("count_unreadable")


class LsfReader(SchedulerReader):
    """Reads `lsb.acct` line by line: one record a `JOB_FINISH`, other events skipped.

    Fields stand by their place, after IBM's "lsb.acct" reference, counted past the lists of
    hosts within. The end is the event's time, the start the dispatch; a job that was never
    dispatched is skipped. GPUs are `ngpus_physical` in the `rusage` of the requirement that was
    in force, else of the one asked for, times the hosts, as LSF reserves them a host; a
    command or a name that says so counts for nothing. The account is the project.
    """

    meter = "lsf"
    format = "LSF"
    names = Columns("jobId", "projectName", "startTime", "Event Time", "resReq")

    def __init__(self, first_line: str, options: Options) -> None:
        super().__init__(first_line, options)
        self._rows = LsfRows(options, self.meter, _known_of)

    def read(self, number: int, line: str) -> RowResult:
        """Return the record of a job, why it is skipped, or all that is wrong with it."""
        record = self._rows.read(number, line)
        if record is not None:
            return record
        result = super().read(number, line)
        if isinstance(result, UsageRecord):
            self._rows.learn(line)
        return result

    def cells(self, line: str) -> list[str]:
        """Return a line's fields; quotation marks within one are doubled.

        :raises csv.Error: if a quotation mark is not closed.
        """
        return next(csv.reader([line], delimiter=" ", strict=True))

    def job(self, row: Row, cells: list[str]) -> Job | Skipped | None:
        """Return a finished job; other events are skipped."""
        if not cells or cells[0] != "JOB_FINISH":
            if cells and re.fullmatch(r"[A-Z_]{3,40}", cells[0], re.ASCII):
                return Skipped(OTHER_EVENT)
            self.unreadable(row, " ".join(cells))
            return None
        try:
            return self._finished(row, _Fields(cells))
        except (IndexError, ValueError):
            self.unreadable(row, " ".join(cells))
            return None

    def _finished(self, row: Row, fields: "_Fields") -> Job | Skipped:
        if fields.start == "0":
            return Skipped(NEVER_STARTED)
        started_at = row.take("startTime", fields.start, read_epoch, EPOCH)
        ended_at = row.take("Event Time", fields.event_time, read_epoch, EPOCH)
        gpus = _gpus_per_host(fields.in_force)
        if gpus is None:
            gpus = _gpus_per_host(fields.asked_for) or 0
        return Job(
            cluster=self.options.cluster,
            job_id=fields.job_id if fields.index == "0" else f"{fields.job_id}[{fields.index}]",
            user=fields.user,
            account=fields.project,
            state=_state_of(fields.status, fields.exit_info),
            started_at=started_at,
            ended_at=ended_at,
            wall_seconds=(ended_at - started_at) // timedelta(seconds=1),
            nodes=len(fields.hosts),
            cores_thousandths=row.take("numProcessors", fields.processors, _whole, 0) * 1000,
            gpus_thousandths=gpus * max(len(fields.hosts), 1) * 1000,
            models="",
        )


def _known_of(said: tuple[str, ...]) -> tuple[int, str]:
    """Return the GPUs and the state that the fields of a job say.

    :param said: the requirement asked for, the hosts with a blank between, the status, why it
        ended, and the requirement in force.
    """
    asked_for, hosts, status, exit_info, in_force = said
    gpus = _gpus_per_host(in_force)
    if gpus is None:
        gpus = _gpus_per_host(asked_for) or 0
    named = {_host_of(host) for host in hosts.split()}
    return gpus * max(len(named), 1), _state_of(status, exit_info)


class _Fields:
    """The fields of a `JOB_FINISH` that are wanted, by their places.

    :raises IndexError: if there are fewer.
    :raises ValueError: if the length of a list is no number that can be.
    """

    def __init__(self, cells: list[str]) -> None:
        self.event_time = cells[2]
        self.job_id = cells[3]
        self.processors = cells[6]
        self.start = cells[10]
        self.user = cells[11]
        self.asked_for = cells[13]
        rest = iter(cells[22:])
        _take(rest, _length(next(rest, "")))
        hosts = _take(rest, _length(next(rest, "")))
        self.hosts = list(dict.fromkeys(_host_of(host) for host in hosts))
        # jStatus, hostFactor, jobName, command, 19 figures of use, mailUser, then these.
        self.status = next(rest, "")
        _take(rest, 23)
        later = list(rest)
        self.project = later[0]
        self.index = later[5]
        self.exit_info = later[14] if len(later) > 14 else ""
        self.in_force = _in_force(later)


def _take(rest: Iterator[str], count: int) -> list[str]:
    taken = list(islice(rest, count))
    if len(taken) < count:
        raise IndexError(count)
    return taken


def _length(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 6) or int(text) > _HOSTS_MOST:
        raise ValueError(text)
    return int(text)


def _host_of(text: str) -> str:
    match = _HOST.fullmatch(text)
    return match.group(1) if match else text


def _in_force(later: list[str]) -> str:
    """Return the requirement in force: three fields after the figures of use by host."""
    try:
        extras = 29 + 1 + 2 * _length(later[29])
        hosts = extras + 1 + 6 * _length(later[extras])
        return later[hosts + 3]
    except (IndexError, ValueError):
        return ""


def _gpus_per_host(requirement: str) -> int | None:
    found = [
        int(count) for usage in _RUSAGE.findall(requirement) for count in _GPUS.findall(usage)
    ]
    return max(found) if found else None


def _state_of(status: str, exit_info: str) -> str:
    if status.isascii() and status.isdigit() and len(status) <= 9 and int(status) & _DONE:
        return "COMPLETED"
    return _REASONS.get(exit_info, "FAILED")


def _looks_like_lsf(head: Head) -> bool:
    return _LINE.match(head.first_line) is not None


ADAPTER = LineAdapter("LSF", _("LSF accounting log (lsb.acct)"), _looks_like_lsf, LsfReader)
