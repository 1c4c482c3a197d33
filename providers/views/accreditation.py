"""A provider's accreditation: applying for it, what came of it, and the public list."""

from datetime import date, datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from common.days import day_of
from common.downloads import csv_answer, file_answer
from common.errors import NotFound
from common.formatting import day, instant
from common.forms import answer_form
from parties.authentication import signed_in
from parties.queries import authorities
from providers import actions, queries, statuses
from providers.forms import ApplyForm, ListFilter
from providers.models import Accreditation, AccreditationApplication, ServiceItem
from providers.told import items_told, suspension_told

PAGE = 100


# --- everybody -------------------------------------------------------------------------------


@require_GET
def accredited(request: HttpRequest) -> HttpResponse:
    """List who is accredited for what, batch by batch, as authorities publish it."""
    form, found = _chosen(request)
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    given = {name: value for name, value in form.cleaned_data.items() if value}
    context = {
        "form": form,
        "page": page,
        "query": urlencode(given),
        "columns": [_("Provider"), *_columns()],
        "rows": [
            [one.provider.organisation.name_here, *_row(one, state)]
            for one, state in _with_states(page, timezone.now())
        ],
        "is_filtered": bool(given),
    }
    return render(request, "providers/accredited.html", context)


@require_GET
def accredited_csv(request: HttpRequest) -> HttpResponse:
    """Give the public list, or the chosen part of it, as a table to keep."""
    _form, found = _chosen(request)
    rows = [
        [
            one.batch,
            one.provider.organisation.name,
            one.provider.organisation.name_zh,
            one.provider.organisation.identifier,
            one.item,
            one.from_on.isoformat(),
            one.until_on.isoformat() if one.until_on else "",
            one.authority.name if one.authority else "",
            state,
        ]
        for one, state in _with_states(found, timezone.now())
    ]
    header = (
        "batch",
        "provider",
        "provider_zh",
        "identifier",
        "service_item",
        "from",
        "until",
        "authority",
        "status",
    )
    return csv_answer("accredited-providers.csv", header, rows)


def _chosen(request: HttpRequest) -> tuple[ListFilter, Any]:
    form = ListFilter(request.GET)
    form.is_valid()
    found = queries.accreditations_listed()
    if form.cleaned_data.get("batch"):
        found = found.filter(batch__icontains=form.cleaned_data["batch"])
    if form.cleaned_data.get("item"):
        found = found.filter(item=form.cleaned_data["item"])
    return form, found


def _with_states(found: Any, now: datetime) -> list[tuple[Accreditation, str]]:
    """Return accreditations, each with the word of `statuses.ACCREDITATION` for it today."""
    stopped = set(
        queries.suspensions_in_force(now)
        .filter(stops_orders=True)
        .values_list("provider", flat=True)
    )
    today = day_of(now)
    return [(one, _state(one, today, one.provider_id in stopped)) for one in found]


def _state(one: Accreditation, today: date, is_stopped: bool) -> str:
    if one.until_on is not None and one.until_on < today:
        return "ENDED"
    if one.from_on > today:
        return "BEGINS"
    return "SUSPENDED" if is_stopped else "IN_FORCE"


def _columns() -> list[str]:
    return [_("Accreditation batch"), _("Service item"), _("Validity"), _("Status")]


def _row(one: Accreditation, state: str) -> list[object]:
    values = {"from": day(one.from_on), "until": day(one.until_on) if one.until_on else ""}
    days = (
        _("From {from} to {until}") if one.until_on else _("From {from} until further notice")
    )
    authority = one.authority.name_here if one.authority else ""
    batch = ", ".join(filter(None, (authority, one.batch)))
    return [
        batch or _("None"),
        ServiceItem(one.item).label,
        format_html(days, **values),
        statuses.ACCREDITATION[state].label,
    ]


# --- the provider ----------------------------------------------------------------------------


@login_required
@require_GET
def accreditation(request: HttpRequest) -> HttpResponse:
    """Show a provider what it is accredited for, what it asked for, and what is suspended."""
    organisation = queries.provider_organisation_of(signed_in(request))
    provider = queries.provider_by_code(organisation.code)
    now = timezone.now()
    applications = queries.applications_of(organisation)
    context = {
        "name": organisation.name_here,
        "is_waiting": applications.filter(decision__isnull=True).exists(),
        "tag": statuses.PROVIDER[queries.provider_status(provider, now)],
        **accreditation_shown(provider, now),
        "applications": applications_shown(applications),
    }
    return render(request, "providers/accreditation.html", context)


def accreditation_shown(provider: Any, now: datetime) -> dict[str, Any]:
    """Return a provider's accreditations in rows, and what it is suspended by, for a page."""
    if provider is None:
        return {"columns": _columns(), "rows": [], "suspension": None}
    suspension = queries.suspension_in_force(provider, now)
    found = _with_states(queries.accreditations_of(provider), now)
    return {
        "columns": _columns(),
        "rows": [_row(one, state) for one, state in found],
        "suspension": suspension_told(suspension) if suspension else None,
    }


def applications_shown(found: Any) -> list[dict[str, Any]]:
    """Return applications for accreditation as facts with their status, for a page."""
    return [
        {
            "code": one.code,
            "tag": statuses.ACCREDITATION_APPLICATION[application_state(one)],
            "rows": application_rows(one),
        }
        for one in found
    ]


def application_state(one: AccreditationApplication) -> str:
    """Return the word of `statuses.ACCREDITATION_APPLICATION` for an application."""
    return one.decision.outcome if hasattr(one, "decision") else "SENT"


def application_rows(one: AccreditationApplication) -> list[dict[str, Any]]:
    """Return the facts of an application: what was asked, and what was decided."""
    rows: list[dict[str, Any]] = [
        {"key": _("Authority"), "value": one.authority.name_here},
        {"key": _("Service items"), "value": items_told(one.items)},
        {"key": _("Where it runs"), "value": one.regions},
        {"key": _("What is run, and for whom"), "value": one.description},
        {"key": _("Contact"), "value": f"{one.contact_name}, {one.contact_email}"},
        {"key": _("Sent"), "value": instant(one.sent_at)},
    ]
    rows += [
        {
            "key": _("Document"),
            "value": document.name,
            "url": reverse("accreditation_document", args=[one.code, document.pk]),
            "action": _("Download"),
        }
        for document in one.documents.defer("content").order_by("pk")
    ]
    if hasattr(one, "decision"):
        rows.append({"key": _("Decided"), "value": instant(one.decision.decided_at)})
        given = list(one.accreditations.order_by("pk"))
        if given:
            items = items_told([accreditation.item for accreditation in given])
            told = _("%(items)s, by batch %(batch)s") % {
                "items": items,
                "batch": given[0].batch,
            }
            rows.append({"key": _("Accredited for"), "value": told})
        if one.decision.reasons:
            rows.append({"key": _("Reasons"), "value": one.decision.reasons})
    return rows


@login_required
@require_http_methods(["GET", "POST"])
def accreditation_apply(request: HttpRequest) -> HttpResponse:
    """Ask an authority to be accredited, or to renew it, on one page."""
    person = signed_in(request)
    organisation = queries.provider_organisation_of(person)
    found = {one.code: one for one in authorities()}
    is_sent = request.method == "POST"
    form = ApplyForm(
        request.POST if is_sent else None,
        request.FILES if is_sent else None,
        initial={"contact_name": person.name, "contact_email": person.email},
        authorities=[(code, one.name) for code, one in found.items()],
    )

    def apply() -> HttpResponse:
        given = form.cleaned_data
        application = actions.apply_for_accreditation(
            organisation=organisation,
            authority=found[given["authority"]],
            items=given["items"],
            regions=given["regions"],
            description=given["description"],
            contact_name=given["contact_name"],
            contact_email=given["contact_email"],
            declared=given["declared"],
            documents=[one for one in (given["licence"], given["evidence"]) if one],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(
            request,
            _("We have your application %(application)s. You are told what is decided.")
            % {"application": application.code},
        )
        return redirect("accreditation")

    context = {
        "title": _("Apply for accreditation"),
        "caption": organisation.name_here,
        "back": reverse("accreditation"),
        "submit": _("Send"),
        "intro": _(
            "An officer of the authority decides for which service items, and from which day "
            "until which. To renew an accreditation, apply again."
        ),
    }
    return answer_form(request, form, "providers/upload_page.html", apply, context)


@login_required
@require_GET
def accreditation_document(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """Give a document of an application to its applicant or to who decides it."""
    application = queries.application_seen_by(signed_in(request), code)
    document = application.documents.filter(pk=pk).first()
    if document is None:
        raise NotFound(what=pk)
    return file_answer(document.name, bytes(document.content), "application/octet-stream")
