"""Programmes under their law, applications and decisions, vouchers and orders under them."""

from vouchers.models.allocations import Lot, RoundDecision
from vouchers.models.applications import (
    Application,
    Attachment,
    InformationAnswer,
    InformationRequest,
)
from vouchers.models.decisions import Decision, Standing
from vouchers.models.matches import UpstreamAward
from vouchers.models.orders import (
    Order,
    OrderChange,
    OrderUser,
    UseAnswer,
    UseQuestion,
)
from vouchers.models.programmes import PolicyRelease, PolicyVersion, Programme, Round
from vouchers.models.reviews import (
    Admission,
    Appeal,
    AppealVerdict,
    Assignment,
    Confirmation,
    Conflict,
    Deputy,
    Review,
)
from vouchers.models.vouchers import (
    Assessment,
    Extension,
    ExtensionVerdict,
    Revocation,
    Voucher,
)

__all__ = [
    "Admission",
    "Appeal",
    "AppealVerdict",
    "Application",
    "Assessment",
    "Assignment",
    "Attachment",
    "Confirmation",
    "Conflict",
    "Decision",
    "Deputy",
    "Extension",
    "ExtensionVerdict",
    "InformationAnswer",
    "InformationRequest",
    "Lot",
    "Order",
    "OrderChange",
    "OrderUser",
    "PolicyRelease",
    "PolicyVersion",
    "Programme",
    "Review",
    "Revocation",
    "Round",
    "RoundDecision",
    "Standing",
    "UpstreamAward",
    "UseAnswer",
    "UseQuestion",
    "Voucher",
]
