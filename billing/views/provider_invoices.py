"""A provider's own invoice on its bill: attached, told of, and given back as it came."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from billing import actions, queries
from billing.forms.provider_invoices import AttachInvoiceForm
from billing.models import Bill
from billing.queries.provider_invoices import (
    provider_invoice_file,
    provider_invoice_of,
    takes_invoice,
    waits_for_invoice,
)
from common.downloads import file_answer
from common.errors import NotFound
from common.formatting import money
from common.forms import answer_form
from parties.authentication import signed_in
from parties.models import User
from parties.queries import organisations_of
from parties.roles import Role

FILE = "application/octet-stream"


@login_required
@require_http_methods(["GET", "POST"])
def provider_invoice_new(request: HttpRequest, number: str) -> HttpResponse:
    """Let the provider, or whoever is paid a claim, attach the invoice of a bill."""
    person = signed_in(request)
    bill = queries.bill_of(person, number)
    if not _is_own(person, bill):
        raise NotFound(what=number)
    is_post = request.method == "POST"
    form = AttachInvoiceForm(
        request.POST if is_post else None, request.FILES if is_post else None
    )

    def attach() -> HttpResponse:
        file = form.cleaned_data["file"]
        made = actions.attach_invoice(
            bill=bill,
            name=file.name,
            data=file.read(),
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(
            request,
            _("Invoice %(number)s is attached to bill %(bill)s.")
            % {"number": made.number, "bill": bill.number},
        )
        return redirect("bill", number)

    context = {
        "title": _("Attach the provider’s invoice"),
        "caption": bill.number,
        "back": reverse("bill", args=[number]),
        "submit": _("Attach it"),
        "intro": _(
            "The file is checked by the published rules and compared with the bill: the seller, "
            "the currency and the total with tax have to be the same, to the cent."
        ),
        "rows": [
            {"key": _("Provider"), "value": bill.provider.organisation.name_here},
            {
                "key": _("Provider’s register number"),
                "value": bill.provider.organisation.identifier,
            },
            {"key": _("Total"), "value": money(bill.total, bill.unit)},
        ],
    }
    return answer_form(request, form, "form_page.html", attach, context)


@login_required
@require_GET
def provider_invoice(request: HttpRequest, number: str) -> HttpResponse:
    """Give a bill's invoice as it came, to be saved and never shown here."""
    person = signed_in(request)
    bill = queries.bill_of(person, number)
    if queries.holders_limited_to(person, bill) is not None:
        # It names what others used.
        raise NotFound(what=number)
    found = provider_invoice_file(bill)
    return file_answer(found.name, bytes(found.content), FILE)


def invoice_facts(person: User, bill: Bill) -> list[dict[str, Any]]:
    """Return what a bill's page says of its provider's invoice, with what can be done about it."""
    row: dict[str, Any] = {"key": _("Provider’s invoice"), "value": _("None is attached")}
    attached = provider_invoice_of(bill)
    if attached is not None:
        row["value"] = f"{attached.number}, SHA-256 {attached.sha256}"
        if queries.holders_limited_to(person, bill) is None:
            row["url"] = reverse("provider_invoice", args=[bill.number])
            row["action"] = _("Download")
        return [row]
    if waits_for_invoice(bill):
        row["value"] = _("None is attached. The bill is paid only once it is.")
    if takes_invoice(bill) and _is_own(person, bill):
        row["url"] = reverse("provider_invoice_new", args=[bill.number])
        row["action"] = _("Attach it")
    return [row]


def _is_own(person: User, bill: Bill) -> bool:
    """Say whether a person acts for whoever attaches a bill's invoice."""
    if bill.kind == Bill.Kind.CLAIM:
        return organisations_of(person, Role.APPLICANT).filter(pk=bill.payee_id).exists()
    own = organisations_of(person, Role.PROVIDER)
    return own.filter(pk=bill.provider.organisation_id).exists()
