"""Providers, their offers with every price they ever had, and their keys to the API."""

from providers.models.accreditation import Provider
from providers.models.catalogue import Offer, Price
from providers.models.keys import ApiKey

__all__ = ["ApiKey", "Offer", "Price", "Provider"]
