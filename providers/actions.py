"""Accredit providers, publish what they sell at which price, and hand out their API keys."""

import secrets
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.codes import new_code
from common.errors import Refused
from common.money import CURRENCY_EXPONENTS
from ledger import actions as ledger
from ledger.kinds import ActKind
from parties.models import Organisation, User
from parties.queries import address_of, require_role, require_staff
from parties.roles import OrganisationKind, Role
from providers.authentication import KEY_BEGINNING, PREFIX_LENGTH, digest_of
from providers.models import ApiKey, Offer, Price, Provider

# What `Price.rate` can hold: 14 digits, 4 of them decimals.
RATE_MAX = Decimal("9999999999.9999")


class NotAProvider(Refused):
    """Only an organisation of the kind “provider” can be accredited."""

    code = "not_a_provider"
    sentence = _(
        "%(organisation)s is registered as “%(kind)s”. Register it as a provider first."
    )


class ProviderAccredited(Refused):
    """The provider is accredited already."""

    code = "provider_accredited"
    sentence = _("%(provider)s is already accredited; nothing to do.")


class ProviderSuspended(Refused):
    """The provider's accreditation is suspended."""

    code = "provider_suspended"
    sentence = _(
        "%(provider)s is suspended and can't take new orders. "
        "Choose another provider, or ask the authority."
    )


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


class ApiKeyRevoked(Refused):
    """The key was revoked before."""

    code = "api_key_revoked"
    sentence = _("The key %(prefix)s… is already revoked; nothing to do.")


@transaction.atomic
def accredit_provider(
    *, organisation: Organisation, actor: User | str, at: datetime, key: str
) -> Provider:
    """Let an organisation sell compute, for the first time or after a suspension.

    :raises NotAllowed: if the actor is a person who is neither officer nor administrator.
    :raises NotAProvider: if the organisation is of another kind.
    :raises ProviderAccredited: if it is accredited already.
    """
    require_staff(actor, Role.OFFICER, Role.ADMIN)
    if organisation.kind != OrganisationKind.PROVIDER:
        kind = OrganisationKind(organisation.kind).label
        raise NotAProvider(organisation=organisation.name, kind=kind)
    act = ledger.begin(
        kind=ActKind.ACCREDIT_PROVIDER,
        key=key,
        actor=address_of(actor),
        about=organisation.address,
        at=at,
        payload={},
    )
    provider, is_new = Provider.objects.select_for_update().get_or_create(
        organisation=organisation,
        defaults={
            "status": Provider.Status.ACCREDITED,
            "accredited_at": at,
            "act_id": act.id,
        },
    )
    if is_new or act.is_replay:
        return provider
    if provider.status == Provider.Status.ACCREDITED:
        raise ProviderAccredited(provider=organisation.name)
    provider.status, provider.accredited_at = Provider.Status.ACCREDITED, at
    provider.save(update_fields=["status", "accredited_at"])
    return provider


@transaction.atomic
def suspend_provider(
    *, provider: Provider, note: str, actor: User | str, at: datetime, key: str
) -> Provider:
    """Let a provider take no new orders; what is ordered may still be metered and billed.

    :raises NotAllowed: if the actor is a person who is neither officer nor administrator.
    :raises ProviderSuspended: if it is suspended already.
    """
    require_staff(actor, Role.OFFICER, Role.ADMIN)
    act = ledger.begin(
        kind=ActKind.SUSPEND_PROVIDER,
        key=key,
        actor=address_of(actor),
        about=provider.organisation.address,
        at=at,
        payload={"note": note},
        reason=note,
    )
    row = Provider.objects.select_for_update().get(pk=provider.pk)
    if act.is_replay:
        return row
    if row.status == Provider.Status.SUSPENDED:
        raise ProviderSuspended(provider=provider.organisation.name)
    row.status = Provider.Status.SUSPENDED
    row.save(update_fields=["status"])
    return row


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
    :raises ProviderSuspended: if the provider is not accredited.
    :raises RateInvalid: if the rate can't be a price.
    """
    require_role(actor, Role.PROVIDER, organisation=provider.organisation)
    if provider.status != Provider.Status.ACCREDITED:
        raise ProviderSuspended(provider=provider.organisation.name)
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


@transaction.atomic
def create_api_key(
    *, provider: Provider, name: str, actor: User, at: datetime, key: str
) -> tuple[ApiKey, str]:
    """Create a key to the API, and return it with its secret, which is never shown again.

    Only a digest is kept, so asking again with the same key returns an empty secret.

    :raises NotAllowed: if the person does not act for the provider.
    """
    require_role(actor, Role.PROVIDER, organisation=provider.organisation)
    secret = _unused_secret()
    act = ledger.begin(
        kind=ActKind.CREATE_API_KEY,
        key=key,
        actor=actor.address,
        about=provider.address,
        at=at,
        payload={"name": name},
        details={"name": name},
    )
    if act.is_replay:
        return ApiKey.objects.select_related("provider").get(act_id=act.id), ""
    api_key = ApiKey.objects.create(
        provider=provider,
        name=name,
        prefix=secret[:PREFIX_LENGTH],
        digest=digest_of(secret),
        created_by=actor,
        created_at=at,
        act_id=act.id,
    )
    return api_key, secret


def _unused_secret() -> str:
    secret = KEY_BEGINNING + secrets.token_urlsafe(32)
    while ApiKey.objects.filter(prefix=secret[:PREFIX_LENGTH]).exists():
        secret = KEY_BEGINNING + secrets.token_urlsafe(32)
    return secret


@transaction.atomic
def revoke_api_key(*, api_key: ApiKey, actor: User, at: datetime, key: str) -> ApiKey:
    """Let a key open nothing from now on.

    :raises NotAllowed: if the person does not act for the provider.
    :raises ApiKeyRevoked: if it was revoked before.
    """
    require_role(actor, Role.PROVIDER, organisation=api_key.provider.organisation)
    act = ledger.begin(
        kind=ActKind.REVOKE_API_KEY,
        key=key,
        actor=actor.address,
        about=api_key.provider.address,
        at=at,
        payload={"api_key": api_key.prefix},
        details={"name": api_key.name},
    )
    row = ApiKey.objects.select_for_update().get(pk=api_key.pk)
    if act.is_replay:
        return row
    if row.revoked_at is not None:
        raise ApiKeyRevoked(prefix=row.prefix)
    row.revoked_at = at
    row.save(update_fields=["revoked_at"])
    return row
