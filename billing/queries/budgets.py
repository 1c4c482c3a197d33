"""A programme's budget by fiscal year and source: allotted, committed, consumed and paid."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Sum
from django.db.models.functions import Coalesce

from billing.models import FunderShare, Payment
from common.days import day_of
from policy.funding import among_first, split
from policy.rules import Programme as Policy
from vouchers.models import Programme, Round, Voucher
from vouchers.queries import policy_in_force, voucher_balances


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """What one source gave a programme for one fiscal year, in the programme's unit.

    `committed` is in vouchers and not used yet, free or held; `consumed` was settled out of them,
    `paid` or not. A voucher belongs to the year of its application's round.
    """

    fiscal_year: int
    source: str
    allotted: int
    committed: int
    consumed: int
    paid: int


def budget_lines(programme: Programme, at: datetime) -> list[BudgetLine]:
    """Return a programme's budget, year by year and within a year source by source.

    What is allotted and committed is shared by the law in force, what was settled is what
    its funders bear of it. A payment pays the oldest that is owed to its payee first.

    :raises NoPolicyInForce: if the programme has no law today.
    """
    _version, rules = policy_in_force(programme, day_of(at, programme.zone))
    sums: defaultdict[str, Counter[tuple[int, str]]] = defaultdict(Counter)
    rounds = Round.objects.filter(programme=programme)
    allotted = dict(rounds.values_list("fiscal_year").annotate(total=Sum("budget")))
    _share(sums["allotted"], allotted.items(), rules)
    _share(sums["committed"], _committed(programme).items(), rules)
    sums["consumed"], sums["paid"] = _settled(programme)
    keys = {key for each in sums.values() for key in each}
    return [
        BudgetLine(
            fiscal_year=year,
            source=source,
            allotted=sums["allotted"][year, source],
            committed=sums["committed"][year, source],
            consumed=sums["consumed"][year, source],
            paid=sums["paid"][year, source],
        )
        for year, source in sorted(keys, key=lambda key: (-key[0], key[1]))
    ]


def _share(
    total: Counter[tuple[int, str]], amounts: Iterable[tuple[int, int]], rules: Policy
) -> None:
    for year, amount in amounts:
        for source, part in split(amount, rules):
            total[year, source] += part


def _committed(programme: Programme) -> Counter[int]:
    vouchers = list(
        Voucher.objects.filter(programme=programme)
        .annotate(
            year=Coalesce(
                "decision__application__round__fiscal_year",
                "parent__decision__application__round__fiscal_year",
            )
        )
        .select_related("programme")
    )
    balances = voucher_balances(vouchers)
    found: Counter[int] = Counter()
    for one in vouchers:
        found[one.year] += balances[one.code].net
    return found


_BySource = Counter[tuple[int, str]]


@dataclass(slots=True)
class _Owed:
    """What funders bear of one settlement, and of which year; paid from its first unit on."""

    year: int
    shares: Counter[str]
    paid: int = 0

    @property
    def left(self) -> int:
        """What of it is not paid yet."""
        return sum(self.shares.values()) - self.paid

    def pay(self, most: int) -> list[tuple[str, int]]:
        """Pay up to so much of it, and return each funder's part of that."""
        amounts = list(self.shares.values())
        before = among_first(self.paid, amounts)
        self.paid += min(most, self.left)
        after = among_first(self.paid, amounts)
        parts = (until - first for until, first in zip(after, before, strict=True))
        return list(zip(self.shares, parts, strict=True))


def _settled(programme: Programme) -> tuple[_BySource, _BySource]:
    """Return what was settled and what of it was paid, by year and by funder."""
    consumed: _BySource = Counter()
    owed: defaultdict[tuple[int, int], dict[int, _Owed]] = defaultdict(dict)
    for year, payer, payee, settlement, name, amount in _shares(programme):
        consumed[year, name] += amount
        one = owed[payer, payee].setdefault(settlement, _Owed(year, Counter()))
        one.shares[name] += amount
    paid: _BySource = Counter()
    for payer, payee, total in _paid(programme):
        left = total
        for one in owed[payer, payee].values():
            before = one.paid
            for name, part in one.pay(left):
                paid[one.year, name] += part
            left -= one.paid - before
    return consumed, paid


def _shares(programme: Programme) -> Iterable[tuple[int, int, int, int, str, int]]:
    return (
        FunderShare.objects.filter(settlement__bill__programme=programme)
        .annotate(
            year=Coalesce(
                "settlement__voucher__decision__application__round__fiscal_year",
                "settlement__voucher__parent__decision__application__round__fiscal_year",
            )
        )
        .order_by("pk")
        .values_list("year", "payer", "settlement__bill__payee", "settlement", "name", "amount")
    )


def _paid(programme: Programme) -> Iterable[tuple[int, int, int]]:
    return (
        Payment.objects.filter(
            batch__programme=programme, status__in=[Payment.Status.PAID, Payment.Status.PART]
        )
        .annotate(payer=Coalesce("batch__payer", "batch__programme__authority"))
        .values_list("payer", "payee")
        .annotate(total=Sum(Coalesce("paid_amount", "amount")))
    )
