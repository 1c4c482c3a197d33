"""Whoever publishes and withdraws prices at once: one price counts at an instant, or none."""

from datetime import timedelta
from decimal import Decimal

import pytest

from providers import actions
from providers.models import Price, PriceWithdrawal
from providers.queries import price_in_force
from tests import cast
from tests.ledger.book import at_once

pytestmark = pytest.mark.slow

LATER = cast.NOON + timedelta(days=10)


def publish(seller, rate="30.00", key="first"):
    return actions.publish_price(
        offer=seller.offer,
        rate=Decimal(rate),
        currency="CNY",
        from_at=LATER,
        actor=seller.person,
        at=cast.NOON,
        key=key,
    )


def withdraw(price, seller, key):
    return actions.withdraw_price(price=price, actor=seller.person, at=cast.NOON, key=key)


def test_withdrawing_and_publishing_at_once_leave_one_price_an_instant(committed_db):
    seller = cast.make_provider(cast.make_authority())
    price = publish(seller)

    def ask(number):
        if number % 2:
            return publish(seller, rate=str(30 + number), key=f"p{number}")
        return withdraw(price, seller, f"w{number}")

    answers = at_once(10, ask)

    bugs = [
        one
        for one in answers
        if isinstance(one, Exception)
        and not isinstance(one, actions.PriceKnown | actions.PriceWithdrawn)
    ]
    assert bugs == []
    assert PriceWithdrawal.objects.count() == 1
    counting = Price.objects.filter(from_at=LATER, withdrawal__isnull=True)
    assert counting.count() in (0, 1)
    if not counting.exists():
        publish(seller, rate="40.00", key="last")
    assert price_in_force(seller.offer, LATER, "CNY").turn == 1


def test_one_key_asked_at_once_withdraws_once(committed_db):
    seller = cast.make_provider(cast.make_authority())
    price = publish(seller)

    answers = at_once(10, lambda _number: withdraw(price, seller, "one"))

    assert {type(one).__name__ for one in answers} == {"PriceWithdrawal"}
    assert PriceWithdrawal.objects.count() == 1
