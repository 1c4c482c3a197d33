"""Where every part of what a bill asks for stands; the parts add up to the bill."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum

from billing.models import Verdict
from billing.reasons import OF_HOLDER


@dataclass(frozen=True, slots=True)
class BillTotals:
    """The parts of what lines bill: minor units, or GPU-ms in kind.

    Of what is accepted the voucher pays `covered`, and the holder owes `co_payment` and what is
    `beyond_hold`. `declined` is not accepted for good. `of_holder` and `of_rules` wait for an
    officer: what its holder disputes or did not confirm, and what a rule, or the want of a
    proof, withholds. `waiting` waits for the bill's settlement.
    """

    billed: int
    covered: int
    co_payment: int
    beyond_hold: int
    declined: int
    of_holder: int
    of_rules: int
    waiting: int

    @property
    def accepted(self) -> int:
        """What counts of the bill."""
        return self.covered + self.co_payment + self.beyond_hold

    @property
    def open(self) -> int:
        """What waits for an officer."""
        return self.of_holder + self.of_rules

    @property
    def accounted(self) -> int:
        """All parts together; the same as `billed`."""
        return self.accepted + self.declined + self.open + self.waiting


def totals_of(lines: QuerySet[Any]) -> BillTotals:
    """Return where the amounts of lines stand, which carry whether they are `disputed`."""
    billed, undecided = _sum_of(lines), lines.filter(~Exists(_verdicts_of("pk")))
    disputed = _sum_of(undecided.filter(disputed=True))
    outcome = Verdict.Outcome
    is_open = Q(outcome__in=[outcome.REDUCED, outcome.WITHHELD])
    of_holder = Q(reason__in=OF_HOLDER)
    later = _verdicts_of("line").filter(pk__gt=OuterRef("pk"))
    last = Verdict.objects.filter(~Exists(later), line__in=lines.order_by().values("pk"))
    sums: dict[str, Any] = last.aggregate(
        sum_accepted=Sum("accepted"),
        sum_covered=Sum("covered"),
        sum_own=Sum("co_payment"),
        sum_declined=Sum("withheld", filter=Q(outcome=outcome.DECLINED)),
        sum_holder=Sum("withheld", filter=is_open & of_holder),
        sum_rules=Sum("withheld", filter=is_open & ~of_holder),
    )
    found = {name: int(amount or 0) for name, amount in sums.items()}
    return BillTotals(
        billed=billed,
        covered=found["sum_covered"],
        co_payment=found["sum_own"],
        beyond_hold=found["sum_accepted"] - found["sum_covered"] - found["sum_own"],
        declined=found["sum_declined"],
        of_holder=found["sum_holder"] + disputed,
        of_rules=found["sum_rules"],
        waiting=_sum_of(undecided) - disputed,
    )


def _verdicts_of(line: str) -> QuerySet[Verdict]:
    return Verdict.objects.filter(line=OuterRef(line))


def _sum_of(lines: QuerySet[Any]) -> int:
    return int(lines.order_by().aggregate(total=Sum("amount"))["total"] or 0)
