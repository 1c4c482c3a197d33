"""Measure subject and reference by turns, so that what disturbs the machine disturbs both."""

from collections.abc import Callable
from typing import Any

from bench import machine, results
from bench.ground import Ground
from bench.registry import Entry, Sample


def measure(entry: Entry, ground: Ground, *, repeats: int | None = None) -> dict[str, Any]:
    """Set an entry's scene, measure both sides by turns, and return its row of results."""
    with ground.superuser() as session:
        described = machine.described(session)
    times = 1 if ground.smallest else repeats or entry.repeats
    samples: list[dict[str, Any]] = []
    with entry.prepare(ground) as pair:
        before = machine.load()
        for _repeat in range(times):
            samples.append(_taken("subject", pair.subject))
            samples.append(_taken("reference", pair.reference))
        after = machine.load()
    return results.row(
        entry, samples=samples, load={"before": before, "after": after}, machine=described
    )


def _taken(side: str, take: Callable[[], Sample]) -> dict[str, Any]:
    sample = take()
    return {"of": side, "value": results.rounded(sample.value), **sample.seen}
