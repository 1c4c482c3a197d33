"""What a provider says to an order of a holder that waits for its word: yes, or no and why."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.errors import Refused
from common.money import hours_words
from ledger import actions as ledger
from ledger.kinds import ActKind
from parties.models import User
from parties.queries import address_of
from providers.actions import require_may_sell
from vouchers.actions.orders import checked_reason, locked_order, require_provider
from vouchers.actions.terms import quantity_of, require_not_over, require_not_suspended
from vouchers.actions.vouchers import locked_voucher
from vouchers.models import Order


class OrderNotWaiting(Refused):
    """Nobody waits for the provider's word on this order."""

    code = "order_not_waiting"
    sentence = _(
        "The order %(order)s does not wait for an answer: it was answered, or is over."
    )


class AnswerTooLate(Refused):
    """The time to accept the order has passed."""

    code = "answer_too_late"
    sentence = _(
        "The order %(order)s could be accepted until %(until)s. Ask its holder to place it again."
    )


class OrderChangedMeanwhile(Refused):
    """The holder changed the order since the provider read it."""

    code = "order_changed_meanwhile"
    sentence = _(
        "The order %(order)s is for %(hours)s hours now. Look at it again, and accept it as it "
        "is."
    )


@transaction.atomic
def accept_order(
    *, order: Order, hours: Decimal, actor: User | str, at: datetime, key: str
) -> Order:
    """Accept an order of a holder, as its provider; from now on it may be used.

    `hours` are what the provider read: an order that was changed since is not accepted unread.

    :raises NotAllowed: if the actor does not speak for the provider.
    :raises HoursInvalid: if the hours can't be ordered.
    :raises OrderNotWaiting: if it was answered, or is over.
    :raises AnswerTooLate: if the time to accept has passed.
    :raises OrderChangedMeanwhile: if it is for other hours now.
    :raises VoucherOver, VoucherSuspended: if the voucher takes no new orders.
    :raises ProviderSuspended: if the provider takes no new orders.
    :raises NotAccredited: if the provider may not sell such a service today.
    """
    require_provider(order, actor)
    quantity = quantity_of(hours)
    payload = {"order": order.code, "quantity_ms": quantity}
    act = _begin(ActKind.ACCEPT_ORDER, order, payload, "", actor, at, key)
    # As for placing: the voucher first, which may be suspended or revoked at this moment.
    voucher = locked_voucher(order.voucher)
    row = locked_order(order)
    if act.is_replay:
        return row
    _require_waiting(row)
    # A voucher that expired since goes on with what was ordered before.
    require_not_over(voucher)
    require_not_suspended(voucher)
    if row.accept_by is not None and row.accept_by <= at:
        raise AnswerTooLate(order=row.code, until=row.accept_by)
    if row.quantity_ms != quantity:
        raise OrderChangedMeanwhile(order=row.code, hours=hours_words(row.quantity_ms))
    offer, zone = row.offer, row.voucher.programme.zone
    require_may_sell(offer.provider, offer.resource, at, zone)
    row.status = Order.Status.OPEN
    row.save(update_fields=["status"])
    return row


@transaction.atomic
def decline_order(
    *, order: Order, reason: str, actor: User | str, at: datetime, key: str
) -> Order:
    """Decline an order of a holder, as its provider; what is held goes back at once.

    :raises NotAllowed: if the actor does not speak for the provider.
    :raises OrderReasonMissing: if there are no words, or too many.
    :raises OrderNotWaiting: if it was answered, or is over.
    """
    require_provider(order, actor)
    reason = checked_reason(reason)
    payload = {"order": order.code, "reason": reason}
    act = _begin(ActKind.DECLINE_ORDER, order, payload, reason, actor, at, key)
    row = locked_order(order)
    if act.is_replay:
        return row
    _require_waiting(row)
    ledger.release(act, [row.hold])
    row.status, row.end_note = Order.Status.DECLINED, reason
    row.save(update_fields=["status", "end_note"])
    return row


def _begin(
    kind: ActKind,
    order: Order,
    payload: Mapping[str, object],
    reason: str,
    actor: User | str,
    at: datetime,
    key: str,
) -> ledger.Act:
    return ledger.begin(
        kind=kind,
        key=key,
        actor=address_of(actor),
        about=order.voucher.address,
        at=at,
        payload=payload,
        reason=reason,
        details={"order": order.code},
    )


def _require_waiting(order: Order) -> None:
    if order.status != Order.Status.PLACED:
        raise OrderNotWaiting(order=order.code)
