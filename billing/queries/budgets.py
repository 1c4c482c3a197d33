"""A programme's budget by fiscal year and source: allotted, committed, consumed and paid."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Sum
from django.db.models.functions import Coalesce

from billing.models import Payment, Settlement
from common.days import day_of
from policy.funding import split
from policy.rules import Programme as Policy
from vouchers.models import Programme, Round, Voucher
from vouchers.queries import policy_in_force, read_policy, voucher_balances


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

    What is allotted and committed is shared by the law in force, what was settled by the law of
    its settlement. A payment pays the oldest that is owed to its payee first.

    :raises NoPolicyInForce: if the programme has no law today.
    """
    _version, rules = policy_in_force(programme, day_of(at, programme.zone))
    sums: defaultdict[str, Counter[tuple[int, str]]] = defaultdict(Counter)
    rounds = Round.objects.filter(programme=programme)
    allotted = dict(rounds.values_list("fiscal_year").annotate(total=Sum("budget")))
    _share(sums["allotted"], allotted.items(), rules)
    _share(sums["committed"], _committed(programme).items(), rules)
    consumed, paid = _settled(programme)
    for (year, version), amount in consumed.items():
        _share(sums["consumed"], [(year, amount)], read_policy(version))
    for (year, version), amount in paid.items():
        _share(sums["paid"], [(year, amount)], read_policy(version))
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


_ByLaw = Counter[tuple[int, str]]


def _settled(programme: Programme) -> tuple[_ByLaw, _ByLaw]:
    """Return what was settled and what of it was paid, by year and by the law's text."""
    rows = (
        Settlement.objects.filter(voucher__programme=programme, covered__gt=0)
        .annotate(
            year=Coalesce(
                "voucher__decision__application__round__fiscal_year",
                "voucher__parent__decision__application__round__fiscal_year",
            )
        )
        .order_by("at", "pk")
        .values_list("year", "policy_version__text", "bill__payee", "covered")
    )
    consumed: _ByLaw = Counter()
    owed: defaultdict[int, deque[tuple[int, str, int]]] = defaultdict(deque)
    for year, text, payee, covered in rows:
        consumed[year, text] += covered
        owed[payee].append((year, text, covered))
    paid: _ByLaw = Counter()
    payments = (
        Payment.objects.filter(
            batch__programme=programme, status__in=[Payment.Status.PAID, Payment.Status.PART]
        )
        .values_list("payee")
        .annotate(total=Sum(Coalesce("paid_amount", "amount")))
    )
    for payee, total in payments:
        left = total
        while left and owed[payee]:
            year, text, covered = owed[payee].popleft()
            part = min(left, covered)
            paid[year, text] += part
            left -= part
            if part < covered:
                owed[payee].appendleft((year, text, covered - part))
    return consumed, paid
