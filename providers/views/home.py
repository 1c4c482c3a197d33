"""Where a provider finds everything of its own."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from parties.authentication import signed_in
from providers import queries, statuses
from providers.models import Offer
from providers.told import suspension_told


@login_required
@require_GET
def provider_home(request: HttpRequest) -> HttpResponse:
    """Show a provider where everything of its own is."""
    provider = queries.provider_of(signed_in(request))
    now = timezone.now()
    suspension = queries.suspension_in_force(provider, now)
    published = queries.offers_of(provider).filter(status=Offer.Status.PUBLISHED)
    context = {
        "provider": provider,
        "name": provider.organisation.name,
        "tag": statuses.PROVIDER[queries.provider_status(provider, now)],
        "suspension": suspension_told(suspension) if suspension else None,
        "offers_count": published.count(),
        "keys_count": queries.api_keys_of(provider)
        .filter(revoked_at=None, ends_at=None)
        .count(),
    }
    return render(request, "providers/provider_home.html", context)
