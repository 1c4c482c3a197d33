"""Settle a bill: a verdict a line, what the voucher covers of it, and value moved once an order."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from billing.actions.claim_payments import pay_claim
from billing.actions.claims import weigh_claim
from billing.actions.funding import share_out
from billing.actions.shares import keep_verdicts
from billing.actions.verdicts import Weighed, doubtful_rows, weigh
from billing.models import Bill, Settlement, Verdict
from billing.queries import UNCONFIRMED, is_own_claim, withholds_silence
from common.days import day_of
from common.errors import Refused
from ledger import actions as ledger
from ledger.actions import Act, Capture, begin
from ledger.kinds import ActKind
from ledger.queries import holds_remaining
from parties.models import Organisation, User
from parties.queries import address_of, require_apart, require_role
from parties.roles import Role
from policy.rules import Programme as Policy
from policy.settlement import split_line
from providers.queries import settlement_waits
from vouchers.models import Assessment, Decision, Order, Voucher
from vouchers.queries import Laws, laws_of, policy_in_force
from vouchers.queries.issuing import confirmers_of


class BillSettled(Refused):
    """The bill was settled already."""

    code = "bill_settled"
    sentence = _("Bill %(bill)s was settled already. Withheld lines are decided one by one.")


class SettlementWaits(Refused):
    """The provider is suspended, and the settlement of its bills waits."""

    code = "settlement_waits"
    sentence = _(
        "%(provider)s is suspended: its bills are taken, and their settlement waits until the "
        "suspension is over or lifted."
    )


@transaction.atomic
def settle_bill(*, bill: Bill, actor: User | str, at: datetime, key: str) -> list[Settlement]:
    """Decide every line of a bill, and make payable what the vouchers cover of it.

    The rules of `safeguards` look at each line first: what they withhold is neither accepted
    nor lost, it waits for `decide_line`; the rest is settled. Of what is accepted the programme's
    share is covered, never beyond what an order's hold has left; the hold keeps its rest, and
    an order whose hold is used up is closed. A claim is worked out anew on the fee paid. The
    number of statements does not depend on the number of lines.

    :raises NotAllowed: if a person who is no officer or finance officer asks.
    :raises SamePerson: if the person sent the bill, sent or decided an application behind it,
        confirmed an award by issuing it, or recorded the assessment of its target.
    :raises BillSettled: if it was settled under another key.
    :raises SettlementWaits: if a suspension of the provider says so.
    :raises HoldClosed: if a hold was captured or freed meanwhile; asking again will do.
    :raises KeyReused: if the key was used for another bill.
    """
    if isinstance(actor, User):
        require_settler(bill, actor)
    act = begin(
        kind=ActKind.SETTLE_BILL,
        key=key,
        actor=address_of(actor),
        about=bill.address,
        at=at,
        payload={},
    )
    if act.is_replay:
        return list(Settlement.objects.filter(act_id=act.id).order_by("pk"))
    if isinstance(actor, User):
        require_no_hand_in(bill, actor, at)
    bill = locked(bill)
    if bill.status != Bill.Status.SENT:
        raise BillSettled(bill=bill.number)
    require_settleable(bill, at)
    decided_by = address_of(actor)
    if bill.kind == Bill.Kind.CLAIM:
        settlements = _settle_claim(bill, act, decided_by)
    else:
        doubtful = weigh(bill, doubtful_rows(bill), act, at, lines_total=bill.lines.count())
        settlements = settle_orders(bill, _sums_of(bill, doubtful), act)
        keep_verdicts(bill, doubtful, settlements, act, decided_by)
    bill.status = Bill.Status.SETTLED
    bill.settled_at = at
    bill.save(update_fields=["status", "settled_at"])
    return settlements


def require_settler(bill: Bill, person: User) -> None:
    """Refuse who is no officer or finance officer of a bill's programme."""
    programme = bill.programme
    require_role(
        person,
        Role.OFFICER,
        Role.FINANCE,
        organisation=programme.authority,
        programme_code=programme.code,
    )


def require_settleable(bill: Bill, at: datetime) -> None:
    """Refuse what pays a provider while its suspension makes that wait; a holder's claim goes on.

    :raises SettlementWaits: if a suspension of the provider says so.
    """
    if not is_own_claim(bill) and settlement_waits(bill.provider, at):
        raise SettlementWaits(provider=bill.provider.organisation.name_here)


def require_no_hand_in(bill: Bill, person: User, at: datetime) -> None:
    """Refuse who sent a bill, or had a hand in an award behind it."""
    vouchers = Voucher.objects.filter(bill_lines__bill=bill)
    decisions = Decision.objects.filter(application__decisions__voucher__in=vouchers)
    doers = list(decisions.values_list("application__act__actor", "decided_by").distinct())
    recorders = Assessment.objects.filter(voucher__in=vouchers).values_list("recorded_by")
    earlier = {
        "submit_bill": {bill.sent_by},
        "submit_application": {sender for sender, _decider in doers if sender},
        "decide_application": {f"user:{decider}" for _sender, decider in doers if decider},
        "confirm_decision": confirmers_of(vouchers),
        "record_assessment": {f"user:{recorder}" for (recorder,) in recorders},
    }
    programme = bill.programme
    _version, rules = policy_in_force(programme, day_of(at, programme.zone))
    require_apart("settle_bill", person, earlier, rules)


def locked(bill: Bill) -> Bill:
    """Return the bill as it is now, with everything of its payee waiting behind us.

    Bills of one payee are settled one after another, so that a line or an invoice number in two
    of them is seen by the second.
    """
    Organisation.objects.select_for_update(no_key=True).get(pk=bill.payee_id)
    return (
        Bill.objects.select_for_update(of=("self",), no_key=True)
        .select_related("programme__authority", "provider__organisation", "payee")
        .get(pk=bill.pk)
    )


def _settle_claim(bill: Bill, act: Act, decided_by: str) -> list[Settlement]:
    line = bill.lines.get()
    weighed = weigh_claim(bill, line, act)
    settlement = pay_claim(bill, weighed, act)
    Verdict.objects.create(
        line=line,
        outcome=weighed.outcome,
        accepted=weighed.accepted,
        withheld=weighed.withheld,
        covered=weighed.covered,
        co_payment=weighed.co_payment,
        reason=weighed.reason,
        reason_values=dict(weighed.values),
        decided_by=decided_by,
        decided_at=act.at,
        act_id=act.id,
    )
    return [settlement]


@dataclass(frozen=True, slots=True)
class OrderSums:
    """What was billed under one order, and how much of it was accepted."""

    billed: int
    accepted: int


_SUMS = """
    select l.order_id, sum(l.amount), coalesce(sum(l.amount) filter (
        where s.id is not null and l.id <> all (%(doubtful)s::bigint[])), 0)
    from billing_billline l left join ({unconfirmed}) s on s.id = l.id
    where l.bill_id = %(bill)s and l.order_id is not null group by l.order_id
"""


def _sums_of(bill: Bill, doubtful: Sequence[Weighed]) -> dict[int, OrderSums]:
    """Return the sums of each order of a bill; lines that are in no doubt are accepted whole.

    Unless their holder had to confirm them and did not: those are withheld, and never read.
    """
    withheld: dict[int | None, int] = defaultdict(int)
    for one in doubtful:
        withheld[one.line.order] += one.withheld
    asked: dict[str, Any] = {
        "bill": bill.pk,
        "silence": withholds_silence(bill),
        "doubtful": [one.line.id for one in doubtful],
    }
    billed: dict[int, int] = {}
    with connection.cursor() as cursor:
        cursor.execute(_SUMS.format(unconfirmed=UNCONFIRMED), asked)
        for order, amount, silent in cursor.fetchall():
            billed[order] = int(amount)
            withheld[order] += int(silent)
    return {
        order: OrderSums(amount, amount - withheld[order]) for order, amount in billed.items()
    }


def settle_orders(bill: Bill, sums: Mapping[int, OrderSums], act: Act) -> list[Settlement]:
    """Split what is accepted under each order, capture its hold once, and keep the working."""
    orders = list(
        Order.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk__in=sums)
        .select_related("voucher__organisation")
        .order_by("pk")
    )
    left = holds_remaining(order.hold for order in orders)
    laws = laws_of(bill.programme)
    ruled = [
        _settle_order(bill, order, sums[order.pk], left.get(order.hold, 0), laws, act)
        for order in orders
    ]
    settlements = [settlement for settlement, _rules in ruled]
    captures = [
        Capture(order.hold, settlement.covered, is_final=False)
        for order, settlement in zip(orders, settlements, strict=True)
        if settlement.covered
    ]
    ledger.capture(act, captures)
    used_up = [one.hold for one in captures if one.amount == left[one.hold]]
    Order.objects.filter(hold__in=used_up, status=Order.Status.OPEN).update(
        status=Order.Status.CLOSED
    )
    Settlement.objects.bulk_create(settlements)
    share_out(bill, ruled, act)
    return settlements


def _settle_order(
    bill: Bill, order: Order, sums: OrderSums, hold_left: int, laws: Laws, act: Act
) -> tuple[Settlement, Policy]:
    placed_on = day_of(order.placed_at, bill.programme.zone)
    version, rules = laws.on(placed_on)
    share = split_line(
        sums.accepted,
        sums.accepted,
        hold_left,
        rules,
        on=placed_on,
        organisation_kind=order.voucher.organisation.kind,
    )
    settlement = Settlement(
        bill=bill,
        voucher=order.voucher,
        order=order,
        billed=sums.billed,
        accepted=sums.accepted,
        withheld=sums.billed - sums.accepted,
        covered=share.covered,
        co_payment=share.co_payment,
        beyond_hold=share.beyond_hold,
        working=[line.to_dict() for line in share.working],
        policy_version=version,
        at=act.at,
        act_id=act.id,
    )
    return settlement, rules
