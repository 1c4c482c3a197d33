"""What a provider types about its offers, their prices and its keys."""

from providers.forms.catalogue import AcceptanceForm, OfferForm, PriceForm, QueueForm
from providers.forms.keys import ApiKeyForm

__all__ = ["AcceptanceForm", "ApiKeyForm", "OfferForm", "PriceForm", "QueueForm"]
