"""Accredit providers, publish what they sell at which price, and hand out their API keys."""

from providers.actions.acceptance import choose_acceptance
from providers.actions.accreditation import (
    NotAProvider,
    ProviderAccredited,
    ProviderSuspended,
    accredit_provider,
    suspend_provider,
)
from providers.actions.catalogue import (
    OfferWithdrawn,
    PriceAboveCap,
    PriceBegun,
    PriceInThePast,
    PriceKnown,
    PriceWithdrawn,
    QueueInvalid,
    RateInvalid,
    publish_offer,
    publish_price,
    state_queue,
    withdraw_offer,
    withdraw_price,
)
from providers.actions.keys import ApiKeyRevoked, create_api_key, revoke_api_key
from providers.actions.measures import (
    CapInThePast,
    EquivalentInvalid,
    ReasonMissing,
    record_equivalent,
    set_price_cap,
)

__all__ = [
    "ApiKeyRevoked",
    "CapInThePast",
    "EquivalentInvalid",
    "NotAProvider",
    "OfferWithdrawn",
    "PriceAboveCap",
    "PriceBegun",
    "PriceInThePast",
    "PriceKnown",
    "PriceWithdrawn",
    "ProviderAccredited",
    "ProviderSuspended",
    "QueueInvalid",
    "RateInvalid",
    "ReasonMissing",
    "accredit_provider",
    "choose_acceptance",
    "create_api_key",
    "publish_offer",
    "publish_price",
    "record_equivalent",
    "revoke_api_key",
    "set_price_cap",
    "state_queue",
    "suspend_provider",
    "withdraw_offer",
    "withdraw_price",
]
