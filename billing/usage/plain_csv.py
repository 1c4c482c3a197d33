"""A plain CSV with a documented header in either language, and its sample."""

import csv
from collections.abc import Mapping
from datetime import date, timedelta

from billing.usage.cells import (
    EPOCH,
    CellProblem,
    Row,
    read_count,
    read_devices,
    read_instant,
    read_interval,
    read_name,
    read_resource,
    read_seconds,
    read_state,
    read_text,
    skip_reason,
)
from billing.usage.options import ColumnsMissing, ColumnsRepeated, Options
from billing.usage.plain_rows import PlainRows
from billing.usage.record import (
    NOT_ENDED,
    NotExact,
    Resource,
    RowResult,
    Skipped,
    UsageRecord,
)
from common.spreadsheets import tidy

# Our name of a column, and the names under which it is known in a header; the first two are
# those of the documentation.
COLUMNS = {
    "job_id": ("job_id", "作业编号", "job", "id", "任务编号", "作业号"),
    "account": ("voucher", "算力券", "account", "voucher_code", "算力券编号", "账户"),
    "resource": ("resource", "资源", "资源类型"),
    "class": ("class", "加速卡类别", "accelerator_class", "类别"),
    "count": ("count", "数量", "gpus", "卡数"),
    "start": ("start", "开始时间", "started_at", "开始"),
    "end": ("end", "结束时间", "ended_at", "结束"),
    "duration": ("duration_seconds", "时长秒"),
    "state": ("state", "状态"),
    "device": ("device", "设备", "devices", "gpu_uuid", "设备编号"),
}
REQUIRED = ("job_id", "account", "resource", "class", "count", "start", "end", "state")
REQUIRED_OF_MAPPED = ("count", "start")
SEPARATORS = ",\t;"
NAMES = {name: ours for ours, names in COLUMNS.items() for name in names}


class PlainCsvReader:
    """Reads a CSV row by row, its columns found by name, in any order.

    Separators are commas, tabs or semicolons, whichever finds the most columns. With
    `Options.columns` (our name to the file's), another source is read the same way: there a
    missing job id is replaced by the row's number, a missing resource is GPU, a missing state
    COMPLETED, and `duration` in seconds may stand for the end. `device` is read where it is there:
    the GPUs of a line by their UUIDs, a slice as UUID/slice, several with blanks between.

    :raises ColumnsMissing: naming all missing columns together.
    :raises ColumnsRepeated: if two columns carry one meaning.
    """

    header_lines = 1

    def __init__(self, first_line: str, options: Options) -> None:
        self._options = options
        self._names = _wanted_names(options.columns)
        self._separator = max(SEPARATORS, key=lambda one: self._columns_found(first_line, one))
        header = self._header(first_line)
        self.width = len(header)
        places = [
            (place, self._names.get(plain_name(name))) for place, name in enumerate(header)
        ]
        self._at = {ours: place for place, ours in places if ours}
        self.unused_columns = tuple(header[place] for place, ours in places if not ours)
        self._titles = {ours: header[place] for ours, place in self._at.items()}
        self._require(header, [ours for _place, ours in places if ours])
        self._plain_rows = PlainRows(self._at, self.width, self._separator, options)

    def _header(self, line: str) -> list[str]:
        try:
            return self.cells(line)
        except csv.Error:
            # Names that cannot be told apart are told as missing columns.
            return line.split(self._separator)

    def _columns_found(self, line: str, separator: str) -> int:
        return sum(plain_name(name) in self._names for name in line.split(separator))

    def _require(self, header: list[str], found: list[str]) -> None:
        repeated = sorted({ours for ours in found if found.count(ours) > 1})
        if repeated:
            raise ColumnsRepeated(repeated=", ".join(repeated))
        required = REQUIRED if self._options.columns is None else REQUIRED_OF_MAPPED
        missing = [
            COLUMNS[ours][0]
            for ours in required
            if ours not in self._at and not (ours == "end" and "duration" in self._at)
        ]
        if self._options.columns is not None and not {"end", "duration"} & set(self._at):
            missing.append("end")
        if missing:
            raise ColumnsMissing(missing=", ".join(missing), found=", ".join(header)[:200])

    def cells(self, line: str) -> list[str]:
        """Return a line's cells; a cell may be quoted, but not run over several lines.

        :raises csv.Error: if a quotation mark is not closed.
        """
        if '"' not in line:
            return line.split(self._separator)
        return next(csv.reader([line], delimiter=self._separator, strict=True))

    def read(self, number: int, line: str) -> RowResult:
        """Return the record of a row, why it is skipped, or all that is wrong with it."""
        record = self._plain_rows.read(number, line)
        return self.read_carefully(number, line) if record is None else record

    def read_carefully(self, number: int, line: str) -> RowResult:
        """Return the same as `read`, cell by cell, whatever the line looks like."""
        row = Row(number)
        try:
            cells = [tidy(cell) for cell in self.cells(line)]
        except csv.Error:
            row.note("", line, CellProblem("quotes_open"))
            return tuple(row.errors)
        if len(cells) != self.width:
            problem = CellProblem("columns_differ", found=len(cells), expected=self.width)
            row.note("", line, problem)
            return tuple(row.errors)
        return self._read_row(row, cells)

    def _read_row(self, row: Row, cells: list[str]) -> RowResult:
        state = row.take(self._title("state"), self._cell(cells, "state"), _state, "")
        reason = skip_reason(state)
        if reason is None and self._has_no_end(cells):
            reason = NOT_ENDED
        if reason is not None and not row.errors:
            return Skipped(reason)
        return self._record(row, cells, state)

    def _has_no_end(self, cells: list[str]) -> bool:
        return not (self._cell(cells, "end") or self._cell(cells, "duration"))

    def _record(self, row: Row, cells: list[str], state: str) -> RowResult:
        zone = self._options.zone
        start, end = self._cell(cells, "start"), self._cell(cells, "end")
        count = row.take(self._title("count"), self._cell(cells, "count"), read_count, 1)
        started_at = row.take(
            self._title("start"), start, lambda text: read_instant(text, zone), EPOCH
        )
        if end:
            ended_at = row.take(
                self._title("end"), end, lambda text: read_instant(text, zone), EPOCH
            )
        else:
            seconds = self._cell(cells, "duration")
            ended_at = started_at + row.take(
                self._title("duration"), seconds, read_seconds, timedelta()
            )
        names = self._read_names(row, cells)
        device = row.take(self._title("device"), self._cell(cells, "device"), read_devices, "")
        if not row.errors:
            row.take(
                self._title("end"), end, lambda _text: read_interval(started_at, ended_at), None
            )
        if row.errors:
            return tuple(row.errors)
        job, account, resource, resource_class = names
        try:
            return UsageRecord(
                source=self._options.source or "csv",
                key=f"{job}/{started_at:%Y-%m-%dT%H:%M:%SZ}" if job else f"row {row.number}",
                resource=resource,
                count_thousandths=count,
                started_at=started_at,
                ended_at=ended_at,
                state=state,
                account=account,
                resource_class=resource_class,
                row=row.number,
                device=device,
            )
        except NotExact:
            problem = CellProblem("time_too_fine", count=self._cell(cells, "count"))
            row.note(self._title("start"), start, problem)
            return tuple(row.errors)

    def _read_names(self, row: Row, cells: list[str]) -> tuple[str, str, Resource, str]:
        def name(ours: str, *, needed: bool = True) -> str:
            read = read_name if needed and ours in self._at else read_text
            return row.take(self._title(ours), self._cell(cells, ours), read, "")

        resource: Resource = self._options.resource or "GPU"
        if "resource" in self._at:
            text = self._cell(cells, "resource")
            resource = row.take(self._title("resource"), text, read_resource, resource)
        # Cores are of no accelerator class.
        return (
            name("job_id"),
            name("account"),
            resource,
            name("class", needed=resource == "GPU"),
        )

    def _cell(self, cells: list[str], ours: str) -> str:
        place = self._at.get(ours)
        return "" if place is None else cells[place]

    def _title(self, ours: str) -> str:
        return self._titles.get(ours, ours)


def _state(text: str) -> str:
    return read_state(text) if text else "COMPLETED"


def plain_name(name: str) -> str:
    """Return a column's name as names are compared: without case, blanks and look-alikes."""
    return tidy(name.strip().strip('"')).casefold().replace(" ", "_").replace("-", "_")


def _wanted_names(columns: Mapping[str, str] | None) -> dict[str, str]:
    if columns is None:
        return NAMES
    return {plain_name(theirs): ours for ours, theirs in columns.items()}


SAMPLE_DAY = date(2026, 11, 2)


def sample(
    language: str = "en",
    *,
    account: str = "V-7K2QX9",
    resource_class: str = "H100",
    day: date = SAMPLE_DAY,
) -> str:
    """Return a small file of a day and the next, read without an error, in a language."""
    column = 1 if language.lower().startswith("zh") else 0
    header = [COLUMNS[ours][column] for ours in REQUIRED]
    what, after = f"{account},GPU,{resource_class}", day + timedelta(days=1)
    rows = [
        f"train-0421,{what},8,{day} 08:30:00,{day} 20:30:00,COMPLETED",
        f"train-0422,{what},8,{after}T01:00:00Z,{after}T01:12:30Z,FAILED",
        f"share-0007,{what},0.25,{after} 09:00:00,{after} 17:00:00,TIMEOUT",
    ]
    return "\n".join([",".join(header), *rows]) + "\n"
