"""Programmes under their law, applications and decisions, vouchers and orders under them."""

from vouchers.models.applications import (
    Application,
    Attachment,
    InformationAnswer,
    InformationRequest,
)
from vouchers.models.decisions import Decision, Standing
from vouchers.models.programmes import PolicyRelease, PolicyVersion, Programme, Round
from vouchers.models.vouchers import Order, Voucher

__all__ = [
    "Application",
    "Attachment",
    "Decision",
    "InformationAnswer",
    "InformationRequest",
    "Order",
    "PolicyRelease",
    "PolicyVersion",
    "Programme",
    "Round",
    "Standing",
    "Voucher",
]
