"""Each settled line's figures down to its funders, derived from what its settlement wrote."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from billing.models import Bill, BillLine, FunderShare, Settlement, Verdict
from billing.queries.archive import with_archived
from common.days import day_of
from policy.funding import among_first
from policy.metering import billed_ms
from policy.rating import FunderPart, Rated, line_working
from vouchers.models import PolicyVersion
from vouchers.queries import read_policy

# What limited a line, by the reason of its verdict; what is beyond a hold is seen by its amount.
LIMITS = {
    "price_above_catalogue": "price",
    "outside_validity": "validity",
    "billed_above_meter": "meter",
}
# What earlier lines of each order took of each settlement: every verdict adds to the one before.
_BEFORE = """
    select act_id, order_id, sum(took)::bigint from (
        select v.act_id, l.order_id,
            v.covered - lag(v.covered, 1, 0::bigint) over (partition by v.line_id order by v.id)
                as took
        from billing_billline l join billing_verdict v on v.line_id = l.id
        where l.bill_id = %s and l.row < %s
    ) taken where took > 0 group by act_id, order_id
"""
_Key = tuple[int, int | None]


@dataclass(frozen=True, slots=True)
class RatedLine:
    """One line with its figures, the policy that it was settled by, and what limited it."""

    line: BillLine
    rated: Rated
    version: PolicyVersion | None
    limits: tuple[str, ...]

    @property
    def working(self) -> list[dict[str, str]]:
        """Each step from the meter to the funders, as workings are stored; nothing before it."""
        if self.version is None:
            return []
        line = self.line
        placed_at = line.order.placed_at if line.order else line.bill.period_from
        steps = line_working(
            self.rated,
            read_policy(self.version.text),
            on=day_of(placed_at, line.bill.programme.zone),
            organisation_kind=line.voucher.organisation.kind if line.voucher else "",
        )
        return [step.to_dict() for step in steps]


class Rating:
    """Rates lines of one bill in the order of their rows, from a row on.

    A settlement's shares go to its lines unit by unit (`policy.funding.among_first`), so that
    the parts of a line add up to what is covered of it, and the lines to each funder's share.
    All lines of an order must be given, from the first row on, a few statements a call.
    """

    def __init__(self, bill: Bill, first_row: int = 1) -> None:
        self._bill = bill
        found = bill.settlements.select_related("policy_version").prefetch_related("shares")
        self._settlements: dict[_Key, Settlement] = {(s.act_id, s.order_id): s for s in found}
        self._taken: Counter[_Key] = Counter()
        if first_row > 1:
            with connection.cursor() as cursor:
                cursor.execute(_BEFORE, [bill.pk, first_row])
                self._taken.update({(act, order): took for act, order, took in cursor})

    @property
    def funders(self) -> list[str]:
        """The names of all funders of the bill, as they first bear something of it."""
        names = {
            share.name: None for s in self._settlements.values() for share in s.shares.all()
        }
        return list(names)

    def rate(self, lines: Sequence[BillLine]) -> Iterator[RatedLine]:
        """Rate the next lines, which carry their last verdict and their usage lines."""
        with_archived(lines)
        verdicts: defaultdict[int, list[Verdict]] = defaultdict(list)
        for verdict in Verdict.objects.filter(line__in=lines).order_by("pk"):
            verdicts[verdict.line_id].append(verdict)
        for line in lines:
            yield self._rated(line, verdicts[line.pk])

    def _rated(self, line: Any, verdicts: Sequence[Verdict]) -> RatedLine:
        parts: Counter[str] = Counter()
        version = None
        for settlement, taken in self._borne(line, verdicts):
            version = settlement.policy_version
            for share, units in taken:
                parts[share.name] += units
        rated = Rated(
            metered_ms=self._metered(line),
            billed_ms=line.quantity_ms,
            rate=line.rate,
            amount=line.amount,
            accepted=line.accepted or 0,
            covered=line.covered or 0,
            co_payment=line.co_payment or 0,
            parts=tuple(FunderPart(*one) for one in parts.items() if one[1]),
        )
        limits = [LIMITS[one.reason] for one in verdicts if one.reason in LIMITS]
        if line.outcome and rated.beyond:
            limits.append("hold")
        return RatedLine(line, rated, version, tuple(dict.fromkeys(limits)))

    def by_payer(self, line: BillLine) -> dict[int, int]:
        """Return what each payer bears of the next line, by the organisation's number.

        What was undone since is borne by nobody.
        """
        parts: Counter[int] = Counter()
        verdicts = Verdict.objects.filter(line=line).order_by("pk")
        for settlement, taken in self._borne(line, verdicts):
            if sum(one.amount for one in settlement.shares.all()):
                for share, units in taken:
                    parts[share.payer_id] += units
        return dict(parts)

    def _borne(
        self, line: Any, verdicts: Iterable[Verdict]
    ) -> Iterator[tuple[Settlement, list[tuple[FunderShare, int]]]]:
        """Take the next units of each settlement of a line, and hand them to its shares."""
        before = 0
        for verdict in verdicts:
            settlement = self._settlements.get((verdict.act_id, line.order_id))
            if settlement is not None:
                yield settlement, self._take(settlement, max(verdict.covered - before, 0))
            before = verdict.covered

    def _take(self, settlement: Settlement, took: int) -> list[tuple[FunderShare, int]]:
        """Return who bears the next units that a line takes of a settlement."""
        key = (settlement.act_id, settlement.order_id)
        shares = [one for one in settlement.shares.all() if one.act_id == settlement.act_id]
        amounts = [one.amount for one in shares]
        first = among_first(self._taken[key], amounts)
        self._taken[key] += took
        until = among_first(self._taken[key], amounts)
        parts = (after - before for before, after in zip(first, until, strict=True))
        return list(zip(shares, parts, strict=True))

    def _metered(self, line: BillLine) -> int:
        used = line.usage_line
        if used is None:
            return line.quantity_ms if self._bill.kind == Bill.Kind.CLAIM else 0
        return billed_ms(
            used.count_thousandths,
            used.started_at,
            used.ended_at,
            self._bill.period_from,
            self._bill.period_until,
            None,
        )


def borne_by_payer(line: BillLine) -> dict[int, int]:
    """Return what each payer bears of a line, by the organisation's number, in minor units."""
    return Rating(line.bill, line.row).by_payer(line)


def rated_line(line: BillLine) -> RatedLine:
    """Return one line of a bill with its figures down to its funders."""
    (rated,) = Rating(line.bill, line.row).rate([line])
    return rated
