"""Find offers, and the price on a day."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q, QuerySet

from common.errors import NotFound
from providers.models import ITEMS_OF, Offer, Price, Provider
from providers.queries.accreditation import providers_selling


def price_in_force(offer: Offer, at: datetime, currency: str) -> Price | None:
    """Return the price of an offer at an instant in a currency, or None without one."""
    return (
        Price.objects.filter(offer=offer, currency=currency, from_at__lte=at)
        .order_by("-from_at")
        .first()
    )


def prices_in_force(offers: Iterable[Offer], at: datetime) -> dict[tuple[int, str], Price]:
    """Return the prices of many offers at an instant, by the offer's key and currency."""
    found = (
        Price.objects.filter(offer__in=list(offers), from_at__lte=at)
        .order_by("offer", "currency", "-from_at")
        .distinct("offer", "currency")
    )
    return {(price.offer_id, price.currency): price for price in found}


def prices_of(offer: Offer) -> QuerySet[Price]:
    """Return every price that an offer ever had, newest first."""
    return Price.objects.filter(offer=offer).order_by("-from_at", "currency")


def offers_published(
    *, at: datetime, resource: str = "", resource_class: str = "", words: str = ""
) -> QuerySet[Offer]:
    """Return what can be ordered at an instant: published offers whose provider may sell them.

    `words` are looked for in the title, the class, the region and the provider's names.
    """
    sellable = Q()
    for counted_in, items in ITEMS_OF.items():
        sellable |= Q(resource=counted_in, provider__in=providers_selling(items, at))
    found = Offer.objects.filter(sellable, status=Offer.Status.PUBLISHED)
    if resource:
        found = found.filter(resource=resource)
    if resource_class:
        found = found.filter(resource_class=resource_class)
    if words:
        found = found.filter(
            Q(title__icontains=words)
            | Q(resource_class__icontains=words)
            | Q(region__icontains=words)
            | Q(provider__organisation__name__icontains=words)
            | Q(provider__organisation__name_zh__icontains=words)
        )
    return found.select_related("provider__organisation").order_by(
        "resource", "resource_class", "title", "code"
    )


def offers_of(provider: Provider) -> QuerySet[Offer]:
    """Return all offers of a provider, newest first."""
    return (
        Offer.objects.filter(provider=provider)
        .select_related("provider__organisation")
        .order_by("-published_at", "code")
    )


def offer_by_code(code: str) -> Offer:
    """Return one offer with its provider.

    :raises NotFound: if there is none under this code.
    """
    try:
        return Offer.objects.select_related("provider__organisation").get(code=code)
    except Offer.DoesNotExist as error:
        raise NotFound(what=code) from error
