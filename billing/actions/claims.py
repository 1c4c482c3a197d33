"""Claim a fee that was paid, or a target that was assessed, and weigh what of it counts."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing.actions.bills import AMOUNT_MAX, BillNotForMode, check_heads, send, unused_number
from billing.actions.targets import (
    NotAssessed,
    is_of_target,
    require_unclaimed,
    weigh_target,
)
from billing.actions.verdicts import (
    LineRow,
    Weighed,
    claim_row,
    earlier_invoice,
    is_kept_back,
    kept_back,
    rate_text,
)
from billing.models import Bill, BillLine, Settlement
from billing.queries import (
    UseOfClass,
    metered_by_class,
    metered_within,
    price_of,
    prices_published_within,
)
from common.days import end_of, start_of
from common.errors import Refused
from ledger.actions import Act, begin
from ledger.kinds import ActKind
from parties.models import Organisation, User
from parties.queries import address_of, has_role, require_role
from parties.roles import Role
from providers.models import Provider
from safeguards.actions import LineAnswer, LineFacts, check_lines
from vouchers.actions import OtherSideIsPaid, locked_voucher
from vouchers.models import Programme, Voucher
from vouchers.queries import newest_assessment, pays_supply_side, supply_side

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


class ProviderIsPaid(Refused):
    """A fee claimed by its holder where the law pays the provider."""

    code = "provider_is_paid"
    sentence = _(
        "In %(programme)s the provider is paid, so %(provider)s claims the fee of the voucher "
        "%(voucher)s. Ask it to, and say of its claim whether it is right."
    )


class ClaimByTarget(Refused):
    """A fee claimed where a target is paid."""

    code = "claim_by_target"
    sentence = _(
        "%(programme)s pays a target by its assessment, not a fee. Claim the target %(voucher)s "
        "itself."
    )


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
    actor: User | str,
    at: datetime,
    key: str,
) -> Bill:
    """Ask for the programme's part of a provider's fee, as the side that the voucher's law pays.

    That is the voucher's holder, who paid the fee, or the provider, which is paid its own part by
    the holder. `amount_paid` is the whole invoice in minor units; `fee_excluded` the part of it
    for what the programme leaves out, such as storage. The claim is one line. An actor that is no
    person is a program of the provider.

    :raises NotAllowed: if the person does not act for the side that is paid.
    :raises ProviderIsPaid: if the holder claims where the provider is paid.
    :raises InvoiceNumberMissing: if there is no invoice number.
    :raises PeriodInvalid: if the period does not end after it begins, at whole seconds.
    :raises PeriodFarOff: if the period is not within the years 2000 to 2100.
    :raises BillNotForMode: if the programme does not pay after use.
    :raises ClaimByTarget: if the programme pays targets.
    :raises VoucherNotActive: if the voucher is suspended, expired or returned.
    :raises ClaimInvalid: if an amount or the contract's days can't be.
    :raises KeyReused: if the key was used for another claim.
    """
    programme = voucher.programme
    if not programme.is_claimed_after_use:
        raise BillNotForMode(programme=programme.title, payee=_("the provider"))
    if programme.mode == Programme.Mode.M7:
        raise ClaimByTarget(programme=programme.title, voucher=voucher.code)
    payee = _require_claimant(voucher, provider, actor)
    check_heads(invoice_number, period_from, period_until)
    _check_claim(amount_paid, fee_excluded, contract_from_on, contract_until_on)
    facts = {
        "voucher": voucher.code,
        "fee_excluded": fee_excluded,
        "contract_from_on": contract_from_on.isoformat(),
        "contract_until_on": contract_until_on.isoformat(),
    }
    content = {
        **facts,
        "provider": provider.address,
        "invoice_number": invoice_number,
        "amount_paid": amount_paid,
        "period": [period_from, period_until],
    }
    act = _begin(voucher, content, invoice_number, actor=actor, at=at, key=key)
    if act.is_replay:
        return Bill.objects.get(act_id=act.id)
    Provider.objects.select_for_update(no_key=True).get(pk=provider.pk)
    if Voucher.objects.get(pk=voucher.pk).status != Voucher.Status.ACTIVE:
        raise VoucherNotActive(voucher=voucher.code)
    used = metered_within(
        period_from, period_until, voucher_id=voucher.pk, provider_id=provider.pk
    )
    bill = Bill(
        programme=programme,
        provider=provider,
        payee=payee,
        invoice_number=invoice_number.strip(),
        period_from=period_from,
        period_until=period_until,
        facts=facts,
    )
    return _sent(bill, voucher, amount_paid, used, actor=actor, act=act)


@transaction.atomic
def claim_target(*, voucher: Voucher, actor: User, at: datetime, key: str) -> Bill:
    """Ask for what a target earned, as the one side that its law pays, once.

    The claim is of the whole award of the letter; settlement pays of it what the newest
    assessment earns. The other side is the provider that the application names.

    :raises BillNotForMode: if the programme has no targets.
    :raises OtherSideIsPaid: if the person acts for the side that is not paid.
    :raises NotAllowed: if the person acts for neither side.
    :raises VoucherNotActive: if the voucher is suspended, expired or returned.
    :raises NotAssessed: if the target was not assessed yet.
    :raises TargetClaimed: if it was claimed before, unless that claim was declined whole.
    :raises KeyReused: if the key was used for something else.
    """
    programme, provider = voucher.programme, supply_side(voucher)
    if programme.mode != Programme.Mode.M7 or provider is None:
        raise BillNotForMode(programme=programme.title, payee=_("the holder"))
    payee = _require_paid_side(voucher, provider, actor)
    content = {"voucher": voucher.code, "target": True}
    act = _begin(voucher, content, voucher.code, actor=actor, at=at, key=key)
    if act.is_replay:
        return Bill.objects.get(act_id=act.id)
    Provider.objects.select_for_update(no_key=True).get(pk=provider.pk)
    row = locked_voucher(voucher)
    if row.status != Voucher.Status.ACTIVE:
        raise VoucherNotActive(voucher=row.code)
    found = newest_assessment(row)
    if found is None:
        raise NotAssessed(voucher=row.code)
    require_unclaimed(row)
    bill = Bill(
        programme=programme,
        provider=provider,
        payee=payee,
        invoice_number=row.code,
        period_from=start_of(row.valid_from_on, programme.zone),
        period_until=end_of(found.assessed_on, programme.zone),
        facts=content,
    )
    return _sent(bill, row, row.amount, 0, actor=actor, act=act)


def _require_claimant(voucher: Voucher, provider: Provider, actor: User | str) -> Organisation:
    """Return who is paid for a fee, if the actor claims for them."""
    holder, supply = voucher.organisation, provider.organisation
    if not pays_supply_side(voucher):
        if isinstance(actor, str):
            raise BillNotForMode(programme=voucher.programme.title, payee=_("the holder"))
        require_role(actor, Role.APPLICANT, organisation=holder)
        return holder
    if isinstance(actor, User) and not has_role(actor, Role.PROVIDER, organisation=supply):
        if has_role(actor, Role.APPLICANT, organisation=holder):
            raise ProviderIsPaid(
                programme=voucher.programme.title,
                provider=supply.name_here,
                voucher=voucher.code,
            )
        require_role(actor, Role.PROVIDER, organisation=supply)
    return supply


def _require_paid_side(voucher: Voucher, provider: Provider, actor: User) -> Organisation:
    """Return who is paid for a target, if the person acts for them."""
    demand, supply = voucher.organisation, provider.organisation
    sides = [(demand, Role.APPLICANT), (supply, Role.PROVIDER)]
    if pays_supply_side(voucher):
        sides.reverse()
    (payee, role), (other, other_role) = sides
    is_paid = has_role(actor, role, organisation=payee)
    if not is_paid and has_role(actor, other_role, organisation=other):
        raise OtherSideIsPaid(voucher=voucher.code, payee=payee.name_here)
    require_role(actor, role, organisation=payee)
    return payee


def _begin(
    voucher: Voucher,
    content: Mapping[str, object],
    invoice_number: str,
    *,
    actor: User | str,
    at: datetime,
    key: str,
) -> Act:
    return begin(
        kind=ActKind.SUBMIT_CLAIM,
        key=key,
        actor=address_of(actor),
        about=voucher.address,
        at=at,
        payload=content,
        details={"invoice_number": invoice_number},
    )


def _sent(
    bill: Bill, voucher: Voucher, amount: int, used_ms: int, *, actor: User | str, act: Act
) -> Bill:
    """Write a claim and its one line."""
    bill.number = unused_number("CL")
    bill.kind = Bill.Kind.CLAIM
    send(bill, act, address_of(actor))
    bill.total = amount
    bill.save(update_fields=["total"])
    BillLine.objects.create(
        bill=bill,
        row=1,
        voucher=voucher,
        source="claim",
        key=bill.invoice_number,
        quantity_ms=used_ms,
        rate=Decimal(0),
        amount=amount,
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
    A target counts by its newest assessment instead.
    """
    if is_of_target(bill):
        return weigh_target(bill, line, is_overruled=is_overruled)
    used = metered_by_class(
        bill.period_from,
        bill.period_until,
        voucher_id=line.voucher_id,
        provider_id=bill.provider_id,
    )
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
    if is_kept_back(row) and not is_overruled:
        return kept_back(row)
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
