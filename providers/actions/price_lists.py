"""Publish a whole price list: what becomes of each row, and all good rows in one act."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.errors import Refused
from ledger import actions as ledger
from ledger.actions import Act
from ledger.kinds import ActKind
from parties.models import User
from parties.queries import require_role
from parties.roles import Role
from providers.actions.accreditation import require_may_sell
from providers.actions.catalogue import (
    OfferWithdrawn,
    PriceInThePast,
    PriceKnown,
    check_below_cap,
    publish_offer,
    publish_price,
)
from providers.models import Offer, Price, PriceList, Provider
from providers.queries.catalogue import price_in_force

ROWS_MAX: Final = 1_000


class PriceEntry(NamedTuple):
    """What an hour of one GPU costs: `rate` in whole units of the currency, exactly."""

    row: int
    sku: str
    title: str
    resource_class: str
    rate: Decimal
    currency: str


class PriceListTooLong(Refused):
    """More rows than are published in one act."""

    code = "price_list_too_long"
    sentence = _("The list has %(rows)s prices; %(most)s are the most. Send it in parts.")


class NothingToPublish(Refused):
    """No row of a list would change anything."""

    code = "nothing_to_publish"
    sentence = _(
        "Not one row of this list can be published: each is so already, or has to be corrected. "
        "Correct the list and look it over again."
    )


class ClassDiffers(Refused):
    """A row names another class than the offer that it is of."""

    code = "class_differs"
    sentence = _(
        "The offer %(offer)s is of the class %(known)s, and the row says %(found)s. Correct the "
        "class, or give what is new a number of its own."
    )


class OfferBeginsLater(Refused):
    """A new offer in a list that counts from a later day."""

    code = "offer_begins_later"
    sentence = _(
        "Nothing of yours has the number %(sku)s, and buyers see a new offer at once. Publish "
        "this row from now on, and its later price after that."
    )


class PricedTwice(Refused):
    """Two rows of a list are of one offer, by its code and by its number, in one currency."""

    code = "priced_twice"
    sentence = _("It is priced in row %(row)s already. Keep one of the two.")


class Becomes(StrEnum):
    """What becomes of a row of a price list."""

    NEW_OFFER = "NEW_OFFER"
    NEW_PRICE = "NEW_PRICE"
    UNCHANGED = "UNCHANGED"
    REFUSED = "REFUSED"


class PlannedPrice(NamedTuple):
    """A row, what becomes of it, whose offer it is, what is charged by then, and why not."""

    entry: PriceEntry
    becomes: Becomes
    offer: Offer | None = None
    before: Price | None = None
    refusal: Refused | None = None


def plan_price_list(
    *,
    provider: Provider,
    entries: Sequence[PriceEntry],
    from_at: datetime | None,
    at: datetime,
) -> list[PlannedPrice]:
    """Say of each row of a price list what would become of it, from an instant (None: now) on.

    A row is of the offer whose code or whose number of the provider's own it names, and of a
    new offer where there is none. A row that can't be published has its refusal.

    :raises PriceListTooLong: if it has more than `ROWS_MAX` prices.
    """
    if len(entries) > ROWS_MAX:
        raise PriceListTooLong(rows=f"{len(entries):,}", most=f"{ROWS_MAX:,}")
    offers = _offers_by_number(provider)
    # Rows of one new offer in several currencies: the first makes it.
    made: dict[str, Offer] = {}
    rows: dict[tuple[int | str, str], int] = {}
    planned = []
    for entry in entries:
        number = entry.sku.casefold()
        offer = offers.get(number) or made.get(number)
        first = rows.setdefault(
            ((offer.pk if offer else None) or number, entry.currency), entry.row
        )
        if first != entry.row:
            refusal = PricedTwice(row=first)
            planned.append(PlannedPrice(entry, Becomes.REFUSED, offer, refusal=refusal))
            continue
        one = _planned(provider, entry, offer, from_at, at)
        if one.becomes == Becomes.NEW_OFFER and one.offer is not None:
            made[number] = one.offer
        planned.append(one)
    return planned


def _offers_by_number(provider: Provider) -> dict[str, Offer]:
    """Return a provider's offers by their codes and its own numbers; codes go first."""
    found = Offer.objects.filter(provider=provider).select_related("provider__organisation")
    offers = {one.sku.casefold(): one for one in found if one.sku and _is_sold(one)}
    return offers | {one.code.casefold(): one for one in found}


def _is_sold(offer: Offer) -> bool:
    return offer.status == Offer.Status.PUBLISHED


def _planned(
    provider: Provider,
    entry: PriceEntry,
    offer: Offer | None,
    from_at: datetime | None,
    at: datetime,
) -> PlannedPrice:
    try:
        if offer is None:
            return PlannedPrice(
                entry, Becomes.NEW_OFFER, _new_offer(provider, entry, from_at, at)
            )
        if offer.resource_class != entry.resource_class:
            raise ClassDiffers(
                offer=offer.code or entry.sku,
                known=offer.resource_class,
                found=entry.resource_class,
            )
        before = price_in_force(offer, from_at or at, entry.currency) if offer.pk else None
        if before is not None and before.rate == entry.rate:
            return PlannedPrice(entry, Becomes.UNCHANGED, offer, before)
        _check_price(offer, entry, before, from_at, at)
        return PlannedPrice(entry, Becomes.NEW_PRICE, offer, before)
    except Refused as refusal:
        return PlannedPrice(entry, Becomes.REFUSED, offer, refusal=refusal)


def _new_offer(
    provider: Provider, entry: PriceEntry, from_at: datetime | None, at: datetime
) -> Offer:
    """Return an offer that is not kept yet, as a row would make it."""
    require_may_sell(provider, Offer.Resource.GPU, at)
    if from_at is not None and from_at > at:
        raise OfferBeginsLater(sku=entry.sku)
    offer = Offer(
        provider=provider,
        sku=entry.sku,
        title=entry.title or entry.resource_class,
        resource=Offer.Resource.GPU,
        resource_class=entry.resource_class,
        status=Offer.Status.PUBLISHED,
    )
    check_below_cap(offer, entry.rate, entry.currency, at)
    return offer


def _check_price(
    offer: Offer,
    entry: PriceEntry,
    before: Price | None,
    from_at: datetime | None,
    at: datetime,
) -> None:
    """Refuse what `publish_price` would refuse, so that a look says it first."""
    if not _is_sold(offer):
        raise OfferWithdrawn(offer=offer.code)
    if from_at is not None and from_at < at:
        raise PriceInThePast(from_at=from_at, at=at)
    check_below_cap(offer, entry.rate, entry.currency, from_at or at)
    if before is not None and before.from_at == (from_at or at):
        raise PriceKnown(offer=offer.code, from_at=before.from_at)


@transaction.atomic
def publish_price_list(
    *,
    provider: Provider,
    entries: Sequence[PriceEntry],
    region: str,
    from_at: datetime | None = None,
    file_name: str,
    actor: User,
    at: datetime,
    key: str,
) -> PriceList:
    """Publish every good row of a price list from an instant (None: now) on, or none of them.

    What `plan_price_list` says of each row at this moment becomes of it: new offers, which run
    in `region`, and prices that follow those before. Each is an act of its own within this one.

    :raises NotAllowed: if the person does not act for the provider.
    :raises PriceListTooLong: if it has more than `ROWS_MAX` prices.
    :raises NothingToPublish: if no row makes an offer or a price.
    """
    require_role(actor, Role.PROVIDER, organisation=provider.organisation)
    act = ledger.begin(
        kind=ActKind.PUBLISH_PRICE_LIST,
        key=key,
        actor=actor.address,
        about=provider.address,
        at=at,
        payload={"prices": _digest(entries), "region": region, "from_at": from_at},
        details={"file": file_name},
    )
    if act.is_replay:
        return PriceList.objects.get(act_id=act.id)
    # Two lists of a provider queue here, and with them whoever prices one of its offers alone.
    Provider.objects.select_for_update(of=("self",)).get(pk=provider.pk)
    list(Offer.objects.select_for_update().filter(provider=provider).order_by("pk"))
    planned = plan_price_list(provider=provider, entries=entries, from_at=from_at, at=at)
    counts = {one: sum(row.becomes == one for row in planned) for one in Becomes}
    if not counts[Becomes.NEW_OFFER] + counts[Becomes.NEW_PRICE]:
        raise NothingToPublish
    _publish(planned, region, from_at or at, actor, act)
    return PriceList.objects.create(
        provider=provider,
        file_name=file_name[-120:],
        offers=counts[Becomes.NEW_OFFER],
        prices=counts[Becomes.NEW_PRICE],
        unchanged=counts[Becomes.UNCHANGED],
        published_by=actor,
        published_at=at,
        act_id=act.id,
    )


def _publish(
    planned: Sequence[PlannedPrice], region: str, from_at: datetime, actor: User, act: Act
) -> None:
    made: dict[str, Offer] = {}
    for number, (entry, becomes, offer, _before, _refusal) in enumerate(planned, start=1):
        key = f"list {act.id}/{number}"
        if becomes == Becomes.NEW_OFFER and offer is not None:
            made[entry.sku.casefold()] = publish_offer(
                provider=offer.provider,
                title=offer.title,
                resource=offer.resource,
                resource_class=offer.resource_class,
                region=region,
                rate=entry.rate,
                currency=entry.currency,
                sku=entry.sku,
                actor=actor,
                at=act.at,
                key=key,
            )
        elif becomes == Becomes.NEW_PRICE and offer is not None:
            publish_price(
                offer=offer if offer.pk else made[entry.sku.casefold()],
                rate=entry.rate,
                currency=entry.currency,
                from_at=from_at,
                actor=actor,
                at=act.at,
                key=key,
            )


def _digest(entries: Sequence[PriceEntry]) -> str:
    digest = hashlib.sha256()
    for one in entries:
        fields = (one.sku, one.title, one.resource_class, f"{one.rate.normalize():f}")
        digest.update("\x1f".join((*fields, one.currency, "\n")).encode())
    return digest.hexdigest()
