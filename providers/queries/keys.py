"""Find keys to the API."""

from django.db.models import QuerySet

from providers.models import ApiKey, Provider


def api_keys_of(provider: Provider) -> QuerySet[ApiKey]:
    """Return all API keys of a provider, newest first."""
    return (
        ApiKey.objects.filter(provider=provider)
        .select_related("created_by", "provider__organisation")
        .order_by("-created_at", "-pk")
    )
