"""Decide what settlement withheld of a line, by hand."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing.actions.claim_payments import pay_claim
from billing.actions.claims import weigh_claim
from billing.actions.later_facts import note_later_fact
from billing.actions.line_acts import begin_on_line, checked_note
from billing.actions.notes import number_note
from billing.actions.settlement import (
    OrderSums,
    locked,
    require_no_hand_in,
    require_settleable,
    require_settler,
    settle_orders,
)
from billing.actions.targets import is_of_target, weigh_rest_of_target
from billing.actions.verdicts import (
    OWN_SHARE,
    Weighed,
    claim_row,
    overruled,
    row_of,
    weigh,
)
from billing.models import Bill, BillLine, Verdict
from billing.queries import line_verdict, undecided_on
from billing.reasons import OF_HOLDER
from common.errors import Refused
from common.formatting import instant_text, money
from ledger.actions import Act
from ledger.kinds import ActKind
from parties.models import User

OPEN = (Verdict.Outcome.REDUCED, Verdict.Outcome.WITHHELD)


class BillNotSettled(Refused):
    """A line is decided by hand only after its bill was settled."""

    code = "bill_not_settled"
    sentence = _("Bill %(bill)s is not settled yet. Its lines can be decided afterwards.")


class LineNotWithheld(Refused):
    """Nothing of the line waits for a decision."""

    code = "line_not_withheld"
    sentence = _(
        "Nothing of line %(row)s of bill %(bill)s is withheld; it was decided already."
    )


class LineAcceptedBefore(Refused):
    """The same usage stands on another line."""

    code = "line_accepted_before"
    sentence = _(
        "The usage of line %(row)s of bill %(bill)s stands on another line. It is paid once; "
        "decline this line."
    )


class UsageMissing(Refused):
    """A line without a meter can't be accepted."""

    code = "usage_missing"
    sentence = _(
        "No meter knows the use behind line %(row)s of bill %(bill)s. Ask the provider to send "
        "the usage and to bill it again."
    )


class ProviderMayReply(Refused):
    """The provider has not replied to the objection, and still may."""

    code = "provider_may_reply"
    sentence = _(
        "%(provider)s may reply to the objection to line %(row)s of bill %(bill)s until "
        "%(until)s. Decide when it has, or after that."
    )


class PartTooMuch(Refused):
    """More of a line than can be accepted, or nothing of it."""

    code = "part_too_much"
    sentence = _(
        "Of line %(row)s of bill %(bill)s at most %(most)s more can be accepted. Give an amount "
        "above nothing and up to that, or do not accept it."
    )


class PartOfTarget(Refused):
    """A part by hand of what an assessment decides."""

    code = "part_of_target"
    sentence = _(
        "What counts of the target %(voucher)s is what its newest assessment earns. Accept that "
        "whole, or have a newer assessment recorded first."
    )


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decides a line, and what is told of it: the codes of both ends, and their values."""

    by: str
    values: Mapping[str, Any]
    accepted: str = "accepted_after_look"
    declined: str = "not_accepted"


@transaction.atomic
def decide_line(
    *,
    line: BillLine,
    accept: bool,
    note: str,
    actor: User,
    at: datetime,
    key: str,
    amount: int | None = None,
) -> Verdict:
    """Accept what is withheld of a settled line, or decline it for good, with a word why.

    What is accepted is covered as at settlement, from what the order's hold or the voucher has
    left now; it makes a settlement of its own, whose `billed` is the part that was withheld, and
    a debit note with a number of its own.
    Accepting a line that was withheld for an objection, or for want of a confirmation or of
    proof of the own share, settles that only: the rules weigh the line as they would have, and
    what they withhold waits for a decision of its own. With an `amount` the line is decided
    whole: so much more of it is accepted, and the rest is declined for good.

    :param amount: how much of the withheld part to accept, in minor units or GPU-ms; without
        it as much as the rules let through. Looked at only with `accept`.
    :raises NotAllowed: if the person is no officer or finance officer of the programme.
    :raises SamePerson: if the person sent the bill, sent or decided an application behind it,
        or confirmed an award by issuing it.
    :raises NoteMissing: if there are no words, or too many.
    :raises BillNotSettled: if the bill waits for its settlement.
    :raises LineNotWithheld: if nothing of the line is withheld.
    :raises ProviderMayReply: if the law gives the provider days for a reply to the objection,
        which are not over, and it has not replied.
    :raises PartTooMuch: if the amount is 0 or below, or more than the rules let through.
    :raises PartOfTarget: if an amount is given of a target, which its assessment decides.
    :raises SettlementWaits: if it is accepted while a suspension of the provider says so.
    :raises UsageMissing: if no meter knows the line.
    :raises LineAcceptedBefore: if its usage stands on another line.
    :raises NothingMoreEarned: if it is a target's, and its assessment earns no more.
    :raises OwnShareNotProven: if its law asks for proof of the own share, and there is none.
    :raises KeyReused: if the key was used for another decision.
    """
    require_settler(line.bill, actor)
    note = checked_note(note)
    content: dict[str, object] = {"accept": accept, "note": note}
    if accept and amount is not None:
        content["amount"] = amount
    act = begin_decision(line, content, actor, at, key)
    if act.is_replay:
        return Verdict.objects.get(act_id=act.id)
    require_no_hand_in(line.bill, actor, at)
    bill, before = undecided_line(line)
    _require_reply_over(bill, line, at)
    decision = Decision(actor.address, {"note": note})
    if accept:
        return accept_rest(bill, line, before, decision, act, amount)
    return decline_rest(bill, before, decision, act)


def begin_decision(
    line: BillLine, content: dict[str, object], actor: User | str, at: datetime, key: str
) -> Act:
    """Begin the act by which a person, or the portal itself, decides a line.

    :raises KeyReused: if the key was used for another decision.
    """
    return begin_on_line(ActKind.DECIDE_LINE, line, content, actor, at, key)


def undecided_line(line: BillLine) -> tuple[Bill, Verdict]:
    """Return a line's settled bill, locked, and the verdict by which something is withheld.

    :raises BillNotSettled: if the bill waits for its settlement.
    :raises LineNotWithheld: if nothing of the line is withheld.
    """
    bill = locked(line.bill)
    if bill.status != Bill.Status.SETTLED:
        raise BillNotSettled(bill=bill.number)
    before = line_verdict(line)
    if before is None or before.outcome not in OPEN:
        raise LineNotWithheld(row=line.row, bill=bill.number)
    return bill, before


def _require_reply_over(bill: Bill, line: BillLine, at: datetime) -> None:
    found = undecided_on(line)
    if found is not None and found.may_reply_first(at):
        assert found.reply_until is not None
        raise ProviderMayReply(
            provider=bill.provider.organisation.name_here,
            row=line.row,
            bill=bill.number,
            until=instant_text(found.reply_until, bill.programme.zone),
        )


def decline_rest(bill: Bill, before: Verdict, decision: Decision, act: Act) -> Verdict:
    """Decline what is withheld of a line for good; nothing moves."""
    note_later_fact(act, bill.programme, bill.period_from, 0)
    return Verdict.objects.create(
        line=before.line,
        outcome=Verdict.Outcome.DECLINED,
        accepted=before.accepted,
        withheld=before.withheld,
        covered=before.covered,
        co_payment=before.co_payment,
        reason=decision.declined,
        reason_values=dict(decision.values),
        decided_by=decision.by,
        decided_at=act.at,
        act_id=act.id,
    )


def accept_rest(
    bill: Bill,
    line: BillLine,
    before: Verdict,
    decision: Decision,
    act: Act,
    amount: int | None = None,
) -> Verdict:
    """Accept what is withheld of a line, or an amount of it, and move what the voucher covers.

    :raises SettlementWaits: if a suspension of the provider says so.
    :raises UsageMissing: if no meter knows the line.
    :raises LineAcceptedBefore: if its usage stands on another line.
    :raises NothingMoreEarned: if it is a target's, and its assessment earns no more.
    :raises OwnShareNotProven: if its law asks for proof of the own share, and there is none.
    :raises PartTooMuch: if the amount is 0 or below, or more than the rules let through.
    :raises PartOfTarget: if an amount of a target is given.
    """
    require_settleable(bill, act.at)
    if before.reason == "no_meter":
        raise UsageMissing(row=line.row, bill=bill.number)
    is_first = _is_first_of_its_usage(bill, line)
    part = _withheld_part(bill, line, before, act)
    if amount is not None:
        _cut(bill, line, part, amount)
    if bill.kind == Bill.Kind.CLAIM:
        pay_claim(bill, part, act, is_look=True)
    else:
        _settle_part(bill, part, act)
    note_later_fact(act, bill.programme, bill.period_from, part.covered)
    accepted = before.accepted + part.accepted
    names_usage = is_first and part.accepted > 0
    verdict = Verdict.objects.create(
        line=line,
        outcome=_outcome(accepted, part.withheld, is_last=amount is not None),
        accepted=accepted,
        withheld=part.withheld,
        covered=before.covered + part.covered,
        co_payment=before.co_payment + part.co_payment,
        reason=_reason(part, decision, is_part=amount is not None),
        reason_values={**_kept_values(part), **decision.values},
        usage_line_id=line.usage_line_id if names_usage else None,
        usage_from=bill.period_from if names_usage else None,
        decided_by=decision.by,
        decided_at=act.at,
        act_id=act.id,
    )
    number_note(bill, act)
    return verdict


def _cut(bill: Bill, line: BillLine, part: Weighed, amount: int) -> None:
    """Accept an amount of a withheld part instead of all that the rules let through."""
    if is_of_target(bill):
        assert line.voucher is not None, "a claim is of a voucher"
        raise PartOfTarget(voucher=line.voucher.code)
    if not 0 < amount <= part.accepted:
        most = money(part.accepted, bill.unit)
        raise PartTooMuch(row=line.row, bill=bill.number, most=most)
    part.accepted = amount
    part.values = {
        "accepted_amount": amount,
        "declined_amount": part.withheld,
        "unit": bill.unit,
    }


def _reason(part: Weighed, decision: Decision, *, is_part: bool) -> str:
    if not part.withheld:
        return decision.accepted
    return "accepted_in_part" if is_part else part.reason


def _outcome(accepted: int, withheld: int, *, is_last: bool) -> Verdict.Outcome:
    if not withheld:
        return Verdict.Outcome.ACCEPTED
    if is_last:
        return Verdict.Outcome.DECLINED
    return Verdict.Outcome.REDUCED if accepted else Verdict.Outcome.WITHHELD


def _kept_values(part: Weighed) -> dict[str, Any]:
    names = set(part.values) if part.withheld else {"beyond_amount", "unit"}
    return {name: value for name, value in part.values.items() if name in names}


def _is_first_of_its_usage(bill: Bill, line: BillLine) -> bool:
    """Say whether no verdict names the line's usage and period yet, as one does at most."""
    if line.usage_line_id is None:
        return False
    holder = Verdict.objects.filter(
        usage_line_id=line.usage_line_id, usage_from=bill.period_from
    ).first()
    if holder is not None and holder.line_id != line.pk:
        raise LineAcceptedBefore(row=line.row, bill=bill.number)
    return holder is None


def _settle_part(bill: Bill, part: Weighed, act: Act) -> None:
    order = part.line.order
    assert order is not None, "a line that a meter knows has an order"
    sums = {order: OrderSums(part.line.amount, part.accepted)}
    (settlement,) = settle_orders(bill, sums, act)
    part.covered, part.co_payment = settlement.covered, settlement.co_payment
    if settlement.beyond_hold:
        part.reason = part.reason or "beyond_hold"
        beyond = {"beyond_amount": settlement.beyond_hold, "unit": bill.unit}
        part.values = {**part.values, **beyond}


def _withheld_part(bill: Bill, line: BillLine, before: Verdict, act: Act) -> Weighed:
    """Return the withheld part of a line as if it were a line of its own, accepted whole.

    What was withheld for its holder's word alone was never anybody's to judge but the rules':
    once that is settled they say how much of the line counts, and the rest stays withheld.
    """
    is_of_holder = before.reason in OF_HOLDER
    if is_of_target(bill):
        return weigh_rest_of_target(bill, line, before)
    if bill.kind == Bill.Kind.CLAIM:
        if is_of_holder or before.reason == OWN_SHARE:
            return weigh_claim(bill, line, act, is_overruled=True)
        row = claim_row(line, line.quantity_ms)
    else:
        row = row_of(line)
        if row.billed_before:
            raise LineAcceptedBefore(row=line.row, bill=bill.number)
        if is_of_holder:
            return weigh(bill, [overruled(row)], act, act.at)[0]
    return Weighed(row._replace(amount=before.withheld), before.withheld)
