"""Providers and what they may do, their offers and prices, their keys, what those asked."""

from providers.models.accreditation import (
    Accreditation,
    AccreditationApplication,
    AccreditationDecision,
    AccreditationDocument,
    Provider,
)
from providers.models.agreements import Agreement, AgreementAcceptance
from providers.models.calls import ApiAnswer, ApiCall, ApiCount
from providers.models.capacity import CapacityNode, CapacityVersion
from providers.models.catalogue import (
    AcceptanceChoice,
    Equivalent,
    Offer,
    Price,
    PriceCap,
    PriceList,
    PriceWithdrawal,
)
from providers.models.items import ITEMS_OF, ServiceItem
from providers.models.keys import ApiKey
from providers.models.suspensions import Suspension, SuspensionLift
from providers.models.webhooks import WebhookEndpoint

__all__ = [
    "ITEMS_OF",
    "AcceptanceChoice",
    "Accreditation",
    "AccreditationApplication",
    "AccreditationDecision",
    "AccreditationDocument",
    "Agreement",
    "AgreementAcceptance",
    "ApiAnswer",
    "ApiCall",
    "ApiCount",
    "ApiKey",
    "CapacityNode",
    "CapacityVersion",
    "Equivalent",
    "Offer",
    "Price",
    "PriceCap",
    "PriceList",
    "PriceWithdrawal",
    "Provider",
    "ServiceItem",
    "Suspension",
    "SuspensionLift",
    "WebhookEndpoint",
]
