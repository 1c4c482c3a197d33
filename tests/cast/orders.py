"""Orders in every state: placed, accepted, changed and cancelled, by whoever does it."""

from datetime import datetime
from decimal import Decimal

from parties.models import User
from providers import actions as providers
from tests.cast.basics import NOON, a_key
from tests.cast.people import Seller
from vouchers import actions
from vouchers.models import Order


def accepts_each(seller: Seller, *, at: datetime = NOON) -> None:
    """Let a provider accept each order itself from now on."""
    providers.choose_acceptance(
        provider=seller.provider,
        is_at_once=False,
        actor=seller.person,
        at=at,
        key=a_key("choose"),
    )


def accepted(
    order: Order,
    actor: User | str,
    *,
    hours: str = "100",
    at: datetime = NOON,
    key: str | None = None,
) -> Order:
    """Return an order that its provider accepted as it read it."""
    return actions.accept_order(
        order=order, hours=Decimal(hours), actor=actor, at=at, key=key or a_key("accept")
    )


def declined(
    order: Order,
    actor: User | str,
    *,
    reason: str = "No capacity this month.",
    at: datetime = NOON,
    key: str | None = None,
) -> Order:
    """Return an order that its provider declined."""
    return actions.decline_order(
        order=order, reason=reason, actor=actor, at=at, key=key or a_key("decline")
    )


def changed(
    order: Order,
    actor: User | str,
    hours: str,
    *,
    reason: str = "The plan changed.",
    at: datetime = NOON,
    key: str | None = None,
) -> Order:
    """Return an order that is for other hours now."""
    return actions.change_order(
        order=order,
        hours=Decimal(hours),
        reason=reason,
        actor=actor,
        at=at,
        key=key or a_key("change"),
    )


def cancelled(
    order: Order,
    actor: User | str,
    *,
    reason: str = "The project waits.",
    at: datetime = NOON,
    key: str | None = None,
) -> Order:
    """Return an order that was called off before use."""
    return actions.cancel_order(
        order=order, reason=reason, actor=actor, at=at, key=key or a_key("cancel")
    )
