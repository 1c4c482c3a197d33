"""A provider's keys to the API."""

from typing import Any

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
from common.statuses import Status
from parties.authentication import signed_in
from parties.models import User
from providers import actions, queries, statuses
from providers.forms import ApiKeyForm, NetworksForm, RollForm
from providers.models import ApiKey


@login_required
@require_http_methods(["GET", "POST"])
def api_keys(request: HttpRequest) -> HttpResponse:
    """List a provider's keys, and make a new one; its secret is shown on this answer alone."""
    person = signed_in(request)
    provider = queries.provider_of(person)
    form = ApiKeyForm(request.POST if request.method == "POST" else None)

    def create() -> HttpResponse:
        given: dict[str, Any] = {
            "provider": provider,
            "actor": person,
            "at": timezone.now(),
            "key": form.act_key,
            **{name: form.cleaned_data[name] for name in ("name", "kind", "networks")},
        }
        if form.cleaned_data["use"] == "CLIENT":
            return _shown_once(request, *actions.create_api_client(**given))
        made, secret = actions.create_api_key(**given)
        return _shown_once(request, made, actions.Secret(secret))

    at = timezone.now()
    keys = [
        {
            "key": key,
            "kind": statuses.KEY_KIND[key.kind],
            "tag": _tag_of(key),
            "by": key.created_by.name,
            "is_in_force": key.is_in_force(at),
            "may_be_rolled": key.is_in_force(at) and key.ends_at is None,
        }
        for key in queries.api_keys_of(provider)
    ]
    context = {"keys": keys, "name": provider.organisation.name_here}
    return answer_form(request, form, "providers/api_keys.html", create, context)


def _tag_of(key: ApiKey) -> Status:
    if key.revoked_at:
        return statuses.API_KEY["REVOKED"]
    if not key.is_in_force(timezone.now()):
        return statuses.API_KEY["ENDED"]
    return statuses.API_KEY["ENDING" if key.ends_at else "LIVE"]


def _shown_once(request: HttpRequest, key: ApiKey, shown: actions.Secret) -> HttpResponse:
    context = {
        "key": key,
        "secret": shown.secret,
        "client_id": shown.client_id,
        "token_url": request.build_absolute_uri(reverse("api_token")),
        "old": key.replaces,
    }
    response = render(request, "providers/api_key_made.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _key(person: User, pk: int) -> ApiKey:
    """Return a key of the person's provider.

    :raises NotFound: if it doesn't exist or is another provider's.
    """
    key = queries.api_keys_of(queries.provider_of(person)).filter(pk=pk).first()
    if key is None:
        raise NotFound(what=pk)
    return key


def _page(key: ApiKey, title: str, submit: str, **more: Any) -> dict[str, Any]:
    return {
        "title": title,
        "caption": f"{key.name} ({key.prefix}…)",
        "back": reverse("api_keys"),
        "submit": submit,
        **more,
    }


@login_required
@require_http_methods(["GET", "POST"])
def api_key_roll(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a key that replaces one; the old one works on for as long as is said here."""
    person = signed_in(request)
    key = _key(person, pk)
    form = RollForm(request.POST if request.method == "POST" else None)

    def roll() -> HttpResponse:
        at = timezone.now()
        made, shown = actions.roll_api_key(
            api_key=key,
            ends_at=at + form.cleaned_data["overlap"],
            actor=person,
            at=at,
            key=form.act_key,
        )
        return _shown_once(request, made, shown)

    intro = _("You get a new secret. Both work until the old one ends.")
    context = _page(key, _("Roll this key"), _("Make the new key"), intro=intro)
    return answer_form(request, form, "form_page.html", roll, context)


@login_required
@require_http_methods(["GET", "POST"])
def api_key_limit(request: HttpRequest, pk: int) -> HttpResponse:
    """Say from which networks a key may be used."""
    person = signed_in(request)
    key = _key(person, pk)
    form = NetworksForm(
        request.POST if request.method == "POST" else None,
        initial={"networks": "\n".join(key.networks)},
    )

    def limit() -> HttpResponse:
        actions.limit_api_key(
            api_key=key,
            networks=form.cleaned_data["networks"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(
            request, _("The networks of the key “%(name)s” are saved.") % {"name": key.name}
        )
        return redirect("api_keys")

    context = _page(key, _("Networks of this key"), _("Save"))
    return answer_form(request, form, "form_page.html", limit, context)


@login_required
@require_http_methods(["GET", "POST"])
def api_key_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a key open nothing any more."""
    person = signed_in(request)
    key = _key(person, pk)
    form = KeyedForm(request.POST if request.method == "POST" else None)

    def revoke() -> HttpResponse:
        actions.revoke_api_key(api_key=key, actor=person, at=timezone.now(), key=form.act_key)
        messages.success(request, _("The key “%(name)s” is revoked.") % {"name": key.name})
        return redirect("api_keys")

    context = _page(
        key,
        _("Revoke this key"),
        _("Revoke"),
        submit_kind="warning",
        warning=_("Programs that use it are refused from this moment on."),
    )
    return answer_form(request, form, "form_page.html", revoke, context)
