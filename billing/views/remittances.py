"""Remittance advice: what one payment is made of, for whoever is paid."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from billing import statuses
from billing.queries.remittances import Remittance, RemittanceLine, remittance_of
from billing.views.shown import act_words, figure, table, tag
from common.days import day_of
from common.downloads import csv_answer, file_answer
from common.errors import NotFound
from common.formatting import NOTHING, day_text, money
from common.money import major
from common.papers import PaperTable, tables_pdf
from parties.authentication import signed_in

PDF = "application/pdf"


@login_required
@require_GET
def remittance(request: HttpRequest, end_to_end_id: str) -> HttpResponse:
    """Show what a payment is made of: bills, their sums, what was withheld and offset."""
    found = remittance_of(signed_in(request), end_to_end_id)
    args = [end_to_end_id]
    context = {
        "payment": found.payment,
        "programme": found.payment.batch.programme,
        "tag": tag(statuses.PAYMENT[found.payment.status]),
        "rows": [{"key": key, "value": value} for key, value in _facts(found)],
        "list": table(
            _("What it is made of"),
            [figure(label) if is_figure else label for label, is_figure in _columns()],
            [_row(one, found, is_page=True) for one in found.lines],
        ),
        "csv": reverse("remittance_file", args=[*args, "csv"]),
        "pdf": reverse("remittance_file", args=[*args, "pdf"]),
    }
    return render(request, "billing/remittance.html", context)


def _facts(found: Remittance) -> list[tuple[str, str]]:
    payment = found.payment
    programme, detail = payment.batch.programme, payment.bank_detail
    released, answered = payment.batch.released_at, payment.answered_at
    return [
        (_("Paid to"), payment.payee.name_here),
        (_("Account"), f"{detail.holder} …{detail.number[-4:]}"),
        (_("Amount"), money(payment.amount, payment.unit)),
        (_("Offset against what you owed"), money(found.offset, payment.unit)),
        (_("Reference at the bank"), payment.end_to_end_id),
        (
            _("Sent to bank"),
            day_text(day_of(released, programme.zone)) if released else NOTHING,
        ),
        (
            _("Answered by the bank"),
            day_text(day_of(answered, programme.zone)) if answered else NOTHING,
        ),
    ]


def _columns() -> list[tuple[str, bool]]:
    return [
        (_("Bill"), False),
        (_("Invoice number"), False),
        (_("Lines"), True),
        (_("Billed"), True),
        (_("Withheld or not accepted"), True),
        (_("Own share of the holder"), True),
        (_("Covered by the voucher"), True),
        (_("In this payment"), True),
    ]


def _row(line: RemittanceLine, found: Remittance, *, is_page: bool = False) -> list[Any]:
    unit, bill = found.payment.unit, line.bill
    if bill is None:
        what = act_words(line.entry.act_kind)
        return [what, line.entry.ref or NOTHING, *[NOTHING] * 5, money(line.amount, unit)]
    number: Any = bill.number
    if is_page:
        number = {"text": bill.number, "url": reverse("bill", args=[bill.number])}
    sums = (line.billed, line.withheld, line.own, line.covered, line.amount)
    return [number, bill.invoice_number, f"{line.lines:,}", *(money(one, unit) for one in sums)]


@login_required
@require_GET
def remittance_file(request: HttpRequest, end_to_end_id: str, kind: str) -> HttpResponse:
    """Give a remittance advice as a CSV or as a paper."""
    found = remittance_of(signed_in(request), end_to_end_id)
    if kind not in ("csv", "pdf"):
        raise NotFound(what=kind)
    name = f"{end_to_end_id}.{kind}"
    if kind == "pdf":
        return file_answer(name, _paper(found), PDF)
    header = ["bill", "invoice_number", "lines", "unit", "billed", "withheld", "own_share"]
    return csv_answer(
        name, [*header, "covered", "in_this_payment"], [_csv_row(x, found) for x in found.lines]
    )


def _csv_row(line: RemittanceLine, found: Remittance) -> list[object]:
    unit, bill = found.payment.unit, line.bill
    sums = (line.billed, line.withheld, line.own, line.covered, line.amount)
    return [
        bill.number if bill else line.entry.ref,
        bill.invoice_number if bill else "",
        line.lines,
        unit,
        *(major(one, unit) for one in sums),
    ]


def _paper(found: Remittance) -> bytes:
    payment = found.payment
    programme = payment.batch.programme
    return tables_pdf(
        title=_("Remittance advice %(reference)s") % {"reference": payment.end_to_end_id},
        head=f"{programme.title_here} · {programme.authority.name_here}",
        rows=_facts(found),
        tables=[
            PaperTable(
                _("What it is made of"),
                _columns(),
                [_row(one, found) for one in found.lines],
                [_("Total"), *[""] * 6, money(payment.amount, payment.unit)],
            )
        ],
        is_wide=True,
    )
