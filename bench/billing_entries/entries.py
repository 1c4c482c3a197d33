"""The entries of a provider's month."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings

from bench.billing_entries.copies import copy_rows, empty, write_rows
from bench.billing_entries.month import Month, jobs_of, set_scene, write_jobs
from bench.billing_entries.steps import run_steps
from bench.ground import Database, Ground
from bench.registry import Pair, Sample, entry

THOUSAND, MILLION = 1_000, 1_000_000
SMALLEST_ROWS = 2_000
COPIED = (
    "COPY of the same finished rows into {table}, with all that constrains it, to the commit"
)
USAGE, LINES = "billing_usageline", "billing_billline"
# What is written with usage lines, by their trigger or beside them.
BESIDE = {
    USAGE: (
        "billing_usagekey",
        "billing_usagesum",
        "billing_usagedevice",
        "billing_usagehour",
    )
}


@dataclass(frozen=True, slots=True)
class Stage:
    """A month before its file was read, one in which it was, and where files can lie."""

    ground: Ground
    month: Month
    before: Database
    folder: Path
    file: Path
    rows: int

    def imported(self, scene: ExitStack) -> Database:
        """Return a copy of the month with its file read."""
        after = scene.enter_context(self.ground.database(template=self.before))
        self._require_all(run_steps(after.app_url, self.month, self.file, "import"))
        return after

    def measured(self, template: Database, *steps: str) -> Sample:
        """Do steps on a fresh copy of a database, and measure them."""
        with self.ground.database(template=template) as copy:
            self.ground.settle()
            seen = run_steps(copy.app_url, self.month, self.file, *steps)
        if "import" in steps:
            self._require_all(seen)
        return Sample(round(self.rows / seen["seconds"], 1), seen)

    def copied(self, template: Database, table: str, path: Path) -> Sample:
        """Copy finished rows into an emptied table of a fresh copy, and measure that."""
        return copied_rows(self.ground, template, table, path, self.rows)

    def _require_all(self, seen: dict[str, float]) -> None:
        if (seen["recorded"], seen["errors"]) != (self.rows, 0):
            raise RuntimeError(f"Of {self.rows} rows these were recorded: {seen}")


def copied_rows(
    ground: Ground, template: Database, table: str, path: Path, rows: int
) -> Sample:
    """Copy so many finished rows into an emptied table of a fresh copy; give rows a second."""
    with ground.database(template=template) as copy:
        empty(copy, table, *BESIDE.get(table, ()))
        ground.settle()
        seconds = copy_rows(copy, table, path)
    return Sample(round(rows / seconds, 1), {"seconds": round(seconds, 3)})


@contextmanager
def staged(ground: Ground, rows: int, *, is_everything: bool = False) -> Iterator[Stage]:
    """Set the scene of a month, and write its file."""
    rows = ground.pick(rows, SMALLEST_ROWS)
    with ExitStack() as scene:
        before = scene.enter_context(ground.database())
        month = set_scene(is_everything=is_everything)
        folder = Path(scene.enter_context(TemporaryDirectory(dir=settings.VAR_DIR)))
        file = folder / "june.csv"
        with file.open("w", encoding="ascii") as words:
            write_jobs(words, jobs_of(month, rows))
        yield Stage(ground, month, before, folder, file, rows)


def _importing(ground: Ground, rows: int) -> Iterator[Pair]:
    with ExitStack() as scene:
        stage = scene.enter_context(staged(ground, rows))
        path = stage.folder / "usage.copy"
        imported = stage.imported(scene)
        write_rows(imported, USAGE, "started_at", path)
        yield Pair(
            partial(stage.measured, stage.before, "import"),
            partial(stage.copied, imported, USAGE, path),
        )


def _settling(ground: Ground, rows: int) -> Iterator[Pair]:
    with ExitStack() as scene:
        stage = scene.enter_context(staged(ground, rows))
        path = stage.folder / "lines.copy"
        billed = stage.imported(scene)
        run_steps(billed.app_url, stage.month, stage.file, "bill")
        write_rows(billed, LINES, "row", path)
        yield Pair(
            partial(stage.measured, billed, "settle"),
            partial(stage.copied, billed, LINES, path),
        )


def _settling_everything(ground: Ground, rows: int) -> Iterator[Pair]:
    with ExitStack() as scene:
        stage = scene.enter_context(staged(ground, rows, is_everything=True))
        path = stage.folder / "lines.copy"
        billed = stage.imported(scene)
        run_steps(billed.app_url, stage.month, stage.file, "bill", "object")
        write_rows(billed, LINES, "row", path)
        yield Pair(
            partial(stage.measured, billed, "settle"),
            partial(stage.copied, billed, LINES, path),
        )


def _declare(
    name: str,
    rows: int,
    scene: Callable[[Ground, int], Iterator[Pair]],
    subject: str,
    table: str,
) -> None:
    must, aim = LIMITS[name]
    entry(
        name=name,
        must=must,
        aim=aim,
        unit="lines/s",
        rows=rows,
        subject=subject,
        reference=COPIED.format(table=table),
        at_most=None if scene is _settling else {"peak_mib": 300},
    )(lambda ground: scene(ground, rows))


LIMITS = {
    "settle_lines_100k": (0.7, 1.0),
    "settle_lines_1m": (0.7, 1.0),
    "settle_everything_100k": (0.7, 1.0),
    "settle_everything_1m": (0.7, 1.0),
    "import_csv_200k": (0.9, 1.0),
    "import_csv_1m": (0.9, 1.3),
}
IMPORTED = "a CSV file to validated, priced, deduplicated usage lines, by record_usage_file"
SETTLED = "settle_bill: every line's verdict and share, 200 holds captured"
_declare("settle_lines_100k", 100 * THOUSAND, _settling, SETTLED, LINES)
_declare("settle_lines_1m", MILLION, _settling, SETTLED, LINES)
EVERYTHING = (
    "the same with objections, lines after a voucher's end, holds that are too small, co-payment "
    "of what is without tax, and three funders of whom two pay by themselves"
)
for _rows, _name in ((100 * THOUSAND, "100k"), (MILLION, "1m")):
    _declare(f"settle_everything_{_name}", _rows, _settling_everything, EVERYTHING, LINES)
_declare("import_csv_200k", 200 * THOUSAND, _importing, IMPORTED, USAGE)
_declare("import_csv_1m", MILLION, _importing, IMPORTED, USAGE)


@entry(
    must=0.4,
    aim=0.55,
    unit="lines/s",
    rows=MILLION,
    subject="a CSV file imported, billed and settled: to what is owed for each voucher",
    reference=COPIED.format(table=USAGE),
)
def file_to_payable_1m(ground: Ground) -> Iterator[Pair]:
    """Go the whole way of a month, beside writing its usage lines down."""
    with ExitStack() as scene:
        stage = scene.enter_context(staged(ground, MILLION))
        path = stage.folder / "usage.copy"
        imported = stage.imported(scene)
        write_rows(imported, USAGE, "started_at", path)
        yield Pair(
            partial(stage.measured, stage.before, "import", "bill", "settle"),
            partial(stage.copied, imported, USAGE, path),
        )


@entry(
    must=2,
    aim=3,
    unit="lines/s",
    rows=200 * THOUSAND,
    subject="the same file again under another key: every row is known, none is added",
    reference="the first import of that file",
    at_most={"recorded": 0},
)
def reimport_same_file(ground: Ground) -> Iterator[Pair]:
    """Take the same month twice, beside taking it once."""
    with ExitStack() as scene:
        stage = scene.enter_context(staged(ground, 200 * THOUSAND))
        imported = stage.imported(scene)
        yield Pair(
            lambda: _again(stage, imported), partial(stage.measured, stage.before, "import")
        )


def _again(stage: Stage, imported: Database) -> Sample:
    seen = run_steps(imported.app_url, stage.month, stage.file, "import")
    if (seen["recorded"], seen["known_before"]) != (0, stage.rows):
        raise RuntimeError(f"Of {stage.rows} known rows: {seen}")
    return Sample(round(stage.rows / seen["seconds"], 1), seen)
