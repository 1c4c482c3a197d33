"""What a working has come to after the steps taken."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from math import lcm

from policy.answers import Line, Outcome, Reason, amount_text, worst
from policy.claims import FeeLine

Labels = tuple[str, str]


@dataclass(frozen=True)
class SoFar:
    """The amount after the steps taken, what they said, and the limits they set.

    `kept` are the fee lines that count; `base` what the share is taken of, `full` the amount at
    the share; `limit` the lowest ceiling met.
    """

    unit: str
    amount: Decimal = Decimal(0)
    kept: tuple[FeeLine, ...] = ()
    base: Decimal = Decimal(0)
    full: Decimal = Decimal(0)
    limit: Decimal | None = None
    outcome: Outcome = "PASS"
    working: tuple[Line, ...] = ()
    reasons: tuple[Reason, ...] = ()

    def then(
        self,
        amount: Decimal,
        name: str,
        labels: Labels,
        clause: str,
        reason: Reason | None = None,
    ) -> "SoFar":
        """Return what is so far after one more step, its labels in English and Chinese."""
        line = Line(name, *labels, amount_text(amount, self.unit), clause)
        return replace(
            self,
            amount=amount,
            working=(*self.working, line),
            reasons=(*self.reasons, reason) if reason else self.reasons,
        )

    def noting(self, outcome: Outcome, reason: Reason) -> "SoFar":
        """Return what is so far with a reason that may make the answer worse, said once."""
        reasons = self.reasons if reason in self.reasons else (*self.reasons, reason)
        return replace(self, outcome=worst(self.outcome, outcome), reasons=reasons)

    def capped(self, limit: Decimal, name: str, labels: Labels, reason: Reason) -> "SoFar":
        """Return what is so far under one more ceiling, with the reason if it cuts."""
        lower = limit if self.limit is None else min(limit, self.limit)
        cuts = reason if self.amount > limit else None
        amount = min(self.amount, limit)
        return replace(self, limit=lower).then(amount, name, labels, reason.clause, cuts)

    def shared(self, shares: Sequence[Fraction], of: Decimal | None = None) -> Decimal:
        """Return the amount (or another) at a share for each kept line, weighed by their fees.

        Everything is multiplied before it is divided once, so that what comes out even does.
        """
        of = self.amount if of is None else of
        if len(set(shares)) == 1:
            return times(of, shares[0])
        whole = sum((line.fee for line in self.kept), Decimal(0))
        if not whole:
            return Decimal(0)
        common = lcm(*(share.denominator for share in shares))
        weighed = sum(
            line.fee * share.numerator * (common // share.denominator)
            for line, share in zip(self.kept, shares, strict=True)
        )
        return of * weighed / (whole * common)


def times(amount: Decimal, share: Fraction) -> Decimal:
    """Return a share of an amount, multiplied before it is divided."""
    return amount * share.numerator / share.denominator
