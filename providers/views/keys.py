"""A provider's keys to the API."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from common.errors import NotFound
from common.forms import KeyedForm, answer_form
from parties.authentication import signed_in
from providers import actions, queries, statuses
from providers.forms import ApiKeyForm


@login_required
@require_http_methods(["GET", "POST"])
def api_keys(request: HttpRequest) -> HttpResponse:
    """List a provider's keys, and make a new one; its secret is shown on this answer alone."""
    person = signed_in(request)
    provider = queries.provider_of(person)
    form = ApiKeyForm(request.POST if request.method == "POST" else None)

    def create() -> HttpResponse:
        key, secret = actions.create_api_key(
            provider=provider,
            name=form.cleaned_data["name"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        response = render(
            request, "providers/api_key_made.html", {"key": key, "secret": secret}
        )
        response["Cache-Control"] = "no-store"
        return response

    keys = [
        {
            "key": key,
            "tag": statuses.API_KEY["REVOKED" if key.revoked_at else "LIVE"],
            "by": key.created_by.name,
        }
        for key in queries.api_keys_of(provider)
    ]
    context = {"keys": keys, "name": provider.organisation.name}
    return answer_form(request, form, "providers/api_keys.html", create, context)


@login_required
@require_http_methods(["GET", "POST"])
def api_key_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a key open nothing any more."""
    person = signed_in(request)
    provider = queries.provider_of(person)
    key = queries.api_keys_of(provider).filter(pk=pk).first()
    if key is None:
        raise NotFound(what=pk)
    form = KeyedForm(request.POST if request.method == "POST" else None)

    def revoke() -> HttpResponse:
        actions.revoke_api_key(api_key=key, actor=person, at=timezone.now(), key=form.act_key)
        messages.success(request, _("The key “%(name)s” is revoked.") % {"name": key.name})
        return redirect("api_keys")

    context = {
        "title": _("Revoke this key"),
        "caption": f"{key.name} ({key.prefix}…)",
        "back": reverse("api_keys"),
        "submit": _("Revoke"),
        "submit_kind": "warning",
        "warning": _("Programs that use it are refused from this moment on."),
    }
    return answer_form(request, form, "form_page.html", revoke, context)
