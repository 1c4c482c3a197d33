"""Set voucher value aside for an order, and give it back when it is not needed."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.days import day_of, end_of
from common.errors import Refused
from common.formatting import money
from common.money import is_currency
from ledger import actions as ledger
from ledger.actions import NotEnough
from ledger.kinds import AccountKind, ActKind, Flow
from parties.models import Organisation, User
from parties.queries import NotAllowed, address_of, has_role, require_role
from parties.roles import Role
from policy import holds
from providers.models import Offer, Provider
from providers.queries import holds_released
from vouchers.actions.terms import (
    NothingToHold,
    amount_to_hold,
    price_of,
    quantity_of,
    require_covered,
    require_usable,
)
from vouchers.actions.vouchers import locked_voucher
from vouchers.models import Order, Voucher
from vouchers.queries import (
    has_bill_unsettled,
    has_line_undecided,
    has_use_unbilled,
    policy_in_force,
    unused_code,
    voucher_account,
    voucher_by_redemption_code,
)

REFERENCE_LENGTH_MAX = 80


class CodeUnknown(Refused):
    """No voucher has the redemption code."""

    code = "code_unknown"
    sentence = _(
        "No voucher has the code %(code)s. Ask its holder to read it to you again; it has "
        "16 letters and digits."
    )


class OfferNotYours(Refused):
    """The offer is another provider's."""

    code = "offer_not_yours"
    sentence = _("The offer %(offer)s is not one of %(provider)s. Redeem at your own offers.")


class OrderAlreadyOpen(Refused):
    """The same order is open already."""

    code = "order_already_open"
    sentence = _(
        "The order %(order)s is already open on this voucher, for the same offer and "
        "reference. Use it, or give this one another reference."
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


class OrderNotOpen(Refused):
    """The order's hold was used up, released or has lapsed."""

    code = "order_not_open"
    sentence = _("The order %(order)s is not open any more; nothing is held for it.")


class NotLapsedYet(Refused):
    """The hold's time has not passed."""

    code = "not_lapsed_yet"
    sentence = _("The hold of the order %(order)s lasts until %(lapses_at)s.")


class ReferenceInvalid(Refused):
    """The provider's own reference is too long."""

    code = "reference_invalid"
    sentence = _("“%(reference)s…” is too long. Give a reference of up to 80 characters.")


@dataclass(frozen=True, slots=True)
class _Who:
    """Who places an order, by which side of it."""

    side: str
    address: str
    user: User | None


@transaction.atomic
def place_hold(
    *,
    voucher: Voucher,
    offer: Offer,
    hours: Decimal,
    provider_reference: str = "",
    actor: User,
    at: datetime,
    key: str,
) -> Order:
    """Set voucher value aside for an order, before the compute is used.

    `hours` are GPU-hours or core-hours, by the offer. What is set aside is the policy's share
    of the price, or the time itself in kind, and never more than is free. It stays the
    holder's until a bill is settled; what isn't settled comes back when the hold lapses.

    :raises NotAllowed: if the person does not act for the holder.
    :raises VoucherExpired: if the voucher's last day has passed.
    :raises VoucherSuspended: if it is suspended.
    :raises VoucherOver: if it was returned.
    :raises NoHoldsHere: if the programme pays after use.
    :raises HoursInvalid: if the hours can't be ordered.
    :raises ReferenceInvalid: if the reference is too long.
    :raises OfferWithdrawn: if the offer is no longer in the catalogue.
    :raises ProviderSuspended: if the provider takes no new orders.
    :raises NotAccredited: if the provider may not sell such a service today.
    :raises AgreementNotAccepted: if the provider has not accepted the authority's agreement.
    :raises ProviderNotCovered: if the policy does not admit the provider.
    :raises ClassNotCovered: if a voucher in kind is for another class.
    :raises NoPriceInForce: if the offer has no price in the voucher's currency.
    :raises OrderAlreadyOpen: if the same offer and reference are open on the voucher.
    :raises NothingToHold: if nothing is free, or a cap leaves nothing.
    """
    require_role(actor, Role.APPLICANT, organisation=voucher.organisation)
    who = _Who(Order.PlacedBy.HOLDER, actor.address, actor)
    return _place(voucher, offer, hours, provider_reference, who, at, key)


@transaction.atomic
def redeem_code(
    *,
    redemption_code: str,
    provider: Provider,
    offer: Offer,
    hours: Decimal,
    provider_reference: str = "",
    actor: str,
    at: datetime,
    key: str,
) -> Order:
    """Turn a voucher's code into an order and its hold, as the provider.

    Whoever asks must have made sure that `actor` speaks for the provider. Otherwise as
    `place_hold`, with the same refusals and these two.

    :raises CodeUnknown: if no voucher has the code.
    :raises OfferNotYours: if the offer is another provider's.
    """
    voucher = voucher_by_redemption_code(redemption_code)
    if voucher is None:
        raise CodeUnknown(code=redemption_code[:24])
    if offer.provider_id != provider.pk:
        raise OfferNotYours(offer=offer.code, provider=provider.organisation.name)
    who = _Who(Order.PlacedBy.PROVIDER, actor, None)
    return _place(voucher, offer, hours, provider_reference, who, at, key)


def _place(
    voucher: Voucher,
    offer: Offer,
    hours: Decimal,
    provider_reference: str,
    who: _Who,
    at: datetime,
    key: str,
) -> Order:
    quantity, reference = quantity_of(hours), _reference(provider_reference)
    code = unused_code(Order, "R")
    act = ledger.begin(
        kind=ActKind.PLACE_HOLD,
        key=key,
        actor=who.address,
        about=voucher.address,
        at=at,
        payload={"offer": offer.code, "quantity_ms": quantity, "reference": reference},
        details={"order": code, "offer": offer.code},
    )
    if act.is_replay:
        return _order_of_act(act)
    # The organisation first: holds on two of its vouchers share one yearly cap.
    Organisation.objects.select_for_update(no_key=True).get(pk=voucher.organisation_id)
    row = locked_voucher(voucher)
    today = day_of(at, row.programme.zone)
    _version, rules = policy_in_force(row.programme, today)
    require_usable(row, today)
    require_covered(row, offer, rules, at)
    _require_not_open(row, offer, reference)
    price, total = price_of(row, offer, quantity, rules, at)
    amount, working = amount_to_hold(row, total, rules, today)
    lapses_at = end_of(holds.last_day(today, rules), row.programme.zone)
    hold = _hold(act, row, offer, amount, lapses_at, code)
    return Order.objects.create(
        code=code,
        voucher=row,
        offer=offer,
        price=price,
        provider_reference=reference,
        quantity_ms=quantity,
        price_total=total,
        hold_amount=amount,
        hold=hold,
        working=[line.to_dict() for line in working],
        placed_by=who.side,
        placed_by_user=who.user,
        placed_at=at,
        lapses_at=lapses_at,
        status=Order.Status.OPEN,
        act_id=act.id,
    )


def _order_of_act(act: ledger.Act) -> Order:
    return Order.objects.select_related(
        "voucher__programme", "voucher__organisation", "offer__provider__organisation", "price"
    ).get(act_id=act.id)


def _reference(text: str) -> str:
    reference = text.strip()
    if len(reference) > REFERENCE_LENGTH_MAX:
        raise ReferenceInvalid(reference=reference[:20])
    return reference


def _require_not_open(voucher: Voucher, offer: Offer, reference: str) -> None:
    known = Order.objects.filter(
        voucher=voucher, offer=offer, provider_reference=reference, status=Order.Status.OPEN
    ).first()
    if known is not None:
        raise OrderAlreadyOpen(order=known.code)


def _hold(
    act: ledger.Act,
    voucher: Voucher,
    offer: Offer,
    amount: int,
    lapses_at: datetime,
    code: str,
) -> int:
    programme = voucher.programme
    if is_currency(voucher.unit):
        payee = offer.provider.organisation.code
        flow, kind = Flow.REDEEM, AccountKind.PROVIDER_PAYABLE
        toward = programme.account("provider_payable", payee)
    else:
        flow, kind = Flow.DELIVER, AccountKind.DELIVERED
        toward = programme.account("delivered")
    ledger.open_account(act, toward, kind, voucher.unit)
    move = ledger.Move(flow, voucher_account(voucher), toward, amount, code)
    try:
        return ledger.place_hold(act, move, expires_at=lapses_at)
    except NotEnough as error:
        shown = money(amount, voucher.unit)
        raise NothingToHold(
            voucher=voucher.code, free=_("less"), price=shown, limit=""
        ) from error


def locked_order(order: Order) -> Order:
    """Return an order as it is now, and keep it from changing until the action ends."""
    return (
        Order.objects.select_for_update(of=("self",), no_key=True)
        .select_related("voucher__programme__authority", "voucher__organisation")
        .get(pk=order.pk)
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
    _require_open(row)
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
        where = _(" in %(name)s") % {"name": provider.organisation.name}
        raise NotAllowed(roles=Role.PROVIDER.label, where=where)
    return not by_other


def _require_not_needed(order: Order, *, is_own: bool) -> None:
    if has_bill_unsettled(order) or (is_own and has_line_undecided(order)):
        raise OrderBilled(order=order.code)
    if is_own and has_use_unbilled(order):
        raise OrderUsed(order=order.code, provider=order.offer.provider.organisation.name)


def _require_open(order: Order) -> None:
    if order.status != Order.Status.OPEN:
        raise OrderNotOpen(order=order.code)


@transaction.atomic
def lapse_hold(*, order: Order, at: datetime, key: str) -> Order:
    """Give back what is left of a hold whose time has passed; the order is over.

    :raises OrderNotOpen: if nothing is held for the order any more.
    :raises NotLapsedYet: if the hold's time has not passed.
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
    _require_open(row)
    if row.lapses_at > at:
        raise NotLapsedYet(order=row.code, lapses_at=row.lapses_at)
    if has_line_undecided(row):
        raise OrderBilled(order=row.code)
    ledger.lapse(act, [row.hold])
    row.status = Order.Status.LAPSED
    row.save(update_fields=["status"])
    return row
