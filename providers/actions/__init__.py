"""Accredit providers, publish what they sell at which price, and hand out their API keys."""

from providers.actions.accreditation import (
    NotAProvider,
    ProviderAccredited,
    ProviderSuspended,
    accredit_provider,
    suspend_provider,
)
from providers.actions.catalogue import (
    OfferWithdrawn,
    PriceInThePast,
    PriceKnown,
    RateInvalid,
    publish_offer,
    publish_price,
    withdraw_offer,
)
from providers.actions.keys import ApiKeyRevoked, create_api_key, revoke_api_key

__all__ = [
    "ApiKeyRevoked",
    "NotAProvider",
    "OfferWithdrawn",
    "PriceInThePast",
    "PriceKnown",
    "ProviderAccredited",
    "ProviderSuspended",
    "RateInvalid",
    "accredit_provider",
    "create_api_key",
    "publish_offer",
    "publish_price",
    "revoke_api_key",
    "suspend_provider",
    "withdraw_offer",
]
