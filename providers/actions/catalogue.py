"""Publish offers and their prices, and take offers out of the catalogue."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.codes import new_code
from common.errors import Refused
from common.money import CURRENCY_EXPONENTS
from ledger import actions as ledger
from ledger.kinds import ActKind
from parties.models import User
from parties.queries import require_role
from parties.roles import Role
from providers.actions.accreditation import require_may_sell
from providers.models import Offer, Price, PriceWithdrawal, Provider
from providers.queries.catalogue import cap_on

QUEUE_HOURS_MAX = 24 * 365
# What `Price.rate` can hold: 14 digits, 4 of them decimals.
RATE_MAX = Decimal("9999999999.9999")


class RateInvalid(Refused):
    """A rate that can't be a price."""

    code = "rate_invalid"
    sentence = _(
        "%(rate)s %(currency)s can't be a price. Give 0 or more with at most four decimals, "
        "in one of %(currencies)s."
    )


class PriceInThePast(Refused):
    """A price would begin before it is published."""

    code = "price_in_the_past"
    sentence = _("A price can't begin in the past: %(from_at)s is before %(at)s.")


class PriceKnown(Refused):
    """Another price of the offer begins at the same instant."""

    code = "price_known"
    sentence = _("%(offer)s already has a price from %(from_at)s. Choose another instant.")


class PriceBegun(Refused):
    """A price that counts already, or ever did, stays."""

    code = "price_begun"
    sentence = _(
        "The price of %(offer)s from %(from_at)s has begun and stays as it is. Publish another "
        "one that follows it."
    )


class PriceWithdrawn(Refused):
    """The price was withdrawn before."""

    code = "price_withdrawn"
    sentence = _("The price of %(offer)s from %(from_at)s was withdrawn already.")


class PriceAboveCap(Refused):
    """The price is above what an authority lets an hour of the class cost."""

    code = "price_above_cap"
    sentence = _(
        "%(rate)s %(currency)s an hour is above the cap of %(authority)s for %(resource_class)s: "
        "%(cap)s %(currency)s since %(since)s. Publish a price up to the cap."
    )


class QueueInvalid(Refused):
    """A time to wait that can't be."""

    code = "queue_invalid"
    sentence = _(
        "%(hours)s hours can't be a typical wait. Give whole hours from 0 to %(most)s, or none."
    )


class OfferWithdrawn(Refused):
    """The offer is no longer in the catalogue."""

    code = "offer_withdrawn"
    sentence = _("The offer %(offer)s was withdrawn. Choose another one from the catalogue.")


@transaction.atomic
def publish_offer(
    *,
    provider: Provider,
    title: str,
    resource: str,
    resource_class: str,
    region: str,
    rate: Decimal,
    currency: str,
    is_domestic: bool = False,
    service_level: str = Offer.ServiceLevel.ON_DEMAND,
    queue_hours: int | None = None,
    sku: str = "",
    actor: User,
    at: datetime,
    key: str,
) -> Offer:
    """Put an offer in the catalogue, with its first price from now on.

    `rate` is in whole currency units for one GPU-hour or core-hour; `queue_hours` is how long a
    job typically waits, or None where that is not known; `sku` is the provider's own number of
    it, by which its price lists name it.

    :raises NotAllowed: if the person does not act for the provider.
    :raises ProviderSuspended: if a suspension of the provider stops new orders.
    :raises NotAccredited: if the provider is not accredited for such a service today.
    :raises RateInvalid: if the rate can't be a price.
    :raises QueueInvalid: if nobody could wait so long.
    :raises PriceAboveCap: if an authority caps the class below the rate.
    """
    require_role(actor, Role.PROVIDER, organisation=provider.organisation)
    require_may_sell(provider, resource, at)
    _check_rate(rate, currency)
    _check_queue(queue_hours)
    code = _unused_offer_code()
    content = {
        "title": title.strip(),
        "resource": resource,
        "resource_class": resource_class.strip(),
        "region": region.strip(),
        "is_domestic": is_domestic,
        "service_level": service_level,
        "queue_hours": queue_hours,
    }
    if sku:
        content["sku"] = sku
    act = ledger.begin(
        kind=ActKind.PUBLISH_OFFER,
        key=key,
        actor=actor.address,
        about=provider.address,
        at=at,
        payload={**content, "rate": f"{rate:f}", "currency": currency},
        details={"offer": code},
    )
    if act.is_replay:
        return Offer.objects.select_related("provider__organisation").get(act_id=act.id)
    offer = Offer(
        code=code,
        provider=provider,
        status=Offer.Status.PUBLISHED,
        published_at=at,
        act_id=act.id,
        **content,
    )
    check_below_cap(offer, rate, currency, at)
    offer.save(force_insert=True)
    Price.objects.create(offer=offer, rate=rate, currency=currency, from_at=at, act_id=act.id)
    return offer


def _unused_offer_code() -> str:
    code = new_code("F")
    while Offer.objects.filter(code=code).exists():
        code = new_code("F")
    return code


def _check_rate(rate: Decimal, currency: str) -> None:
    is_price = rate.is_finite() and 0 <= rate <= RATE_MAX and rate == round(rate, 4)
    if not is_price or currency not in CURRENCY_EXPONENTS:
        known = ", ".join(CURRENCY_EXPONENTS)
        raise RateInvalid(rate=rate, currency=currency, currencies=known)


def _check_queue(hours: int | None) -> None:
    if hours is not None and not 0 <= hours <= QUEUE_HOURS_MAX:
        raise QueueInvalid(hours=hours, most=QUEUE_HOURS_MAX)


def check_below_cap(offer: Offer, rate: Decimal, currency: str, from_at: datetime) -> None:
    """Refuse a rate above what any authority lets an hour of the offer's class cost.

    :raises PriceAboveCap: naming the authority and its cap.
    """
    cap = cap_on(offer, currency, from_at)
    if cap is not None and cap.rate is not None and rate > cap.rate:
        raise PriceAboveCap(
            rate=rate,
            currency=currency,
            authority=cap.authority.name_here,
            resource_class=offer.resource_class,
            cap=cap.rate,
            since=cap.from_at,
        )


@transaction.atomic
def publish_price(
    *,
    offer: Offer,
    rate: Decimal,
    currency: str,
    from_at: datetime,
    actor: User,
    at: datetime,
    key: str,
) -> Price:
    """Set what an offer costs from an instant on; earlier prices stay as they were.

    `rate` is in whole currency units for one GPU-hour or core-hour.

    :raises NotAllowed: if the person does not act for the provider.
    :raises OfferWithdrawn: if the offer is no longer in the catalogue.
    :raises RateInvalid: if the rate can't be a price.
    :raises PriceInThePast: if `from_at` has passed.
    :raises PriceKnown: if another price begins at this instant.
    :raises PriceAboveCap: if an authority caps the class below the rate by then.
    """
    require_role(actor, Role.PROVIDER, organisation=offer.provider.organisation)
    _check_rate(rate, currency)
    act = ledger.begin(
        kind=ActKind.PUBLISH_PRICE,
        key=key,
        actor=actor.address,
        about=f"offer:{offer.code}",
        at=at,
        payload={"rate": f"{rate:f}", "currency": currency, "from_at": from_at},
    )
    if act.is_replay:
        return Price.objects.select_related("offer").get(act_id=act.id)
    row = Offer.objects.select_for_update().get(pk=offer.pk)
    if row.status == Offer.Status.WITHDRAWN:
        raise OfferWithdrawn(offer=offer.code)
    if from_at < at:
        raise PriceInThePast(from_at=from_at, at=at)
    check_below_cap(row, rate, currency, from_at)
    known = Price.objects.filter(offer=offer, currency=currency, from_at=from_at)
    if known.filter(withdrawal__isnull=True).exists():
        raise PriceKnown(offer=offer.code, from_at=from_at)
    return Price.objects.create(
        offer=offer,
        rate=rate,
        currency=currency,
        from_at=from_at,
        turn=known.count(),
        act_id=act.id,
    )


@transaction.atomic
def withdraw_price(*, price: Price, actor: User, at: datetime, key: str) -> PriceWithdrawal:
    """Take back a price that has not begun; what counts until then goes on.

    :raises NotAllowed: if the person does not act for the provider.
    :raises PriceBegun: if it counts already, or once did.
    :raises PriceWithdrawn: if it was taken back before.
    """
    offer = price.offer
    require_role(actor, Role.PROVIDER, organisation=offer.provider.organisation)
    act = ledger.begin(
        kind=ActKind.WITHDRAW_PRICE,
        key=key,
        actor=actor.address,
        about=f"offer:{offer.code}",
        at=at,
        payload={"price": price.pk},
        details={"from_at": price.from_at, "rate": f"{price.rate:f}"},
    )
    if act.is_replay:
        return PriceWithdrawal.objects.get(act_id=act.id)
    # Whoever publishes a price of this offer meanwhile waits here.
    Offer.objects.select_for_update().get(pk=offer.pk)
    if price.from_at <= at:
        raise PriceBegun(offer=offer.code, from_at=price.from_at)
    if PriceWithdrawal.objects.filter(price=price).exists():
        raise PriceWithdrawn(offer=offer.code, from_at=price.from_at)
    return PriceWithdrawal.objects.create(price=price, at=at, act_id=act.id)


@transaction.atomic
def state_queue(
    *, offer: Offer, queue_hours: int | None, actor: User, at: datetime, key: str
) -> Offer:
    """Say how long a job of an offer typically waits now, in hours, or that nobody knows.

    :raises NotAllowed: if the person does not act for the provider.
    :raises OfferWithdrawn: if the offer is no longer in the catalogue.
    :raises QueueInvalid: if nobody could wait so long.
    """
    require_role(actor, Role.PROVIDER, organisation=offer.provider.organisation)
    _check_queue(queue_hours)
    act = ledger.begin(
        kind=ActKind.STATE_QUEUE,
        key=key,
        actor=actor.address,
        about=f"offer:{offer.code}",
        at=at,
        payload={"queue_hours": queue_hours},
        details={"queue_hours": queue_hours},
    )
    row = Offer.objects.select_for_update().get(pk=offer.pk)
    if act.is_replay:
        return row
    if row.status == Offer.Status.WITHDRAWN:
        raise OfferWithdrawn(offer=offer.code)
    row.queue_hours = queue_hours
    row.save(update_fields=["queue_hours"])
    return row


@transaction.atomic
def withdraw_offer(*, offer: Offer, actor: User, at: datetime, key: str) -> Offer:
    """Take an offer out of the catalogue; orders of it go on.

    :raises NotAllowed: if the person does not act for the provider.
    :raises OfferWithdrawn: if it was withdrawn before.
    """
    require_role(actor, Role.PROVIDER, organisation=offer.provider.organisation)
    act = ledger.begin(
        kind=ActKind.WITHDRAW_OFFER,
        key=key,
        actor=actor.address,
        about=f"offer:{offer.code}",
        at=at,
        payload={"status": Offer.Status.WITHDRAWN.value},
        details={"offer": offer.code, "status": Offer.Status.WITHDRAWN.value},
    )
    row = (
        Offer.objects.select_for_update(of=("self",))
        .select_related("provider__organisation")
        .get(pk=offer.pk)
    )
    if act.is_replay:
        return row
    if row.status == Offer.Status.WITHDRAWN:
        raise OfferWithdrawn(offer=offer.code)
    row.status = Offer.Status.WITHDRAWN
    row.save(update_fields=["status"])
    return row
