"""A provider's register of capacity: what is there on a day, one node more, or a whole list."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from common.days import day_of, end_of, start_of
from common.downloads import csv_answer
from common.formatting import day, day_text, instant
from common.forms import answer_form
from common.languages import in_language
from parties.authentication import signed_in
from providers import actions, queries
from providers.actions import NodeEntry
from providers.forms import (
    COLUMNS,
    SAMPLE,
    CapacityConfirmForm,
    CapacityFileForm,
    CapacityFileUnreadable,
    CapacityRead,
    DayForm,
    NodeForm,
    read_capacity,
)
from providers.models import CapacityVersion, Provider
from providers.views.lists import bad_columns, form_of_step

PAGE = 100
SHOWN_MOST = 200


# --- everybody -------------------------------------------------------------------------------


@require_GET
def capacity_public(request: HttpRequest) -> HttpResponse:
    """Show everybody how many GPUs accredited providers have registered, by class and region."""
    at, form = instant_asked(request)
    versions = queries.capacity_versions_accredited(at)
    context = {
        "form": form,
        "day": day_text(day_of(at)),
        **totals_shown(versions, at, with_providers=True),
    }
    return render(request, "providers/capacity_public.html", context)


def totals_shown(
    versions: list[CapacityVersion], at: datetime, *, with_providers: bool = False
) -> dict[str, Any]:
    """Return GPUs by class and region at an instant as the columns and rows of a table."""
    found = queries.capacity_totals(versions, at)
    columns: list[object] = [
        _("GPU model"),
        _("Region"),
        {"label": _("Nodes"), "numeric": True},
        {"label": _("GPUs"), "numeric": True},
    ]
    rows: list[Any] = [
        [one.resource_class, one.region, f"{one.nodes:,}", f"{one.gpus:,}"] for one in found
    ]
    whole = [
        _("All"),
        "",
        f"{sum(one.nodes for one in found):,}",
        f"{sum(one.gpus for one in found):,}",
    ]
    if with_providers:
        columns.insert(2, {"label": _("Providers"), "numeric": True})
        for row, one in zip(rows, found, strict=True):
            row.insert(2, str(one.providers))
        whole.insert(2, str(len(versions)))
    if found:
        rows.append({"cells": whole, "is_total": True})
    return {"total_columns": columns, "totals": rows}


def instant_asked(request: HttpRequest) -> tuple[datetime, DayForm]:
    """Return the instant of which a list is shown: now, or the beginning of a chosen day."""
    form = DayForm(request.GET or None)
    chosen = form.cleaned_data.get("on") if form.is_valid() else None
    return (start_of(chosen) if chosen else timezone.now()), form


def query_without_page(request: HttpRequest) -> str:
    """Return the rest of an address's query, so that a list keeps its day from page to page."""
    query = request.GET.copy()
    query.pop("page", None)
    return query.urlencode()


# --- the provider ----------------------------------------------------------------------------


@login_required
@require_GET
def capacity(request: HttpRequest) -> HttpResponse:
    """Show a provider what it has registered for a day, node by node, and every list it sent."""
    provider = queries.provider_of(signed_in(request))
    at, form = instant_asked(request)
    context = {
        "name": provider.organisation.name_here,
        "form": form,
        "day": day_text(day_of(at)),
        **register_shown(provider, at, request.GET.get("page")),
        "query": query_without_page(request),
    }
    return render(request, "providers/capacity.html", context)


def register_shown(provider: Provider, at: datetime, page: str | None) -> dict[str, Any]:
    """Return the newest register of a provider for a page: totals, nodes, and its versions."""
    version = queries.capacity_version(provider)
    versions = [version] if version else []
    nodes = queries.nodes_at(versions, at).order_by("node", "from_at")
    shown = Paginator(nodes, PAGE).get_page(page)
    return {
        "version": version,
        **totals_shown(versions, at),
        "node_columns": [
            _("Node"),
            _("GPU model"),
            {"label": _("GPUs"), "numeric": True},
            _("Region"),
            _("From"),
            _("Until"),
        ],
        "nodes": [
            [
                one.node,
                one.resource_class,
                str(one.gpus),
                one.region,
                instant(one.from_at),
                instant(one.until_at) if one.until_at else _("Until further notice"),
            ]
            for one in shown
        ],
        "page": shown,
        "version_columns": [
            {"label": _("List"), "numeric": True},
            _("When"),
            _("By"),
            _("File"),
            {"label": _("Entries"), "numeric": True},
            {"label": _("GPUs"), "numeric": True},
        ],
        "versions": [
            [
                str(one.number),
                instant(one.recorded_at),
                one.recorded_by.name,
                one.file_name or "–",
                f"{one.entries:,}",
                f"{one.gpus:,}",
            ]
            for one in queries.capacity_versions_of(provider)[:20]
        ],
    }


@login_required
@require_GET
def capacity_csv(request: HttpRequest) -> HttpResponse:
    """Give the newest register as the list that can be changed and sent again."""
    provider = queries.provider_of(signed_in(request))
    version = queries.capacity_version(provider)
    nodes = version.nodes.order_by("node", "from_at") if version else []
    rows = [
        [
            one.node,
            one.resource_class,
            one.gpus,
            one.region,
            one.from_at.isoformat(),
            one.until_at.isoformat() if one.until_at else "",
        ]
        for one in nodes
    ]
    return csv_answer("capacity.csv", list(COLUMNS), rows)


@require_GET
def capacity_sample(request: HttpRequest) -> HttpResponse:
    """Give everybody a list as it may look, with its columns in the language spoken."""
    header = [in_language(known[0], known[1]) for known in COLUMNS.values()]
    return csv_answer("capacity-sample.csv", header, SAMPLE)


@login_required
@require_http_methods(["GET", "POST"])
def capacity_new(request: HttpRequest) -> HttpResponse:
    """Register one node, or other GPUs or days of one that is registered."""
    person, now = signed_in(request), timezone.now()
    provider = queries.provider_of(person)
    form = NodeForm(request.POST if request.method == "POST" else None)

    def record() -> HttpResponse:
        given = form.cleaned_data
        first, last = given["from_on"], given["until_on"]
        entry = NodeEntry(
            given["node"].strip(),
            given["resource_class"],
            given["gpus"],
            given["region"],
            # Today means now: its first instant has passed.
            start_of(first) if first and first != day_of(now) else None,
            end_of(last) if last else None,
        )
        actions.record_node(
            provider=provider, entry=entry, actor=person, at=now, key=form.act_key
        )
        messages.success(request, _("%(node)s is registered.") % {"node": entry.node})
        return redirect("capacity")

    context = {
        "title": _("Register a node"),
        "caption": provider.organisation.name_here,
        "back": reverse("capacity"),
        "submit": _("Register it"),
    }
    return answer_form(request, form, "form_page.html", record, context)


@login_required
@require_http_methods(["GET", "POST"])
def capacity_upload(request: HttpRequest) -> HttpResponse:
    """Look over a list of all nodes, and register it in a second step."""
    person, now = signed_in(request), timezone.now()
    provider = queries.provider_of(person)
    initial = {"from_on": day_of(now)}
    form, is_confirmed = form_of_step(request, CapacityFileForm, CapacityConfirmForm, initial)

    def look_or_record() -> HttpResponse:
        given = form.cleaned_data
        # Today means now where the provider has a list already: its first instant has passed.
        has_list = queries.capacity_version(provider) is not None
        is_today = given["from_on"] == day_of(now)
        from_at = None if has_list and is_today else start_of(given["from_on"])
        try:
            read = read_capacity(given["text"], region=given["region"], from_at=from_at)
        except CapacityFileUnreadable as error:
            form.add_error(None, str(error))
            return render(request, "providers/capacity_upload.html", {"form": form, **context})
        if not is_confirmed:
            shown = _looked_over(read, given)
            return render(request, "providers/list_check.html", {**context, **shown})
        version = actions.record_capacity(
            provider=provider,
            nodes=read.entries,
            file_name=given["file_name"],
            actor=person,
            at=now,
            key=form.act_key,
        )
        messages.success(
            request,
            _("List %(number)s is registered: %(nodes)s entries, %(gpus)s GPUs.")
            % {
                "number": version.number,
                "nodes": f"{version.entries:,}",
                "gpus": f"{version.gpus:,}",
            },
        )
        return redirect("capacity")

    context = {
        "title": _("Send a list of all nodes"),
        "caption": provider.organisation.name_here,
        "back": reverse("capacity"),
        "submit": _("Look it over"),
        "header": ",".join(COLUMNS),
        "header_zh": ",".join(names[1] for names in COLUMNS.values()),
    }
    return answer_form(request, form, "providers/capacity_upload.html", look_or_record, context)


def _looked_over(read: CapacityRead, given: dict[str, Any]) -> dict[str, Any]:
    initial = {
        "lines": given["text"],
        "region": given["region"],
        "from_on": given["from_on"].isoformat(),
        "file_name": given["file_name"],
    }
    count = len(read.entries)
    return {
        "here": reverse("capacity_upload"),
        "was_look": _("This was a look: nothing is registered yet."),
        "form": CapacityConfirmForm(initial=initial) if read.entries else None,
        "submit": ngettext("Register %(count)s entry", "Register %(count)s entries", count)
        % {"count": f"{count:,}"},
        "facts": [
            {"key": _("Entries that can be registered"), "value": f"{count:,}"},
            {"key": _("GPUs in them"), "value": f"{sum(one.gpus for one in read.entries):,}"},
            {"key": _("Nodes without a GPU, left out"), "value": f"{read.without_gpu:,}"},
            {"key": _("Things to correct"), "value": f"{len(read.problems):,}"},
            {"key": _("Columns not used"), "value": ", ".join(read.unknown) or "–"},
        ],
        "bad_columns": bad_columns(),
        "bad": [
            [str(one.row), one.column, one.value or "–", one.words]
            for one in read.problems[:SHOWN_MOST]
        ],
        "good_caption": _("The first entries that can be registered"),
        "good_empty": _("Not one row can be registered. Correct them and look again."),
        "good_columns": [
            _("Node"),
            _("GPU model"),
            {"label": _("GPUs"), "numeric": True},
            _("Region"),
            _("First day"),
        ],
        "good": [
            [
                one.node,
                one.resource_class,
                str(one.gpus),
                one.region,
                day(day_of(one.from_at)) if one.from_at else _("Now"),
            ]
            for one in read.entries[:SHOWN_MOST]
        ],
    }
