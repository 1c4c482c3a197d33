"""What a run came to, in one file a seed."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from bench.chaos.clients import journal_path
from bench.chaos.journal import Entry, entries, violations
from bench.chaos.plan import CLIENTS, digest
from bench.chaos.proof import Findings
from bench.chaos.run import Run

_SHOWN_MAX = 40


def journals(folder: Path) -> list[Entry]:
    """Return every request of every client."""
    return [one for client in range(CLIENTS) for one in entries(journal_path(folder, client))]


def journalled_violations(folder: Path) -> list[str]:
    """Return what the clients found to contradict the model."""
    return [
        words for client in range(CLIENTS) for words in violations(journal_path(folder, client))
    ]


def _operations(found: list[Entry]) -> dict[str, dict[str, int]]:
    """Return how many requests of each kind came to each answer."""
    table: dict[str, Counter[str]] = {}
    for entry in found:
        code = "unanswered" if entry.answer is None else entry.answer.code or "done"
        table.setdefault(entry.kind, Counter())[code] += 1
    return {kind: dict(sorted(table[kind].items())) for kind in sorted(table)}


def _kills(run: Run) -> dict[str, Any]:
    made = [one for one in run.progress.kills if one["kind"] != "herd"]
    herds = len(run.progress.kills) - len(made)
    kinds = Counter(one["kind"] for one in made)
    real = [one for one in made if one["held"] or one["seen"]]
    return {
        "herds_let_go_at_once": herds,
        "by_kind": dict(sorted(kinds.items())),
        "inside_transactions": len(real),
        "inside_transactions_by_kind": dict(sorted(Counter(o["kind"] for o in real).items())),
        "inside_at_the_wait_point": sum(bool(one["held"]) for one in real),
        "transactions_held_at_kills": sum(one["held"] for one in real),
        "transactions_seen_at_kills": sum(one["seen"] for one in real),
    }


def _trade(steps: list[dict[str, Any]]) -> dict[str, Any]:
    names = Counter(one["step"].split(" ")[0] for one in steps)
    return {
        "operations": len(steps),
        "operations_by_kind": dict(sorted(names.items())),
        "sendings": sum(one["sendings"] for one in steps),
        "answers_lost": sum(one["lost"] for one in steps),
    }


def report_of(
    run: Run, steps: list[dict[str, Any]], findings: Findings, deadlocks: int
) -> dict[str, Any]:
    """Return the report: what was asked, what was killed, and whether all promises were kept."""
    found = journals(run.folder)
    answered = [one for one in found if one.answer is not None]
    minutes = run.progress.elapsed / 60
    bad = findings.violations or findings.lost or findings.repeated or deadlocks
    return {
        "seed": run.seed,
        "defect": run.defect,
        "verdict": "failed" if bad else "passed",
        "minutes": round(minutes, 2),
        "started_at": run.progress.started_at,
        "sittings": run.progress.sittings,
        "plan": digest(run.seed, run.seconds / 60),
        "clients": CLIENTS,
        "counting": (
            "an operation is one request, however often it was sent, counted once it has a "
            "definite answer; sendings are counted apart"
        ),
        "operations": len(answered),
        "operations_a_second": round(len(answered) / max(run.progress.elapsed, 1)),
        "operations_by_kind_and_answer": _operations(found),
        "sendings": sum(one.sendings for one in answered),
        "replays": sum(one.replays for one in answered),
        "answers_lost": sum(one.lost for one in answered),
        "requests_with_a_lost_answer_resolved": sum(bool(one.lost) for one in answered),
        "trade": _trade(steps),
        "kills": _kills(run),
        "restarts": dict(sorted(run.progress.restarts.items())),
        "lost": len(findings.lost),
        "repeated": len(findings.repeated),
        "deadlocks": deadlocks,
        "violations": len(findings.violations),
        "findings": (findings.violations + findings.lost + findings.repeated)[:_SHOWN_MAX],
    }


def write(report: dict[str, Any], folder: Path) -> Path:
    """Write a report under its seed, say how it compares with the one before, return where."""
    folder.mkdir(parents=True, exist_ok=True)
    defect = f"-{report['defect']}" if report["defect"] else ""
    path = folder / f"seed-{report['seed']}{defect}.json"
    if path.exists():
        earlier = json.loads(path.read_text())
        if earlier["plan"] == report["plan"]:
            same = earlier["verdict"] == report["verdict"]
            report["replay"] = {"replay_of": earlier["started_at"], "same_verdict": same}
    path.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    return path
