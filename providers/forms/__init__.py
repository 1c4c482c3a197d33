"""What a provider types about itself, its offers and its keys, and an officer about it."""

from providers.forms.accreditation import (
    ApplyForm,
    DecideForm,
    LiftForm,
    ListFilter,
    SuspendForm,
)
from providers.forms.agreements import AcceptForm, AgreementForm
from providers.forms.capacity import (
    COLUMNS,
    SAMPLE,
    CapacityConfirmForm,
    CapacityFileForm,
    CapacityFileUnreadable,
    CapacityRead,
    DayForm,
    NodeForm,
    NodeProblem,
    read_capacity,
)
from providers.forms.catalogue import AcceptanceForm, OfferForm, PriceForm, QueueForm
from providers.forms.keys import ApiKeyForm, CallsFilter, NetworksForm, RollForm
from providers.forms.webhooks import WebhookForm

__all__ = [
    "COLUMNS",
    "SAMPLE",
    "AcceptForm",
    "AcceptanceForm",
    "AgreementForm",
    "ApiKeyForm",
    "ApplyForm",
    "CallsFilter",
    "CapacityConfirmForm",
    "CapacityFileForm",
    "CapacityFileUnreadable",
    "CapacityRead",
    "DayForm",
    "DecideForm",
    "LiftForm",
    "ListFilter",
    "NetworksForm",
    "NodeForm",
    "NodeProblem",
    "OfferForm",
    "PriceForm",
    "QueueForm",
    "RollForm",
    "SuspendForm",
    "WebhookForm",
    "read_capacity",
]
