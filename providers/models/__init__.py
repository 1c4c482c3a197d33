"""Providers, their offers and prices, their keys to the API, and what they asked of it."""

from providers.models.accreditation import Provider
from providers.models.calls import ApiAnswer, ApiCall, ApiCount
from providers.models.catalogue import Offer, Price
from providers.models.keys import ApiKey
from providers.models.webhooks import WebhookEndpoint

__all__ = [
    "ApiAnswer",
    "ApiCall",
    "ApiCount",
    "ApiKey",
    "Offer",
    "Price",
    "Provider",
    "WebhookEndpoint",
]
