"""Errands about orders and vouchers: redeem, place, release, lapse, expire."""

from decimal import Decimal
from typing import Any

from bench.chaos.trade.asking import Trade
from providers.models import Offer
from vouchers import actions as vouchers
from vouchers.models import Decision, Order, Voucher

HOURS = 4
_BURST = 6


def redeem(trade: Trade) -> None:
    """Redeem the voucher's code a few times, as a provider's program does."""
    for number in range(_BURST):
        body = {
            "redemption_code": trade.scene.redemption_code,
            "offer": trade.scene.offer_code,
            "hours": str(HOURS),
            "reference": f"redeem-{trade.errand}-{number}",
        }
        trade.post(f"redeem {number}", "redemptions", body, 201, "code")


def place(trade: Trade, *, days: int, **facts: Any) -> str:
    """Place an order of so many days from here, as its holder does; return its code."""

    def ask(key: str) -> str:
        return vouchers.place_hold(
            voucher=Voucher.objects.select_related("programme", "organisation").get(
                pk=trade.scene.voucher
            ),
            offer=Offer.objects.select_related("provider__organisation").get(
                pk=trade.scene.offer
            ),
            hours=Decimal(HOURS),
            provider_reference=f"place-{trade.errand}",
            actor=trade.person(trade.scene.holder),
            at=trade.at(days=days),
            key=key,
        ).code

    return str(trade.act("place", ask, **facts))


def lapse(trade: Trade) -> None:
    """Place an order whose hold has lapsed by now: the worker gives it back."""
    place(trade, days=-50, lapses=True)


def release(trade: Trade) -> None:
    """Place an order, and let the provider release it."""
    code = place(trade, days=-3)

    def ask(key: str) -> str:
        order = Order.objects.select_related(
            "voucher__programme__authority",
            "voucher__organisation",
            "offer__provider__organisation",
        ).get(code=code)
        actor = order.offer.provider.address
        return vouchers.release_hold(order=order, actor=actor, at=trade.at(), key=key).status

    trade.act("release", ask)


def expire(trade: Trade) -> None:
    """Issue a voucher so long ago that it has expired: the worker ends it."""
    number = trade.errand % len(trade.scene.decisions)
    decision = Decision.objects.select_related("application__round__programme")
    actor = trade.person(trade.scene.officer)

    def ask(_key: str) -> str:
        return vouchers.issue_voucher(
            decision=decision.get(pk=trade.scene.decisions[number]),
            actor=actor,
            at=trade.at(days=-400),
            key=f"old voucher {number}",
        ).code

    trade.act("expire", ask)
