"""What a provider types about itself, its offers and its keys, and an officer about it."""

from providers.forms.accreditation import (
    ApplyForm,
    DecideForm,
    LiftForm,
    ListFilter,
    SuspendForm,
)
from providers.forms.catalogue import OfferForm, PriceForm
from providers.forms.keys import ApiKeyForm

__all__ = [
    "ApiKeyForm",
    "ApplyForm",
    "DecideForm",
    "LiftForm",
    "ListFilter",
    "OfferForm",
    "PriceForm",
    "SuspendForm",
]
