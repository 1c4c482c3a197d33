"""A price that has begun stays; one that has not may be taken back; how long one waits is told."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction

from ledger.actions import KeyReused
from ledger.queries import extent
from parties.queries import NotAllowed
from providers import actions
from providers.models import Offer, Price, PriceWithdrawal
from providers.queries import price_in_force, prices_of
from tests import cast

pytestmark = pytest.mark.django_db

LATER = cast.NOON + timedelta(days=10)


@pytest.fixture
def seller():
    return cast.make_provider(cast.make_authority())


def publish(seller, rate="30.00", from_at=LATER, key=None, at=cast.NOON):
    return actions.publish_price(
        offer=seller.offer,
        rate=Decimal(rate),
        currency="CNY",
        from_at=from_at,
        actor=seller.person,
        at=at,
        key=key or cast.a_key("price"),
    )


def withdraw(price, actor, key=None, at=cast.NOON):
    return actions.withdraw_price(
        price=price, actor=actor, at=at, key=key or cast.a_key("withdraw")
    )


def refuses(refusal, ask, match=None):
    before = extent(), PriceWithdrawal.objects.count(), Price.objects.count()
    with pytest.raises(refusal, match=match):
        ask()
    assert (extent(), PriceWithdrawal.objects.count(), Price.objects.count()) == before


def test_a_price_that_was_withdrawn_never_begins_and_stays_in_the_history(seller):
    price = publish(seller)

    withdraw(price, seller.person)

    after = LATER + timedelta(days=1)
    assert price_in_force(seller.offer, after, "CNY") == seller.price
    assert list(prices_of(seller.offer)) == [price, seller.price]


def test_withdrawing_twice_gives_the_first_answer(seller):
    price = publish(seller)
    first = withdraw(price, seller.person, key="w")

    assert withdraw(price, seller.person, key="w") == first
    refuses(actions.PriceWithdrawn, lambda: withdraw(price, seller.person))
    other = publish(seller, from_at=LATER + timedelta(days=1))
    refuses(KeyReused, lambda: withdraw(other, seller.person, key="w"))


@pytest.mark.parametrize("late", [timedelta(0), timedelta(days=400)])
def test_a_price_that_has_begun_stays(seller, late):
    price = publish(seller)

    refuses(actions.PriceBegun, lambda: withdraw(price, seller.person, at=LATER + late))
    assert price_in_force(seller.offer, LATER + late, "CNY") == price
    refuses(actions.PriceBegun, lambda: withdraw(seller.price, seller.person))


def test_only_the_provider_s_people_withdraw(seller):
    price = publish(seller)
    rival = cast.make_provider(cast.make_authority("Other Bureau"), "Rival Compute")

    for person in (rival.person, cast.an_sme().person):
        refuses(NotAllowed, lambda p=person: withdraw(price, p))


def test_another_price_may_begin_at_the_instant_of_one_that_was_withdrawn(seller):
    first = publish(seller)
    refuses(actions.PriceKnown, lambda: publish(seller, rate="31.00"))
    withdraw(first, seller.person)

    second = publish(seller, rate="31.00")

    assert (first.turn, second.turn) == (0, 1)
    assert price_in_force(seller.offer, LATER, "CNY") == second
    refuses(actions.PriceKnown, lambda: publish(seller, rate="32.00"))


def test_a_price_is_never_changed_or_deleted_by_anybody(seller):
    for ask in (
        lambda: Price.objects.filter(pk=seller.price.pk).update(rate=1),
        lambda: Price.objects.filter(pk=seller.price.pk).delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            ask()
    assert Price.objects.get(pk=seller.price.pk).rate == Decimal("25.0000")


def test_an_offer_says_what_it_is(seller):
    offer = cast.an_offer(
        seller.provider,
        seller.person,
        is_domestic=True,
        service_level="QUEUED",
        queue_hours=6,
        resource_class="ASCEND-910B",
    )

    offer.refresh_from_db()
    assert (offer.is_domestic, offer.service_level, offer.queue_hours) == (True, "QUEUED", 6)


@pytest.mark.parametrize("hours", [-1, 24 * 365 + 1])
def test_nobody_waits_so_long(seller, hours):
    refuses(
        actions.QueueInvalid,
        lambda: cast.an_offer(seller.provider, seller.person, queue_hours=hours),
    )


def test_the_typical_wait_is_told_anew(seller):
    def state(hours, key, actor=seller.person):
        return actions.state_queue(
            offer=seller.offer, queue_hours=hours, actor=actor, at=cast.NOON, key=key
        )

    assert state(4, "q").queue_hours == 4
    assert state(4, "q").queue_hours == 4
    refuses(KeyReused, lambda: state(5, "q"))
    stranger = cast.an_sme().person
    refuses(NotAllowed, lambda: state(5, "r", stranger))
    refuses(actions.QueueInvalid, lambda: state(-1, "s"))
    assert state(None, "t").queue_hours is None
    actions.withdraw_offer(offer=seller.offer, actor=seller.person, at=cast.NOON, key="w")
    refuses(actions.OfferWithdrawn, lambda: state(1, "u"))
    assert Offer.objects.get(pk=seller.offer.pk).queue_hours is None
