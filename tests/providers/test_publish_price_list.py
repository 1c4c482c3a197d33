"""A price list is looked over row by row, and its good rows are published in one act."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.queries import extent
from parties.queries import NotAllowed
from providers import actions
from providers.actions import Becomes, PriceEntry
from providers.forms.price_list import as_table, read_price_list
from providers.models import Offer, Price
from providers.queries import price_in_force
from tests import cast
from tests.real_data import shared

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def seller():
    return cast.make_provider(cast.make_authority())


def entry(sku, rate="20", resource_class="H100", currency="CNY", row=2, title=""):
    return PriceEntry(row, sku, title, resource_class, Decimal(rate), currency)


def plan(seller, *entries, at=cast.NOON + HOUR, **more):
    return actions.plan_price_list(
        provider=seller.provider, entries=entries, at=at, **{"from_at": None, **more}
    )


def publish(seller, *entries, at=cast.NOON + HOUR, key="list", **more):
    facts = {"region": "Sichuan", "file_name": "prices.csv", "actor": seller.person}
    return actions.publish_price_list(
        provider=seller.provider, entries=entries, at=at, key=key, **{**facts, **more}
    )


def becomes(seller, *entries, **more):
    return [
        (one.becomes.value, str(one.refusal or "")) for one in plan(seller, *entries, **more)
    ]


def refuses(refusal, ask):
    before, offers, prices = extent(), Offer.objects.count(), Price.objects.count()
    with pytest.raises(refusal) as refused:
        ask()
    assert (extent(), Offer.objects.count(), Price.objects.count()) == (before, offers, prices)
    return str(refused.value)


def test_each_row_is_a_new_offer_a_new_price_unchanged_or_refused_in_words(seller):
    code = seller.offer.code
    cast_rows = [
        (entry(code, "25"), "UNCHANGED", ""),
        (entry(code.lower(), "4.50", currency="USD"), "NEW_PRICE", ""),
        (entry("SKU-1", title="Fast"), "NEW_OFFER", ""),
        (entry("SKU-1", "3", currency="USD"), "NEW_PRICE", ""),
        (entry("sku-1", "21", row=9), "REFUSED", "It is priced in row 2 already."),
        (entry("SKU-1", "9", "A100", "EUR"), "REFUSED", "class H100, and the row says A100"),
        (entry(code, "9", "A100", "EUR"), "REFUSED", f"{code} is of the class H100"),
    ]

    planned = becomes(seller, *(row for row, _becomes, _words in cast_rows))

    for (found, said), (_row, expected, words) in zip(planned, cast_rows, strict=True):
        assert (found, words in said) == (expected, True)


def test_a_list_is_published_in_one_act_and_asked_twice_it_is_the_first(seller):
    rows = [entry(seller.offer.code, "24.50"), entry("SKU-1", title="Fast"), entry("A1", "2")]

    first = publish(seller, *rows)
    counts = Offer.objects.count(), Price.objects.count(), extent()

    assert (first.offers, first.prices, first.unchanged) == (2, 1, 0)
    assert publish(seller, *rows) == first
    assert (Offer.objects.count(), Price.objects.count(), extent()) == counts
    assert price_in_force(seller.offer, first.published_at, "CNY").rate == Decimal("24.50")
    fast = Offer.objects.get(sku="SKU-1")
    assert (fast.title, fast.region, fast.status) == ("Fast", "Sichuan", "PUBLISHED")
    # The same list once more has nothing to say; by its numbers offers are found again.
    refuses(
        actions.NothingToPublish,
        lambda: publish(seller, *rows, key="k2", at=first.published_at),
    )
    assert becomes(seller, *rows, at=first.published_at) == [("UNCHANGED", "")] * 3


def test_a_list_of_a_later_day_changes_prices_from_then_and_makes_no_offers(seller):
    then = cast.NOON + timedelta(days=30)
    rows = [entry(seller.offer.code, "20"), entry("SKU-1")]

    planned = becomes(seller, *rows, from_at=then)
    publish(seller, *rows, from_at=then)

    assert planned[0] == ("NEW_PRICE", "")
    assert planned[1][0] == "REFUSED"
    assert "buyers see a new offer at once" in planned[1][1]
    assert price_in_force(seller.offer, then - HOUR, "CNY").rate == 25
    assert price_in_force(seller.offer, then, "CNY").rate == 20
    assert not Offer.objects.filter(sku="SKU-1").exists()
    # Another price from the same instant would have to take its place.
    ((again, words),) = becomes(seller, entry(seller.offer.code, "19"), from_at=then)
    assert (again, "already has a price from" in words) == ("REFUSED", True)


def test_what_publishing_alone_would_refuse_is_refused_in_a_list_and_stops_no_other_row(seller):
    gone = cast.an_offer(seller.provider, seller.person)
    actions.withdraw_offer(offer=gone, actor=seller.person, at=cast.NOON, key="w")
    past = cast.NOON - timedelta(days=1)

    assert becomes(seller, entry(gone.code, "1"))[0][0] == "REFUSED"
    ((_refused, words),) = becomes(seller, entry(seller.offer.code), from_at=past)
    assert "can't begin in the past" in words
    refuses(
        actions.NothingToPublish,
        lambda: publish(seller, entry(seller.offer.code), from_at=past),
    )
    done = publish(seller, entry(gone.code, "1"), entry(seller.offer.code))
    assert (done.offers, done.prices, Price.objects.filter(offer=gone).count()) == (0, 1, 1)


def test_a_row_above_a_cap_is_refused_with_the_cap():
    authority = cast.make_authority()
    seller = cast.make_provider(authority)
    actions.set_price_cap(
        authority=authority.organisation,
        programme_code="",
        resource="GPU",
        resource_class="H100",
        currency="CNY",
        rate=Decimal(30),
        from_at=cast.NOON,
        reason="Rule 7",
        actor=authority.officer,
        at=cast.NOON,
        key="cap",
    )

    found = becomes(seller, entry(seller.offer.code, "31"), entry("SKU-1", "31"))

    assert [one for one, _words in found] == ["REFUSED", "REFUSED"]
    assert all("above the cap of City Data Bureau" in words for _one, words in found)


def test_a_suspended_provider_publishes_no_new_offer_and_still_changes_its_prices():
    authority = cast.make_authority()
    seller = cast.make_provider(authority)
    cast.a_suspension(authority, seller)

    found = becomes(seller, entry(seller.offer.code), entry("SKU-1"))

    assert [one for one, _words in found] == ["NEW_PRICE", "REFUSED"]
    assert "is suspended" in found[1][1]


def test_only_the_provider_s_own_people_publish_and_only_so_many_rows(seller):
    stranger = cast.make_provider(cast.make_authority("Other"), "Rival").person
    rows = [entry(f"SKU-{number}", row=number) for number in range(1_001)]

    refuses(NotAllowed, lambda: publish(seller, rows[0], actor=stranger))
    words = refuses(actions.PriceListTooLong, lambda: publish(seller, *rows))
    assert words == "The list has 1,001 prices; 1,000 are the most. Send it in parts."


@settings(max_examples=20, deadline=None)
@given(
    rates=st.lists(
        st.tuples(st.sampled_from(["S1", "S2", "s1"]), st.integers(1, 4)),
        min_size=1,
        max_size=6,
    )
)
def test_what_a_look_says_is_what_publishing_does(rates):
    """Whatever the rows: as many offers and prices are new as were said, and then none."""
    with transaction.atomic():
        seller = cast.make_provider(cast.make_authority())
        read = read_price_list(as_table(entry(sku, str(rate)) for sku, rate in rates).encode())
        planned = plan(seller, *read.entries)
        offers, prices = Offer.objects.count(), Price.objects.count()

        publish(seller, *read.entries)

        said = [sum(one.becomes == kind for one in planned) for kind in Becomes]
        assert Offer.objects.count() - offers == said[0]
        assert Price.objects.count() - prices == said[0] + said[1]
        later = plan(seller, *read.entries, at=cast.NOON + 2 * HOUR)
        for one, then in zip(planned, later, strict=True):
            is_refused = one.becomes == Becomes.REFUSED
            assert then.becomes == (Becomes.REFUSED if is_refused else Becomes.UNCHANGED)
        transaction.set_rollback(True)


@pytest.mark.real_data
def test_a_public_list_of_a_cloud_is_published_and_found_unchanged(seller):
    read = read_price_list(shared("usage/gpu_price_list_oci_usd.json").read_bytes())

    done = publish(seller, *read.entries)

    assert (done.offers, done.prices) == (7, 0)
    assert {one for one, _words in becomes(seller, *read.entries, at=done.published_at)} == {
        "UNCHANGED"
    }
