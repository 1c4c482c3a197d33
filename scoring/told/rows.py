"""What every step of a trace is: rows, each with its figure and what made it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from common.statuses import Status


@dataclass(frozen=True)
class Row:
    """One thing of a trace.

    `kind` and `name` are where its own trace is taken up. `amount` is in the smallest parts of
    `unit`; `how` says by which rule it came about, and `working` has the steps, as stored.
    """

    kind: str
    name: str
    label: str
    at: datetime | date | None = None
    amount: int | None = None
    unit: str = ""
    status: Status | None = None
    how: str = ""
    url: str = ""
    act: int | None = None
    working: Sequence[Mapping[str, str]] = ()


@dataclass(frozen=True)
class Step:
    """One link of the chain: its rows, and how many there are where not all are shown."""

    code: str
    title: str
    rows: list[Row] = field(default_factory=list)
    count: int = 0


def step(code: str, title: str, rows: Iterable[Row], count: int | None = None) -> Step:
    """Return a step of these rows; `count` where there are more than are shown."""
    rows = list(rows)
    return Step(code, title, rows, len(rows) if count is None else count)


def plain_row(row: Row) -> dict[str, object]:
    """Return a row as a program reads it: plain values, without an address of a page."""
    return {
        "kind": row.kind,
        "name": row.name,
        "label": row.label,
        "at": row.at.isoformat() if row.at else None,
        "amount": row.amount,
        "unit": row.unit,
        "status": str(row.status.label) if row.status else "",
        "how": row.how,
        "act": row.act,
        "working": [dict(line) for line in row.working],
    }
