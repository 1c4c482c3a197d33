"""Give an order more or fewer hours: its hold is released and placed anew, in one act."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.days import day_of
from common.errors import Refused
from common.formatting import money
from common.money import hours_words
from ledger import actions as ledger
from ledger.kinds import ActKind
from ledger.queries import hold_remaining
from parties.models import Organisation, User
from parties.queries import address_of
from policy.answers import Line
from policy.rules import Programme as Policy
from providers.queries import accepts_at_once
from vouchers.actions.orders import (
    OrderNotOpen,
    checked_reason,
    locked_order,
    place_order_hold,
    require_holding,
    require_side,
)
from vouchers.actions.terms import (
    NothingToHold,
    amount_to_hold,
    price_of,
    quantity_of,
    require_covered,
    require_usable,
    total_at,
)
from vouchers.actions.vouchers import locked_voucher
from vouchers.models import Order, OrderChange
from vouchers.queries import order_use, policy_in_force, voucher_balance


class OrderUnchanged(Refused):
    """The order is for these hours already."""

    code = "order_unchanged"
    sentence = _("The order %(order)s is for %(hours)s hours already; nothing was changed.")


class MoreIsTheHolders(Refused):
    """Only the holder orders more."""

    code = "more_is_the_holders"
    sentence = _(
        "Only %(holder)s can order more hours than the %(hours)s of %(order)s. Ask it to change "
        "the order, or redeem its code for another one."
    )


class MoreIsAnotherOrder(Refused):
    """More hours can't be had at the terms of this order."""

    code = "more_is_another_order"
    sentence = _(
        "The order %(order)s can't get more hours: %(provider)s accepts each order itself, or has "
        "another price now. Place another order for the hours beyond."
    )


class FewerThanUsed(Refused):
    """What was used or billed stays covered."""

    code = "fewer_than_used"
    sentence = _(
        "%(hours)s hours of the order %(order)s were used or billed. Change it to no fewer."
    )


@transaction.atomic
def change_order(
    *, order: Order, hours: Decimal, reason: str, actor: User | str, at: datetime, key: str
) -> Order:
    """Give an order more or fewer hours, before or during use; say why.

    The holder may do both, the provider only give fewer. The price stays the order's, and the
    share that of the day it was placed; what was captured stays captured. More hours hold more,
    fewer never hold more than before.

    :raises NotAllowed: if the actor is neither the holder's nor the provider's.
    :raises HoursInvalid: if the hours can't be ordered.
    :raises OrderReasonMissing: if there are no words, or too many.
    :raises OrderNotOpen: if nothing is held for the order any more.
    :raises OrderUnchanged: if it has these hours.
    :raises FewerThanUsed: if more were used or billed.
    :raises MoreIsTheHolders: if the provider asks for more.
    :raises MoreIsAnotherOrder: if the offer has another price now, or the provider accepts each
        order itself and has accepted this one.
    :raises NothingToHold: if nothing more is free for more hours, or nothing is left to hold.
    :raises VoucherExpired, VoucherSuspended, VoucherOver, OfferWithdrawn, ProviderSuspended,
        NotAccredited, ProviderNotCovered, OfferAboveCap: for more hours, as `place_hold` does.
    """
    side = require_side(order, actor)
    quantity, reason = quantity_of(hours), checked_reason(reason)
    act = ledger.begin(
        kind=ActKind.CHANGE_ORDER,
        key=key,
        actor=address_of(actor),
        about=order.voucher.address,
        at=at,
        payload={"order": order.code, "quantity_ms": quantity, "reason": reason},
        reason=reason,
        details={"order": order.code},
    )
    if act.is_replay:
        return locked_order(order)
    # As for placing: the organisation first, whose vouchers share one yearly cap.
    Organisation.objects.select_for_update(no_key=True).get(pk=order.voucher.organisation_id)
    locked_voucher(order.voucher)
    row = locked_order(order)
    require_holding(row)
    if row.lapses_at <= at:
        raise OrderNotOpen(order=row.code)
    if quantity == row.quantity_ms:
        raise OrderUnchanged(order=row.code, hours=hours_words(quantity))
    placed_on = day_of(row.placed_at, row.voucher.programme.zone)
    _version, rules = policy_in_force(row.voucher.programme, placed_on)
    if quantity > row.quantity_ms:
        _require_more(row, quantity, side, rules, at)
    else:
        _require_enough(row, quantity)
    return _change(row, quantity, reason, rules, act)


def _require_more(order: Order, quantity: int, side: str, rules: Policy, at: datetime) -> None:
    voucher, provider = order.voucher, order.offer.provider
    if side != Order.PlacedBy.HOLDER:
        raise MoreIsTheHolders(
            holder=voucher.organisation.name_here,
            hours=hours_words(order.quantity_ms),
            order=order.code,
        )
    today = day_of(at, voucher.programme.zone)
    _version, law_today = policy_in_force(voucher.programme, today)
    require_usable(voucher, today)
    require_covered(voucher, order.offer, law_today, at)
    price, _total = price_of(voucher, order.offer, quantity, rules, at)
    is_accepted = order.status == Order.Status.OPEN
    if price != order.price or (is_accepted and not accepts_at_once(provider)):
        raise MoreIsAnotherOrder(order=order.code, provider=provider.organisation.name_here)


def _require_enough(order: Order, quantity: int) -> None:
    use = order_use(order)
    needed = max(use.used_ms, use.billed_ms)
    if quantity < needed:
        raise FewerThanUsed(order=order.code, hours=hours_words(needed))


def _change(row: Order, quantity: int, reason: str, rules: Policy, act: ledger.Act) -> Order:
    voucher, left = row.voucher, hold_remaining(row.hold)
    captured, free = row.hold_amount - left, voucher_balance(voucher).free
    ledger.release(act, [row.hold])
    # Each line of use is rounded once: together they may be some minor units above the hours.
    total = max(total_at(row.price, voucher.unit, quantity, rules), order_use(row).used)
    amount, working = _amount(row, total, captured, rules, act)
    rest = amount - captured
    is_more = quantity > row.quantity_ms
    # Fewer hours take nothing more from what is free, whatever became free since.
    rest = rest if is_more else min(rest, left)
    if rest <= 0 or (is_more and rest <= left):
        raise NothingToHold(
            voucher=voucher.code,
            free=money(free, voucher.unit),
            price=money(total, voucher.unit),
            limit=_("Release the order instead of changing it.") if not is_more else "",
        )
    hold = place_order_hold(act, voucher, row.offer, rest, row.lapses_at, row.code)
    OrderChange.objects.create(
        order=row,
        quantity_ms_before=row.quantity_ms,
        quantity_ms=quantity,
        hold_amount_before=row.hold_amount,
        hold_amount=captured + rest,
        hold_before=row.hold,
        reason=reason,
        changed_at=act.at,
        act_id=act.id,
    )
    row.quantity_ms, row.price_total, row.hold = quantity, total, hold
    row.hold_amount, row.working = captured + rest, [line.to_dict() for line in working]
    row.save(update_fields=["quantity_ms", "price_total", "hold", "hold_amount", "working"])
    return row


def _amount(
    row: Order, total: int, captured: int, rules: Policy, act: ledger.Act
) -> tuple[int, tuple[Line, ...]]:
    zone = row.voucher.programme.zone
    return amount_to_hold(
        row.voucher,
        total,
        rules,
        day_of(act.at, zone),
        placed_on=day_of(row.placed_at, zone),
        captured=captured,
    )
