"""Providers and what they may do, their offers with every price, and their keys to the API."""

from providers.models.accreditation import (
    Accreditation,
    AccreditationApplication,
    AccreditationDecision,
    AccreditationDocument,
    Provider,
)
from providers.models.agreements import Agreement, AgreementAcceptance
from providers.models.capacity import CapacityNode, CapacityVersion
from providers.models.catalogue import (
    AcceptanceChoice,
    Equivalent,
    Offer,
    Price,
    PriceCap,
    PriceWithdrawal,
)
from providers.models.items import ITEMS_OF, ServiceItem
from providers.models.keys import ApiKey
from providers.models.suspensions import Suspension, SuspensionLift

__all__ = [
    "ITEMS_OF",
    "AcceptanceChoice",
    "Accreditation",
    "AccreditationApplication",
    "AccreditationDecision",
    "AccreditationDocument",
    "Agreement",
    "AgreementAcceptance",
    "ApiKey",
    "CapacityNode",
    "CapacityVersion",
    "Equivalent",
    "Offer",
    "Price",
    "PriceCap",
    "PriceWithdrawal",
    "Provider",
    "ServiceItem",
    "Suspension",
    "SuspensionLift",
]
