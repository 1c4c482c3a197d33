"""What a provider types about its offers, their prices and its keys."""

from providers.forms.catalogue import AcceptanceForm, OfferForm, PriceForm
from providers.forms.keys import ApiKeyForm

__all__ = ["AcceptanceForm", "ApiKeyForm", "OfferForm", "PriceForm"]
