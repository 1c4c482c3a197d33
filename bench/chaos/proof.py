"""Afterwards: everything that was acknowledged is in the ledger, once, and nothing else is."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import connection

from bench.chaos.journal import Entry
from bench.chaos.model import Totals
from ledger import queries

SHOWN_MAX = 20


@dataclass
class Findings:
    """What contradicts what was promised; all of it empty when the promises were kept."""

    violations: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)

    def add(self, words: str) -> None:
        """Write down a violation."""
        self.violations.append(words)


class Acknowledged:
    """What all journals together say was done, whoever asked and in whatever order."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.acts: dict[str, int] = {}
        self.unanswered: set[str] = set()
        self.accounts: defaultdict[str, Totals] = defaultdict(Totals)
        self.contradictions: list[str] = []
        self._holds: dict[int, tuple[str, str, int]] = {}
        self._captured: Counter[int] = Counter()
        self._freed: set[int] = set()
        self._movable: dict[int, tuple[str, str, int]] = {}
        self._shared: set[str] = set()
        reversals = []
        for entry in sorted(entries, key=lambda one: one.request.hold is None):
            if entry.answer is None:
                self.unanswered.add(entry.request.identity)
            elif entry.answer.is_done and self._is_first(entry):
                if entry.request.reverses is None:
                    self._add(entry)
                else:
                    reversals.append(entry)
        for entry in reversals:
            self._add_reversal(entry)

    def _is_first(self, entry: Entry) -> bool:
        """Say whether a request is met first: some are asked by every client with one key."""
        assert entry.answer is not None
        known = self.acts.setdefault(entry.request.identity, entry.answer.act)
        if known != entry.answer.act:
            words = f"{entry.request.identity} was acts {known} and {entry.answer.act}"
            self.contradictions.append(words)
        if entry.request.is_shared and entry.request.opens:
            is_first = entry.request.identity not in self._shared
            self._shared.add(entry.request.identity)
            return is_first
        return True

    def _add(self, entry: Entry) -> None:
        request, answer = entry.request, entry.answer
        assert answer is not None
        for _flow, debit, credit, amount in request.moves:
            self._move(debit, credit, amount)
        if request.hold:
            _flow, debit, credit, amount, _expires_at = request.hold
            self._holds[answer.number] = (debit, credit, amount)
        for hold, amount, is_final in request.captures:
            if hold not in self._holds:
                self.contradictions.append(f"{request.identity} took of an unknown hold {hold}")
                continue
            debit, credit, _whole = self._holds[hold]
            self._move(debit, credit, amount)
            self._captured[hold] += amount
            if is_final:
                self._freed.add(hold)
            self._movable[answer.act] = (debit, credit, amount)
        self._freed.update(request.releases, request.lapses)
        if len(request.moves) == 1:
            self._movable[answer.act] = request.moves[0][1:]

    def _add_reversal(self, entry: Entry) -> None:
        answer, what = entry.answer, entry.request.reverses
        assert answer is not None
        assert what is not None
        origin = self._holds.get(-what) if what < 0 else self._movable.get(what)
        if origin is None:
            words = f"{entry.request.identity} put back what was never moved"
            self.contradictions.append(words)
        else:
            debit, credit, _amount = origin
            self._move(credit, debit, answer.number)

    def _move(self, debit: str, credit: str, amount: int) -> None:
        self.accounts[debit].debit += amount
        self.accounts[credit].credit += amount

    def holds(self) -> dict[int, int]:
        """Return what must be left of every hold, and note those that more was taken of."""
        left = {}
        for hold, (debit, _credit, amount) in self._holds.items():
            remaining = 0 if hold in self._freed else amount - self._captured[hold]
            if self._captured[hold] > amount:
                words = f"hold {hold} of {amount} was captured for {self._captured[hold]}"
                self.contradictions.append(words)
            left[hold] = remaining
            self.accounts[debit].pending += remaining
        return left


def prove(entries: list[Entry], findings: Findings) -> None:
    """Compare the ledger with everything that was acknowledged, and with itself."""
    acknowledged = Acknowledged(entries)
    holds = acknowledged.holds()
    findings.violations += acknowledged.contradictions
    _compare_acts(acknowledged, findings)
    _compare_totals(acknowledged, holds, findings)
    prove_ledger(findings)


def _compare_acts(acknowledged: Acknowledged, findings: Findings) -> None:
    found: defaultdict[str, list[int]] = defaultdict(list)
    for reason, act in _rows("select reason, id from ledger_act where about = 'chaos'"):
        found[str(reason)].append(int(act))
    for identity, act in acknowledged.acts.items():
        if act not in found.get(identity, []):
            findings.lost.append(f"{identity}, acknowledged as act {act}")
    for identity, acts in found.items():
        if len(acts) > 1:
            findings.repeated.append(f"{identity}, as acts {acts}")
        if identity not in acknowledged.acts and identity not in acknowledged.unanswered:
            findings.add(f"{identity} was refused, and act {acts[0]} is there")


def _compare_totals(
    acknowledged: Acknowledged, holds: dict[int, int], findings: Findings
) -> None:
    if acknowledged.unanswered:
        return  # a client stopped at a violation: the sums have an unknown in them
    told = queries.balances(acknowledged.accounts)
    for address, totals in acknowledged.accounts.items():
        one = told.get(address)
        says = (one.debit, one.credit, one.pending) if one else None
        if says != (totals.debit, totals.credit, totals.pending):
            findings.add(f"{address} is {says}, the model says {totals}")
    remaining = queries.holds_remaining(holds)
    for hold, left in holds.items():
        if remaining.get(hold) != left:
            findings.add(f"hold {hold} has {remaining.get(hold)} left, the model says {left}")


def prove_ledger(findings: Findings) -> None:
    """Let the ledger prove itself: each row by the rows beside it, all value, the chain."""
    for row in queries.accounts_out_of_step()[:SHOWN_MAX]:
        findings.add(f"{row.table} {row.row}: {row.what}")
    ((total,),) = _rows("select coalesce(sum(credit - debit), 0) from ledger_entry")
    if total:
        findings.add(f"all value sums to {total}")
    extent = queries.extent()
    if not extent.blocks or extent.unsealed > 1:
        findings.add(f"{extent.unsealed} acts are not sealed")


def deadlocks_told(data: Path) -> int:
    """Return how many deadlocks the server's log tells of, over all its starts."""
    with (data / "server.log").open(errors="replace") as log:
        return sum("deadlock detected" in text for text in log)


def _rows(question: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(question)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
