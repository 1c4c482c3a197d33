"""Pay a claim: what the law covers of what was accepted, within the voucher, to the one payee."""

from dataclasses import replace

from billing.actions.funding import share_out
from billing.actions.targets import target_due
from billing.actions.verdicts import OF_HOLDER, Weighed
from billing.models import Bill, Settlement
from billing.queries import claims_accepted_in
from common.days import day_of
from common.money import major
from ledger import actions as ledger
from ledger.actions import Act, Move
from ledger.kinds import AccountKind, Flow
from policy.claims import Claim, FeeLine
from policy.dossiers import DossierInvalid, dossier_from
from policy.rules import Programme as Policy
from policy.settlement import Share, settle_claim
from vouchers.models import Voucher
from vouchers.queries import (
    day_answer,
    law_of_voucher,
    upstream_of,
    voucher_balance,
)


def pay_claim(bill: Bill, weighed: Weighed, act: Act) -> Settlement:
    """Move what the voucher covers of what is accepted to the payee, and keep the working."""
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
        share = _share_of_fee(bill, voucher, rules, weighed, act)
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


def _decided(voucher: Voucher) -> Claim:
    """Return the claim as it was known when the award was decided."""
    try:
        return dossier_from(voucher.award.facts).claim
    except DossierInvalid:
        return Claim(as_of=voucher.valid_from_on)


def _share_of_fee(
    bill: Bill, voucher: Voucher, rules: Policy, weighed: Weighed, act: Act
) -> Share:
    # What is left out is left out once, however often something of the claim is accepted.
    is_first = not Settlement.objects.filter(bill=bill, accepted__gt=0).exists()
    excluded = min(int(bill.facts["fee_excluded"]), weighed.accepted) if is_first else 0
    compute = weighed.accepted - excluded
    year = day_of(act.at, voucher.programme.zone).year
    # What the registers said when it was awarded: the firm that grew since keeps its share.
    decided = _decided(voucher)
    claim = Claim(
        as_of=voucher.valid_from_on,
        fee_lines=(
            FeeLine("compute", major(compute, bill.unit)),
            FeeLine("storage", major(excluded, bill.unit)),
        ),
        contract_from=day_answer(bill.facts, "contract_from_on"),
        contract_until=day_answer(bill.facts, "contract_until_on"),
        declared_this_year=major(claims_accepted_in(voucher, year), bill.unit),
        organisation_kind=voucher.organisation.kind,
        size=decided.size,
        age_years=decided.age_years,
        qualifications=decided.qualifications,
    )
    award = voucher.award.application.upstream_award
    if award is None:
        return settle_claim(claim, voucher_balance(voucher).free, rules)
    # What the programme above counted is the whole; the fee that was paid is the settled part.
    line, upstream = upstream_of(award)
    settled = min(major(compute, bill.unit), line.fee)
    claim = replace(claim, fee_lines=(line,), settled_fee=settled, upstream=upstream)
    share = settle_claim(claim, voucher_balance(voucher).free, rules)
    own = weighed.accepted - share.covered - share.beyond_hold
    return replace(share, co_payment=own)
