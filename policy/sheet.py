"""The sheet that one working is written on, step by step."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import lcm

from policy.answers import Line, Outcome, Reason, amount_text, worst
from policy.claims import FeeLine

Labels = tuple[str, str]
# A step's name, its labels, the amount after it and its clause: bare, as a round has a million.
Step = tuple[str, Labels, Decimal, str]


class Sheet:
    """The amount after the steps taken, what they said, and the limits they set.

    `kept` are the fee lines that count; `base` what the share is taken of, `full` the amount at
    the share; `limit` the lowest ceiling met. A sheet belongs to one working alone, which
    changes it as it goes; what leaves it can't be changed.
    """

    __slots__ = (
        "_steps",
        "amount",
        "base",
        "full",
        "kept",
        "limit",
        "outcome",
        "reasons",
        "unit",
    )

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.amount = Decimal(0)
        self.kept: tuple[FeeLine, ...] = ()
        self.base = Decimal(0)
        self.full = Decimal(0)
        self.limit: Decimal | None = None
        self.outcome: Outcome = "PASS"
        self.reasons: list[Reason] = []
        self._steps: list[Step] = []

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps taken so far."""
        return tuple(self._steps)

    def take(self, amount: Decimal, name: str, labels: Labels, clause: str) -> None:
        """Go on with an amount after one more step, its labels in English and Chinese."""
        self.amount = amount
        self._steps.append((name, labels, amount, clause))

    def note(self, outcome: Outcome, reason: Reason) -> None:
        """Keep a reason, once, that may make the answer worse."""
        self.outcome = worst(self.outcome, outcome)
        if reason not in self.reasons:
            self.reasons.append(reason)

    def cap(self, limit: Decimal, name: str, labels: Labels, reason: Reason) -> None:
        """Go on under one more ceiling, with the reason if it cuts."""
        if self.limit is None or limit < self.limit:
            self.limit = limit
        amount = self.amount
        if amount > limit:
            amount = limit
            self.reasons.append(reason)
        self.take(amount, name, labels, reason.clause)

    def shared(self, shares: Sequence[Fraction], of: Decimal | None = None) -> Decimal:
        """Return the amount (or another) at a share for each kept line, weighed by their fees.

        Everything is multiplied before it is divided once, so that what comes out even does.
        """
        of = self.amount if of is None else of
        first = shares[0]
        if all(share == first for share in shares):
            return times(of, first)
        whole = sum((line.fee for line in self.kept), Decimal(0))
        if not whole:
            return Decimal(0)
        common = lcm(*(share.denominator for share in shares))
        weighed = sum(
            line.fee * share.numerator * (common // share.denominator)
            for line, share in zip(self.kept, shares, strict=True)
        )
        return of * weighed / (whole * common)


def written(steps: Sequence[Step], unit: str) -> tuple[Line, ...]:
    """Return steps as they are shown and kept, each amount with its unit."""
    lines: list[Line] = []
    last, text = None, ""
    for name, (en, zh), amount, clause in steps:
        # Most steps leave the amount as it is.
        if amount is not last:
            last, text = amount, amount_text(amount, unit)
        lines.append(Line(name, en, zh, text, clause))
    return tuple(lines)


def times(amount: Decimal, share: Fraction) -> Decimal:
    """Return a share of an amount, multiplied before it is divided."""
    return amount * share.numerator / share.denominator
