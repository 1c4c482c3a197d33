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
from providers.models import Offer, Price, Provider

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
    actor: User,
    at: datetime,
    key: str,
) -> Offer:
    """Put an offer in the catalogue, with its first price from now on.

    `rate` is in whole currency units for one GPU-hour or core-hour.

    :raises NotAllowed: if the person does not act for the provider.
    :raises ProviderSuspended: if a suspension of the provider stops new orders.
    :raises NotAccredited: if the provider is not accredited for such a service today.
    :raises RateInvalid: if the rate can't be a price.
    """
    require_role(actor, Role.PROVIDER, organisation=provider.organisation)
    require_may_sell(provider, resource, at)
    _check_rate(rate, currency)
    code = _unused_offer_code()
    content = {
        "title": title.strip(),
        "resource": resource,
        "resource_class": resource_class.strip(),
        "region": region.strip(),
    }
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
    offer = Offer.objects.create(
        code=code,
        provider=provider,
        status=Offer.Status.PUBLISHED,
        published_at=at,
        act_id=act.id,
        **content,
    )
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
    if Price.objects.filter(offer=offer, currency=currency, from_at=from_at).exists():
        raise PriceKnown(offer=offer.code, from_at=from_at)
    return Price.objects.create(
        offer=offer, rate=rate, currency=currency, from_at=from_at, act_id=act.id
    )


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
