"""What is left of a voucher buys so many hours at an offer: by its law's rate and every cap."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.queries import extent
from providers import actions as providers
from providers.queries import Filter, prices_compared
from tests import cast
from vouchers import actions
from vouchers.actions.quotes import _most, quote_order, what_it_buys

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    return cast.make_scene()


def buys(scene, at=cast.NOON):
    """Return what the voucher buys at each offer, by class."""
    prices = list(prices_compared(Filter(), at))
    found = what_it_buys(voucher=scene.voucher, prices=prices, at=at)
    return {price.offer.resource_class: found[price.pk] for price in prices}


def test_the_hours_are_those_whose_share_the_voucher_still_pays_whole(scene):
    cast.an_offer(
        scene.seller.provider, scene.seller.person, resource_class="A100", rate="7.77"
    )

    found = buys(scene)

    # 60,000.00 are 60 % of 100,000.00: 4,000 hours at 25.00.
    h100 = found["H100"]
    assert (h100.hours, h100.price_total, h100.covered) == (4_000, 100_000_00, 60_000_00)
    assert h100.own_share == 40_000_00
    # 12,870 hours at 7.77 are 99,999.90, and one more would be above.
    assert found["A100"].hours == 12_870


def test_it_buys_exactly_what_an_order_would_hold(scene):
    found = buys(scene)["H100"]

    whole = quote_order(
        voucher=scene.voucher,
        offer=scene.seller.offer,
        hours=Decimal(found.hours),
        at=cast.NOON,
    )

    assert (whole.price_total, whole.hold_amount) == (found.price_total, found.covered)
    assert whole.own_share == found.own_share


def test_what_is_held_buys_nothing_more(scene):
    cast.a_hold(scene.voucher, scene.applicant, scene.seller, hours="3000")

    assert buys(scene)["H100"].hours == 1_000
    cast.a_hold(
        scene.voucher, scene.applicant, scene.seller, hours="1000", provider_reference="b"
    )
    assert buys(scene)["H100"].hours == 0


def test_hours_in_kind_buy_themselves():
    scene = cast.make_scene(cast.M5)

    found = buys(scene)["H100"]

    assert (found.hours, found.own_share) == (5_000, 0)


def test_the_organisation_s_cap_of_the_year_counts():
    authority = cast.make_authority()
    text = cast.policy_text(cast.M3).replace('amount = "5000000"', 'amount = "6000"')
    scheme = cast.make_programme(authority, text=text)
    seller, applicant = cast.make_provider(authority), cast.an_sme()
    voucher = cast.an_issued_voucher(scheme, applicant)
    scene = cast.Scene(authority, seller, scheme, applicant, voucher)
    cast.a_hold(voucher, applicant, seller, hours="100")

    # 6,000.00 a year, of which 1,500.00 are held: 4,500.00 are 60 % of 300 hours.
    assert buys(scene)["H100"].hours == 300


def test_an_offer_above_a_cap_buys_nothing_and_says_why(scene):
    cast.a_cap(scene.authority, "24.00", programme_code=cast.M3)

    found = buys(scene)["H100"]

    assert found.hours == 0
    assert "above the cap of" in found.refusal
    assert "24.0000 CNY" in found.refusal


def test_an_order_above_a_cap_is_refused_and_nothing_moved(scene):
    cast.a_cap(scene.authority, "24.00", from_at=cast.NOON + timedelta(days=1))
    later = cast.NOON + timedelta(days=1)
    assert cast.a_hold(scene.voucher, scene.applicant, scene.seller).hold_amount == 1_500_00
    before = extent()

    with pytest.raises(actions.OfferAboveCap, match="above the cap of City Data Bureau"):
        cast.a_hold(
            scene.voucher, scene.applicant, scene.seller, provider_reference="b", at=later
        )
    with pytest.raises(actions.OfferAboveCap):
        actions.redeem_code(
            redemption_code=scene.voucher.redemption_code,
            provider=scene.seller.provider,
            offer=scene.seller.offer,
            hours=Decimal(1),
            provider_reference="c",
            actor=scene.seller.provider.address,
            at=later,
            key="r",
        )
    assert extent() == before


def test_a_provider_that_takes_no_orders_and_a_voucher_that_is_over_buy_nothing(scene):
    prices = list(prices_compared(Filter(), cast.NOON))
    late = cast.NOON + timedelta(days=400)
    expired = what_it_buys(voucher=scene.voucher, prices=prices, at=late)
    assert [one.refusal for one in expired.values()] == [
        f"The voucher {scene.voucher.code} was valid until 2026-06-02."
    ]
    providers.suspend_provider(
        provider=scene.seller.provider,
        note="An audit.",
        actor=scene.authority.officer,
        at=cast.NOON,
        key="s",
    )

    suspended = what_it_buys(voucher=scene.voucher, prices=prices, at=cast.NOON)

    assert [one.hours for one in suspended.values()] == [0]
    assert "is suspended" in next(iter(suspended.values())).refusal


def test_a_price_in_another_currency_buys_nothing(scene):
    cast.an_offer(
        scene.seller.provider,
        scene.seller.person,
        resource_class="L40",
        rate="0.50",
        currency="GBP",
    )

    found = buys(scene)["L40"]

    assert (found.hours, found.own_share) == (0, 0)
    assert "has no price in CNY today" in found.refusal


def test_a_voucher_in_kind_buys_nothing_of_another_class():
    scene = cast.make_scene(cast.M5)
    cast.an_offer(scene.seller.provider, scene.seller.person, resource_class="A100")

    found = buys(scene)

    assert found["H100"].hours == 5_000
    assert "is for GPU:H100" in found["A100"].refusal


def test_ten_more_offers_cost_no_more_statements(scene):
    def counted():
        prices = list(prices_compared(Filter(), cast.NOON))
        with CaptureQueriesContext(connection) as asked:
            found = what_it_buys(voucher=scene.voucher, prices=prices, at=cast.NOON)
        return len(found), len(asked)

    cast.a_cap(scene.authority, "24.00")
    offers, statements = counted()
    for number in range(10):
        cast.an_offer(scene.seller.provider, scene.seller.person, rate=f"{number + 1}.00")

    assert counted() == (offers + 10, statements)


def test_what_costs_nothing_is_not_limited(scene):
    cast.an_offer(scene.seller.provider, scene.seller.person, resource_class="FREE", rate="0")

    found = buys(scene)

    assert found["FREE"].hours is None
    assert found["FREE"].rank > found["H100"].rank > -1


@settings(max_examples=200)
@given(highest=st.integers(0, 10**7), limit=st.integers(-5, 10**7 + 5))
def test_the_most_that_fits_is_found(highest, limit):
    found = _most(highest, lambda number: number <= limit)

    assert found == max(min(highest, limit), 0)
