"""The invoices that we write for a bill, to take away as XML of EN 16931 or as a paper."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from billing import queries
from billing.invoices.paper import pdf_of, title_of
from billing.invoices.writing import written
from billing.models import Bill
from billing.queries import invoices as papers
from billing.views.shown import figure, table
from common.days import day_of
from common.downloads import file_answer
from common.errors import NotFound
from common.formatting import day, money
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
    return file_answer(name, pdf_of(invoice, bill, part.paper), PDF)


def invoice_rows(bill: Bill, holders: list[int] | None) -> list[dict[str, Any]]:
    """Return the papers of a bill for its page, each with where to take it away.

    :param holders: on whose vouchers something must be in a paper; None for anybody's.
    """
    return [
        {
            "title": title_of(one.paper, one.number),
            "xml": reverse("bill_invoice", args=[bill.number, one.position, "xml"]),
            "pdf": reverse("bill_invoice", args=[bill.number, one.position, "pdf"]),
            "part": one,
        }
        for one in papers.invoice_parts_seen(bill, holders)
    ]


def notes_table(bill: Bill, rows: list[dict[str, Any]]) -> Any:
    """Return the credit and debit notes of a bill as a table, oldest first."""
    zone = bill.programme.zone
    shown = [(one, one["part"]) for one in rows if one["part"].note is not None]
    return table(
        _("Credit and debit notes"),
        [_("Number"), _("Corrects"), _("Day of issue"), figure(_("Amount"))],
        [
            [
                {"text": row["title"], "url": row["pdf"]},
                part.original,
                day(day_of(part.at, zone)),
                money(part.covered, bill.unit),
            ]
            for row, part in shown
        ],
    )
