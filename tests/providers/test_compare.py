"""Offers are compared by price, by H100-equivalent price and by wait, exactly and in any filter."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers import actions
from providers.queries import Filter, choices_of, prices_compared, rounded_rate
from tests import cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def authority():
    return cast.make_authority()


@pytest.fixture
def shop(authority):
    """A provider with its H100 at 25.00, and offers of three more classes."""
    seller = cast.make_provider(authority)
    for name, rate, more in (
        ("A100", "9.00", {"region": "Beijing", "queue_hours": 0}),
        ("ASCEND-910B", "6.00", {"is_domestic": True, "service_level": "QUEUED"}),
        ("H200", "32.00", {"queue_hours": 12, "service_level": "RESERVED"}),
    ):
        cast.an_offer(seller.provider, seller.person, resource_class=name, rate=rate, **more)
    cast.an_equivalent(authority, "H100", "1", "989.4")
    cast.an_equivalent(authority, "A100", "0.3", "312")
    cast.an_equivalent(authority, "H200", "1", "989.4")
    cast.an_equivalent(authority, "A100", "0.25", "624", precision="INT8")
    return seller


def classes(at=cast.NOON, **asked):
    return [price.offer.resource_class for price in prices_compared(Filter(**asked), at)]


def test_the_cheapest_hour_is_first(shop):
    assert classes() == ["ASCEND-910B", "A100", "H100", "H200"]


def test_the_cheapest_equivalent_hour_is_first_and_what_has_no_figure_last(shop):
    found = list(prices_compared(Filter(sort="equivalent"), cast.NOON))

    assert [one.offer.resource_class for one in found] == [
        "H100",
        "A100",
        "H200",
        "ASCEND-910B",
    ]
    assert [rounded_rate(one.per_equivalent) for one in found] == [
        Decimal("25.0000"),
        Decimal("30.0000"),
        Decimal("32.0000"),
        None,
    ]


def test_the_shortest_wait_is_first_and_what_is_not_stated_last(shop):
    assert classes(sort="queue") == ["A100", "H200", "ASCEND-910B", "H100"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"resource_class": "A100"}, ["A100"]),
        ({"region": "Beijing"}, ["A100"]),
        ({"is_domestic": True}, ["ASCEND-910B"]),
        ({"is_domestic": False}, ["A100", "H100", "H200"]),
        ({"service_level": "RESERVED"}, ["H200"]),
        ({"precision": "BF16"}, ["A100", "H100", "H200"]),
        ({"precision": "INT8"}, ["A100"]),
        ({"words": "ascend"}, ["ASCEND-910B"]),
        ({"words": "acme", "resource_class": "H200"}, ["H200"]),
        ({"currency": "GBP"}, []),
        ({"resource": "CPU"}, []),
    ],
)
def test_a_filter_leaves_what_it_says(shop, asked, found):
    assert classes(**asked) == found


def test_only_prices_in_force_of_what_can_be_ordered_are_compared(authority, shop):
    actions.publish_price(
        offer=shop.offer,
        rate=Decimal("5.00"),
        currency="CNY",
        from_at=cast.NOON + timedelta(days=1),
        actor=shop.person,
        at=cast.NOON,
        key="p",
    )
    assert classes()[0] == "ASCEND-910B"
    assert classes(at=cast.NOON + timedelta(days=1))[0] == "H100"
    actions.withdraw_offer(offer=shop.offer, actor=shop.person, at=cast.NOON, key="w")
    assert "H100" not in classes()
    assert "H100" not in choices_of("resource_class", cast.NOON)
    actions.suspend_provider(
        provider=shop.provider, note="An audit.", actor=authority.officer, at=cast.NOON, key="s"
    )
    assert classes() == []


def test_prices_of_two_currencies_are_sorted_within_each(shop):
    cast.an_offer(shop.provider, shop.person, resource_class="L40", rate="0.50", currency="GBP")

    found = [(one.currency, one.rate) for one in prices_compared(Filter(), cast.NOON)]

    assert found == sorted(found)


@settings(max_examples=60)
@given(
    rate=st.decimals("0.0001", "9999", places=4),
    factor=st.decimals("0.000001", "999", places=6),
)
def test_an_equivalent_price_is_rounded_once_half_up(rate, factor):
    shown = rounded_rate(rate / factor)

    assert shown is not None
    assert abs(shown * factor - rate) <= Decimal("0.00005") * factor
