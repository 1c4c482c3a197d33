"""The papers that we write for a bill, to print."""

from datetime import date

from django.utils.translation import gettext as _

from billing.invoices.model import CREDIT_NOTE, DEBIT_NOTE, Invoice, Line
from billing.models import Bill
from common.formatting import NOTHING, day_text, rate_words
from common.papers import PaperTable, tables_pdf


def title_of(paper: str, number: str) -> str:
    """Return what a paper is called, in the language spoken here and now."""
    if paper == CREDIT_NOTE:
        words = _("Credit note %(number)s")
    elif paper == DEBIT_NOTE:
        words = _("Debit note %(number)s")
    else:
        words = _("Invoice %(number)s")
    return words % {"number": number}


def pdf_of(invoice: Invoice, bill: Bill, paper: str) -> bytes:
    """Return a paper of a bill as a PDF, in the language spoken here and now.

    :param paper: INVOICE, CREDIT_NOTE or DEBIT_NOTE.
    """
    programme, period = bill.programme, invoice.period
    rows = [
        (_("Seller"), f"{invoice.seller.name} ({invoice.seller.legal_id})"),
        (_("Buyer"), f"{invoice.buyer.name} ({invoice.buyer.legal_id})"),
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
    if len(invoice.preceding) > 1:
        rows.append((_("Corrects"), invoice.preceding[-1]))
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
        title=title_of(paper, invoice.number),
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
