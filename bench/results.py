"""The file of results: one row an entry, with every sample, and the proof of its figures."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench.registry import Entry

FILE = Path(__file__).resolve().parent / "results.json"
Row = dict[str, Any]


def rounded(figure: float) -> float:
    """Return a figure to six digits: more are noise, and the file is read by people."""
    if not figure:
        return 0.0
    return round(figure, 5 - math.floor(math.log10(abs(figure))))


def row(entry: Entry, *, samples: list[Row], load: Row, machine: Row) -> Row:
    """Return an entry's row: its medians and their ratio, from its samples."""
    made: Row = {
        "name": entry.name,
        "value": 0.0,
        "unit": entry.unit,
        "reference": {"what": entry.reference, "value": 0.0},
        "ratio": 0.0,
        "must": entry.must,
        "aim": entry.aim,
        "samples": samples,
        "load": load,
        "machine": machine,
    }
    value, reference, ratio = figures(made)
    made["value"], made["reference"]["value"], made["ratio"] = value, reference, ratio
    return made


def figures(row: Mapping[str, Any]) -> tuple[float, float, float]:
    """Compute a row's value, its reference's value and their ratio from its samples.

    The ratio is always such that more is better: of figures in seconds, less is.
    """
    value, reference = (
        rounded(median(one["value"] for one in row["samples"] if one["of"] == side))
        for side in ("subject", "reference")
    )
    ratio = reference / value if row["unit"] == "s" else value / reference
    return value, reference, round(ratio, 3)


def missed(row: Mapping[str, Any], entry: Entry) -> list[str]:
    """Return in words what a row misses of what its entry must reach."""
    found = []
    if row["ratio"] < entry.must:
        found.append(f"ratio {row['ratio']} is below {entry.must}")
    for name, bound in entry.at_most.items():
        seen = max(_seen(row, name))
        if seen > bound:
            found.append(f"{name} {seen:g} is above {bound:g}")
    for name, bound in entry.at_least.items():
        seen = median(_seen(row, name))
        if seen < bound:
            found.append(f"{name} {seen:g} is below {bound:g}")
    return found


def _seen(row: Mapping[str, Any], name: str) -> list[float]:
    return [one[name] for one in row["samples"] if one["of"] == "subject"]


def wrong(row: Mapping[str, Any]) -> list[str]:
    """Return in words which of a row's figures do not follow from its samples."""
    told = (row["value"], row["reference"]["value"], row["ratio"])
    return [
        f"{what} {said:g} is stored, {computed:g} follows from the samples"
        for what, said, computed in zip(
            ("value", "reference", "ratio"), told, figures(row), strict=True
        )
        if not math.isclose(said, computed, rel_tol=1e-9)
    ]


def read(file: Path) -> list[Row]:
    """Return the rows of a file, or none where there is no file yet."""
    if not file.exists():
        return []
    rows: list[Row] = json.loads(file.read_text())
    return rows


def write(file: Path, rows: Iterable[Row], names: Sequence[str]) -> None:
    """Put rows in a file, in the table's order; entries that were not measured stay."""
    kept = {one["name"]: one for one in (*read(file), *rows)}
    place = {name: number for number, name in enumerate(names)}
    ordered = sorted(kept.values(), key=lambda one: place.get(one["name"], len(place)))
    fresh = file.with_name(f"{file.name}.new")
    fresh.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n")
    fresh.replace(file)


def check(rows: Iterable[Row], entries: Mapping[str, Entry]) -> list[str]:
    """Return in words every row that is missing, contradicts itself or misses its must."""
    by_name = {one["name"]: one for one in rows}
    found = [f"{name}: it was never measured" for name in entries if name not in by_name]
    for name, one in by_name.items():
        found += [f"{name}: {said}" for said in wrong(one)]
        entry = entries.get(name)
        if entry is None:
            found.append(f"{name}: there is no such entry")
            continue
        if (one["must"], one["aim"]) != (entry.must, entry.aim):
            found.append(f"{name}: it was measured against another must or aim")
        sides = [sample["of"] for sample in one["samples"]]
        if sides != ["subject", "reference"] * entry.repeats:
            found.append(f"{name}: not {entry.repeats} samples of each side by turns")
        found += [f"{name}: {said}" for said in missed(one, entry)]
        found += [f"{name}: {said}" for said in _fallen_behind(one, entry, by_name)]
    return found


def _fallen_behind(one: Row, entry: Entry, by_name: Mapping[str, Row]) -> list[str]:
    """Return in words which entries' ratios a row's does not keep up with."""
    return [
        f"ratio {one['ratio']} is below {part:g} of {other}'s {by_name[other]['ratio']}"
        for other, part in entry.keeps.items()
        if other in by_name and one["ratio"] < part * by_name[other]["ratio"]
    ]


def table(rows: Iterable[Row], entries: Mapping[str, Entry]) -> str:
    """Return rows as a table for people."""
    head = ("name", "value", "reference", "unit", "ratio", "must", "aim", "")
    lines = [head] + [
        (
            one["name"],
            f"{one['value']:,.6g}",
            f"{one['reference']['value']:,.6g}",
            one["unit"],
            f"{one['ratio']:.2f}",
            f"{one['must']:g}",
            f"{one['aim']:g}",
            _verdict(one, entries.get(one["name"])),
        )
        for one in rows
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(
            word.ljust(width) if column in (0, 3, 7) else word.rjust(width)
            for column, (word, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _verdict(row: Mapping[str, Any], entry: Entry | None) -> str:
    misses = missed(row, entry) if entry else ["there is no such entry"]
    if misses:
        return f"missed: {'; '.join(misses)}"
    return "ok, aim reached" if row["ratio"] >= row["aim"] else "ok"
