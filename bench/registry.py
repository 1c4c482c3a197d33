"""The entries: what is measured, beside what, and how good it must be."""

import importlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.ground import Ground

# Where entries are declared, and every name they must have, in the order of the table.
MODULES = (
    "bench.ledger_entries.redemptions",
    "bench.ledger_entries.batches",
    "bench.ledger_entries.growth",
    "bench.billing_entries.entries",
    "bench.billing_entries.months",
    "bench.billing_entries.usage",
    "bench.billing_entries.api",
    "bench.billing_entries.matching",
    "bench.billing_entries.trace",
    "bench.policy_entries",
    "bench.issuing_entries",
)
NAMES = (
    "hold_capture_1c",
    "hold_capture_8c",
    "hold_capture_vs_orm",
    "hot_voucher_8c",
    "hot_provider_8c",
    "post_batch_vs_hordak",
    "post_batch_vs_copy",
    "settle_lines_100k",
    "settle_lines_1m",
    "settle_everything_100k",
    "settle_everything_1m",
    "import_csv_200k",
    "import_csv_1m",
    "file_to_payable_1m",
    "reimport_same_file",
    "usage_200k",
    "usage_1m",
    "usage_5m",
    "usage_sacct_200k",
    "usage_cloudevents_200k",
    "usage_pbs_200k",
    "usage_pods_200k",
    "usage_ogf_200k",
    "usage_lsf_200k",
    "usage_focus_200k",
    "usage_opencost_200k",
    "usage_grid_engine_200k",
    "usage_instances_200k",
    "usage_workbook_200k",
    "usage_200k_vs_bulk_create",
    "usage_checks_vs_sort",
    "usage_month_aggregates",
    "api_batch_1000",
    "api_single_record",
    "match_statement_45k",
    "trace_payment",
    "seal_overhead",
    "verify_per_second",
    "payable_growth",
    "decide_vs_bare",
    "decide_round_growth",
    "issue_bulk_vs_copy",
)
LARGE_ROWS = 500_000


@dataclass(frozen=True, slots=True)
class Sample:
    """One measured figure, and what else was seen while it was measured."""

    value: float
    seen: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pair:
    """The two things that are measured by turns; each call measures once."""

    subject: Callable[[], Sample]
    reference: Callable[[], Sample]


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the table.

    `rows` is how many rows it works on; above `LARGE_ROWS` it is repeated less often. In the
    unit `s` the figure is a time and less is better; in any other more is. `at_most` and
    `at_least` bound what the subject's samples have `seen`, or its `value`. `keeps` says which part
    of another entry's ratio this one's must be, so that more rows do not cost more each.
    """

    name: str
    unit: str
    must: float
    aim: float
    subject: str
    reference: str
    prepare: Callable[["Ground"], AbstractContextManager[Pair]]
    rows: int = 0
    at_most: dict[str, float] = field(default_factory=dict)
    at_least: dict[str, float] = field(default_factory=dict)
    keeps: dict[str, float] = field(default_factory=dict)

    @property
    def repeats(self) -> int:
        """How often each side is measured."""
        return 3 if self.rows > LARGE_ROWS else 5


_ENTRIES: dict[str, Entry] = {}


def entry(
    *,
    must: float,
    aim: float,
    subject: str,
    reference: str,
    name: str = "",
    unit: str = "tx/s",
    rows: int = 0,
    at_most: dict[str, float] | None = None,
    at_least: dict[str, float] | None = None,
    keeps: dict[str, float] | None = None,
) -> Callable[[Callable[["Ground"], Iterator[Pair]]], Callable[["Ground"], Iterator[Pair]]]:
    """Declare an entry: the function sets the scene, yields the pair, and clears away."""

    def declare(
        scene: Callable[["Ground"], Iterator[Pair]],
    ) -> Callable[["Ground"], Iterator[Pair]]:
        add(
            Entry(
                name=name or scene.__name__,
                unit=unit,
                must=must,
                aim=aim,
                subject=subject,
                reference=reference,
                prepare=contextmanager(scene),
                rows=rows,
                at_most=at_most or {},
                at_least=at_least or {},
                keeps=keeps or {},
            )
        )
        return scene

    return declare


def add(new: Entry) -> None:
    """Put an entry in its place; a name is used once."""
    if new.name in _ENTRIES:
        raise ValueError(f"There are two entries {new.name}.")
    _ENTRIES[new.name] = new


def entries() -> dict[str, Entry]:
    """Return every entry by its name, in the order of the table."""
    for module in MODULES:
        importlib.import_module(module)
    place = {name: number for number, name in enumerate(NAMES)}
    return dict(sorted(_ENTRIES.items(), key=lambda item: place.get(item[0], len(place))))
