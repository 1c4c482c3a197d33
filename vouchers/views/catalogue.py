"""The public catalogue: what can be ordered, from whom, at which price."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from common.errors import NotFound
from common.formatting import instant
from providers import queries as providers
from providers import statuses as provider_statuses
from providers.models import Offer, Price
from vouchers.forms.catalogue import CatalogueForm

PAGE = 50


@require_GET
def catalogue(request: HttpRequest) -> HttpResponse:
    """List the offers that can be ordered now, filtered by class, resource and words."""
    form = CatalogueForm(request.GET)
    form.is_valid()
    given = {name: form.cleaned_data.get(name, "") for name in ("words", "resource")}
    found = providers.offers_published(
        at=timezone.now(), words=given["words"], resource=given["resource"]
    )
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    offers = list(page.object_list)
    prices = providers.prices_in_force(offers, timezone.now())
    context = {
        "form": form,
        "page": page,
        "query": urlencode({name: value for name, value in given.items() if value}),
        "caption": _("Offers"),
        "columns": [
            _("Offer"),
            _("Provider"),
            _("Class"),
            _("Region"),
            {"label": _("Price of one hour"), "numeric": True},
        ],
        "rows": [
            [
                {"text": offer.title, "url": reverse("offer", args=[offer.code])},
                offer.provider.organisation.name,
                offer.resource_class,
                offer.region,
                _prices_of(offer, list(prices.values())),
            ]
            for offer in offers
        ],
        "is_filtered": any(given.values()),
    }
    return render(request, "vouchers/catalogue.html", context)


@require_GET
def offer(request: HttpRequest, code: str) -> HttpResponse:
    """Show one offer with every price it had."""
    found = providers.offer_by_code(code)
    if found is None:
        raise NotFound(what=code)
    prices = list(providers.prices_of(found))
    now = timezone.now()
    in_force = list(providers.prices_in_force([found], now).values())
    context = {
        "offer": found,
        "tag": provider_statuses.OFFER[found.status],
        "rows": [
            {"key": _("Provider"), "value": found.provider.organisation.name},
            {"key": _("Counted in"), "value": Offer.Resource(found.resource).label},
            {"key": _("Class"), "value": found.resource_class},
            {"key": _("Region"), "value": found.region},
            {"key": _("Price of one hour"), "value": _prices_of(found, in_force)},
            {"key": _("Code"), "value": found.code},
        ],
        "columns": [_("From"), {"label": _("Price of one hour"), "numeric": True}],
        "prices": [[instant(price.from_at), price_words(price)] for price in prices],
    }
    return render(request, "vouchers/offer.html", context)


def _prices_of(offer: Offer, prices: list[Price]) -> str:
    return "; ".join(price_words(price) for price in prices if price.offer_id == offer.pk)


def price_words(price: Price) -> str:
    """Write a price as its currency and rate, without idle noughts beyond two decimals."""
    whole, _point, part = f"{price.rate:,.4f}".partition(".")
    return f"{price.currency} {whole}.{part.rstrip('0'):0<2}"
