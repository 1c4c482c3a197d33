"""A provider's own offers."""

from collections.abc import Sequence
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from providers import queries
from providers.api.description import PAGE, REFUSALS
from providers.api.operations import Operation
from providers.api.reading import read_page
from providers.kinds import Scope
from providers.models import Offer


class OfferPrice(serializers.Serializer[Any]):
    """The price of one hour now."""

    currency = serializers.CharField()
    rate = serializers.DecimalField(
        14, 4, help_text="Currency units for one GPU-hour or core-hour."
    )


class OfferOutput(serializers.Serializer[Any]):
    """One of your offers."""

    code = serializers.CharField()
    title = serializers.CharField()
    resource = serializers.CharField(help_text="GPU or CPU.")
    resource_class = serializers.CharField()
    region = serializers.CharField()
    is_domestic = serializers.BooleanField(
        help_text="Whether the accelerator is of a make of the programme's own country."
    )
    service_level = serializers.ChoiceField(choices=Offer.ServiceLevel.choices)
    queue_hours = serializers.IntegerField(
        allow_null=True, help_text="How long a job typically waits; null where not stated."
    )
    is_published = serializers.BooleanField()
    prices = OfferPrice(many=True)


class OfferPage(serializers.Serializer[Any]):
    """A page of your offers."""

    count = serializers.IntegerField()
    page = serializers.IntegerField()
    pages = serializers.IntegerField()
    results = OfferOutput(many=True)


class Offers(Operation):
    """Your offers and what an hour of each costs now."""

    scopes = {"GET": Scope.OFFERS_READ}

    @extend_schema(
        operation_id="list_offers",
        summary="List your offers",
        parameters=[PAGE],
        responses={200: OfferPage, **REFUSALS},
    )
    def get(self, request: Request) -> Response:
        """Return a provider's offers with the prices in force, newest first."""
        page = read_page(request, queries.offers_of(self.provider_of(request)))
        page["results"] = _with_prices(page["results"])
        return Response(OfferPage(page).data)


def _with_prices(offers: Sequence[Offer]) -> list[dict[str, Any]]:
    prices = queries.prices_in_force(offers, timezone.now())
    return [
        {
            "code": offer.code,
            "title": offer.title,
            "resource": offer.resource,
            "resource_class": offer.resource_class,
            "region": offer.region,
            "is_domestic": offer.is_domestic,
            "service_level": offer.service_level,
            "queue_hours": offer.queue_hours,
            "is_published": offer.status == Offer.Status.PUBLISHED,
            "prices": [price for (pk, _unit), price in prices.items() if pk == offer.pk],
        }
        for offer in offers
    ]
