"""The score that reviewers' points make."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from policy.process_rules import ReviewRule
from policy.rules import Programme, minor

_HUNDREDTH = Decimal("0.01")


def is_reviewed(amount: int, programme: Programme) -> bool:
    """Say whether an amount in minor units (or GPU-ms) is decided after reviews only."""
    rule = programme.review
    if rule is None:
        return False
    return rule.above is None or amount > minor(rule.above, programme.unit)


def score(reviews: Iterable[Mapping[str, int]], rule: ReviewRule) -> Decimal | None:
    """Return the score from 0 to 100 that some reviews give, or None without any.

    Each criterion's points are taken as a part of its most, weighed, and averaged over the
    reviews; rounded once, at the end, to two decimals, half up.

    :raises ValueError: for points that are missing, below 0 or above a criterion's most.
    """
    return average([exact(points, rule) for points in reviews])


def average(found: Sequence[Fraction]) -> Decimal | None:
    """Return what some reviews' exact scores give together, to two decimals, half up."""
    if not found:
        return None
    mean = sum(found, Fraction(0)) / len(found)
    value = Decimal(mean.numerator) / Decimal(mean.denominator)
    return value.quantize(_HUNDREDTH, ROUND_HALF_UP)


def exact(points: Mapping[str, int], rule: ReviewRule) -> Fraction:
    """Return the score from 0 to 100 that one review gives, unrounded.

    :raises ValueError: for points that are missing, below 0 or above a criterion's most.
    """
    total = Fraction(0)
    for criterion in rule.criteria:
        given = points.get(criterion.name)
        if given is None or not 0 <= given <= criterion.most:
            raise ValueError(
                f"{criterion.name}: {given} points; give 0 to {criterion.most} of them."
            )
        total += Fraction(criterion.weight) * Fraction(given, criterion.most)
    return total * 100
