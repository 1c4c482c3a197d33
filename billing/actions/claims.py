"""Settle a claim: the award worked out anew on the fee that was paid, within the voucher."""

from django.db.models import Q

from billing.actions.verdicts import Weighed, claim_row, earlier_invoice
from billing.models import Bill, BillLine, Settlement
from billing.queries import claims_accepted_in, metered_within
from common.days import day_of
from common.money import major
from ledger import actions as ledger
from ledger.actions import Act, Move
from ledger.kinds import AccountKind, Flow
from policy.settlement import Share, settle_claim
from policy.shares import Claim
from safeguards.actions import LineFacts, check_lines
from vouchers.models import Voucher
from vouchers.queries import day_answer, read_policy, voucher_balance


def weigh_claim(bill: Bill, line: BillLine, act: Act) -> Weighed:
    """Return the verdict of a claim's one line: nothing without metered use in its period."""
    used = metered_within(
        Q(voucher=line.voucher_id, provider=bill.provider_id),
        bill.period_from,
        bill.period_until,
    )
    facts = LineFacts(
        row=line.row,
        billed_ms=used,
        metered_ms=used,
        amount=line.amount,
        amount_metered=line.amount,
        billed_before="",
        invoice_before=earlier_invoice(bill),
    )
    (answer,) = check_lines([facts], about=bill.address, unit=bill.unit, act=act, at=act.at)
    row = claim_row(line, used)
    if answer.rule:
        values = {**answer.values, "invoice_number": bill.invoice_number}
        return Weighed(row, line.amount - answer.withheld, answer.rule, values)
    return Weighed(row, line.amount) if used else Weighed(row, 0, "no_meter")


def pay_claim(bill: Bill, line: BillLine, weighed: Weighed, act: Act) -> Settlement:
    """Move what the voucher covers of a claim to the payee, and keep the working."""
    voucher = Voucher.objects.select_related(
        "programme", "organisation", "decision__policy_version"
    ).get(bill_lines=line)
    share = _share(bill, voucher, act) if weighed.accepted else Share(0, 0, 0)
    weighed.covered, weighed.co_payment = share.covered, share.co_payment
    if share.covered:
        programme, payee = voucher.programme, bill.payee
        payable = programme.account("beneficiary_payable", payee.code)
        ledger.open_account(act, payable, AccountKind.BENEFICIARY_PAYABLE, bill.unit)
        source = programme.account("voucher", voucher.code)
        ledger.post(act, [Move(Flow.CLAIM, source, payable, share.covered, bill.number)])
    return Settlement.objects.create(
        bill=bill,
        voucher=voucher,
        billed=line.amount,
        accepted=weighed.accepted,
        withheld=weighed.withheld,
        covered=share.covered,
        co_payment=share.co_payment,
        beyond_hold=share.beyond_hold,
        working=[one.to_dict() for one in share.working],
        policy_version=voucher.decision.policy_version,
        at=act.at,
        act_id=act.id,
    )


def _share(bill: Bill, voucher: Voucher, act: Act) -> Share:
    # The law of the decision: a later version does not change what was awarded under it.
    rules = read_policy(voucher.decision.policy_version.text)
    paid = major(bill.total, bill.unit)
    excluded = major(int(bill.facts["fee_excluded"]), bill.unit)
    year = day_of(act.at, voucher.programme.zone).year
    claim = Claim(
        as_of=voucher.valid_from_on,
        fee_lines=(("compute", paid - excluded), ("storage", excluded)),
        contract_from=day_answer(bill.facts, "contract_from_on"),
        contract_until=day_answer(bill.facts, "contract_until_on"),
        declared_this_year=major(claims_accepted_in(voucher, year), bill.unit),
        organisation_kind=voucher.organisation.kind,
    )
    return settle_claim(claim, voucher_balance(voucher).free, rules)
