"""Bills, vouchers and billing periods as rows of FOCUS tables.

Which column carries what: a usage row is a line as it was billed, the voucher's share of it a
credit, so that a bill's rows sum to what its holder is left with. A GPU-hour is of one GPU, so
GpuCount is 1 in the details of the price, and the job's own count is a column of ours.
"""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

from django.db.models import QuerySet

from billing.focus.writing import Row, instant, instant_after, number
from billing.models import Bill, BillLine, UsageLine
from billing.queries.archive import with_archived
from billing.queries.bills import lines_visible_to
from common.days import day_of, end_of, start_of
from common.money import GPU_MS_PER_HOUR, is_currency, major
from ledger.queries.spending import last_acts
from parties.models import User
from vouchers.models import Programme, Voucher
from vouchers.queries import voucher_balances

OWN_COLUMNS = ("x_BillNumber", "x_BillLine", "x_GpuCount", "x_OrderId", "x_Verdict")
# Vouchers have one currency, and nothing of them is paid beforehand.
COMMITMENTS_WITHOUT = (
    "ContractCommitmentPaymentUpfrontPercentage",
    "PricingCurrency",
    "PricingCurrencyContractCommitmentCost",
)
VOUCHER = "Compute Voucher"
_READ_AT_ONCE = 2_000
# Hours as exactly as the product with a unit price needs.
HOURS_PLACES = Decimal("1e-12")
COST_PLACES = Decimal("1e-10")
# What a line without an order is a charge for.
NOT_METERED = "NOT-METERED"
_OBJECT: dict[str, Any] = {"ensure_ascii": False, "separators": (",", ":"), "sort_keys": True}


def has_focus(bill: Bill) -> bool:
    """Say whether a bill can be told in FOCUS: a provider's, in a currency."""
    return bill.kind == Bill.Kind.BILL and is_currency(bill.unit)


def cost_rows(person: User, bill: Bill) -> Iterator[Row]:
    """Give the rows of a bill (Cost and Usage 1.2), as far as a person may see its lines.

    Instants are cut to whole seconds outwards; hours and costs are exact to where no reader
    sees a difference, the billed cost to the minor unit.

    :raises ArchiveMissing: if usage lines of it lie in an archive file that is not there.
    """
    heads = _heads(bill)
    lines = lines_visible_to(person, bill).select_related("order__price")
    for line in _whole(lines):
        common = heads | _of_line(bill, line)
        yield common | _charge(bill, line)
        verdict: Any = line
        if verdict.covered:
            yield common | _credit(bill, line, verdict.covered)


def _whole(lines: QuerySet[BillLine]) -> Iterator[BillLine]:
    """Give lines with their usage lines, wherever these lie."""
    rest = lines.iterator(chunk_size=_READ_AT_ONCE)
    while chunk := list(islice(rest, _READ_AT_ONCE)):
        yield from with_archived(chunk)


def _heads(bill: Bill) -> dict[str, str]:
    provider = bill.provider.organisation.name
    return {
        "BillingAccountId": bill.programme.code,
        "BillingAccountName": bill.programme.title,
        "BillingAccountType": "Programme",
        "BillingCurrency": bill.unit,
        "BillingPeriodStart": instant(bill.period_from),
        "BillingPeriodEnd": instant_after(bill.period_until),
        "InvoiceId": bill.invoice_number,
        "InvoiceIssuerName": bill.payee.name,
        "PricingCurrency": bill.unit,
        "ProviderName": provider,
        "PublisherName": provider,
        "ServiceCategory": "Compute",
        "ServiceSubcategory": "Other (Compute)",
        "x_BillNumber": bill.number,
    }


def _of_line(bill: Bill, line: BillLine) -> dict[str, str]:
    usage, order, voucher = line.usage_line, line.order, line.voucher
    offer = order.offer if order else None
    begins, ends = _period(bill, usage)
    verdict: Any = line
    row = {
        "ChargePeriodStart": instant(begins),
        "ChargePeriodEnd": instant_after(max(ends, begins + timedelta(seconds=1))),
        "ResourceId": f"{line.source}/{line.key}",
        "ResourceType": "Job",
        "ServiceName": offer.title if offer else "Compute",
        "SkuId": offer.code if offer else NOT_METERED,
        "SkuPriceId": f"{offer.code}/{number(line.rate)}" if offer else NOT_METERED,
        "SkuMeter": f"{usage.resource if usage else 'GPU'} time",
        "Tags": json.dumps({"voucher_id": voucher.code}, **_OBJECT) if voucher else "",
        "x_BillLine": str(line.row),
        "x_OrderId": order.code if order else "",
        "x_Verdict": verdict.outcome or "",
    }
    if offer:
        row |= {"RegionId": offer.region, "RegionName": offer.region}
    if usage:
        row["x_GpuCount"] = number(Decimal(usage.count_thousandths).scaleb(-3))
        row["SkuPriceDetails"] = _price_details(usage)
    if voucher:
        row |= {
            "SubAccountId": voucher.code,
            "SubAccountName": voucher.organisation.name,
            "SubAccountType": "Voucher",
        }
    return row


def _price_details(usage: UsageLine) -> str:
    if usage.resource != "GPU":
        return json.dumps({"CoreCount": 1}, **_OBJECT)
    return json.dumps({"GpuCount": 1, "x_GpuModel": usage.resource_class}, **_OBJECT)


def _period(bill: Bill, usage: UsageLine | None) -> tuple[datetime, datetime]:
    """Return when a line was used within its bill's period; the whole period if nobody knows."""
    if usage is None:
        return bill.period_from, bill.period_until
    begins = max(usage.started_at, bill.period_from)
    return begins, max(begins, min(usage.ended_at, bill.period_until))


def _charge(bill: Bill, line: BillLine) -> dict[str, str]:
    usage = line.usage_line
    order_price = line.order.price if line.order else None
    listed = order_price.rate if order_price else line.rate
    unit = "Core-Hours" if usage and usage.resource == "CPU" else "GPU-Hours"
    billed = number(major(line.amount, bill.unit))
    return {
        "BilledCost": billed,
        "ChargeCategory": "Usage",
        "ChargeDescription": _description(line),
        "ChargeFrequency": "Usage-Based",
        "ConsumedQuantity": _hours(_metered_ms(bill, line)),
        "ConsumedUnit": unit,
        "ContractedCost": _cost(line.rate, line.quantity_ms),
        "ContractedUnitPrice": number(line.rate),
        "EffectiveCost": billed,
        "ListCost": _cost(listed, line.quantity_ms),
        "ListUnitPrice": number(listed),
        "PricingCategory": "Standard",
        "PricingCurrencyContractedUnitPrice": number(line.rate),
        "PricingCurrencyEffectiveCost": billed,
        "PricingCurrencyListUnitPrice": number(listed),
        "PricingQuantity": _hours(line.quantity_ms),
        "PricingUnit": unit,
    }


def _description(line: BillLine) -> str:
    usage = line.usage_line
    if usage is None:
        return f"Use that no meter knows: {line.source}/{line.key}"
    count = number(Decimal(usage.count_thousandths).scaleb(-3), 0).rstrip(".")
    return f"{count} x {usage.resource_class or usage.resource}, job {line.key}"


def _metered_ms(bill: Bill, line: BillLine) -> int:
    """Return what the meter said of a line within its bill's period; as billed if it is silent."""
    usage = line.usage_line
    if usage is None:
        return line.quantity_ms
    begins, ends = _period(bill, usage)
    milliseconds = (ends - begins) // timedelta(milliseconds=1)
    return usage.count_thousandths * milliseconds // 1000


def _hours(quantity_ms: int) -> str:
    return number((Decimal(quantity_ms) / GPU_MS_PER_HOUR).quantize(HOURS_PLACES))


def _cost(rate: Decimal, quantity_ms: int) -> str:
    return number((rate * quantity_ms / GPU_MS_PER_HOUR).quantize(COST_PLACES))


def _credit(bill: Bill, line: BillLine, covered: int) -> dict[str, str]:
    """Return what a row of the voucher's share says: a credit of what it covers."""
    cost = number(-major(covered, bill.unit))
    voucher = line.voucher
    return {
        "BilledCost": cost,
        "ChargeCategory": "Credit",
        "ChargeDescription": "Covered by the voucher",
        "ChargeFrequency": "One-Time",
        "CommitmentDiscountCategory": "Spend",
        "CommitmentDiscountId": voucher.code if voucher else "",
        "CommitmentDiscountName": bill.programme.title,
        "CommitmentDiscountType": VOUCHER,
        "ContractedCost": cost,
        "EffectiveCost": cost,
        "ListCost": cost,
        "PricingCurrencyEffectiveCost": cost,
    }


# --- the register of vouchers ----------------------------------------------------------------


def commitment_rows(programme: Programme, at: datetime) -> Iterator[Row]:
    """Give the vouchers of a programme (Contract Commitment 1.4), as they stand at an instant.

    A voucher is one commitment under the contract that its award is; a part for a team is a
    commitment of its own, under the same contract. In a currency it is of spending, in kind of
    usage. Nothing is paid for it beforehand: each bill is paid for itself.
    """
    related = ("organisation", "parent__decision__application", "decision__application")
    found = Voucher.objects.filter(programme=programme).select_related(*related)
    vouchers = list(found.order_by("code"))
    balances = voucher_balances(vouchers)
    changed = last_acts(voucher.address for voucher in vouchers)
    for voucher in vouchers:
        is_empty = voucher.code in balances and not balances[voucher.code].net
        yield {
            **_contract(programme, voucher),
            **_commitment(programme, voucher),
            "ContractCommitmentLastUpdated": instant(
                max(voucher.issued_at, changed.get(voucher.address, voucher.issued_at))
            ),
            "ContractCommitmentLifecycleStatus": _lifecycle(programme, voucher, is_empty, at),
        }


def _contract(programme: Programme, voucher: Voucher) -> dict[str, str]:
    whole, zone = voucher.parent or voucher, programme.zone
    authority = programme.authority.name
    return {
        "ContractId": whole.award.application.reference,
        "ContractPeriodStart": instant(start_of(whole.valid_from_on, zone)),
        "ContractPeriodEnd": instant(end_of(whole.valid_until_on, zone)),
        "InvoiceIssuerName": authority,
        "ServiceProviderName": authority,
    }


def _commitment(programme: Programme, voucher: Voucher) -> dict[str, str]:
    zone, unit = programme.zone, voucher.unit
    is_money = is_currency(unit)
    days = (voucher.valid_until_on - voucher.valid_from_on).days + 1
    scope: dict[str, Any] = {"IsComplexScope": True, "x_Programme": programme.code}
    if not is_money:
        scope["x_Unit"] = unit
    amount = number(major(voucher.amount, unit).quantize(COST_PLACES))
    return {
        "BillingCurrency": unit if is_money else "",
        "ContractCommitmentApplicability": json.dumps(scope, **_OBJECT),
        "ContractCommitmentBenefitCategory": "Discount" if is_money else "Entitlement",
        "ContractCommitmentCategory": "Spend" if is_money else "Usage",
        "ContractCommitmentCost": amount if is_money else "",
        "ContractCommitmentCreated": instant(voucher.issued_at),
        "ContractCommitmentDescription": voucher.label or programme.title,
        "ContractCommitmentDurationType": f"{days} {'Day' if days == 1 else 'Days'}",
        "ContractCommitmentFulfillmentInterval": "Full Period",
        "ContractCommitmentId": voucher.code,
        "ContractCommitmentModel": "Discontinuous",
        "ContractCommitmentOfferCategory": "Public",
        "ContractCommitmentPaymentInterval": "Custom",
        "ContractCommitmentPaymentModel": "No Upfront",
        "ContractCommitmentPeriodStart": instant(start_of(voucher.valid_from_on, zone)),
        "ContractCommitmentPeriodEnd": instant(end_of(voucher.valid_until_on, zone)),
        "ContractCommitmentQuantity": "" if is_money else amount,
        "ContractCommitmentType": VOUCHER,
        "ContractCommitmentUnit": "" if is_money else "GPU-Hours",
    }


_ENDED = {
    Voucher.Status.EXPIRED: "Expired",
    Voucher.Status.RETURNED: "Canceled",
    Voucher.Status.REVOKED: "Canceled",
}


def _lifecycle(programme: Programme, voucher: Voucher, is_empty: bool, at: datetime) -> str:
    """Return a voucher's status in FOCUS's words; one on hold can't be used, and is pending."""
    if voucher.status in _ENDED:
        return _ENDED[Voucher.Status(voucher.status)]
    if is_empty:
        return "Exhausted"
    is_early = day_of(at, programme.zone) < voucher.valid_from_on
    is_held = voucher.status == Voucher.Status.SUSPENDED
    return "Pending" if is_early or is_held else "Active"
