"""Pay a claim: what the law covers of what was accepted, within the voucher, to the one payee."""

from django.utils.translation import gettext_lazy as _

from billing.actions.funding import share_out
from billing.actions.targets import target_due
from billing.actions.verdicts import OWN_SHARE, Weighed
from billing.models import Bill, Settlement
from billing.queries import own_borne, own_share_proven, share_of_fee
from billing.reasons import OF_HOLDER
from common.errors import Refused
from common.formatting import money
from ledger import actions as ledger
from ledger.actions import Act, Move
from ledger.kinds import AccountKind, Flow
from policy.rules import Programme as Policy
from policy.settlement import Share
from vouchers.models import Voucher
from vouchers.queries import law_of_voucher


class OwnShareNotProven(Refused):
    """Something of a claim accepted before the beneficiary has proven its own share."""

    code = "own_share_not_proven"
    sentence = _(
        "Of the own share of claim %(bill)s, %(own)s, %(proven)s are proven. Accept the holder's "
        "proof of the rest first, or decline the line."
    )


def pay_claim(bill: Bill, weighed: Weighed, act: Act, *, is_look: bool = False) -> Settlement:
    """Move what the voucher covers of what is accepted to the payee, and keep the working.

    Where the law asks for proof of the own share and it is not proven, all of the claim is
    withheld; when a person looks at what was withheld (`is_look`), that is refused.

    :raises OwnShareNotProven: on a look alone.
    """
    voucher = Voucher.objects.select_related(
        "programme",
        "organisation",
        "decision__policy_version",
        "decision__application__upstream_award__programme",
    ).get(bill_lines=weighed.line.id)
    # The law of the decision: a later version does not change what was awarded under it.
    rules = law_of_voucher(voucher)
    share = Share(0, 0, 0)
    if rules.target is not None and weighed.reason not in OF_HOLDER:
        share = target_due(bill, voucher)
        assert share.covered + share.beyond_hold == weighed.accepted, (
            "weighed by the same figure"
        )
    elif weighed.accepted:
        share = share_of_fee(bill, voucher, rules, weighed.accepted, act.at)
        if share.covered and rules.settlement.own_share == "PROVEN":
            share = _once_proven(bill, share, weighed, is_look=is_look)
    weighed.covered, weighed.co_payment = share.covered, share.co_payment
    if share.covered:
        _move(bill, voucher, rules, share.covered, act)
    settlement = Settlement.objects.create(
        bill=bill,
        voucher=voucher,
        billed=weighed.line.amount,
        accepted=weighed.accepted,
        withheld=weighed.withheld,
        covered=share.covered,
        co_payment=share.co_payment,
        beyond_hold=share.beyond_hold,
        working=[one.to_dict() for one in share.working],
        policy_version=voucher.award.policy_version,
        at=act.at,
        act_id=act.id,
    )
    share_out(bill, [(settlement, rules)], act)
    return settlement


def _move(bill: Bill, voucher: Voucher, rules: Policy, amount: int, act: Act) -> None:
    """Move an amount from the voucher to the payable of the side that the law pays."""
    programme = voucher.programme
    source = programme.account("voucher", voucher.code)
    if rules.payee == "PROVIDER":
        payable = programme.account("provider_payable", bill.payee.code)
        ledger.open_account(act, payable, AccountKind.PROVIDER_PAYABLE, bill.unit)
        flow = Flow.REDEEM
    else:
        payable = programme.account("beneficiary_payable", bill.payee.code)
        ledger.open_account(act, payable, AccountKind.BENEFICIARY_PAYABLE, bill.unit)
        flow = Flow.CLAIM
    ledger.post(act, [Move(flow, source, payable, amount, bill.number)])


def _once_proven(bill: Bill, share: Share, weighed: Weighed, *, is_look: bool) -> Share:
    """Return a share, or nothing of it while the beneficiary's own is not proven."""
    own, proven = own_borne(bill) + share.own, own_share_proven(bill)
    if proven >= own:
        return share
    if is_look:
        raise OwnShareNotProven(
            bill=bill.number, own=money(own, bill.unit), proven=money(proven, bill.unit)
        )
    weighed.accepted, weighed.reason = 0, OWN_SHARE
    weighed.values = {"own_amount": own, "proven_amount": proven, "unit": bill.unit}
    return Share(0, 0, 0)
