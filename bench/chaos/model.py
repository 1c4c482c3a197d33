"""The ledger in plain Python: what each request must be answered, and what is then where."""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

# Kinds of account that may go below nothing: value comes from there, or has left.
BOUNDARIES = frozenset({"appropriation", "delivered", "paid", "lapsed"})


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of the ledger in one transaction, with everything that its key stands for.

    `at` is in seconds after the book's first instant. Moves are (flow, debit, credit, amount),
    `hold` has its second of lapse too, captures are (hold, amount, is final). `reverses` is the act
    whose one transfer goes back, or, below nothing, the hold whose first capture does. Only one of
    the parts that name holds or acts is used.
    """

    kind: str
    key: str
    at: int
    opens: tuple[tuple[str, int], ...] = ()
    moves: tuple[tuple[int, str, str, int], ...] = ()
    hold: tuple[int, str, str, int, int] | None = None
    captures: tuple[tuple[int, int, bool], ...] = ()
    releases: tuple[int, ...] = ()
    lapses: tuple[int, ...] = ()
    reverses: int | None = None
    reuses_key: bool = False
    is_shared: bool = False

    @property
    def identity(self) -> str:
        """What makes it happen once in the whole ledger."""
        return f"{self.kind}/{self.key}"

    def content(self) -> dict[str, Any]:
        """Return what is asked, without the key and without what is empty."""
        parts = {
            "opens": self.opens,
            "moves": self.moves,
            "hold": self.hold,
            "captures": self.captures,
            "releases": self.releases,
            "lapses": self.lapses,
            "reverses": self.reverses,
        }
        return {name: value for name, value in parts.items() if value}

    def to_json(self) -> dict[str, Any]:
        """Return the request for a journal."""
        told = {"kind": self.kind, "key": self.key, "at": self.at, **self.content()}
        flags = {"reuses_key": self.reuses_key, "is_shared": self.is_shared}
        return {**told, **{name: True for name, value in flags.items() if value}}

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> "Request":
        """Return a journal's request."""
        fields = {
            name: _frozen(value) if isinstance(value, list) else value
            for name, value in told.items()
        }
        return cls(**fields)


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class Answer:
    """What one sending, or all sendings of a request together, came to.

    `code` is empty when it was done, a refusal's code when it was refused, and `lost` when nobody
    knows: the connection broke before the answer came. `number` is the hold that was placed, or
    the amount that went back.
    """

    code: str
    act: int = 0
    is_replay: bool = False
    number: int = 0
    facts: tuple[tuple[str, Any], ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether value moved, now or at an earlier sending."""
        return not self.code

    @property
    def is_lost(self) -> bool:
        """Whether nobody knows."""
        return self.code == "lost"


@dataclass(frozen=True, slots=True)
class Expected:
    """What a request must be answered: done, or a refusal with at least these facts."""

    code: str = ""
    facts: tuple[tuple[str, Any], ...] = ()


@dataclass(slots=True)
class Totals:
    """An account's three counters."""

    debit: int = 0
    credit: int = 0
    pending: int = 0

    @property
    def net(self) -> int:
        """What is there."""
        return self.credit - self.debit

    @property
    def free(self) -> int:
        """What is there and not held."""
        return self.credit - self.debit - self.pending


@dataclass(slots=True)
class Held:
    """A hold: from where to where, what is left, and when it lapses."""

    debit: str
    credit: str
    amount: int
    remaining: int
    expires_at: int


@dataclass(slots=True)
class Book:
    """All that one client has asked and was granted, and so what the ledger must hold of it."""

    accounts: defaultdict[str, Totals] = field(default_factory=lambda: defaultdict(Totals))
    holds: dict[int, Held] = field(default_factory=dict)
    # The one move of an act that can go back: debit, credit, amount.
    movable: dict[int, tuple[str, str, int]] = field(default_factory=dict)
    reversed: set[int] = field(default_factory=set)

    def expect(self, request: Request) -> Expected:
        """Return what the ledger must answer to a request of this book now."""
        if request.reuses_key:
            return Expected("key_reused")
        if request.captures:
            return self._expect_captures(request.captures)
        if request.releases or request.lapses:
            return self._expect_freed(request)
        if request.reverses is not None:
            return self._expect_reversed(request.reverses)
        changes: defaultdict[str, int] = defaultdict(int)
        for _flow, debit, credit, amount in request.moves:
            changes[debit] -= amount
            changes[credit] += amount
        if request.hold:
            changes[request.hold[1]] -= request.hold[3]
        return self._expect_enough(changes)

    def _expect_enough(self, changes: dict[str, int]) -> Expected:
        for address, change in changes.items():
            left = self.accounts[address].free + change
            if left < 0 and address.partition(":")[0] not in BOUNDARIES:
                return Expected("not_enough", (("short_by", -left),))
        return Expected()

    def _expect_captures(self, captures: tuple[tuple[int, int, bool], ...]) -> Expected:
        for hold, amount, _is_final in sorted(captures):
            remaining = self.remaining(hold)
            if not remaining or remaining < amount:
                return _closed(hold, remaining, amount)
        return Expected()

    def _expect_freed(self, request: Request) -> Expected:
        for hold in sorted(request.lapses):
            if hold in self.holds and self.holds[hold].expires_at > request.at:
                return _closed(hold, self.remaining(hold), 0)
        for hold in sorted((*request.releases, *request.lapses)):
            if not self.remaining(hold):
                return _closed(hold, 0, 0)
        return Expected()

    def _expect_reversed(self, act: int) -> Expected:
        if act in self.reversed or act not in self.movable:
            return Expected("not_reversible")
        debit, credit, amount = self.movable[act]
        return self._expect_enough({credit: -amount, debit: amount})

    def remaining(self, hold: int) -> int:
        """Return what is left of a hold; nothing of one that is unknown."""
        return self.holds[hold].remaining if hold in self.holds else 0

    def take(self, request: Request, answer: Answer) -> None:
        """Write down a request that was done."""
        for _flow, debit, credit, amount in request.moves:
            self._move(debit, credit, amount)
        if request.hold:
            _flow, debit, credit, amount, expires_at = request.hold
            self.holds[answer.number] = Held(debit, credit, amount, amount, expires_at)
            self.accounts[debit].pending += amount
        for hold, amount, is_final in request.captures:
            self._free(hold, self.remaining(hold) if is_final else amount)
            self._move(self.holds[hold].debit, self.holds[hold].credit, amount)
        for hold in (*request.releases, *request.lapses):
            self._free(hold, self.remaining(hold))
        if request.reverses is not None:
            debit, credit, amount = self.movable[request.reverses]
            self._move(credit, debit, amount)
            self.reversed.add(request.reverses)
        elif len(request.moves) == 1 and not request.hold:
            self.movable[answer.act] = request.moves[0][1:]
        elif len(request.captures) == 1:
            hold, amount, _is_final = request.captures[0]
            self.movable[answer.act] = (self.holds[hold].debit, self.holds[hold].credit, amount)

    def _move(self, debit: str, credit: str, amount: int) -> None:
        self.accounts[debit].debit += amount
        self.accounts[credit].credit += amount

    def _free(self, hold: int, amount: int) -> None:
        held = self.holds[hold]
        held.remaining -= amount
        self.accounts[held.debit].pending -= amount


def _closed(hold: int, remaining: int, amount: int) -> Expected:
    facts = (("hold", hold), ("remaining", remaining), ("amount", amount))
    return Expected("hold_closed", facts)


def disagreement(
    request: Request, expected: Expected, sendings: list[Answer], earlier_lost: int
) -> str:
    """Return in words how the answers to the sendings of one request contradict the model.

    `earlier_lost` counts sendings whose answer was lost before these. Empty when all is well.
    """
    known = [one for one in sendings if not one.is_lost]
    lost = len(sendings) - len(known) + earlier_lost
    if expected.code:
        wrong = [
            one
            for one in known
            if one.code != expected.code or not set(expected.facts) <= set(one.facts)
        ]
        return f"expected {expected}, was answered {wrong[0]}" if wrong else ""
    refused = [one for one in known if one.code]
    if refused:
        return f"expected to be done, was answered {refused[0]}"
    return once(request, known, lost)


def once(request: Request, done: list[Answer], lost: int) -> str:
    """Return in words how answers to one key are not those of one act done once."""
    acts = {(one.act, one.number) for one in done}
    if len(acts) > 1:
        return f"{request.identity} was done twice: {sorted(acts)}"
    fresh = sum(not one.is_replay for one in done)
    if fresh > 1:
        return f"{request.identity} was done {fresh} times as act {acts}"
    if not fresh and not lost and done:
        return f"{request.identity} was a repetition from the first sending on"
    return ""


def line(words: list[Any]) -> str:
    """Return one line of a journal."""
    return json.dumps(words, separators=(",", ":")) + "\n"
