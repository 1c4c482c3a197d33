"""Aged payables: what each programme owes to whom, by how long it has been, as of any day."""

from datetime import date
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from billing import queries
from billing.forms.pages import AsOfFilter
from billing.queries.owed import Aged, age_in_days, aged_by_party, aged_payables
from billing.views.accounts import account_of, invoices_of, reference_of
from billing.views.shown import READERS, act_words, figure, table
from common.days import day_of
from common.downloads import csv_answer, xlsx_answer
from common.formatting import day_text, money
from common.money import is_currency, major
from parties.authentication import signed_in
from parties.models import User
from parties.queries import require_role

HEADER = [
    "programme",
    "party_code",
    "party",
    "unit",
    "to_30",
    "to_60",
    "to_90",
    "over_90",
    "total",
]


@login_required
@require_GET
def payables(request: HttpRequest) -> HttpResponse:
    """Show what the programmes that a person oversees owe, a row for each party."""
    person = signed_in(request)
    require_role(person, *READERS)
    form, on = _as_of(request, _zone(person))
    rows = _aged(person, on) if on else []
    query = request.GET.urlencode()
    context = {
        "form": form,
        "day": day_text(on) if on else "",
        "list": table(
            _("Aged payables"),
            [
                _("Programme"),
                _("Party"),
                figure(_("0–30 days")),
                figure(_("31–60 days")),
                figure(_("61–90 days")),
                figure(_("Over 90 days")),
                figure(_("Total")),
            ],
            [_row(one, query) for one in rows],
        ),
        "query": query,
    }
    return render(request, "billing/payables.html", context)


def _zone(person: User) -> str:
    """Return the zone whose day it is where nobody asks for one: that of what a person oversees."""
    first = queries.programmes_overseen(person).first()
    return first.zone if first else "UTC"


def _as_of(request: HttpRequest, zone: str) -> tuple[AsOfFilter, date | None]:
    """Return the day that the address asks for, today in a zone without any; None for no day."""
    today = day_of(timezone.now(), zone)
    given = request.GET if request.GET else _day(today)
    form = AsOfFilter(given)
    return form, form.cleaned_data["on"] if form.is_valid() else None


def _day(on: date) -> dict[str, str]:
    return {"on_day": str(on.day), "on_month": str(on.month), "on_year": str(on.year)}


def _aged(person: User, on: date) -> list[Aged]:
    return [
        aged
        for programme in queries.programmes_overseen(person)
        if is_currency(programme.unit)
        for aged in aged_by_party(programme, on)
    ]


def _row(aged: Aged, query: str) -> list[Any]:
    programme, party = aged.programme, aged.party
    url = reverse("payable_items", args=[programme.code, party.code])
    return [
        programme.title_here,
        {"text": party.name_here, "url": f"{url}?{query}" if query else url},
        *(money(amount, programme.unit) for amount in (*aged.by_age, aged.total)),
    ]


@login_required
@require_GET
def payables_file(request: HttpRequest, kind: str) -> HttpResponse:
    """Give the aged payables as a CSV or a workbook."""
    person = signed_in(request)
    require_role(person, *READERS)
    _form, on = _as_of(request, _zone(person))
    if on is None:
        # The page says what is wrong with the day.
        return redirect(f"{reverse('payables')}?{request.GET.urlencode()}")
    rows = [_file_row(one) for one in _aged(person, on)]
    answer = xlsx_answer if kind == "xlsx" else csv_answer
    return answer(f"payables-{on}.{kind}", HEADER, rows)


def _file_row(aged: Aged) -> list[object]:
    programme, unit = aged.programme, aged.programme.unit
    amounts = [major(amount, unit) for amount in (*aged.by_age, aged.total)]
    return [programme.code, aged.party.code, aged.party.name, unit, *amounts]


@login_required
@require_GET
def payable_items(request: HttpRequest, code: str, party_code: str) -> HttpResponse:
    """Show what is open of one party's account, the oldest first, as of a day."""
    programme, party = account_of(signed_in(request), code, party_code)
    form, on = _as_of(request, programme.zone)
    aged = aged_payables(programme, party, on) if on else None
    items = aged.items if aged else ()
    invoices = invoices_of(tuple(item.entry for item in items))
    unit, zone = programme.unit, programme.zone
    context = {
        "form": form,
        "programme": programme,
        "party": party,
        "day": day_text(on) if on else "",
        "total": money(aged.total, unit) if aged else "",
        "list": table(
            _("Open items"),
            [
                _("Since"),
                figure(_("Days")),
                _("What"),
                _("Reference"),
                figure(_("Amount")),
                figure(_("Still owed")),
            ],
            [
                [
                    day_text(day_of(item.entry.at, zone)),
                    age_in_days(item, on, zone),
                    act_words(item.entry.act_kind),
                    reference_of(item.entry, invoices),
                    money(item.entry.amount, unit),
                    money(item.left, unit),
                ]
                for item in items
                if on
            ],
        ),
        "account": reverse("account_statement", args=[code, party_code]),
    }
    return render(request, "billing/payable_items.html", context)
