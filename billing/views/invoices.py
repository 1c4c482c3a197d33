"""The invoices that we write for a bill, to take away as XML of EN 16931 or as a paper."""

from datetime import date
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from billing import queries
from billing.invoices.model import CREDIT_NOTE, Invoice, Line
from billing.invoices.writing import written
from billing.models import Bill
from billing.queries import invoices as papers
from common.downloads import file_answer
from common.errors import NotFound
from common.formatting import NOTHING, day_text, rate_words
from common.papers import PaperTable, tables_pdf
from parties.authentication import signed_in

XML = "application/xml; charset=utf-8"
PDF = "application/pdf"


@login_required
@require_GET
def bill_invoice(request: HttpRequest, number: str, position: int, kind: str) -> HttpResponse:
    """Give one paper of a bill; a holder's has the lines of the holder's own vouchers alone."""
    person = signed_in(request)
    if kind not in ("xml", "pdf"):
        raise NotFound(what=kind)
    bill = queries.bill_of(person, number)
    holders = queries.holders_limited_to(person, bill)
    part = papers.invoice_part_of(bill, position, holders)
    invoice = papers.invoice_for(bill, part, holders)
    name = f"{invoice.number.replace('/', '-')}.{kind}"
    if kind == "xml":
        return file_answer(name, written(invoice), XML)
    return file_answer(name, _paper(invoice, bill), PDF)


def invoice_rows(bill: Bill, holders: list[int] | None) -> list[dict[str, Any]]:
    """Return the papers of a bill for its page, each with where to take it away.

    :param holders: on whose vouchers something must be in a paper; None for anybody's.
    """
    return [
        {
            "title": _title(one.kind, papers.invoice_number(bill, one)),
            "xml": reverse("bill_invoice", args=[bill.number, one.position, "xml"]),
            "pdf": reverse("bill_invoice", args=[bill.number, one.position, "pdf"]),
        }
        for one in papers.invoice_parts_seen(bill, holders)
    ]


def _title(kind: str, number: str) -> str:
    words = _("Credit note %(number)s") if kind == CREDIT_NOTE else _("Invoice %(number)s")
    return words % {"number": number}


def _paper(invoice: Invoice, bill: Bill) -> bytes:
    programme, period = bill.programme, invoice.period
    rows = [
        (_("Seller"), f"{bill.provider.organisation.name_here} ({invoice.seller.legal_id})"),
        (_("Buyer"), f"{programme.authority.name_here} ({invoice.buyer.legal_id})"),
        (_("Day of issue"), _day(invoice.issued_on)),
        (_("Due"), _day(invoice.due_on)),
        (
            _("Period"),
            _("%(first)s to %(last)s")
            % {
                "first": _day(period.from_on if period else None),
                "last": _day(period.until_on if period else None),
            },
        ),
        (_("Provider’s invoice number"), bill.invoice_number),
        (_("Bill"), bill.number),
    ]
    sum_words = f"{invoice.currency} {invoice.totals.payable:,f}"
    table = PaperTable(
        _("What the vouchers bear"),
        [
            (_("Line"), False),
            (_("Voucher"), False),
            (_("Order"), False),
            (_("What"), False),
            (_("Hours"), True),
            (_("Rate"), True),
            (_("Taken off"), True),
            (_("Net amount"), True),
        ],
        [_row(line, invoice.currency) for line in invoice.lines],
        ["", "", "", _("Amount due"), "", "", "", sum_words],
    )
    return tables_pdf(
        title=_title(invoice.kind, invoice.number),
        head=f"{programme.title_here} · {programme.authority.name_here}",
        rows=rows,
        tables=[table],
        note=_(
            "Written by the buyer for the seller (self-billed). It is for the part of the price "
            "that public vouchers bear and carries no tax of its own: tax stands on the "
            "provider’s own invoice."
        ),
        is_wide=True,
    )


def _day(on: date | None) -> str:
    return day_text(on) if on else NOTHING


def _row(line: Line, currency: str) -> list[str]:
    taken_off = sum(
        (
            (-one.amount if one.is_charge else one.amount)
            for one in line.allowances
            if one.amount
        ),
        start=0,
    )
    devices = ", ".join(one.value for one in line.properties)
    return [
        line.number,
        line.object_reference,
        line.order_reference,
        f"{line.name} ({' × '.join(reversed(devices.split(', ')))})",
        f"{line.quantity:,f}",
        rate_words(line.price, currency),
        f"{taken_off:,f}",
        f"{line.net:,f}",
    ]
