"""Claim a fee that was paid, and settle it: the award worked out anew, within the voucher."""

from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.actions.bills import AMOUNT_MAX, BillNotForMode, check_heads, send, unused_number
from billing.actions.verdicts import Weighed, claim_row, earlier_invoice
from billing.models import Bill, BillLine, Settlement
from billing.queries import claims_accepted_in, metered_within
from common.days import day_of
from common.errors import Refused
from common.money import major
from ledger import actions as ledger
from ledger.actions import Act, Move, begin
from ledger.kinds import AccountKind, ActKind, Flow
from parties.models import User
from parties.queries import require_role
from parties.roles import Role
from policy.settlement import Share, settle_claim
from policy.shares import Claim
from providers.models import Provider
from safeguards.actions import LineFacts, check_lines
from vouchers.models import Programme, Voucher
from vouchers.queries import day_answer, read_policy, voucher_balance


class ClaimInvalid(Refused):
    """A claim whose own numbers or days contradict each other."""

    code = "claim_invalid"
    sentence = _("%(field)s can't be %(value)s here. Check it against your invoice.")


class VoucherNotActive(Refused):
    """A claim on a voucher that is suspended, expired or returned."""

    code = "voucher_not_active"
    sentence = _("Voucher %(voucher)s is not active, so nothing can be claimed on it.")


@transaction.atomic
def submit_claim(
    *,
    voucher: Voucher,
    provider: Provider,
    invoice_number: str,
    amount_paid: int,
    fee_excluded: int,
    contract_from_on: date,
    contract_until_on: date,
    period_from: datetime,
    period_until: datetime,
    actor: User,
    at: datetime,
    key: str,
) -> Bill:
    """Ask, as a voucher's holder, for the programme's part of a fee that was paid to a provider.

    `amount_paid` is the whole invoice in minor units; `fee_excluded` the part of it for what
    the programme leaves out, such as storage. The claim is one line.

    :raises NotAllowed: if the person is no applicant of the voucher's organisation.
    :raises InvoiceNumberMissing: if there is no invoice number.
    :raises PeriodInvalid: if the period does not end after it begins, at whole seconds.
    :raises BillNotForMode: if the programme does not pay after use.
    :raises VoucherNotActive: if the voucher is suspended, expired or returned.
    :raises ClaimInvalid: if an amount or the contract's days can't be.
    :raises KeyReused: if the key was used for another claim.
    """
    require_role(actor, Role.APPLICANT, organisation=voucher.organisation)
    programme = voucher.programme
    if programme.mode != Programme.Mode.M1:
        raise BillNotForMode(programme=programme.title, payee=_("the provider"))
    check_heads(invoice_number, period_from, period_until)
    _check_claim(amount_paid, fee_excluded, contract_from_on, contract_until_on)
    facts = {
        "voucher": voucher.code,
        "fee_excluded": fee_excluded,
        "contract_from_on": contract_from_on.isoformat(),
        "contract_until_on": contract_until_on.isoformat(),
    }
    act = begin(
        kind=ActKind.SUBMIT_CLAIM,
        key=key,
        actor=actor.address,
        about=voucher.address,
        at=at,
        payload={
            **facts,
            "provider": provider.address,
            "invoice_number": invoice_number,
            "amount_paid": amount_paid,
            "period": [period_from, period_until],
        },
        details={"invoice_number": invoice_number},
    )
    if act.is_replay:
        return Bill.objects.get(act_id=act.id)
    Provider.objects.select_for_update(no_key=True).get(pk=provider.pk)
    if Voucher.objects.get(pk=voucher.pk).status != Voucher.Status.ACTIVE:
        raise VoucherNotActive(voucher=voucher.code)
    bill = Bill(
        number=unused_number("CL"),
        kind=Bill.Kind.CLAIM,
        programme=programme,
        provider=provider,
        payee=voucher.organisation,
        invoice_number=invoice_number.strip(),
        period_from=period_from,
        period_until=period_until,
        facts=facts,
    )
    send(bill, act, actor.address)
    bill.total = amount_paid
    bill.save(update_fields=["total"])
    used = metered_within(Q(voucher=voucher, provider=provider), period_from, period_until)
    BillLine.objects.create(
        bill=bill,
        row=1,
        voucher=voucher,
        source="claim",
        key=bill.invoice_number,
        quantity_ms=used,
        rate=Decimal(0),
        amount=amount_paid,
    )
    return bill


def _check_claim(
    amount_paid: int, fee_excluded: int, contract_from_on: date, contract_until_on: date
) -> None:
    if not 0 < amount_paid < AMOUNT_MAX:
        raise ClaimInvalid(field=_("The amount paid"), value=amount_paid)
    if not 0 <= fee_excluded <= amount_paid:
        raise ClaimInvalid(field=_("The part left out"), value=fee_excluded)
    if contract_until_on < contract_from_on:
        raise ClaimInvalid(field=_("The contract's last day"), value=contract_until_on)


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
