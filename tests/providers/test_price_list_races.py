"""Price lists and prices published at one moment: each offer is made once, each price counts."""

from decimal import Decimal
from itertools import pairwise

import pytest

from providers import actions
from providers.models import Offer, Price, PriceList
from tests import cast
from tests.ledger.book import at_once
from tests.providers.test_publish_price_list import HOUR, entry, publish

pytestmark = pytest.mark.slow


def test_one_list_sent_at_once_makes_each_offer_once(committed_db):
    seller = cast.make_provider(cast.make_authority())
    rows = [entry(f"SKU-{number}", row=2 + number) for number in range(5)]

    answers = at_once(8, lambda number: publish(seller, *rows, key=f"list {number % 2}"))

    done = [one for one in answers if isinstance(one, PriceList)]
    assert len({one.pk for one in done}) == 1
    assert all(isinstance(one, PriceList | actions.NothingToPublish) for one in answers)
    assert Offer.objects.filter(sku__startswith="SKU-").count() == 5
    assert Price.objects.filter(offer__sku__startswith="SKU-").count() == 5


def test_a_list_and_a_price_published_at_once_are_both_in_the_history(committed_db):
    seller = cast.make_provider(cast.make_authority())
    at = cast.NOON + HOUR

    def ask(number):
        if number % 2:
            return publish(seller, entry(seller.offer.code, f"{30 + number}"), key=f"l{number}")
        return actions.publish_price(
            offer=seller.offer,
            rate=Decimal(10 + number),
            currency="CNY",
            from_at=at + HOUR * (number + 1),
            actor=seller.person,
            at=at,
            key=f"p{number}",
        )

    answers = at_once(6, ask)

    lists = [one for one in answers if isinstance(one, PriceList)]
    assert len(lists) == 1
    assert sum(isinstance(one, Price) for one in answers) == 3
    found = Price.objects.filter(offer=seller.offer).order_by("from_at")
    assert all(one.from_at < following.from_at for one, following in pairwise(found))
