"""An officer's desk for providers: who asks to be accredited, who is, and who is suspended."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from common.days import day_of, end_of, start_of
from common.errors import NotFound
from common.formatting import day_text, instant
from common.forms import answer_form
from parties.authentication import signed_in
from parties.models import User
from parties.queries import has_role
from parties.roles import Role
from providers import actions, queries, statuses
from providers.forms import DecideForm, LiftForm, SuspendForm
from providers.models import Provider, Suspension
from providers.told import effects_told, items_told, time_told
from providers.views.accreditation import (
    accreditation_shown,
    application_rows,
    applications_shown,
)
from providers.views.capacity import instant_asked, query_without_page, register_shown

PAGE = 50


def officer_of(request: HttpRequest) -> User:
    """Return who is signed in, who has to be an officer or an administrator of an authority.

    :raises NotFound: for anybody else.
    """
    person = signed_in(request)
    if not has_role(person, Role.OFFICER) and not has_role(person, Role.ADMIN):
        raise NotFound(what=request.path)
    return person


@login_required
@require_GET
def providers_desk(request: HttpRequest) -> HttpResponse:
    """List the applications that wait for a decision, and whom one's authorities accredited."""
    person, now = officer_of(request), timezone.now()
    waiting = queries.applications_before(person).filter(decision__isnull=True)
    page = Paginator(queries.providers_before(person), PAGE).get_page(request.GET.get("page"))
    context = {
        "waiting_columns": [_("Application"), _("Provider"), _("Service items"), _("Sent")],
        "waiting": [
            [
                {"text": one.code, "url": reverse("accreditation_decide", args=[one.code])},
                one.organisation.name_here,
                items_told(one.items),
                instant(one.sent_at),
            ]
            for one in waiting
        ],
        "columns": [_("Provider"), _("Status"), _("Accredited since")],
        "rows": [
            [
                {
                    "text": one.organisation.name_here,
                    "url": reverse("provider_case", args=[one.organisation.code]),
                },
                statuses.PROVIDER[queries.provider_status(one, now)].staff_label,
                instant(one.accredited_at),
            ]
            for one in page
        ],
        "page": page,
    }
    return render(request, "providers/desk.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def accreditation_decide(request: HttpRequest, code: str) -> HttpResponse:
    """Decide an application: for which items, by which batch, from which day until which."""
    person = officer_of(request)
    found = queries.applications_before(person).filter(code=code).first()
    if found is None:
        raise NotFound(what=code)
    form = DecideForm(
        request.POST if request.method == "POST" else None,
        initial={"items": found.items},
        asked=found.items,
    )

    def decide() -> HttpResponse:
        given = form.cleaned_data
        actions.decide_accreditation(
            application=found,
            items=given["items"],
            batch=given["batch"],
            from_on=given["from_on"],
            until_on=given["until_on"],
            reasons=given["reasons"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(request, _("Decided. The provider is told."))
        return redirect("providers_desk")

    context = {
        "title": _("Decide an application for accreditation"),
        "caption": f"{found.code}, {found.organisation.name_here}",
        "back": reverse("providers_desk"),
        "submit": _("Decide"),
        "rows": application_rows(found),
    }
    return answer_form(request, form, "form_page.html", decide, context)


@login_required
@require_GET
def provider_case(request: HttpRequest, code: str) -> HttpResponse:
    """Show an officer one provider: its accreditations, applications and suspensions."""
    person, now = officer_of(request), timezone.now()
    provider = _provider(person, code)
    organisation = provider.organisation
    running = queries.suspensions_not_over(now).filter(provider=provider).first()
    context = {
        "name": organisation.name_here,
        "code": organisation.code,
        "tag": statuses.PROVIDER[queries.provider_status(provider, now)],
        **accreditation_shown(provider, now),
        "applications": applications_shown(queries.applications_of(organisation)),
        "running": running,
        "may_lift": running is not None and queries.may_lift(running, person),
        **register_told(request, provider),
        "suspension_columns": [_("When"), _("Reason"), _("Effects"), _("Why it ended")],
        "suspensions": [_suspension_row(one) for one in queries.suspensions_of(provider)],
    }
    return render(request, "providers/provider_case.html", context)


def register_told(request: HttpRequest, provider: Provider) -> dict[str, Any]:
    """Return a provider's register of capacity for its page at an officer's desk."""
    at, form = instant_asked(request)
    return {
        "form": form,
        "day": day_text(day_of(at)),
        **register_shown(provider, at, request.GET.get("page")),
        "query": query_without_page(request),
    }


def _suspension_row(one: Suspension) -> list[object]:
    lift: Any = getattr(one, "lift", None)
    effects = " ".join(effects_told(one))
    return [time_told(one), one.reason, effects, (lift.note if lift else "") or "–"]


@login_required
@require_http_methods(["GET", "POST"])
def provider_suspend(request: HttpRequest, code: str) -> HttpResponse:
    """Stop some of what a provider may do, with a reason and for a time."""
    person, now = officer_of(request), timezone.now()
    provider = _provider(person, code)
    form = SuspendForm(request.POST if request.method == "POST" else None)

    def suspend() -> HttpResponse:
        given = form.cleaned_data
        first, last = given["from_on"], given["until_on"]
        actions.suspend_provider(
            provider=provider,
            note=given["note"],
            stops_orders=given["stops_orders"] == "yes",
            holds=given["holds"],
            bills=given["bills"],
            # Today means now: its first instant has passed.
            from_at=start_of(first) if first and first != day_of(now) else None,
            until_at=end_of(last) if last else None,
            actor=person,
            at=now,
            key=form.act_key,
        )
        messages.success(
            request, _("Suspended. The provider and the holders of its orders are told.")
        )
        return redirect("provider_case", code)

    context = {
        "title": _("Suspend this provider"),
        "caption": provider.organisation.name_here,
        "back": reverse("provider_case", args=[code]),
        "submit": _("Suspend"),
        "submit_kind": "warning",
    }
    return answer_form(request, form, "form_page.html", suspend, context)


@login_required
@require_http_methods(["GET", "POST"])
def suspension_lift(request: HttpRequest, code: str) -> HttpResponse:
    """End the suspension of a provider."""
    person, now = officer_of(request), timezone.now()
    provider = _provider(person, code)
    running = queries.suspensions_not_over(now).filter(provider=provider).first()
    if running is None or not queries.may_lift(running, person):
        raise NotFound(what=code)
    form = LiftForm(request.POST if request.method == "POST" else None)

    def lift() -> HttpResponse:
        actions.lift_suspension(
            suspension=running,
            note=form.cleaned_data["note"],
            actor=person,
            at=now,
            key=form.act_key,
        )
        messages.success(request, _("Lifted. The provider and the holders are told."))
        return redirect("provider_case", code)

    context = {
        "title": _("Lift the suspension"),
        "caption": provider.organisation.name_here,
        "back": reverse("provider_case", args=[code]),
        "submit": _("Lift it"),
        "rows": [
            {"key": _("Reason"), "value": running.reason},
            {"key": _("When"), "value": time_told(running)},
            {"key": _("Effects"), "value": " ".join(effects_told(running))},
        ],
    }
    return answer_form(request, form, "form_page.html", lift, context)


def _provider(person: User, code: str) -> Provider:
    provider = queries.providers_before(person).filter(organisation__code=code).first()
    if provider is None:
        raise NotFound(what=code)
    return provider
