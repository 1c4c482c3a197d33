"""Claim a fee that was paid, and settle it: the award worked out anew, within the voucher."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.actions.bills import AMOUNT_MAX, BillNotForMode, check_heads, send, unused_number
from billing.actions.verdicts import (
    LineRow,
    Weighed,
    claim_row,
    earlier_invoice,
    objected,
    rate_text,
)
from billing.models import Bill, BillLine, Settlement
from billing.queries import (
    UseOfClass,
    claims_accepted_in,
    metered_by_class,
    metered_within,
    price_of,
    prices_published_within,
)
from common.days import day_of
from common.errors import Refused
from common.money import major
from ledger import actions as ledger
from ledger.actions import Act, Move, begin
from ledger.kinds import AccountKind, ActKind, Flow
from parties.models import User
from parties.queries import require_role
from parties.roles import Role
from policy.claims import Claim, FeeLine
from policy.dossiers import DossierInvalid, dossier_from
from policy.settlement import Share, settle_claim
from providers.models import Provider
from safeguards.actions import LineAnswer, LineFacts, check_lines
from vouchers.models import Voucher
from vouchers.queries import day_answer, read_policy, voucher_balance

# How a claim tells what a rule found; the rule's own words are of lines with a quantity.
_FEE_REASONS = {
    "billed_above_meter": "fee_above_meter",
    "line_billed_before": "claim_billed_before",
}


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
    :raises PeriodFarOff: if the period is not within the years 2000 to 2100.
    :raises BillNotForMode: if the programme does not pay after use.
    :raises VoucherNotActive: if the voucher is suspended, expired or returned.
    :raises ClaimInvalid: if an amount or the contract's days can't be.
    :raises KeyReused: if the key was used for another claim.
    """
    require_role(actor, Role.APPLICANT, organisation=voucher.organisation)
    programme = voucher.programme
    if not programme.is_claimed_after_use:
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


class _MeteredFee(NamedTuple):
    """What the metered use costs at most, in minor units, and the highest rate that counted."""

    amount: int
    rate: Decimal


def weigh_claim(bill: Bill, line: BillLine, act: Act, *, is_overruled: bool = False) -> Weighed:
    """Return the verdict of a claim's one line: nothing without metered use in its period.

    Of the fee for compute, what the use costs at the provider's highest published price is
    accepted; the rest is withheld. A claim whose use has no published price waits for a person,
    and so does one for days on which an earlier claim of voucher and provider was accepted.
    """
    lines = Q(voucher=line.voucher_id, provider=bill.provider_id)
    used = metered_by_class(lines, bill.period_from, bill.period_until)
    used_ms = sum(one.quantity_ms for one in used)
    row = claim_row(line, used_ms)
    most = _metered_fee(bill, used)
    excluded = int(bill.facts["fee_excluded"])
    facts = LineFacts(
        row=line.row,
        billed_ms=used_ms,
        metered_ms=used_ms,
        amount=line.amount,
        amount_metered=most.amount + excluded if used and most else line.amount,
        billed_before=_claimed_before(bill, line),
        invoice_before=earlier_invoice(bill),
        is_fee=True,
    )
    (answer,) = check_lines([facts], about=bill.address, unit=bill.unit, act=act, at=act.at)
    if row.objection is not None and not is_overruled:
        return objected(row)
    if answer.rule:
        return _ruled(bill, row, answer, most)
    if not used:
        return Weighed(row, 0, "no_meter")
    return (
        Weighed(row, line.amount) if most else Weighed(row, 0, "no_price", {"unit": bill.unit})
    )


def _ruled(bill: Bill, row: LineRow, answer: LineAnswer, most: _MeteredFee | None) -> Weighed:
    values = {**answer.values, "invoice_number": bill.invoice_number}
    reason = _FEE_REASONS.get(answer.rule, answer.rule)
    if answer.rule == "billed_above_meter" and most:
        values |= {
            "fee_amount": row.amount - int(bill.facts["fee_excluded"]),
            "metered_amount": most.amount,
            "rate": rate_text(most.rate),
            "unit": bill.unit,
        }
    return Weighed(row, row.amount - answer.withheld, reason, values)


def _metered_fee(bill: Bill, used: Sequence[UseOfClass]) -> _MeteredFee | None:
    """Return what use costs at the highest prices of the period; None if some has no price.

    A meter that names no class may have metered any class of the resource.
    """
    prices = prices_published_within(
        bill.provider, bill.unit, bill.period_from, bill.period_until
    )
    total, highest = 0, Decimal(0)
    for one in used:
        rates = [
            price.rate
            for price in prices
            if price.offer.resource == one.resource
            and one.resource_class.casefold() in ("", price.offer.resource_class.casefold())
        ]
        if not rates:
            return None
        highest = max(highest, *rates)
        total += price_of(max(rates), one.quantity_ms, bill.unit)
    return _MeteredFee(total, highest)


def _claimed_before(bill: Bill, line: BillLine) -> str:
    """Return the number of a claim by which days of this one's period were accepted, or none."""
    accepted = Settlement.objects.filter(
        accepted__gt=0,
        voucher=line.voucher_id,
        bill__kind=Bill.Kind.CLAIM,
        bill__provider=bill.provider_id,
        bill__period_from__lt=bill.period_until,
        bill__period_until__gt=bill.period_from,
    ).exclude(bill=bill)
    return accepted.order_by("pk").values_list("bill__number", flat=True).first() or ""


def pay_claim(bill: Bill, weighed: Weighed, act: Act) -> Settlement:
    """Move what the voucher covers of what is accepted to the payee, and keep the working."""
    voucher = Voucher.objects.select_related(
        "programme", "organisation", "decision__policy_version"
    ).get(bill_lines=weighed.line.id)
    share = _share(bill, voucher, weighed, act) if weighed.accepted else Share(0, 0, 0)
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
        billed=weighed.line.amount,
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


def _decided(voucher: Voucher) -> Claim:
    """Return the claim as it was known when the award was decided."""
    try:
        return dossier_from(voucher.decision.facts).claim
    except DossierInvalid:
        return Claim(as_of=voucher.valid_from_on)


def _share(bill: Bill, voucher: Voucher, weighed: Weighed, act: Act) -> Share:
    # The law of the decision: a later version does not change what was awarded under it.
    rules = read_policy(voucher.decision.policy_version.text)
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
    return settle_claim(claim, voucher_balance(voucher).free, rules)
