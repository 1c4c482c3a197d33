"""OGF usage records in XML: the Compute Accounting Record of APEL, and Usage Record 1.0 and 2.0."""

import re
from collections.abc import Iterator
from datetime import timedelta

from django.utils.translation import gettext_lazy as _
from lxml import etree

from billing.usage.adapter import Document, DocumentAdapter, Head
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
    is_plain_cluster,
    plain_record,
    read_whole,
    record_of,
    resource_of,
)
from billing.usage.known import Known, instant_in_utc
from billing.usage.options import Options
from billing.usage.record import (
    NO_GPU,
    RUN_DAYS_MAX,
    STORAGE,
    SUMMARY,
    RowResult,
    Skipped,
    UsageRecord,
)
from billing.usage.xml_layouts import ACCOUNTS, XmlLayouts
from billing.usage.xml_stream import (
    LOCAL_NAMES,
    local_name,
    namespace_of,
    records_in,
    refuse_doctype,
)

_SKIPPED = {"SummaryRecord": SUMMARY, "StorageUsageRecord": STORAGE}
_RECORDS = frozenset({"UsageRecord", "JobUsageRecord", *_SKIPPED})
_DURATION = re.compile(
    r"P(?:(?P<days>\d{1,6})D)?"
    r"(?:T(?:(?P<hours>\d{1,7})H)?(?:(?P<minutes>\d{1,9})M)?(?:(?P<seconds>\d{1,10})"
    r"(?:\.\d{1,9})?S)?)?",
    re.ASCII,
)
# The record's words for how a job ended, where they are not those of a scheduler.
_STATES = {"aborted": "CANCELLED", "started": "RUNNING", "queued": "PENDING", "held": "PENDING"}
_NAMES = Columns("LocalJobId", "Group", "StartTime", "EndTime", "Processors")
_READ = frozenset(
    [*ACCOUNTS, "Status", "StartTime", "EndTime", "WallDuration", "NodeCount", "MachineName"]
) | {"LocalJobId", "GlobalJobId"}
_NAMESPACES = ("computerecord", "/urf", "storagerecord")
_METER = "usage-record"
_SECONDS = re.compile(r"PT(\d{1,8})S", re.ASCII)
_COUNT = re.compile(r"\d{1,9}", re.ASCII)
_whole = read_whole("count_unreadable")


def results(document: Document, options: Options) -> Iterator[RowResult]:
    """Give what each record came to.

    Read are StartTime, EndTime, WallDuration, Processors, NodeCount, Status, the local or
    global job id and the machine. A record is metered for its WallDuration (GFD.204; APEL's
    CAR), from its start on. Processors are cores; those that carry an attribute which says
    `gpu` are GPUs. Sums of a month (SummaryRecord) say nothing of single jobs, and storage
    records nothing of computing: both are skipped.

    :raises FileUnreadable: in XML's kinds.
    """
    may_learn = options.resource != "CPU" and is_plain_cluster(options.cluster)
    layouts = XmlLayouts(options.source or _METER, options.cluster, _ENDED, may_learn=may_learn)
    found = records_in(document.unpacked, _RECORDS, layouts)
    for number, elements in enumerate(found, start=1):
        if isinstance(elements, UsageRecord):
            yield elements
            continue
        record = elements[0]
        name = local_name(record)
        skipped = STORAGE if "storage" in namespace_of(record) else _SKIPPED.get(name)
        yield Skipped(skipped) if skipped else _result(Row(number), elements[1:], options)


def _result(row: Row, elements: list[etree._Element], options: Options) -> RowResult:
    texts, processors = _said(elements)
    return _plain(row.number, texts, processors, options) or _carefully(
        row, texts, processors, options
    )


def _plain(
    number: int, texts: dict[str, str], processors: list[etree._Element], options: Options
) -> UsageRecord | None:
    """Return the record of a job that has nothing else to tell, at a fraction of the cost."""
    if options.resource == "CPU" or len(processors) != 1:
        return None
    count, duration = (processors[0].text or "").strip(), texts.get("WallDuration", "")
    is_gpus = any("gpu" in str(value).casefold() for value in processors[0].attrib.values())
    seconds = _SECONDS.fullmatch(duration)
    state = _ENDED[texts.get("Status", "")]
    started_at = instant_in_utc(texts.get("StartTime", ""))
    ended_at = instant_in_utc(texts.get("EndTime", ""))
    if not (is_gpus and seconds and state and started_at and ended_at):
        return None
    until = started_at + timedelta(seconds=int(seconds[1]))
    if until > ended_at or not _COUNT.fullmatch(count):
        return None
    return plain_record(
        options.source or _METER,
        options.cluster or texts.get("MachineName", ""),
        texts.get("LocalJobId", "") or texts.get("GlobalJobId", ""),
        _account_of(texts),
        "",
        ("GPU", int(count)),
        state,
        (started_at, until),
        number,
    )


def _carefully(
    row: Row, texts: dict[str, str], processors: list[etree._Element], options: Options
) -> RowResult:
    """Return what a record came to, whatever it looks like."""
    state = row.take("Status", texts.get("Status", ""), _state, "")
    reason = None if row.errors else skip_reason(state)
    if reason is not None:
        return Skipped(reason)
    gpus, cores = _count(row, processors)
    if resource_of(gpus * 1000, cores * 1000, options) is None:
        return tuple(row.errors) or Skipped(NO_GPU)
    job = _job(row, texts, state, gpus, cores, options)
    return tuple(row.errors) or record_of(row, job, options, _METER, _NAMES)


def _job(
    row: Row, texts: dict[str, str], state: str, gpus: int, cores: int, options: Options
) -> Job:
    start, end = texts.get("StartTime", ""), texts.get("EndTime", "")
    started_at = row.take(
        "StartTime", start, lambda text: read_instant(text, options.zone), EPOCH
    )
    ended_at = row.take("EndTime", end, lambda text: read_instant(text, options.zone), EPOCH)
    between = max(ended_at - started_at, timedelta())
    duration = texts.get("WallDuration", "")
    wall = timedelta(seconds=row.take("WallDuration", duration, read_duration, 0))
    if not duration:
        wall = between
    if wall > between and not row.errors and ended_at >= started_at:
        row.note("WallDuration", duration, CellProblem("wall_too_long"))
    return Job(
        cluster=options.cluster or texts.get("MachineName", ""),
        job_id=texts.get("LocalJobId", "") or texts.get("GlobalJobId", ""),
        user=texts.get("LocalUserId", ""),
        account=_account_of(texts),
        state=state,
        started_at=started_at,
        # Whole days, hours and seconds from the start on; a clock that runs backwards is told.
        ended_at=started_at + wall if wall < between else ended_at,
        wall_seconds=wall // timedelta(seconds=1),
        nodes=_lenient(texts.get("NodeCount", "")),
        cores_thousandths=cores * 1000,
        gpus_thousandths=gpus * 1000,
        models="",
    )


def _account_of(texts: dict[str, str]) -> str:
    return next((texts[name] for name in ACCOUNTS if texts.get(name)), "")


def _said(elements: list[etree._Element]) -> tuple[dict[str, str], list[etree._Element]]:
    """Return the texts that are read, by local names, the first of a name; and Processors."""
    texts: dict[str, str] = {}
    processors: list[etree._Element] = []
    for element in elements:
        name = LOCAL_NAMES[element.tag]
        if name in _READ:
            if name not in texts:
                texts[name] = (element.text or "").strip()
        elif name == "Processors":
            processors.append(element)
    return texts, processors


def _count(row: Row, processors: list[etree._Element]) -> tuple[int, int]:
    gpus = cores = 0
    for element in processors:
        count = row.take("Processors", (element.text or "").strip(), _whole, 0)
        if any("gpu" in str(value).casefold() for value in element.attrib.values()):
            gpus += count
        else:
            cores += count
    if not processors:
        # One processor is what a record without the element ran on at least.
        cores = 1
    return gpus, cores


def read_duration(text: str) -> int:
    """Return the whole seconds of an ISO 8601 duration of days and times, such as P1DT2H30M."""
    if not text:
        return 0
    match = _DURATION.fullmatch(text)
    if match is None or text.endswith(("P", "T")):
        raise CellProblem("seconds_unreadable")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    if total >= RUN_DAYS_MAX * 86_400:
        raise CellProblem("runs_too_long", days=total // 86_400, most=RUN_DAYS_MAX)
    return total


def _state(text: str) -> str:
    if not text:
        return "COMPLETED"
    return _STATES.get(text.casefold()) or read_state(text)


def _ended_state(text: str) -> str | None:
    state = _state(text)
    return state if skip_reason(state) is None else None


_ENDED: Known[str] = Known(_ended_state)


def _lenient(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else 0


def _looks_like_records(head: Head) -> bool:
    if not head.text.startswith("<"):
        return False
    refuse_doctype(head.text)
    if not any(name in head.text for name in _NAMESPACES[:2]):
        return False
    return any(f"{name}" in head.text for name in ("UsageRecord", "SummaryRecord"))


ADAPTER = DocumentAdapter(
    "OGF_UR", _("OGF usage records in XML (CAR, UR)"), _looks_like_records, results
)
