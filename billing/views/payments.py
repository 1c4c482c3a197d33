"""What was paid to a provider or a holder, and what is on its way."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from billing import queries, statuses
from billing.bank.codes import code_words
from billing.views.bill_states import states_of
from billing.views.shown import (
    figure,
    page_of,
    sentence_cell,
    table,
    tag,
)
from common.formatting import instant, money
from parties.authentication import signed_in
from parties.queries import organisations_of
from parties.roles import Role


@login_required
@require_GET
def payments(request: HttpRequest) -> HttpResponse:
    """Show a provider or a holder what was paid to it, and what is on its way."""
    person = signed_in(request)
    page = page_of(request, queries.payments_to(person))
    own = organisations_of(person, Role.PROVIDER, Role.APPLICANT)
    waiting = list(queries.bills_visible_to(person).filter(payee__in=own)[:200])
    states = states_of(waiting, timezone.now())
    due = [bill for bill in waiting if states[bill.pk].status is statuses.BILL["TO_PAY"]]
    context = {
        "page": page,
        "due": table(
            _("Approved for payment"),
            [_("Bill"), _("Invoice number"), figure(_("Total"))],
            [
                [
                    {"text": bill.number, "url": reverse("bill", args=[bill.number])},
                    bill.invoice_number,
                    money(bill.total, bill.unit),
                ]
                for bill in due
            ],
        ),
        "list": table(
            _("Payments"),
            [
                _("Reference"),
                _("Programme"),
                _("Sent to bank"),
                figure(_("Amount")),
                _("Status"),
                _("What the bank said"),
                _("Remittance advice"),
            ],
            [
                [
                    {
                        "text": one.end_to_end_id,
                        "url": reverse("trace", args=["payment", one.end_to_end_id]),
                    },
                    one.batch.programme.title_here,
                    instant(one.batch.released_at),
                    money(one.amount, one.unit),
                    tag(statuses.PAYMENT[one.status]),
                    sentence_cell(code_words(one.answer_reason)),
                    {
                        "text": _("See"),
                        "url": reverse("remittance", args=[one.end_to_end_id]),
                    },
                ]
                for one in page
            ],
        ),
    }
    return render(request, "billing/payments.html", context)
