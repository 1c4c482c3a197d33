"""Providers, their offers with every price they ever had, and their keys to the API."""

from providers.models.accreditation import Provider
from providers.models.catalogue import (
    AcceptanceChoice,
    Equivalent,
    Offer,
    Price,
    PriceCap,
    PriceWithdrawal,
)
from providers.models.keys import ApiKey

__all__ = [
    "AcceptanceChoice",
    "ApiKey",
    "Equivalent",
    "Offer",
    "Price",
    "PriceCap",
    "PriceWithdrawal",
    "Provider",
]
