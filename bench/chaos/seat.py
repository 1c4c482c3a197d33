"""Sit down to one seed: run it or go on with it, prove it, report it."""

import signal
import sys
from typing import Any

from bench.chaos.run import Run, folder_of, forget


def sit(seed: int, minutes: float, *, defect: str = "", again: bool = False) -> int:
    """Run a seed to its minutes and write its report; return 0 when it passed.

    A run that was interrupted goes on where it was.
    """
    signal.signal(signal.SIGTERM, _leave)
    folder = folder_of(seed, defect)
    if again:
        forget(folder)
    run = Run(seed, minutes, folder, defect)
    try:
        run.go()
        report = _prove(run)
    except KeyboardInterrupt:
        print(f"seed {seed}: interrupted; the same command goes on with it.")
        return 130
    finally:
        run.stack.stop()
    _tell(report)
    return 0 if report["verdict"] == "passed" else 1


def _leave(*_: Any) -> None:
    raise KeyboardInterrupt


def _prove(run: Run) -> dict[str, Any]:
    """Seal what is left, look at everything once more, and write the report."""
    from django.utils import timezone

    from bench.chaos import proof, report, trade, trade_proof, trade_scene
    from ledger import actions

    findings = proof.Findings()
    findings.violations += report.journalled_violations(run.folder) + run.failures
    actions.seal(at=timezone.now())
    proof.prove(report.journals(run.folder), findings)
    steps, bad = trade_proof.steps_of(trade.journal_path(run.folder))
    findings.violations += bad
    if not findings.violations:
        scene = trade_scene.ensure_scene(run.folder / "scene.json")
        trade_proof.prove_trade(steps, scene, findings)
    told = proof.deadlocks_told(run.stack.real_data())
    deadlocks = max(told, run.progress.deadlocks)
    made = report.report_of(run, steps, findings, deadlocks)
    report.write(made)
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
    ]
    sys.stdout.write("\n".join(lines) + "\n")
