"""What every usage adapter produces: exact records, row errors, counts of what was skipped."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, Literal, NamedTuple, Self

from django.utils.translation import gettext_lazy as _

from common.days import day_of, end_of

Resource = Literal["GPU", "CPU"]

ENDED_STATES = frozenset(
    # REQUEUED and RESIZING close an interval too: the job's next one starts a row of its own.
    [
        "BOOT_FAIL",
        "CANCELLED",
        "COMPLETED",
        "DEADLINE",
        "FAILED",
        "NODE_FAIL",
        "OUT_OF_MEMORY",
        "PREEMPTED",
        "REQUEUED",
        "RESIZING",
        "REVOKED",
        "TIMEOUT",
    ]
)
WAITING_STATES = frozenset({"PENDING", "CONFIGURING", "REQUEUE_HOLD", "SPECIAL_EXIT"})
RUNNING_STATES = frozenset(
    ["RUNNING", "SUSPENDED", "COMPLETING", "STOPPED", "SIGNALING", "STAGE_OUT"]
)

STEP = "step"
NOT_ENDED = "not_ended"
PENDING = "pending"
NEVER_STARTED = "never_started"
NO_GPU = "no_gpu"
# Rows of a file that say something else than one finished run.
OTHER_EVENT = "other_event"
COMMENT = "comment"
IDLE = "idle"
SUMMARY = "summary"
STORAGE = "storage"

RUN_DAYS_MAX = 400
MICROSECONDS = 1_000_000
VALUE_SHOWN_MAX = 100
ERRORS_KEPT = 1_000


class NotExact(ValueError):
    """An interval and a count whose product is no whole number of resource-milliseconds."""


class _Usage(NamedTuple):
    source: str
    key: str
    resource: Resource
    count_thousandths: int
    started_at: datetime
    ended_at: datetime
    state: str
    account: str
    resource_class: str
    row: int
    device: str = ""


class UsageRecord(_Usage):
    """One metered interval of one resource: so many thousandths of a GPU or core, from, until.

    `device` names the GPU by its UUID, or a slice of it as UUID/slice, where the meter knows;
    several are separated by spaces.

    The quantity is an integer of resource-milliseconds, thousandths times seconds. Instants may
    be finer than seconds only where each is exact by itself, that is where `count_thousandths`
    times the fraction of its second is whole: any cut at a whole second is then exact too.

    :raises ValueError: if an instant has no time zone, or the end is before the start.
    :raises NotExact: if an instant is too fine for the count.
    """

    __slots__ = ()

    def __new__(cls, *values: Any, **named: Any) -> Self:
        """Hold what the arithmetic relies on."""
        usage = super().__new__(cls, *values, **named)
        if usage.started_at.tzinfo is not UTC or usage.ended_at.tzinfo is not UTC:
            raise ValueError("Instants of usage are in UTC.")
        if usage.ended_at < usage.started_at or usage.count_thousandths < 0:
            raise ValueError("Usage does not run backwards, and is of no negative count.")
        for at in (usage.started_at, usage.ended_at):
            if usage.count_thousandths * at.microsecond % MICROSECONDS:
                raise NotExact(at.isoformat())
        return usage

    @property
    def quantity_ms(self) -> int:
        """Return resource-milliseconds: thousandths of a resource times seconds, exactly."""
        return _quantity_ms(self.count_thousandths, self.started_at, self.ended_at)


# Makes a record of whose interval nothing is left to be checked: whole seconds in UTC, forwards.
plain_usage = partial(tuple.__new__, UsageRecord)


@dataclass(frozen=True, slots=True)
class Segment:
    """The part of a record that falls on one day; `month` is the first day of its month."""

    day: date
    month: date
    started_at: datetime
    ended_at: datetime
    quantity_ms: int


def split_at_midnights(record: UsageRecord, zone: str = "UTC") -> tuple[Segment, ...]:
    """Cut a record at each midnight of a time zone; the parts sum exactly to the whole.

    A record of no length gives one segment of quantity zero, so that it leaves a trace.
    """
    segments: list[Segment] = []
    started_at = record.started_at
    while started_at < record.ended_at or not segments:
        day = day_of(started_at, zone)
        ended_at = min(record.ended_at, end_of(day, zone))
        quantity_ms = _quantity_ms(record.count_thousandths, started_at, ended_at)
        segments.append(Segment(day, day.replace(day=1), started_at, ended_at, quantity_ms))
        started_at = ended_at
    return tuple(segments)


def clip(record: UsageRecord, from_at: datetime, until_at: datetime) -> UsageRecord | None:
    """Return the part of a record within [`from_at`, `until_at`), or None if there is none.

    :raises NotExact: if the record's count cannot be cut exactly at one of the limits.
    """
    if record.started_at == record.ended_at:
        return record if from_at <= record.started_at < until_at else None
    started_at = max(record.started_at, from_at)
    ended_at = min(record.ended_at, until_at)
    if started_at >= ended_at:
        return None
    return UsageRecord(*record._replace(started_at=started_at, ended_at=ended_at))


def _quantity_ms(count_thousandths: int, started_at: datetime, ended_at: datetime) -> int:
    microseconds = (ended_at - started_at) // timedelta(microseconds=1)
    quantity_ms, left_over = divmod(count_thousandths * microseconds, MICROSECONDS)
    if left_over:
        raise NotExact(f"{started_at.isoformat()} to {ended_at.isoformat()}")
    return quantity_ms


# What can be wrong with a cell or a row, and what to do about it, by a code that never changes.
# fmt: off
PROBLEMS: dict[str, tuple[Any, Any]] = {
    "device_in_use": (
        _("The GPU %(value)s was in use for %(other)s until %(busy_until)s, and a GPU runs one "
          "job at a time."),
        _("Check the GPU’s name and the times of both runs.")),
    "columns_differ": (
        _("This row has %(found)s columns; the header has %(expected)s."),
        _("Check the row for a missing or an extra separator.")),
    "quotes_open": (
        _("A quotation mark opens in this row and does not close."),
        _('Close the quotation mark, or write "" for one inside a text.')),
    "value_missing": (
        _("%(column)s is empty."),
        _("Fill in %(column)s.")),
    "value_too_long": (
        _("%(column)s has %(length)s characters; %(most)s are the most."),
        _("Shorten %(column)s.")),
    "value_unprintable": (
        _("%(column)s contains a character that cannot be shown."),
        _("Type %(column)s again without copying it from elsewhere.")),
    "time_unreadable": (
        _("We cannot read “%(value)s” as a date and time."),
        _("Write it as 2026-11-02 08:30:00, with +08:00 at the end if it is not in %(zone)s.")),
    "time_ambiguous": (
        _("“%(value)s” may be two different days."),
        _("Write the year first: 2026-11-02 08:30:00.")),
    "time_twice": (
        _("The clocks change at “%(value)s” in %(zone)s, so it is two instants or none."),
        _("Add the difference from UTC, such as +01:00.")),
    "time_out_of_range": (
        _("The year of “%(value)s” is not between 1970 and 2199."),
        _("Check the year.")),
    "time_too_fine": (
        _("The time is finer than %(count)s of a resource can be counted."),
        _("Round the times to whole seconds.")),
    "ends_before_start": (
        _("The end, %(ended_at)s, is before the start, %(started_at)s."),
        _("Check both times, and their time zones.")),
    "runs_too_long": (
        _("This run lasts %(days)s days; %(most)s are the most."),
        _("Check the start and the end. Send a longer run in parts.")),
    "duration_unreadable": (
        _("We cannot read “%(value)s” as a number of seconds."),
        _("Write seconds as a number, such as 3600.")),
    "count_unreadable": (
        _("We cannot read “%(value)s” as a count."),
        _("Write a number greater than 0, such as 8 or 0.25.")),
    "count_too_fine": (
        _("“%(value)s” is finer than a thousandth."),
        _("Give at most three decimals, such as 0.125.")),
    "resource_unknown": (
        _("“%(value)s” is not a resource that is metered."),
        _("Write GPU or CPU.")),
    "state_unknown": (
        _("“%(value)s” is not a state that a job ends in."),
        _("Use the word of your scheduler, such as COMPLETED, FAILED, CANCELLED or TIMEOUT.")),
    "tres_unreadable": (
        _("We cannot read “%(value)s” as allocated resources."),
        _("Send AllocTRES as sacct prints it, such as cpu=8,gres/gpu=1.")),
    "seconds_unreadable": (
        _("We cannot read “%(value)s” as a time that a job ran."),
        _("Write days, hours, minutes and seconds, such as 1-02:30:00 or PT26H30M.")),
    "stopped_too_long": (
        _("The job stood still for longer than from its start to its end."),
        _("Check %(column)s, the start and the end.")),
    "wall_too_long": (
        _("The wall time is longer than from the start to the end."),
        _("Check %(column)s, the start and the end.")),
    "line_unreadable": (
        _("We cannot read this line as one of the format %(format)s."),
        _("Export the file again, without changing its lines.")),
    "gpus_unreadable": (
        _("We cannot read “%(value)s” as a number of GPUs."),
        _("Send the request as the scheduler wrote it.")),
    "hours_too_many": (
        _("%(value)s GPU-hours are more than the time from the start to the end can hold."),
        _("Check the hours, the start and the end.")),
    "data_missing": (
        _("The event has no data that we can read."),
        _("Send the usage as a JSON object in “data”.")),
    "not_an_object": (
        _("This record is no JSON object."),
        _("Send each record as an object in braces.")),
    "devices_not_listed": (
        _("The GPUs are no list of names without blanks."),
        _("Send a list such as [\"GPU-5fd4f087\"], or leave it out.")),
    "sample_unreadable": (
        _("We cannot read this line as a sample."),
        _("Send the page as the exporter wrote it.")),
    "opened_never": (
        _("“%(value)s” ends here and never began in this file."),
        _("Send the events from the instance's start on, or give launched_at.")),
    "duplicate": (
        _("The same job with the same start is already in row %(first_row)s."),
        _("Remove one of the two rows; only the first is counted.")),
}
# fmt: on


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong in one row: the place, the value found, and a code with its words."""

    row: int
    column: str
    value: str
    code: str
    values: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Keep no more of a stranger's value than a page would show, and nothing it cannot."""
        shown = self.value[:VALUE_SHOWN_MAX]
        if not shown.isprintable():
            # A NUL or half a surrogate pair can be stored in no text of a database.
            shown = "".join(one if one.isprintable() else "\ufffd" for one in shown)
        object.__setattr__(self, "value", shown)

    @property
    def problem(self) -> str:
        """Return what is wrong, in the language of the moment."""
        return str(PROBLEMS[self.code][0]) % self._named()

    @property
    def fix(self) -> str:
        """Return what to do about it, in the language of the moment."""
        return str(PROBLEMS[self.code][1]) % self._named()

    def _named(self) -> dict[str, object]:
        return {"column": self.column, "value": self.value, **self.values}


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row that is in order and is not metered, with the reason."""

    reason: str


RowResult = UsageRecord | Skipped | tuple[RowError, ...]


class Parsed:
    """A file while it is read: iterate once for its records; errors and counts fill meanwhile.

    `errors` (the first of `errors_total`), `skipped` (how many rows by reason), `rows` (how
    many had content) and `accepted` are complete when the iteration ends. `unused_columns` is
    known at once, and so is `format`, the code of the format it was read in.
    """

    def __init__(
        self,
        results: Iterator[RowResult],
        unused_columns: tuple[str, ...] = (),
        format: str = "",
    ) -> None:
        self._results = results
        self.unused_columns = unused_columns
        self.format = format
        self.errors: list[RowError] = []
        self.errors_total = 0
        self.skipped: Counter[str] = Counter()
        self.rows = 0
        self.accepted = 0

    def __iter__(self) -> Iterator[UsageRecord]:
        """Give each good record in the order of the file."""
        others = 0
        accepted = 0
        try:
            for result in self._results:
                if isinstance(result, UsageRecord):
                    accepted += 1
                    yield result
                else:
                    others += 1
                    self._note(result)
        finally:
            self.accepted += accepted
            self.rows += accepted + others

    def _note(self, result: Skipped | tuple[RowError, ...]) -> None:
        if isinstance(result, Skipped):
            self.skipped[result.reason] += 1
            return
        # A hostile file has millions of errors; nobody reads them all.
        self.errors_total += len(result)
        self.errors.extend(result[: ERRORS_KEPT - len(self.errors)])
