"""What was metered by month, programme, provider and class, as a page and a CSV."""

from decimal import Decimal
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from billing.forms.months import MonthsFilter
from billing.queries import months as queries
from billing.queries.months import Asked, Freshness, MonthOfUse, Total
from billing.views.shown import figure, page_of, query_of, table
from common.downloads import csv_answer
from common.errors import NotFound
from common.formatting import gpu_hours, instant, money
from common.money import GPU_MS_PER_HOUR, is_currency, major
from parties.authentication import signed_in
from parties.models import User


@login_required
@require_GET
def usage_months(request: HttpRequest) -> HttpResponse:
    """Show what months come to, how fresh that is, and let it be narrowed down."""
    person = _reader(request)
    form = _form(request, person)
    asked = form.asked() if form.is_valid() else None
    found = queries.months_of_use(person, asked) if asked is not None else []
    page = page_of(request, found)
    context = {
        "form": form,
        "is_filtered": bool(query_of(request)),
        "freshness": _freshness(queries.freshness_of(person, asked))
        if asked is not None
        else "",
        "totals": table(_("All of it"), _total_columns(), list(map(_total, _totals(found)))),
        "list": table(_("By month"), _columns(), [_row(one) for one in page]),
        "page": page,
        "query": query_of(request),
    }
    return render(request, "billing/usage_months.html", context)


@login_required
@require_GET
def usage_months_csv(request: HttpRequest) -> HttpResponse:
    """Answer with the same as a CSV, each row with how fresh all of it is.

    :raises NotFound: if the address asks for what there is no figure of.
    """
    person = _reader(request)
    form = _form(request, person)
    if not form.is_valid():
        raise NotFound(what=request.GET.urlencode()[:100])
    asked: Asked = form.asked()
    fresh = queries.freshness_of(person, asked)
    newest = fresh.newest_at.isoformat() if fresh else ""
    header = ["month", "programme", "provider", "resource", "class", "lines", "quantity_ms"]
    rows = (
        [
            f"{one.month:%Y-%m}",
            one.programme,
            one.provider,
            one.resource,
            one.resource_class,
            one.lines,
            one.quantity_ms,
            one.unit,
            # In kind the hours are the amount.
            major(one.amount, one.unit) if is_currency(one.unit) else "",
            newest,
        ]
        for one in queries.months_of_use(person, asked)
    )
    return csv_answer(
        "usage-by-month.csv", [*header, "unit", "amount", "newest_recorded_at"], rows
    )


def _reader(request: HttpRequest) -> User:
    """Return who asks.

    :raises NotFound: for anybody who oversees no programme.
    """
    person = signed_in(request)
    if not queries.may_see_months(person):
        raise NotFound(what=request.path)
    return person


def _form(request: HttpRequest, person: User) -> MonthsFilter:
    return MonthsFilter(request.GET, offered=queries.choices_of(person))


def _freshness(fresh: Freshness | None) -> str:
    if fresh is None:
        return ""
    words = ngettext(
        "These figures hold all {lines} line that was recorded, the newest on {at}. They "
        "change in the moment in which a line is recorded.",
        "These figures hold all {lines} lines that were recorded, the newest on {at}. They "
        "change in the moment in which a line is recorded.",
        fresh.lines,
    )
    return format_html(words, lines=f"{fresh.lines:,}", at=instant(fresh.newest_at))


def _totals(found: list[MonthOfUse]) -> list[Total]:
    return queries.totals_of(found)


def _total_columns() -> list[Any]:
    return [_("Resource"), figure(_("Lines")), figure(_("Hours")), figure(_("Amount"))]


def _total(one: Total) -> list[Any]:
    return [one.resource, f"{one.lines:,}", _hours(one), money(one.amount, one.unit)]


def _columns() -> list[Any]:
    return [_("Month"), _("Programme"), _("Provider"), *_total_columns()]


def _row(one: MonthOfUse) -> list[Any]:
    return [
        f"{one.month:%Y-%m}",
        one.programme_here,
        one.provider_here,
        f"{one.resource} {one.resource_class}".strip(),
        f"{one.lines:,}",
        _hours(one),
        money(one.amount, one.unit),
    ]


def _hours(one: MonthOfUse | Total) -> str:
    if one.resource == "GPU":
        return gpu_hours(one.quantity_ms)
    # A core-hour is as long as a GPU-hour.
    hours = Decimal(one.quantity_ms) / GPU_MS_PER_HOUR
    return _("%(hours)s core-hours") % {"hours": f"{hours:,.2f}"}
