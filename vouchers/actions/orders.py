"""Set voucher value aside for an order, as its holder or with the holder's code."""

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
from parties.queries import NotAllowed, has_role, require_role
from parties.roles import Role
from policy import holds
from providers.models import Offer, Provider
from providers.queries import accepts_at_once
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
    policy_in_force,
    unused_code,
    voucher_account,
    voucher_by_redemption_code,
)

REFERENCE_LENGTH_MAX = 80
REASON_LENGTH_MAX = 500


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


class OrderNotOpen(Refused):
    """The order's hold was used up, released or has lapsed."""

    code = "order_not_open"
    sentence = _("The order %(order)s is not open any more; nothing is held for it.")


class OrderReasonMissing(Refused):
    """A change or an end without a word why."""

    code = "order_reason_missing"
    sentence = _("Say why, in at most %(most)s characters. The other side reads it.")


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
    With a provider that accepts each order itself, the order waits for its word as long as the
    programme says, its value held meanwhile.

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
    :raises OfferAboveCap: if the price is above a cap of the authority or the programme.
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
        raise OfferNotYours(offer=offer.code, provider=provider.organisation.name_here)
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
    hold = place_order_hold(act, row, offer, amount, lapses_at, code)
    waits = who.side == Order.PlacedBy.HOLDER and not accepts_at_once(offer.provider)
    accept_by = end_of(holds.last_day_to_accept(today, rules), row.programme.zone)
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
        accept_by=accept_by if waits else None,
        status=Order.Status.PLACED if waits else Order.Status.OPEN,
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
        voucher=voucher,
        offer=offer,
        provider_reference=reference,
        status__in=Order.HOLDING,
    ).first()
    if known is not None:
        raise OrderAlreadyOpen(order=known.code)


def place_order_hold(
    act: ledger.Act,
    voucher: Voucher,
    offer: Offer,
    amount: int,
    lapses_at: datetime,
    code: str,
) -> int:
    """Hold an amount of a voucher, in its unit, for the order of a code; return the hold's number.

    :raises NothingToHold: if less is free.
    """
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
        .select_related(
            "voucher__programme__authority",
            "voucher__organisation",
            "offer__provider__organisation",
            "price",
        )
        .get(pk=order.pk)
    )


def require_holding(order: Order) -> None:
    """Refuse an order for which nothing is held any more.

    :raises OrderNotOpen: if it was released, closed, declined or cancelled, or has lapsed.
    """
    if order.status not in Order.HOLDING:
        raise OrderNotOpen(order=order.code)


def checked_reason(text: str) -> str:
    """Return why an order is changed or ended, without spaces around it.

    :raises OrderReasonMissing: if there are no words, or too many.
    """
    reason = text.strip()
    if not 0 < len(reason) <= REASON_LENGTH_MAX:
        raise OrderReasonMissing(most=REASON_LENGTH_MAX)
    return reason


def require_provider(order: Order, actor: User | str) -> None:
    """Refuse who does not speak for an order's provider; a program does by its address.

    :raises NotAllowed: if the actor is another.
    """
    provider = order.offer.provider
    if isinstance(actor, User):
        require_role(actor, Role.PROVIDER, organisation=provider.organisation)
    elif actor != provider.address:
        where = _(" in %(name)s") % {"name": provider.organisation.name_here}
        raise NotAllowed(roles=Role.PROVIDER.label, where=where)


def require_side(order: Order, actor: User | str) -> str:
    """Return which side of an order somebody speaks for: its holder's, else its provider's.

    :raises NotAllowed: if it is neither.
    """
    if isinstance(actor, User) and has_role(
        actor, Role.APPLICANT, organisation=order.voucher.organisation
    ):
        return Order.PlacedBy.HOLDER
    require_provider(order, actor)
    return Order.PlacedBy.PROVIDER
