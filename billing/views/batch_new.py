"""A new payment batch: what one payer owes, and to whom."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from billing import actions, queries
from billing.forms.pages import BatchForm
from billing.queries import Payable
from billing.views.batch_next import require_payer
from billing.views.batches import due_row
from billing.views.shown import (
    figure,
    table,
)
from common.errors import NotFound
from common.formatting import money
from common.forms import answer_form
from common.money import is_currency
from parties.authentication import signed_in
from parties.models import Organisation
from parties.roles import Role
from vouchers.models import Programme

READERS = (Role.FINANCE, Role.OFFICER, Role.INVESTIGATOR, Role.REGULATOR)


@login_required
@require_http_methods(["GET", "POST"])
def batch_new(request: HttpRequest) -> HttpResponse:
    """Show what a programme owes and to whom, and put it into a batch."""
    person = signed_in(request)
    require_payer(person)
    programmes = [
        one
        for one in queries.programmes_paid_by(person, timezone.now())
        if is_currency(one.unit)
    ]
    code = request.POST.get("programme") or request.GET.get("programme", "")
    programme = next((one for one in programmes if one.code == code), None)
    if programme is None:
        if code:
            raise NotFound(what=code)
        return render(request, "billing/batch_choose.html", {"list": _choice(programmes)})
    payer = _payer(programme, request.POST.get("payer") or request.GET.get("payer", ""))
    form = BatchForm(
        request.POST if request.method == "POST" else None,
        initial={"programme": programme.code, "payer": payer.code},
    )

    def prepare() -> HttpResponse:
        batch = actions.prepare_batch(
            programme=programme,
            actor=person,
            at=timezone.now(),
            key=form.act_key,
            payer=payer,
        )
        messages.success(
            request,
            _("Batch %(code)s is open. Look at its payments, and lock the list.")
            % {"code": batch.code},
        )
        return redirect("batch", batch.code)

    due = queries.payables_due(programme, payer)
    lacking = queries.payables_without_bank_detail(programme, timezone.now(), payer)
    payable = [one for one in due if one not in lacking]
    context = {
        "programme": programme.title_here,
        "payer": payer.name_here,
        "payable": _payables(_("Paid by this batch"), payable, programme.unit),
        "lacking": _payables(_("Left out: no approved bank detail"), lacking, programme.unit),
        "held": _payables(
            _("Not paid yet: waits for its provider’s invoice"),
            queries.payables_held(programme, payer),
            programme.unit,
        ),
        "total": money(sum(one.amount for one in payable), programme.unit),
    }
    return answer_form(request, form, "billing/batch_new.html", prepare, context)


def _payer(programme: Programme, code: str) -> Organisation:
    """Return a payer of a programme by its code, or the programme's authority without one.

    One that owes nothing is one still: who asks twice is told what came of it the first time.
    """
    if code in ("", programme.authority.code):
        return programme.authority
    found = Organisation.objects.filter(code=code, funds__programme=programme).first()
    if found is None:
        raise NotFound(what=code)
    return found


def _choice(programmes: list[Programme]) -> Any:
    return table(
        _("Programmes"),
        [_("Programme"), _("Payer"), figure(_("Parties")), figure(_("Amount"))],
        [due_row(one, *due) for one in programmes for due in queries.due_by_payer(one)],
    )


def _payables(caption: str, payables: list[Payable], unit: str) -> Any:
    rows: list[Any] = [
        [
            one.payee.name_here,
            {"text": one.address, "url": reverse("ledger_account", args=[one.address])},
            money(one.amount, unit),
        ]
        for one in payables
    ]
    if rows:
        total = money(sum(one.amount for one in payables), unit)
        rows.append({"cells": [_("Together"), "", total], "is_total": True})
    return table(caption, [_("Party"), _("Ledger account"), figure(_("Amount"))], rows)
