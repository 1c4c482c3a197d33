"""A programme's budget by fiscal year and source, as a table and a CSV."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from billing.queries.budgets import BudgetLine, budget_lines
from common.downloads import csv_answer
from common.formatting import money
from common.money import major
from parties.authentication import signed_in
from vouchers.queries import programme_of


@login_required
@require_GET
def programme_budget(request: HttpRequest, code: str) -> HttpResponse:
    """Show what was allotted, committed, consumed and paid, by fiscal year and source."""
    found = programme_of(signed_in(request), code)
    lines = budget_lines(found, timezone.now())
    context = {
        "title": found.title_here,
        "code": code,
        "columns": [
            _("Fiscal year"),
            _("Source"),
            *({"label": label, "numeric": True} for label in _figures()),
        ],
        "rows": [_row(one, found.unit) for one in lines],
        "csv": reverse("programme_budget_csv", args=[code]),
    }
    return render(request, "billing/budget.html", context)


def _figures() -> tuple[str, ...]:
    return _("Allotted"), _("Committed"), _("Consumed"), _("Paid")


def _row(one: BudgetLine, unit: str) -> list[Any]:
    amounts = (one.allotted, one.committed, one.consumed, one.paid)
    return [str(one.fiscal_year), one.source, *(money(amount, unit) for amount in amounts)]


@login_required
@require_GET
def programme_budget_csv(request: HttpRequest, code: str) -> HttpResponse:
    """Answer with the same as a CSV."""
    found = programme_of(signed_in(request), code)
    header = ["fiscal_year", "source", "unit", "allotted", "committed", "consumed", "paid"]
    rows = (
        [
            one.fiscal_year,
            one.source,
            found.unit,
            major(one.allotted, found.unit),
            major(one.committed, found.unit),
            major(one.consumed, found.unit),
            major(one.paid, found.unit),
        ]
        for one in budget_lines(found, timezone.now())
    )
    return csv_answer(f"{code}-budget.csv", header, rows)
