"""Where providers are told what happened, and the secrets that sign it."""

import base64
from collections.abc import Iterable
from datetime import datetime

from django.db.models import QuerySet
from django.utils.crypto import salted_hmac

from common.errors import NotFound
from providers.models import Provider, WebhookEndpoint

SECRET_BEGINNING = "whsec_"  # noqa: S105 - the beginning that Standard Webhooks gives secrets


def endpoints_of(provider: Provider) -> QuerySet[WebhookEndpoint]:
    """Return a provider's endpoints that were not removed, newest first."""
    return (
        WebhookEndpoint.objects.filter(provider=provider)
        .exclude(status=WebhookEndpoint.Status.REMOVED)
        .select_related("provider__organisation", "created_by")
        .order_by("-created_at", "-pk")
    )


def endpoint_of(provider: Provider, pk: int) -> WebhookEndpoint:
    """Return one endpoint of a provider that was not removed.

    :raises NotFound: if there is none, or it is another provider's.
    """
    found = endpoints_of(provider).filter(pk=pk).first()
    if found is None:
        raise NotFound(what=str(pk))
    return found


def endpoints_for(
    providers: Iterable[Provider], event: str, at: datetime
) -> list[WebhookEndpoint]:
    """Return the active endpoints to tell of an event that happened at an instant."""
    found = WebhookEndpoint.objects.filter(
        provider__in=list(providers),
        status=WebhookEndpoint.Status.ACTIVE,
        created_at__lte=at,
    ).order_by("pk")
    return [one for one in found if not one.events or event in one.events]


def secret_of(seed: str) -> str:
    """Return the secret of a seed, as Standard Webhooks writes them: whsec_ and base64.

    Worked out by HMAC-SHA-256 with the portal's SECRET_KEY, so that the database alone signs
    nothing.
    """
    digest = salted_hmac("tessera.webhooks", seed, algorithm="sha256").digest()
    return SECRET_BEGINNING + base64.b64encode(digest).decode()


def secrets_of(endpoint: WebhookEndpoint, at: datetime) -> list[str]:
    """Return the secrets that sign at an instant: the newest, and a rolled one until it ends."""
    seeds = [endpoint.seed]
    if endpoint.old_ends_at is not None and at < endpoint.old_ends_at:
        seeds.append(endpoint.old_seed)
    return [secret_of(seed) for seed in seeds]
