"""End an order and give back what is left of its hold: released, cancelled or lapsed."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.errors import Refused
from ledger import actions as ledger
from ledger.kinds import ActKind
from parties.models import User
from parties.queries import NotAllowed, address_of, has_role
from parties.roles import Role
from providers.queries import holds_released
from vouchers.actions.orders import (
    checked_reason,
    locked_order,
    require_holding,
    require_side,
)
from vouchers.models import Order
from vouchers.queries import (
    has_bill_unsettled,
    has_line_undecided,
    has_use,
    has_use_unbilled,
)


class OrderBilled(Refused):
    """The order is on a bill that is not decided yet."""

    code = "order_billed"
    sentence = _(
        "The order %(order)s is on a bill that is not decided yet, and its hold stays for that "
        "bill. Wait until the bill is settled and each withheld line is decided."
    )


class OrderUsed(Refused):
    """The order was used, and the use is not billed and settled."""

    code = "order_used"
    sentence = _(
        "The order %(order)s was used, and its hold stays for that use. Ask %(provider)s to "
        "bill it, or to release the order."
    )


class NotLapsedYet(Refused):
    """Neither the hold's time has passed, nor the provider's to accept the order."""

    code = "not_lapsed_yet"
    sentence = _("The hold of the order %(order)s lasts until %(lapses_at)s.")


class OrderUsedBefore(Refused):
    """What was used is not cancelled."""

    code = "order_used_before"
    sentence = _(
        "The order %(order)s was used, so it can't be cancelled. Change it to the hours that are "
        "needed, or let %(provider)s release the rest after its bill."
    )


@transaction.atomic
def release_hold(*, order: Order, actor: User | str, at: datetime, key: str) -> Order:
    """Give back what is left of an order's hold; the order is over.

    The holder may release what the holder placed, unless it was used: then the hold is for the
    provider's bill. The provider may release any of its orders, and an officer any of the
    programme's, once no bill waits for its settlement. While a suspension of the provider
    releases holds, the system may do what the holder may, whoever placed the order.

    :raises NotAllowed: if the actor is none of these.
    :raises OrderNotOpen: if nothing is held for the order any more.
    :raises OrderBilled: if a bill waits to be settled; for the holder, also if a line is withheld.
    :raises OrderUsed: if the holder asks, and there is use that is not billed and settled.
    """
    is_own = _require_releaser(order, actor, at)
    act = ledger.begin(
        kind=ActKind.RELEASE_HOLD,
        key=key,
        actor=address_of(actor),
        about=order.voucher.address,
        at=at,
        payload={"order": order.code},
        details={"order": order.code},
    )
    row = locked_order(order)
    if act.is_replay:
        return row
    require_holding(row)
    _require_not_needed(row, is_own=is_own)
    ledger.release(act, [row.hold])
    row.status = Order.Status.RELEASED
    row.save(update_fields=["status"])
    return row


def _require_releaser(order: Order, actor: User | str, at: datetime) -> bool:
    """Return whether the actor gives up its own hold; the provider and officers do not."""
    provider, voucher = order.offer.provider, order.voucher
    if actor == ledger.SYSTEM and holds_released(provider, at):
        # For the holder, who gets back what the suspended provider has not earned yet.
        return True
    if isinstance(actor, str):
        by_other, by_holder = actor == provider.address, False
    else:
        by_other = has_role(
            actor, Role.PROVIDER, organisation=provider.organisation
        ) or has_role(
            actor,
            Role.OFFICER,
            organisation=voucher.programme.authority,
            programme_code=voucher.programme.code,
        )
        by_holder = order.placed_by == Order.PlacedBy.HOLDER and has_role(
            actor, Role.APPLICANT, organisation=voucher.organisation
        )
    if not (by_other or by_holder):
        where = _(" in %(name)s") % {"name": provider.organisation.name_here}
        raise NotAllowed(roles=Role.PROVIDER.label, where=where)
    return not by_other


def _require_not_needed(order: Order, *, is_own: bool) -> None:
    if has_bill_unsettled(order) or (is_own and has_line_undecided(order)):
        raise OrderBilled(order=order.code)
    if is_own and has_use_unbilled(order):
        raise OrderUsed(order=order.code, provider=order.offer.provider.organisation.name_here)


@transaction.atomic
def cancel_order(
    *, order: Order, reason: str, actor: User | str, at: datetime, key: str
) -> Order:
    """Call an order off before anything was used, by its holder or its provider; say why.

    What is held goes back to the voucher at once. Either side may cancel whoever placed it.

    :raises NotAllowed: if the actor is neither the holder's nor the provider's.
    :raises OrderReasonMissing: if there are no words, or too many.
    :raises OrderNotOpen: if nothing is held for the order any more.
    :raises OrderUsedBefore: if anything was used.
    :raises OrderBilled: if anything was billed.
    """
    require_side(order, actor)
    reason = checked_reason(reason)
    act = ledger.begin(
        kind=ActKind.CANCEL_ORDER,
        key=key,
        actor=address_of(actor),
        about=order.voucher.address,
        at=at,
        payload={"order": order.code, "reason": reason},
        reason=reason,
        details={"order": order.code},
    )
    row = locked_order(order)
    if act.is_replay:
        return row
    require_holding(row)
    if has_use(row):
        raise OrderUsedBefore(
            order=row.code, provider=row.offer.provider.organisation.name_here
        )
    if has_line_undecided(row):
        raise OrderBilled(order=row.code)
    ledger.release(act, [row.hold])
    row.status, row.end_note = Order.Status.CANCELLED, reason
    row.save(update_fields=["status", "end_note"])
    return row


@transaction.atomic
def lapse_hold(*, order: Order, at: datetime, key: str) -> Order:
    """Give back what is left of a hold whose time has passed; the order is over.

    So is one that its provider has not accepted in time.

    :raises OrderNotOpen: if nothing is held for the order any more.
    :raises NotLapsedYet: if neither time has passed.
    :raises OrderBilled: if a bill waits to be settled, or a withheld line to be decided.
    """
    act = ledger.begin(
        kind=ActKind.LAPSE_HOLD,
        key=key,
        actor=ledger.SYSTEM,
        about=f"voucher:{order.voucher.code}",
        at=at,
        payload={"order": order.code},
        details={"order": order.code},
    )
    row = locked_order(order)
    if act.is_replay:
        return row
    require_holding(row)
    ends_at = row.accept_by if row.status == Order.Status.PLACED else row.lapses_at
    assert ends_at is not None, "an order that waits says until when"
    if ends_at > at:
        raise NotLapsedYet(order=row.code, lapses_at=ends_at)
    if has_line_undecided(row):
        raise OrderBilled(order=row.code)
    give_back = ledger.release if row.lapses_at > at else ledger.lapse
    give_back(act, [row.hold])
    row.status = Order.Status.LAPSED
    row.save(update_fields=["status"])
    return row
