"""Disputed lines that nobody has decided yet, and until when each side has its word."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import OuterRef, Q, QuerySet, Subquery

from billing.models import Bill, BillLine, Objection, ObjectionReply, Verdict
from common.days import day_of
from policy import objections as policy
from policy.objections import Default
from policy.rules import SettlementRule
from vouchers.models import Programme
from vouchers.queries import policy_in_force


class SettlementRules:
    """The rules on settlement of programmes' laws, each read once."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, date], SettlementRule] = {}

    def of(self, programme: Programme, at: datetime) -> SettlementRule:
        """Return the rule on settlement that was in force at an instant.

        :raises NoPolicyInForce: if the programme had no policy on that day.
        """
        on = day_of(at, programme.zone)
        if (programme.pk, on) not in self._found:
            _version, rules = policy_in_force(programme, on)
            self._found[programme.pk, on] = rules.settlement
        return self._found[programme.pk, on]


@dataclass(frozen=True, slots=True)
class Undecided:
    """An objection that nobody has decided yet, the rule of its law, and the provider's reply.

    What counts is the law in force on the day on which the bill was sent.
    """

    objection: Objection
    rule: SettlementRule
    replied_at: datetime | None

    @property
    def reply_until(self) -> datetime | None:
        """Until when the provider replies; None where the law sets no day."""
        return policy.reply_until(self.rule, self.objection.raised_at)

    @property
    def verdict_until(self) -> datetime | None:
        """Until when an officer decides; None before the bill is settled, or without a day."""
        settled_at = self.objection.line.bill.settled_at
        if settled_at is None:
            return None
        return policy.verdict_until(self.rule, self.objection.raised_at, settled_at)

    def may_reply_first(self, at: datetime) -> bool:
        """Say whether the provider has not replied and still has days for that."""
        until = self.reply_until
        return self.replied_at is None and until is not None and at < until

    def default_at(self, at: datetime) -> Default:
        """Return how a side's silence decides the line at an instant; nothing while none does."""
        settled_at = self.objection.line.bill.settled_at
        if settled_at is None:
            return ""
        raised_at = self.objection.raised_at
        return policy.default_at(self.rule, raised_at, self.replied_at, settled_at, at)


def objections_undecided() -> QuerySet[Objection]:
    """Return the objections that wait for a verdict, or for their bill's settlement, oldest first.

    Each with `replied_at`, when the provider first replied to it.
    """
    last = Verdict.objects.filter(line=OuterRef("line")).order_by("-pk")
    replies = ObjectionReply.objects.filter(
        objection=OuterRef("pk"), side=ObjectionReply.Side.PROVIDER
    ).order_by("pk")
    return (
        Objection.objects.filter(withdrawal=None)
        .annotate(
            last_reason=Subquery(last.values("reason")[:1]),
            replied_at=Subquery(replies.values("written_at")[:1]),
        )
        .filter(Q(last_reason=None) | Q(last_reason="objected"))
        .select_related("line__bill__programme", "line__bill__provider__organisation")
        .order_by("pk")
    )


def objections_to_decide() -> QuerySet[Objection]:
    """Return the objections to lines of settled bills that wait for a verdict, oldest first."""
    return objections_undecided().filter(line__bill__status=Bill.Status.SETTLED)


def undecided_of(objection: Objection, rules: SettlementRules) -> Undecided:
    """Return an objection of `objections_undecided` with the rule of its law.

    :raises NoPolicyInForce: if the programme had no policy on the day the bill was sent.
    """
    bill = objection.line.bill
    replied_at: datetime | None = objection.replied_at  # type: ignore[attr-defined]
    return Undecided(objection, rules.of(bill.programme, bill.sent_at), replied_at)


def undecided_on_lines(lines: Iterable[BillLine]) -> dict[int, Undecided]:
    """Return what is disputed and not decided of lines, by the line's number."""
    rules = SettlementRules()
    found = objections_undecided().filter(line__in=[line.pk for line in lines])
    return {one.line_id: undecided_of(one, rules) for one in found}


def undecided_on(line: BillLine) -> Undecided | None:
    """Return what is disputed and not decided of one line, or None."""
    return undecided_on_lines([line]).get(line.pk)
