"""Providers, their catalogue, the price on a day, and whose key a secret is."""

from providers.authentication import ApiCaller, api_key_matching
from providers.queries.accreditation import (
    provider_by_code,
    provider_of,
    providers_accredited,
    providers_of,
)
from providers.queries.catalogue import (
    accepts_at_once,
    cap_on,
    caps_begun,
    caps_known,
    offer_by_code,
    offers_of,
    offers_published,
    price_in_force,
    prices_begun,
    prices_in_force,
    prices_of,
)
from providers.queries.compare import (
    PRECISION,
    Filter,
    choices_of,
    equivalents_begun,
    equivalents_known,
    lowest_caps,
    prices_compared,
    rounded_rate,
)
from providers.queries.keys import api_keys_of

__all__ = [
    "PRECISION",
    "ApiCaller",
    "Filter",
    "accepts_at_once",
    "api_key_matching",
    "api_keys_of",
    "cap_on",
    "caps_begun",
    "caps_known",
    "choices_of",
    "equivalents_begun",
    "equivalents_known",
    "lowest_caps",
    "offer_by_code",
    "offers_of",
    "offers_published",
    "price_in_force",
    "prices_begun",
    "prices_compared",
    "prices_in_force",
    "prices_of",
    "provider_by_code",
    "provider_of",
    "providers_accredited",
    "providers_of",
    "rounded_rate",
]
