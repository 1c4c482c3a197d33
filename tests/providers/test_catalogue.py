"""Accredited providers sell at published prices, each in force from its instant on."""

from datetime import timedelta
from decimal import Decimal

import pytest

from ledger.queries import extent
from parties.queries import NotAllowed
from providers import actions
from providers.models import Offer, Price, Provider
from providers.queries import offers_published, price_in_force, prices_in_force, provider_of
from tests import cast

pytestmark = pytest.mark.django_db

LATER = cast.NOON + timedelta(days=10)


@pytest.fixture
def authority():
    return cast.make_authority()


@pytest.fixture
def seller(authority):
    return cast.make_provider(authority)


def publish(seller, rate="30.00", from_at=LATER, key="p", at=cast.NOON, actor=None):
    return actions.publish_price(
        offer=seller.offer,
        rate=Decimal(rate),
        currency="CNY",
        from_at=from_at,
        actor=actor or seller.person,
        at=at,
        key=key,
    )


def test_an_offer_is_in_the_catalogue_with_its_price(seller):
    assert list(offers_published(at=LATER)) == [seller.offer]
    assert list(offers_published(at=LATER, resource="CPU")) == []
    assert list(offers_published(at=LATER, words="acme")) == [seller.offer]
    assert price_in_force(seller.offer, cast.NOON, "CNY").rate == Decimal("25.0000")
    assert price_in_force(seller.offer, cast.NOON, "GBP") is None
    assert price_in_force(seller.offer, cast.NOON - timedelta(seconds=1), "CNY") is None


def test_a_new_price_counts_from_its_instant_on(seller):
    new = publish(seller)

    assert price_in_force(seller.offer, LATER - timedelta(seconds=1), "CNY") == seller.price
    assert price_in_force(seller.offer, LATER, "CNY") == new
    assert prices_in_force([seller.offer], LATER) == {(seller.offer.pk, "CNY"): new}
    assert Price.objects.count() == 2


def test_a_price_in_the_past_is_refused(seller):
    before = extent()

    with pytest.raises(actions.PriceInThePast):
        publish(seller, from_at=cast.NOON - timedelta(seconds=1))

    assert Price.objects.count() == 1
    assert extent() == before


def test_two_prices_from_one_instant_are_refused(seller):
    publish(seller)

    with pytest.raises(actions.PriceKnown):
        publish(seller, rate="31.00", key="another")
    assert publish(seller).rate == Decimal("30.0000")


@pytest.mark.parametrize("rate", ["-1", "1.00001", "NaN", "1E+20"])
def test_a_rate_that_can_not_be_a_price_is_refused(seller, rate):
    with pytest.raises(actions.RateInvalid):
        publish(seller, rate=rate)
    assert Price.objects.count() == 1


def test_only_the_provider_s_people_set_its_prices(authority, seller):
    rival = cast.make_provider(authority, "Rival Compute")

    for person in (rival.person, authority.officer):
        with pytest.raises(NotAllowed, match="Acme Compute"):
            publish(seller, actor=person)
    assert Price.objects.filter(offer=seller.offer).count() == 1


def test_a_withdrawn_offer_leaves_the_catalogue(seller):
    actions.withdraw_offer(offer=seller.offer, actor=seller.person, at=cast.NOON, key="w")

    assert list(offers_published(at=LATER)) == []
    with pytest.raises(actions.OfferWithdrawn):
        publish(seller)
    with pytest.raises(actions.OfferWithdrawn):
        actions.withdraw_offer(offer=seller.offer, actor=seller.person, at=cast.NOON, key="w2")


def test_a_suspended_provider_sells_nothing_until_it_is_accredited_again(authority, seller):
    actions.suspend_provider(
        provider=seller.provider,
        note="An audit is under way.",
        actor=authority.officer,
        at=cast.NOON,
        key="s",
    )
    assert list(offers_published(at=LATER)) == []
    suspended = Provider.objects.get(pk=seller.provider.pk)
    with pytest.raises(actions.ProviderSuspended):
        cast.an_offer(suspended, seller.person)
    assert Offer.objects.count() == 1

    actions.accredit_provider(
        organisation=seller.organisation, actor=authority.officer, at=LATER, key="a"
    )
    assert list(offers_published(at=LATER)) == [seller.offer]


def test_only_an_authority_accredits_and_only_providers(authority, seller):
    sme = cast.an_sme()

    with pytest.raises(NotAllowed):
        actions.accredit_provider(
            organisation=seller.organisation, actor=seller.person, at=cast.NOON, key="x"
        )
    with pytest.raises(actions.NotAProvider):
        actions.accredit_provider(
            organisation=sme.organisation, actor=authority.officer, at=cast.NOON, key="y"
        )
    with pytest.raises(actions.ProviderAccredited):
        actions.accredit_provider(
            organisation=seller.organisation, actor=authority.officer, at=cast.NOON, key="z"
        )
    assert Provider.objects.count() == 1


def test_a_person_acts_for_the_provider_of_the_membership(seller):
    assert provider_of(seller.person) == seller.provider
