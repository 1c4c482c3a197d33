"""Where a provider's programs are told what happened."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from common.forms import KeyedForm, answer_form
from parties.authentication import signed_in
from providers import actions, queries, statuses
from providers.forms import WebhookForm
from providers.models import WebhookEndpoint


@login_required
@require_http_methods(["GET", "POST"])
def webhooks(request: HttpRequest) -> HttpResponse:
    """List a provider's addresses, and add one; its secret is shown on this answer alone."""
    person = signed_in(request)
    provider = queries.provider_of(person)
    form = WebhookForm(request.POST if request.method == "POST" else None)

    def add() -> HttpResponse:
        endpoint, secret = actions.add_webhook(
            provider=provider,
            url=form.cleaned_data["url"],
            events=form.cleaned_data["events"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        return _shown_once(request, endpoint, secret)

    endpoints = [
        {
            "endpoint": endpoint,
            "tag": statuses.WEBHOOK[endpoint.status],
            "is_active": endpoint.status == WebhookEndpoint.Status.ACTIVE,
        }
        for endpoint in queries.endpoints_of(provider)
    ]
    context = {"endpoints": endpoints, "name": provider.organisation.name_here}
    return answer_form(request, form, "providers/webhooks.html", add, context)


def _shown_once(request: HttpRequest, endpoint: WebhookEndpoint, secret: str) -> HttpResponse:
    context = {"endpoint": endpoint, "secret": secret}
    response = render(request, "providers/webhook_secret.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _page(endpoint: WebhookEndpoint, title: str, submit: str, **more: Any) -> dict[str, Any]:
    return {
        "title": title,
        "caption": endpoint.url,
        "back": reverse("webhooks"),
        "submit": submit,
        **more,
    }


@login_required
@require_http_methods(["GET", "POST"])
def webhook_roll(request: HttpRequest, pk: int) -> HttpResponse:
    """Give an address a new secret; both sign for a day."""
    person = signed_in(request)
    endpoint = queries.endpoint_of(queries.provider_of(person), pk)
    form = KeyedForm(request.POST if request.method == "POST" else None)

    def roll() -> HttpResponse:
        return _shown_once(
            request,
            *actions.roll_webhook(
                endpoint=endpoint, actor=person, at=timezone.now(), key=form.act_key
            ),
        )

    intro = _("You get a new secret. For a day each event carries the signatures of both.")
    context = _page(endpoint, _("Roll this secret"), _("Make the new secret"), intro=intro)
    return answer_form(request, form, "form_page.html", roll, context)


@login_required
@require_http_methods(["GET", "POST"])
def webhook_enable(request: HttpRequest, pk: int) -> HttpResponse:
    """Send to a disabled address again."""
    person = signed_in(request)
    endpoint = queries.endpoint_of(queries.provider_of(person), pk)
    form = KeyedForm(request.POST if request.method == "POST" else None)

    def enable() -> HttpResponse:
        actions.enable_webhook(
            endpoint=endpoint, actor=person, at=timezone.now(), key=form.act_key
        )
        messages.success(
            request, _("Events are sent to %(url)s again.") % {"url": endpoint.url}
        )
        return redirect("webhooks")

    context = _page(endpoint, _("Enable this address"), _("Enable"))
    return answer_form(request, form, "form_page.html", enable, context)


@login_required
@require_http_methods(["GET", "POST"])
def webhook_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Send nothing more to an address."""
    person = signed_in(request)
    endpoint = queries.endpoint_of(queries.provider_of(person), pk)
    form = KeyedForm(request.POST if request.method == "POST" else None)

    def remove() -> HttpResponse:
        actions.remove_webhook(
            endpoint=endpoint, actor=person, at=timezone.now(), key=form.act_key
        )
        messages.success(
            request, _("Nothing is sent to %(url)s any more.") % {"url": endpoint.url}
        )
        return redirect("webhooks")

    context = _page(
        endpoint,
        _("Remove this address"),
        _("Remove"),
        submit_kind="warning",
        warning=_("What was not sent yet is not sent any more."),
    )
    return answer_form(request, form, "form_page.html", remove, context)
