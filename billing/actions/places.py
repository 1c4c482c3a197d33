"""Find the voucher and the order that a meter's account names."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Q
from django.db.models.functions import Lower

from common.days import end_of, start_of
from providers.models import Provider
from vouchers.models import Order, Programme, Voucher


@dataclass(frozen=True, slots=True)
class Place:
    """The voucher that a row's usage belongs to, with its order where there is one.

    `rate` is the order's, in units of `unit` an hour; it is None in kind. Without an order the
    usage has no price of its own, and `resource_class` is empty. Use counts within
    [`valid_from`, `valid_until`), the voucher's days, and not before `placed_at`.
    """

    voucher: int
    order: int | None
    order_code: str
    resource: str
    unit: str
    zone: str
    rate: Decimal | None
    resource_class: str
    valid_from: datetime
    valid_until: datetime
    placed_at: datetime


def places_of(provider: Provider, accounts: set[str]) -> dict[str, Place | int]:
    """Return where each account leads: an order's code first, then a reference, then a voucher.

    A number instead of a place says how many open orders the account may mean.

    Case is ignored: a batch system such as Slurm writes account names in small letters.
    """
    wanted = {account.lower() for account in accounts if account}
    orders = (
        Order.objects.filter(offer__provider=provider)
        # What the provider has not accepted is no order yet: nothing can be used under it.
        .exclude(status=Order.Status.PLACED)
        .annotate(
            small_code=Lower("code"),
            small_reference=Lower("provider_reference"),
            small_voucher=Lower("voucher__code"),
        )
        .filter(
            Q(small_code__in=wanted)
            | Q(small_reference__in=wanted)
            | Q(small_voucher__in=wanted)
        )
        .select_related("offer", "price", "voucher__programme")
        .order_by("placed_at", "pk")
    )
    # Vouchers of programmes that pay after use have no orders; there the voucher itself is it.
    direct = (
        Voucher.objects.annotate(small_code=Lower("code"))
        .filter(small_code__in=wanted, programme__mode__in=Programme.AFTER_USE)
        .select_related("programme")
    )
    places: dict[str, Place | int] = {
        voucher.code.lower(): _place_of(voucher) for voucher in direct
    }
    for name in ("small_voucher", "small_reference", "small_code"):
        found: dict[str, list[Order]] = {}
        for order in orders:
            found.setdefault(getattr(order, name), []).append(order)
        places.update((account, _chosen(group)) for account, group in found.items())
    return {
        account: places[account.lower()] for account in accounts if account.lower() in places
    }


def _chosen(orders: Sequence[Order]) -> Place | int:
    still_open = [order for order in orders if order.status == Order.Status.OPEN]
    if len(still_open) > 1:
        return len(still_open)
    order = (still_open or orders)[-1]
    return _place_of(order.voucher, order)


def _place_of(voucher: Voucher, order: Order | None = None) -> Place:
    zone = voucher.programme.zone
    return Place(
        voucher=voucher.pk,
        order=order.pk if order else None,
        order_code=order.code if order else "",
        resource=order.offer.resource if order else "",
        unit=voucher.programme.unit,
        zone=zone,
        rate=order.price.rate if order and order.price else None,
        resource_class=order.offer.resource_class if order else "",
        valid_from=start_of(voucher.valid_from_on, zone),
        valid_until=end_of(voucher.valid_until_on, zone),
        placed_at=order.placed_at if order else start_of(voucher.valid_from_on, zone),
    )
