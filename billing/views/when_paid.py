"""When a provider is paid: each bill on its way, and what was paid last.

A tag of the template language, so that the provider's home shows it at once: that page belongs
to an app below this one.
"""

from datetime import datetime
from typing import Any

from django import template
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from billing import queries, statuses
from billing.models import Bill, Payment
from billing.queries.provider_invoices import waits_for_invoice
from billing.views.bill_states import BillState, states_of
from billing.views.shown import figure, table, tag
from common.days import day_of
from common.formatting import day_text, money
from parties.authentication import signed_in
from parties.queries import organisations_of
from parties.roles import Role

register = template.Library()

# The newest bills of a provider that are looked at, and how many of those on their way are shown.
LOOKED_AT, SHOWN = 100, 5
ON_THEIR_WAY = ("SENT", "STOPPED", "UNPROVEN", "QUERIED", "TO_PAY", "AT_BANK")


@register.inclusion_tag("billing/when_paid.html", takes_context=True)
def when_paid(context: dict[str, Any]) -> dict[str, Any]:
    """Show the provider that reads the page when it is paid for what."""
    person, now = signed_in(context["request"]), timezone.now()
    own = organisations_of(person, Role.PROVIDER)
    newest = list(queries.bills_visible_to(person).filter(payee__in=own)[:LOOKED_AT])
    states = states_of(newest, now)
    open_states = [statuses.BILL[name] for name in ON_THEIR_WAY]
    waiting = [bill for bill in newest if states[bill.pk].status in open_states]
    # Who waits longest is read first.
    shown = [_row(bill, states[bill.pk], now) for bill in reversed(waiting[-SHOWN:])]
    last = (
        queries.payments_to(person)
        .filter(payee__in=own, status__in=[Payment.Status.PAID, Payment.Status.PART])
        .order_by("-answered_at")
        .first()
    )
    return {
        "list": table(
            _("When you are paid"),
            [_("Bill"), figure(_("Amount")), _("Status"), _("What comes next")],
            shown,
        ),
        "more": len(waiting) - len(shown),
        "paid": last
        and {
            "amount": money(last.answered_amount, last.unit),
            "day": day_text(_day_of(last.answered_at, last.batch.programme.zone)),
        },
    }


def _row(bill: Bill, state: BillState, now: datetime) -> list[Any]:
    is_settled = bill.status == Bill.Status.SETTLED
    return [
        {"text": bill.number, "url": reverse("bill", args=[bill.number])},
        money(state.covered if is_settled else bill.total, bill.unit),
        tag(state.status),
        _next(bill, state, now),
    ]


def _next(bill: Bill, state: BillState, now: datetime) -> str:
    """Say what happens next to a bill that is on its way, with the day where one is known."""
    if state.status is statuses.BILL["SENT"]:
        until = queries.open_to(bill)
        if until <= now:
            return _("It is being settled.")
        values = {"day": day_text(_day_of(until, bill.programme.zone))}
        return _("It is settled from %(day)s on, unless its holder objects.") % values
    payment = state.payment
    if state.status is statuses.BILL["AT_BANK"] and payment is not None:
        sent = _day_of(payment.batch.released_at, bill.programme.zone)
        return _("It was sent to the bank on %(day)s.") % {"day": day_text(sent)}
    if state.status is statuses.BILL["TO_PAY"] and waits_for_invoice(bill):
        return _(
            "Attach your invoice on the page of the bill: it is paid only once it is there."
        )
    if state.status is statuses.BILL["TO_PAY"]:
        if payment is not None and payment.status == Payment.Status.RETURNED:
            return _("The payment came back. Check your bank detail; a later batch pays it.")
        if payment is not None and payment.status == Payment.Status.PREPARED:
            return _("It is in a batch that two more people approve and send.")
    return str(state.status.meaning)


def _day_of(at: datetime | None, zone: str) -> Any:
    assert at is not None, "the bank is never asked nor answers without its time"
    return day_of(at, zone)
