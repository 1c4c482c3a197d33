"""The way into the sandbox, and what a provider finds there."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from common.forms import KeyedForm, answer_form
from config.sandbox.stage import EMPTY, EXPIRED, MAGIC, OK, SUSPENDED, enter, magic_code, reset
from config.sandbox.tickets import read_ticket, ticket_for
from parties.authentication import signed_in
from providers.queries import offers_of, provider_of


@login_required
@require_http_methods(["GET", "POST"])
def sandbox(request: HttpRequest) -> HttpResponse:
    """Take a provider's person to the sandbox; in the sandbox, show what is there to try."""
    if settings.IS_SANDBOX:
        return _what_is_there(request)
    if not settings.SANDBOX_URL or request.method != "GET":
        raise Http404
    person = signed_in(request)
    organisation = provider_of(person).organisation
    ticket = ticket_for(
        email=person.email,
        name=person.name,
        language=person.language,
        provider=organisation.code,
        title=organisation.name,
    )
    return redirect(f"{settings.SANDBOX_URL}/sandbox/enter?{urlencode({'ticket': ticket})}")


@require_GET
def sandbox_enter(request: HttpRequest) -> HttpResponse:
    """Let in who comes from the portal with a ticket; there is no such door in the portal."""
    if not settings.IS_SANDBOX:
        raise Http404
    ticket = read_ticket(request.GET.get("ticket", ""))
    person = enter(ticket=ticket, at=timezone.now())
    login(request, person, backend=settings.AUTHENTICATION_BACKENDS[0])
    return redirect("sandbox")


def _what_is_there(request: HttpRequest) -> HttpResponse:
    provider = provider_of(signed_in(request))
    organisation = provider.organisation
    form = KeyedForm(request.POST if request.method == "POST" else None)

    def again() -> HttpResponse:
        reset(organisation=organisation, at=timezone.now(), key=form.act_key)
        messages.success(request, _("Everything here is new. Make a new key and go on."))
        return redirect("sandbox")

    offer = offers_of(provider).first()
    meets = {
        OK: _("It can be redeemed: 60,000.00 CNY at first."),
        EXPIRED: _("It has expired."),
        EMPTY: _("Everything on it is held already."),
        SUSPENDED: _("It is suspended."),
    }
    context: dict[str, Any] = {
        "name": organisation.name_here,
        "offer": offer.code if offer else "–",
        "columns": [_("Redemption code"), _("What your program meets")],
        "rows": [[magic_code(word, organisation), meets[word]] for word in MAGIC],
        "title": _("Sandbox"),
    }
    return answer_form(request, form, "sandbox.html", again, context)
