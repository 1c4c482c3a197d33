"""How many people must decide an award."""

from decimal import localcontext

from common.money import major
from policy.answers import PRECISION
from policy.rules import Programme, Tier

__all__ = ["Tier", "tier"]


def tier(amount: int, programme: Programme) -> Tier:
    """Return the approval tier of an amount in minor units, or in GPU-ms in mode M5.

    A limit belongs to the tier it ends: exactly `up_to` is still within it.
    """
    with localcontext(prec=PRECISION):
        whole = major(amount, programme.unit)
    *limited, last = programme.approval.tiers
    return next((t for t in limited if t.up_to is not None and whole <= t.up_to), last)
