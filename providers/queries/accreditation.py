"""Find providers, and whom a person acts for."""

from django.db.models import QuerySet

from common.errors import NotFound
from parties.models import User
from parties.queries import organisations_of
from parties.roles import Role
from providers.models import Provider


def providers_of(person: User) -> QuerySet[Provider]:
    """Return the providers for which a person acts."""
    return (
        Provider.objects.filter(organisation__in=organisations_of(person, Role.PROVIDER))
        .select_related("organisation")
        .order_by("organisation__name", "pk")
    )


def provider_of(person: User) -> Provider:
    """Return the provider for which a person acts, the first by name of several.

    :raises NotFound: if the person acts for none.
    """
    provider = providers_of(person).first()
    if provider is None:
        raise NotFound(what=person.email)
    return provider


def provider_by_code(code: str) -> Provider | None:
    """Return the provider whose organisation has a code, or None."""
    return (
        Provider.objects.filter(organisation__code=code).select_related("organisation").first()
    )


def providers_accredited() -> QuerySet[Provider]:
    """Return the providers that may sell now, by name."""
    return (
        Provider.objects.filter(status=Provider.Status.ACCREDITED)
        .select_related("organisation")
        .order_by("organisation__name", "pk")
    )
