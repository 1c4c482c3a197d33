"""Accounting logs of PBS: Torque, PBS Professional and OpenPBS; one `E` line an ended job."""

import re
from collections.abc import Mapping
from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from billing.usage.adapter import Head, LineAdapter
from billing.usage.cells import EPOCH, CellProblem, Row
from billing.usage.job import (
    Columns,
    Job,
    SchedulerReader,
    read_clock,
    read_epoch,
    read_whole,
)
from billing.usage.options import Options
from billing.usage.pbs_rows import PbsRows
from billing.usage.record import NEVER_STARTED, OTHER_EVENT, RowResult, Skipped

_LINE = re.compile(r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d;[A-Za-z];", re.ASCII)
_FACTOR = re.compile(r"(?<![A-Za-z_])n?gpus?=(\d{1,6})(?!\d)", re.ASCII)
_SLOTS = re.compile(r"(\d{1,9})(?:-(\d{1,9})|\*(\d{1,9}))?", re.ASCII)
# A job that a signal ended: 256 and the number of SIGTERM or SIGKILL (PBS Administrator's
# Guide, "Job Exit Codes").
_KILLED = frozenset({"271", "265"})
_NOT_KNOWN = frozenset({"", "_pbs_project_default"})
_whole = read_whole("gpus_unreadable")


class PbsReader(SchedulerReader):
    """Reads a PBS accounting log line by line: one record an `E` line, other lines skipped.

    GPUs are `Resource_List.ngpus`, which PBS Professional writes as the total; else the sum over
    the parts of `Resource_List.nodes` of `n:ppn=k:gpus=g`, that is n x g; else the same of
    `Resource_List.select`, or of `Resource_List.nodect` where a site's hook writes nodes there.
    `Resource_List.gpu` and `neednodes` are not counted, as in XDMoD (its shredder's labelled
    lines). The time is from `start` to `end`: `resources_used.walltime` is now and then wrong
    (XDMoD, `Pbs.php`). The account is `account`, else `project`, else `group`. An array's parts
    keep their index: `12[3]`.
    """

    meter = "pbs"
    format = "PBS"
    names = Columns("job id", "account", "start", "end", "Resource_List")

    def __init__(self, first_line: str, options: Options) -> None:
        super().__init__(first_line, options)
        self._rows = PbsRows(options, self.meter, _gpus_text, gpus_in, _account_of, _state_of)

    def read(self, number: int, line: str) -> RowResult:
        """Return the record of a job, why it is skipped, or all that is wrong with it."""
        return self._rows.read(number, line) or super().read(number, line)

    def cells(self, line: str) -> list[str]:
        """Return a line's four parts: time, type, job, fields."""
        return line.split(";", 3)

    def job(self, row: Row, cells: list[str]) -> Job | Skipped | None:
        """Return an `E` line's job; other lines are skipped."""
        if len(cells) != 4 or not _LINE.match(";".join(cells[:2]) + ";"):
            self.unreadable(row, ";".join(cells))
            return None
        if cells[1] != "E":
            return Skipped(OTHER_EVENT)
        fields = _fields_of(cells[3])
        if fields.get("start", "0") == "0":
            return Skipped(NEVER_STARTED)
        start, end = fields["start"], fields.get("end", "")
        started_at = row.take("start", start, read_epoch, EPOCH)
        ended_at = row.take("end", end, read_epoch, EPOCH)
        number, _dot, server = cells[2].partition(".")
        nodes, cores = _hosts_of(fields)
        return Job(
            cluster=self.options.cluster or server,
            job_id=number,
            user=fields.get("user", ""),
            account=_account_of(fields),
            state=_state_of(fields.get("Exit_status", "")),
            started_at=started_at,
            ended_at=ended_at,
            wall_seconds=_wall(fields, (ended_at - started_at) // timedelta(seconds=1)),
            nodes=nodes,
            cores_thousandths=cores * 1000,
            gpus_thousandths=row.take("Resource_List", _gpus_text(fields), gpus_in, 0) * 1000,
            models="",
        )


def gpus_in(nodes: str) -> int:
    """Return how many GPUs a PBS node request is for: for each part, nodes times GPUs of each.

    A plain number is a number of nodes, without GPUs, and a part that begins with a name is one
    node. `ngpus` is given as `1:ngpus=N`.
    """
    total = 0
    for part in nodes.split("+"):
        first, _colon, rest = part.partition(":")
        named = [int(count) for count in _FACTOR.findall(rest)]
        if not named:
            continue
        times = _whole(first) if first[:1].isdigit() else 1
        total += times * max(named)
    if total > 999_999_999:
        raise CellProblem("gpus_unreadable")
    return total


def _fields_of(text: str) -> dict[str, str]:
    pairs = (field.partition("=") for field in text.split())
    return {name: value.strip('"') for name, equals, value in pairs if equals}


def _gpus_text(fields: Mapping[str, str]) -> str:
    total = fields.get("Resource_List.ngpus")
    if total is not None:
        return f"1:ngpus={_digits(total)}"
    for name in ("nodes", "select", "nodect"):
        text = fields.get(f"Resource_List.{name}", "")
        if ":" in text:
            return text
    return ""


def _digits(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else 0


def _hosts_of(fields: dict[str, str]) -> tuple[int, int]:
    """Return how many nodes and cores a job had, by the slots that its hosts lent it."""
    hosts: set[str] = set()
    cores = 0
    for part in filter(None, fields.get("exec_host", "").split("+")):
        host, _slash, slots = part.partition("/")
        hosts.add(host)
        cores += sum(_slots_in(text) for text in slots.split(","))
    return len(hosts), cores or _digits(fields.get("Resource_List.ncpus", ""))


def _slots_in(text: str) -> int:
    match = _SLOTS.fullmatch(text)
    if match is None:
        return 0
    first, last, count = match.groups()
    if count is not None:
        return int(count)
    return int(last) - int(first) + 1 if last is not None else 1


def _account_of(fields: Mapping[str, str]) -> str:
    found = (fields.get(name, "") for name in ("account", "project", "group"))
    return next((name for name in found if name not in _NOT_KNOWN), "")


def _state_of(exit_status: str) -> str:
    if exit_status in {"", "0"}:
        return "COMPLETED"
    return "CANCELLED" if exit_status in _KILLED else "FAILED"


def _wall(fields: dict[str, str], otherwise: int) -> int:
    try:
        return read_clock(fields.get("resources_used.walltime", ""))
    except CellProblem:
        return otherwise


def _looks_like_pbs(head: Head) -> bool:
    return _LINE.match(head.first_line) is not None


ADAPTER = LineAdapter("PBS", _("PBS or Torque accounting log"), _looks_like_pbs, PbsReader)
