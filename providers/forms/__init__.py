"""What a provider types about its offers, their prices and its keys."""

from providers.forms.catalogue import OfferForm, PriceForm
from providers.forms.keys import ApiKeyForm, CallsFilter, NetworksForm, RollForm
from providers.forms.webhooks import WebhookForm

__all__ = [
    "ApiKeyForm",
    "CallsFilter",
    "NetworksForm",
    "OfferForm",
    "PriceForm",
    "RollForm",
    "WebhookForm",
]
