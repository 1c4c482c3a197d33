"""What each payer of a programme bears, owes and has paid, and who pays which funder's part."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from billing import actions, queries
from billing.forms.funders import NameFunderForm
from billing.queries.funding import (
    PayerFigures,
    namings_of,
    payer_figures,
    payers_of,
    programme_funded,
    shares_of,
)
from billing.views.shown import by_words, figure, table
from common.days import day_of
from common.downloads import csv_answer
from common.formatting import money
from common.forms import answer_form
from common.money import major
from parties.authentication import signed_in
from parties.queries import organisations_of
from parties.roles import OrganisationKind, Role
from policy.answers import percent_text
from policy.rules import Programme as Policy
from vouchers.models import Programme
from vouchers.queries import policy_in_force


@login_required
@require_http_methods(["GET", "POST"])
def programme_funders(request: HttpRequest, code: str) -> HttpResponse:
    """Show what each payer bears, owes and has paid; finance names who pays a funder's part."""
    person = signed_in(request)
    programme = programme_funded(person, code)
    _version, rules = policy_in_force(programme, day_of(timezone.now(), programme.zone))
    names = [funder.name for funder in rules.funders]
    overseen = queries.programmes_overseen(person, Role.FINANCE).filter(pk=programme.pk)
    # Who pays must want it: whoever names a payer is a finance officer there too.
    authorities = (
        organisations_of(person, Role.FINANCE)
        .filter(kind=OrganisationKind.AUTHORITY)
        .order_by("name")
    )
    form = NameFunderForm(
        request.POST if request.method == "POST" else None,
        funders=names,
        payers=[(one.code, one.name_here) for one in authorities],
    )

    def name() -> HttpResponse:
        given = form.cleaned_data
        payer = authorities.get(code=given["payer"])
        actions.name_funder(
            programme=programme,
            name=given["funder"],
            payer=payer,
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(
            request,
            _("%(payer)s pays the part of %(funder)s from now on.")
            % {"payer": payer.name_here, "funder": given["funder"]},
        )
        return redirect("programme_funders", code)

    context = {
        "title": programme.title_here,
        "code": code,
        "may_name": bool(names) and overseen.exists(),
        "funders": _funders(programme, rules),
        "payers": _payers(programme, payer_figures(programme)),
        "namings": _namings(programme),
    }
    return answer_form(request, form, "billing/funders.html", name, context)


def _funders(programme: Programme, rules: Policy) -> Any:
    payers = payers_of(programme)
    rows = [
        [
            one.name,
            percent_text(one.share),
            payers.get(one.name, programme.authority).name_here,
            one.clause,
        ]
        for one in rules.funders
    ]
    columns = [_("Funder"), figure(_("Share")), _("Payer"), _("Clause")]
    return table(_("Who bears which part"), columns, rows) if rows else None


def _payers(programme: Programme, figures: list[PayerFigures]) -> Any:
    columns = [
        _("Payer"),
        _("For"),
        *(figure(label) for label in (_("Bears"), _("Due"), _("At the bank"), _("Paid"))),
        figure(_("Set off or paid back")),
    ]
    rows = [
        [
            one.payer.name_here,
            ", ".join(name for name, _amount in one.funders) or "–",
            *(
                money(amount, programme.unit)
                for amount in (one.bears, one.due, one.at_bank, one.paid, one.other)
            ),
        ]
        for one in figures
    ]
    return table(_("What each payer bears, owes and has paid"), columns, rows)


def _namings(programme: Programme) -> Any:
    rows = [
        [
            one.name,
            one.payer.name_here,
            by_words(one.named_at, one.named_by.name, programme.zone),
        ]
        for one in namings_of(programme)
    ]
    columns = [_("Funder"), _("Payer"), _("Named")]
    return table(_("Payers named"), columns, rows) if rows else None


@login_required
@require_GET
def programme_funders_csv(request: HttpRequest, code: str) -> HttpResponse:
    """Give what each funder bears of each settlement as a CSV; corrections are below 0."""
    programme = programme_funded(signed_in(request), code)
    header = ["at", "bill", "voucher", "order", "funder", "payer", "unit", "amount"]
    rows = (
        [
            one.act.at.isoformat(),
            one.settlement.bill.number,
            one.settlement.voucher.code,
            one.settlement.order.code if one.settlement.order else "",
            one.name,
            one.payer.code,
            programme.unit,
            major(one.amount, programme.unit),
        ]
        for one in shares_of(programme).iterator(chunk_size=2_000)
    )
    return csv_answer(f"{code}-funders.csv", header, rows)
