"""Find offers, the price at an instant, and what caps prices."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q, QuerySet

from common.errors import NotFound
from parties.models import Organisation
from providers.models import (
    ITEMS_OF,
    AcceptanceChoice,
    Offer,
    Price,
    PriceCap,
    PriceList,
    Provider,
)
from providers.queries.accreditation import providers_selling


def price_in_force(offer: Offer, at: datetime, currency: str) -> Price | None:
    """Return the price of an offer at an instant in a currency, or None without one."""
    return prices_begun(at).filter(offer=offer, currency=currency).first()


def prices_begun(at: datetime) -> QuerySet[Price]:
    """Return the prices that have begun at an instant, newest first; withdrawn ones never do."""
    begun = Price.objects.filter(from_at__lte=at, withdrawal__isnull=True)
    return begun.order_by("offer", "currency", "-from_at")


def prices_in_force(offers: Iterable[Offer], at: datetime) -> dict[tuple[int, str], Price]:
    """Return the prices of many offers at an instant, by the offer's key and currency."""
    found = prices_begun(at).filter(offer__in=list(offers)).distinct("offer", "currency")
    return {(price.offer_id, price.currency): price for price in found}


def prices_of(offer: Offer) -> QuerySet[Price]:
    """Return every price that was ever published for an offer, newest first; some withdrawn."""
    return (
        Price.objects.filter(offer=offer)
        .select_related("withdrawal")
        .order_by("-from_at", "currency", "-turn")
    )


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


def price_lists_of(provider: Provider) -> QuerySet[PriceList]:
    """Return the price lists that a provider published as a whole, newest first."""
    return (
        PriceList.objects.filter(provider=provider)
        .select_related("published_by")
        .order_by("-published_at", "-pk")
    )


def offer_by_code(code: str) -> Offer:
    """Return one offer with its provider.

    :raises NotFound: if there is none under this code.
    """
    try:
        return Offer.objects.select_related("provider__organisation").get(code=code)
    except Offer.DoesNotExist as error:
        raise NotFound(what=code) from error


def accepts_at_once(provider: Provider) -> bool:
    """Say whether orders of holders count at once with a provider, as they do by default."""
    newest = AcceptanceChoice.objects.filter(provider=provider).order_by("-pk").first()
    return newest is None or newest.is_at_once


def caps_begun(at: datetime) -> QuerySet[PriceCap]:
    """Return the newest cap of each authority, programme, class and currency at an instant.

    One without a rate says that the cap of before is lifted.
    """
    keys = ("authority", "programme_code", "resource", "resource_class", "currency")
    begun = PriceCap.objects.filter(from_at__lte=at)
    return (
        begun.order_by(*keys, "-from_at", "-pk")
        .distinct(*keys)
        .select_related("authority", "set_by")
    )


def cap_on(
    offer: Offer,
    currency: str,
    at: datetime,
    *,
    authority: Organisation | None = None,
    programme_code: str = "",
) -> PriceCap | None:
    """Return the lowest cap on an offer's hour at an instant, or None where nothing caps it.

    Without an authority those of all authorities count that are no single programme's; with
    one its own, and the programme's.
    """
    found = caps_begun(at).filter(
        resource=offer.resource, resource_class=offer.resource_class, currency=currency
    )
    if authority is None:
        found = found.filter(programme_code="")
    else:
        found = found.filter(authority=authority, programme_code__in=["", programme_code])
    rates = [(one.rate, one.pk, one) for one in found if one.rate is not None]
    return min(rates)[2] if rates else None


def caps_known() -> QuerySet[PriceCap]:
    """Return every cap that was ever set, newest first."""
    return PriceCap.objects.select_related("authority", "set_by").order_by("-from_at", "-pk")
