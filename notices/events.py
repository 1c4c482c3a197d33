"""What programs are told: for each kind of act that concerns a provider, the event it makes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from billing.models import Bill, Payment, UsageFile, UsageLine
from common.money import hours_words
from ledger.kinds import ActKind
from notices.letters import Deed
from providers.models import Provider, Suspension, SuspensionLift
from vouchers.models import Order, UseQuestion


@dataclass(frozen=True, slots=True)
class Event:
    """What happened, for the programs of one provider.

    `data` names things by the codes under which the API gives them; amounts are minor units or
    GPU-milliseconds, hours are decimal numbers in quotes. `subject` tells two events of an act
    apart.
    """

    provider: Provider
    type: str
    subject: str
    data: Mapping[str, Any]


def _order(type: str) -> Callable[[Deed], Iterator[Event]]:
    def events(deed: Deed) -> Iterator[Event]:
        found = Order.objects.filter(
            Q(act_id=deed.id) | Q(code=deed.details.get("order", ""))
        ).select_related("voucher__programme", "offer__provider__organisation")
        for order in found:
            data = {
                "order": order.code,
                "offer": order.offer.code,
                "reference": order.provider_reference,
                "programme": order.voucher.programme.code,
                "unit": order.voucher.unit,
                "hours": hours_words(order.quantity_ms),
                "held": order.hold_amount,
                "order_status": order.status,
                "accept_by": order.accept_by.isoformat() if order.accept_by else None,
            }
            yield Event(order.offer.provider, type, order.code, data)

    return events


def _question(deed: Deed) -> Iterator[Event]:
    found = UseQuestion.objects.filter(act_id=deed.id)
    for one in found.select_related("order__offer__provider__organisation"):
        data = {
            "order": one.order.code,
            "source": one.source,
            "key": one.key,
            "question": one.text,
        }
        yield Event(one.order.offer.provider, "order.asked_about", one.order.code, data)


def _bill(type: str) -> Callable[[Deed], Iterator[Event]]:
    def events(deed: Deed) -> Iterator[Event]:
        found = Bill.objects.filter(
            Q(act_id=deed.id) | Q(number=deed.code), provider__isnull=False
        ).select_related("programme", "provider__organisation")
        for bill in found:
            data = {
                "bill": bill.number,
                "bill_status": bill.status,
                "programme": bill.programme.code,
                "invoice_number": bill.invoice_number,
                "unit": bill.unit,
                "total": bill.total,
            }
            assert bill.provider is not None
            yield Event(bill.provider, type, bill.number, data)

    return events


def _usage(deed: Deed) -> Iterator[Event]:
    for provider in Provider.objects.filter(organisation__code=deed.code):
        file = UsageFile.objects.filter(act_id=deed.id).first()
        if file is None:
            recorded = UsageLine.objects.filter(act_id=deed.id).count()
            data: dict[str, Any] = {"recorded": recorded}
        else:
            data = {
                "file": file.name,
                "recorded": file.recorded,
                "known_before": file.known_before,
                "refused": file.errors_total,
            }
        yield Event(provider, "usage.recorded", "", data)


def _payment(type: str) -> Callable[[Deed], Iterator[Event]]:
    def events(deed: Deed) -> Iterator[Event]:
        found = Payment.objects.filter(
            end_to_end_id__in=deed.details.get("payments", []), payee__provider__isnull=False
        ).select_related("payee__provider__organisation")
        # Of a payment in part, the act says how much of it.
        parts = deed.details.get("parts", {})
        for payment in found.order_by("pk"):
            data = {
                "payment": payment.end_to_end_id,
                "unit": payment.unit,
                "amount": parts.get(payment.end_to_end_id, payment.amount),
            }
            yield Event(payment.payee.provider, type, payment.end_to_end_id, data)

    return events


def _suspended(deed: Deed) -> Iterator[Event]:
    for one in Suspension.objects.filter(act_id=deed.id).select_related("provider"):
        data = {
            "provider": deed.code,
            "from_at": one.from_at.isoformat(),
            "until_at": one.until_at.isoformat() if one.until_at else None,
            "stops_orders": one.stops_orders,
            "bills_wait": one.bills == Suspension.Bills.WAIT,
        }
        yield Event(one.provider, "provider.suspended", "", data)


def _lifted(deed: Deed) -> Iterator[Event]:
    found = SuspensionLift.objects.filter(act_id=deed.id)
    for one in found.select_related("suspension__provider"):
        data = {"provider": deed.code, "lifted_at": one.lifted_at.isoformat()}
        yield Event(one.suspension.provider, "provider.suspension_lifted", "", data)


EVENTS_OF: Mapping[str, Callable[[Deed], Iterable[Event]]] = {
    ActKind.SUSPEND_PROVIDER: _suspended,
    ActKind.LIFT_SUSPENSION: _lifted,
    ActKind.ACCREDIT_PROVIDER: _lifted,
    ActKind.PLACE_HOLD: _order("order.placed"),
    ActKind.ACCEPT_ORDER: _order("order.accepted"),
    ActKind.DECLINE_ORDER: _order("order.declined"),
    ActKind.CHANGE_ORDER: _order("order.changed"),
    ActKind.NAME_ORDER_USER: _order("order.users_changed"),
    ActKind.END_ORDER_USER: _order("order.users_changed"),
    ActKind.ASK_ABOUT_USE: _question,
    ActKind.CANCEL_ORDER: _order("order.cancelled"),
    ActKind.RELEASE_HOLD: _order("order.released"),
    ActKind.LAPSE_HOLD: _order("order.lapsed"),
    ActKind.RECORD_USAGE: _usage,
    ActKind.SUBMIT_BILL: _bill("bill.received"),
    ActKind.SETTLE_BILL: _bill("bill.settled"),
    ActKind.DECIDE_LINE: _bill("bill.line_decided"),
    ActKind.CONFIRM_PAYMENT: _payment("payment.confirmed"),
    ActKind.RETURN_PAYMENT: _payment("payment.returned"),
}


def events_of(deed: Deed) -> list[Event]:
    """Return the events of an act; most kinds of act have none."""
    make = EVENTS_OF.get(deed.kind)
    return list(make(deed)) if make else []
