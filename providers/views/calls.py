"""The log of what a provider's programs asked."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from common.downloads import csv_answer
from common.formatting import instant
from parties.authentication import signed_in
from providers import queries
from providers.forms import CallsFilter
from providers.models import ApiCall

ROWS_A_PAGE = 50
CSV_ROWS_MOST = 50_000


@login_required
@require_GET
def api_calls(request: HttpRequest) -> HttpResponse:
    """List the requests of the last thirty days, newest first."""
    found, form, query = _asked(request)
    page = Paginator(found, ROWS_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "list": {
            "caption": _("Requests"),
            "columns": _columns(),
            "rows": [_row(call) for call in page],
        },
        "page": page,
        "query": query,
        "csv_url": f"{reverse('api_calls_csv')}?{query}" if query else reverse("api_calls_csv"),
        "is_filtered": bool(query),
    }
    return render(request, "providers/api_calls.html", context)


@login_required
@require_GET
def api_calls_csv(request: HttpRequest) -> HttpResponse:
    """Give the requests that the page lists, all pages of it."""
    found, _form, _query = _asked(request)
    rows = ([call.at.isoformat(), *_told(call)] for call in found[:CSV_ROWS_MOST])
    return csv_answer("requests.csv", _columns(), rows)


def _asked(request: HttpRequest) -> tuple[QuerySet[ApiCall], CallsFilter, str]:
    """Return the requests that the address asks for, its form, and its query."""
    provider = queries.provider_of(signed_in(request))
    form = CallsFilter(request.GET)
    typed = form.cleaned_data if form.is_valid() else {}
    given = {name: value for name, value in typed.items() if value}
    return queries.api_calls_of(provider, **given), form, urlencode(given)


def _columns() -> list[str]:
    return [
        _("When"),
        _("Method"),
        _("Path"),
        _("Status"),
        _("Code"),
        _("Took (ms)"),
        _("API key"),
        _("From address"),
        _("Request"),
    ]


def _row(call: ApiCall) -> list[object]:
    told = _told(call)
    if call.code:
        told[3] = {"text": call.code, "url": f"{reverse('api_errors')}#{call.code}"}
    return [instant(call.at), *told]


def _told(call: ApiCall) -> list[object]:
    return [
        call.method,
        call.path,
        call.status,
        call.code,
        call.took_ms,
        f"{call.api_key.name} ({call.api_key.prefix}…)",
        call.address or "",
        str(call.request_id),
    ]
