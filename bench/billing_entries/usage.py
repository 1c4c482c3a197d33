"""Metered usage with every check on: files that name each row's GPU, of a registered capacity."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial

from django.db import connection, transaction

from bench.billing_entries.copies import empty, write_rows
from bench.billing_entries.entries import (
    BESIDE,
    COPIED,
    MILLION,
    THOUSAND,
    USAGE,
    Stage,
    staged,
)
from bench.billing_entries.formats import WRITERS
from bench.ground import Database, Ground
from bench.registry import Pair, Sample, entry
from billing.actions.usage_hours import Hours, in_us, keep_hours
from billing.models import UsageLine
from providers.models import Provider

ROWS_AT_ONCE = 10_000
OBJECTS_AT_ONCE = 1_000
CHECKED = "to lines matched, priced and stored, no GPU used twice, no hour beyond the register"


@dataclass(frozen=True, slots=True)
class Read:
    """A file of a month, the database where it was read, and its lines as COPY writes them."""

    stage: Stage
    imported: Database

    def pair(self) -> Pair:
        """Return reading the file, beside copying its lines to where they belong."""
        path = self.stage.folder / "usage.copy"
        write_rows(self.imported, USAGE, "started_at", path)
        return Pair(
            partial(self.stage.measured, self.stage.before, "import"),
            partial(self.stage.copied, self.imported, USAGE, path),
        )


def _read(ground: Ground, scene: ExitStack, rows: int, format: str = "csv") -> Read:
    stage = scene.enter_context(staged(ground, rows))
    file = stage.folder / f"june.{format}"
    with file.open("w", encoding="utf-8") as words:
        WRITERS[format](stage.month, stage.rows, words)
    stage = replace(stage, file=file)
    return Read(stage, stage.imported(scene))


def _from_file(ground: Ground, rows: int, format: str) -> Iterator[Pair]:
    with ExitStack() as scene:
        yield _read(ground, scene, rows, format).pair()


def _declare(
    name: str,
    rows: int,
    format: str = "csv",
    keeps: dict[str, float] | None = None,
) -> None:
    prepare: Callable[[Ground], Iterator[Pair]] = partial(_from_file, rows=rows, format=format)
    entry(
        name=name,
        must=0.7,
        aim=1.0,
        unit="lines/s",
        rows=rows,
        subject=f"a file in the format {format.upper()} {CHECKED}",
        reference=COPIED.format(table=USAGE),
        at_most={"peak_mib": 300},
        keeps=keeps,
    )(prepare)


_declare("usage_200k", 200 * THOUSAND)
_declare("usage_1m", MILLION)
_declare("usage_5m", 5 * MILLION, keeps={"usage_200k": 0.9})
_declare("usage_sacct_200k", 200 * THOUSAND, "sacct")
_declare("usage_cloudevents_200k", 200 * THOUSAND, "cloudevents")
_declare("usage_pbs_200k", 200 * THOUSAND, "pbs")
_declare("usage_pods_200k", 200 * THOUSAND, "k8s_pods")
_declare("usage_ogf_200k", 200 * THOUSAND, "ogf_ur")
_declare("usage_lsf_200k", 200 * THOUSAND, "lsf")
_declare("usage_focus_200k", 200 * THOUSAND, "focus")
_declare("usage_opencost_200k", 200 * THOUSAND, "opencost")
_declare("usage_grid_engine_200k", 200 * THOUSAND, "grid_engine")
_declare("usage_instances_200k", 200 * THOUSAND, "openstack")
_declare("usage_workbook_200k", 200 * THOUSAND, "workbook.csv")


@entry(
    must=3,
    aim=5,
    unit="lines/s",
    rows=200 * THOUSAND,
    subject=f"a CSV file {CHECKED}",
    reference="bulk_create of the same lines, ready as objects, 1,000 at a time",
)
def usage_200k_vs_bulk_create(ground: Ground) -> Iterator[Pair]:
    """Read a file, beside what Django has for writing many objects."""
    with ExitStack() as scene:
        read = _read(ground, scene, 200 * THOUSAND)
        yield Pair(
            partial(read.stage.measured, read.stage.before, "import"),
            partial(_created, read),
        )


def _created(read: Read) -> Sample:
    with read.stage.ground.pointed_at(read.imported):
        lines = list(UsageLine.objects.order_by("started_at"))
    with read.stage.ground.database(template=read.imported) as copy:
        empty(copy, USAGE, *BESIDE[USAGE])
        read.stage.ground.settle()
        start = time.perf_counter()
        UsageLine.objects.bulk_create(lines, batch_size=OBJECTS_AT_ONCE)
        seconds = time.perf_counter() - start
    return Sample(round(len(lines) / seconds, 1), {"seconds": round(seconds, 3)})


_USED_ONCE = """
    select billing_devices_are_used_once(array(
        select (provider_id, device, min(started_at), max(ended_at))::billing_device_span
        from billing_usagedevice group by provider_id, device))
"""
_RUNS = """
    select resource_class, count_thousandths, started_at, ended_at from billing_usageline
"""
_SORTED = """
    select count(*) from (
        select * from billing_usageline order by provider_id, device, started_at offset 0) sorted
"""


@entry(
    must=0.5,
    aim=1,
    unit="s",
    rows=5 * MILLION,
    subject="the checks alone: no GPU used twice, each hour's GPUs added up and compared",
    reference="one sort of the same rows by GPU and start in PostgreSQL",
)
def usage_checks_vs_sort(ground: Ground) -> Iterator[Pair]:
    """Check all lines as recording them does, beside sorting them."""
    with ExitStack() as scene:
        read = _read(ground, scene, 5 * MILLION)
        with read.imported.as_owner() as session:
            session.execute("vacuum analyze")
        yield Pair(partial(_checked, read), partial(_sorted, read))


def _checked(read: Read) -> Sample:
    with read.stage.ground.pointed_at(read.imported):
        devices = _seconds_of(read, _USED_ONCE)
        hours, adding = Hours(), 0.0
        with transaction.atomic(), connection.chunked_cursor() as cursor:
            cursor.execute(_RUNS)
            while rows := cursor.fetchmany(ROWS_AT_ONCE):
                runs = [(*row[:2], in_us(row[2]), in_us(row[3])) for row in rows]
                start = time.perf_counter()
                for run in runs:
                    hours.add(*run)
                adding += time.perf_counter() - start
        with read.imported.as_owner() as session:
            session.execute("delete from billing_usagehour")
        start = time.perf_counter()
        with transaction.atomic():
            keep_hours(Provider.objects.get(pk=read.stage.month.provider), hours)
        adding += time.perf_counter() - start
    seen = {"devices_s": round(devices, 3), "hours_s": round(adding, 3)}
    return Sample(round(devices + adding, 3), seen)


def _sorted(read: Read) -> Sample:
    return Sample(round(_seconds_of(read, _SORTED), 3))


def _seconds_of(read: Read, statement: str) -> float:
    with read.imported.as_owner() as session:
        start = time.perf_counter()
        session.execute(statement)
        return time.perf_counter() - start
