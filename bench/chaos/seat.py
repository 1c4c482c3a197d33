"""Sit down to one seed: run it or go on with it, prove it, report it."""

import signal
import sys
from pathlib import Path
from typing import Any

from bench.chaos.run import Run, folder_of
from bench.chaos.stack import Stack


def sit(seed: int, minutes: float, *, defect: str, again: bool, reports: Path) -> int:
    """Run a seed to its minutes and write its report; return 0 when it passed.

    A run that was interrupted goes on where it was. One that passed leaves a note and nothing
    else; one that failed leaves everything, to be looked at.
    """
    signal.signal(signal.SIGTERM, _leave)
    folder = folder_of(seed, defect)
    run = Run(seed, minutes, folder, defect)
    passed = run.progress.verdict == "passed"
    if passed and run.progress.elapsed >= run.seconds and not again:
        print(f"seed {seed}: passed already; --again runs it anew.")
        return 0
    if folder.exists() and (again or passed):
        Stack(folder).clear()
        run = Run(seed, minutes, folder, defect)
    try:
        run.go()
        report = _prove(run, reports)
    except KeyboardInterrupt:
        print(f"seed {seed}: interrupted; the same command goes on with it.")
        return 130
    finally:
        run.leave()
        run.stack.stop()
    _tell(report)
    if report["verdict"] != "passed":
        return 1
    Stack(folder).clear()
    folder.mkdir()
    run.progress.verdict = "passed"
    run.progress.save()
    return 0


def _leave(*_: Any) -> None:
    raise KeyboardInterrupt


def _prove(run: Run, reports: Path) -> dict[str, Any]:
    """Seal what is left, look at everything once more, and write the report."""
    from django.utils import timezone

    from bench.chaos import proof, report
    from bench.chaos.trade import errands, scene
    from bench.chaos.trade import proof as trade_proof
    from ledger import actions

    findings = proof.Findings()
    findings.violations += report.journalled_violations(run.folder) + run.failures
    actions.seal(at=timezone.now())
    proof.prove(report.journals(run.folder), findings)
    steps, bad = trade_proof.steps_of(errands.journal_path(run.folder))
    findings.violations += bad
    if not findings.violations:
        found = scene.ensure_scene(run.folder / "scene.json")
        trade_proof.prove_trade(steps, found, findings)
    told = proof.deadlocks_told(run.stack.real_data)
    deadlocks = max(told, run.progress.deadlocks)
    made = report.report_of(run, steps, findings, deadlocks)
    report.write(made, reports)
    return made


def _tell(report: dict[str, Any]) -> None:
    lines = [
        f"seed {report['seed']} {report['defect']}: {report['verdict'].upper()}",
        f"  {report['operations']} requests answered in {report['minutes']} minutes"
        f" ({report['operations_a_second']}/s), sent {report['sendings']} times,"
        f" {report['answers_lost']} answers lost and found again",
        f"  kills {report['kills']['by_kind']},"
        f" {report['kills']['inside_transactions']} inside transactions",
        f"  {report['lost']} lost, {report['repeated']} repeated,"
        f" {report['violations']} violations, {report['deadlocks']} deadlocks",
        *(f"  ! {words}" for words in report["findings"][:10]),
        *(f"  {word}: {what}" for word, what in report.get("replay", {}).items()),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
