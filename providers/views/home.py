"""Where a provider finds everything of its own, and what to do before it is paid."""

from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from parties.authentication import signed_in
from parties.models import Organisation
from providers import queries, statuses
from providers.models import Offer, Provider
from providers.told import suspension_told

# Each step of the way in: its words, a hint, and the page on which it is done.
STEPS = {
    "accreditation": (
        gettext_lazy("Be accredited"),
        gettext_lazy("An authority accredits you by batch and service item"),
        "accreditation",
    ),
    "agreement": (
        gettext_lazy("Accept the agreement"),
        gettext_lazy("Of each authority that has one"),
        "agreements",
    ),
    "bank_detail": (
        gettext_lazy("Give your bank detail"),
        gettext_lazy("A finance officer approves it"),
        "organisation",
    ),
    "capacity": (
        gettext_lazy("Register your capacity"),
        gettext_lazy("Your nodes and their GPUs"),
        "capacity",
    ),
    "offer": (
        gettext_lazy("Publish your first offer"),
        gettext_lazy("Buyers see it at once"),
        "offers",
    ),
    "api_key": (
        gettext_lazy("Make a key to the API"),
        gettext_lazy("For your own programs; pages work without one"),
        "api_keys",
    ),
    "bill": (
        gettext_lazy("Send your first bill"),
        gettext_lazy("Try the file first: a check records nothing"),
        "usage_upload",
    ),
}


@login_required
@require_GET
def provider_home(request: HttpRequest) -> HttpResponse:
    """Show a provider where everything of its own is, and what it has still to do."""
    organisation = queries.provider_organisation_of(signed_in(request))
    provider = queries.provider_by_code(organisation.code)
    now = timezone.now()
    context: dict[str, Any] = {
        "provider": provider,
        "name": organisation.name_here,
        "tag": statuses.PROVIDER[queries.provider_status(provider, now)],
        **onboarding_shown(organisation, now),
    }
    if provider is not None:
        suspension = queries.suspension_in_force(provider, now)
        published = queries.offers_of(provider).filter(status=Offer.Status.PUBLISHED)
        context |= {
            "suspension": suspension_told(suspension) if suspension else None,
            "offers_count": published.count(),
            "keys_count": queries.api_keys_of(provider)
            .filter(revoked_at=None, ends_at=None)
            .count(),
            **_gpus_today(provider, now),
        }
    return render(request, "providers/provider_home.html", context)


def onboarding_shown(organisation: Organisation, at: datetime) -> dict[str, Any]:
    """Return the steps from accreditation to the first bill as a task list, with what is next."""
    steps = queries.onboarding_of(organisation, at)
    left = [one for one in steps if not one.is_done and one.can_begin and not one.waits]
    is_under_way = not steps[-1].is_done
    # Who has sent a bill knows the way; what came up since is still said, but for the key.
    shown = steps if is_under_way else [one for one in left if one.name != "api_key"]
    return {
        "tasks": [_task(one, is_next=one in left[:1]) for one in shown],
        "done": sum(one.is_done for one in steps),
        "of": len(steps),
        "is_under_way": is_under_way,
    }


def _task(step: queries.Step, *, is_next: bool) -> dict[str, Any]:
    label, hint, route = STEPS[step.name]
    task: dict[str, Any] = {"label": label, "hint": hint}
    if step.is_done:
        return {**task, "url": reverse(route), "status": _("Completed")}
    if step.waits:
        return {**task, "url": reverse(route), "status": _("With the authority")}
    if not step.can_begin:
        return {**task, "status": _("Cannot start yet"), "colour": "grey"}
    if is_next:
        return {**task, "url": reverse(route), "status": _("Next"), "colour": "blue"}
    return {**task, "url": reverse(route), "status": _("To do"), "colour": "grey"}


def _gpus_today(provider: Provider, at: datetime) -> dict[str, Any]:
    version = queries.capacity_version(provider)
    totals = queries.capacity_totals([version] if version else [], at)
    return {"gpus_count": f"{sum(one.gpus for one in totals):,}"}
