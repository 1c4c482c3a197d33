"""Providers, their catalogue, the price on a day, and whose key a secret is."""

from providers.authentication import ApiCaller, api_key_matching
from providers.queries.accreditation import (
    provider_by_code,
    provider_of,
    providers_accredited,
    providers_of,
)
from providers.queries.calls import api_calls_of
from providers.queries.catalogue import (
    offer_by_code,
    offers_of,
    offers_published,
    price_in_force,
    prices_in_force,
    prices_of,
)
from providers.queries.keys import api_keys_of
from providers.queries.webhooks import (
    endpoint_of,
    endpoints_for,
    endpoints_of,
    secret_of,
    secrets_of,
)

__all__ = [
    "ApiCaller",
    "api_calls_of",
    "api_key_matching",
    "api_keys_of",
    "endpoint_of",
    "endpoints_for",
    "endpoints_of",
    "offer_by_code",
    "offers_of",
    "offers_published",
    "price_in_force",
    "prices_in_force",
    "prices_of",
    "provider_by_code",
    "provider_of",
    "providers_accredited",
    "providers_of",
    "secret_of",
    "secrets_of",
]
