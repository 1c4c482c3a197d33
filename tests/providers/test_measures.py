"""What caps a price, and how many H100 a class counts for: by whom, from when, and why."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction

from ledger.actions import KeyReused
from ledger.queries import extent
from parties.queries import NotAllowed
from parties.roles import Role
from providers import actions
from providers.models import Equivalent, Offer, PriceCap
from providers.queries import cap_on, caps_begun, equivalents_begun, lowest_caps
from tests import cast

pytestmark = pytest.mark.django_db

LATER = cast.NOON + timedelta(days=10)


@pytest.fixture
def authority():
    return cast.make_authority()


@pytest.fixture
def seller(authority):
    return cast.make_provider(authority)


def refuses(refusal, ask, match=None):
    counts = [model.objects.count for model in (Offer, PriceCap, Equivalent)]
    before = extent(), [count() for count in counts]
    with pytest.raises(refusal, match=match):
        ask()
    assert (extent(), [count() for count in counts]) == before


# --- caps ------------------------------------------------------------------------------------


def test_an_offer_above_the_cap_is_refused_with_the_cap_named(authority, seller):
    cast.a_cap(authority, "20.00")

    refuses(
        actions.PriceAboveCap,
        lambda: cast.an_offer(seller.provider, seller.person, rate="20.01"),
        r"20\.01 CNY an hour is above the cap of City Data Bureau for H100: 20\.0000 CNY",
    )
    at_the_cap = cast.an_offer(seller.provider, seller.person, rate="20.00")
    assert cap_on(at_the_cap, "CNY", cast.NOON).rate == Decimal("20.0000")


def test_a_cap_counts_for_its_class_and_currency_alone(authority, seller):
    cast.a_cap(authority, "20.00")

    assert cast.an_offer(seller.provider, seller.person, rate="30", resource_class="A100")
    assert cast.an_offer(seller.provider, seller.person, rate="30", currency="GBP")
    assert cast.an_offer(seller.provider, seller.person, rate="30", resource="CPU")


def test_a_price_of_later_is_measured_by_the_cap_of_later(authority, seller):
    cast.a_cap(authority, "20.00", from_at=LATER)

    def publish(rate, from_at):
        return actions.publish_price(
            offer=seller.offer,
            rate=Decimal(rate),
            currency="CNY",
            from_at=from_at,
            actor=seller.person,
            at=cast.NOON,
            key=cast.a_key("price"),
        )

    assert publish("21.00", LATER - timedelta(seconds=1))
    refuses(actions.PriceAboveCap, lambda: publish("21.00", LATER))
    assert publish("20.00", LATER)


def test_the_newest_cap_counts_and_none_lifts_it(authority, seller):
    cast.a_cap(authority, "20.00")
    cast.a_cap(authority, "28.00", from_at=LATER)
    cast.a_cap(authority, None, from_at=LATER + timedelta(days=1))

    caps = [
        cap_on(seller.offer, "CNY", at)
        for at in (
            cast.NOON - timedelta(seconds=1),
            cast.NOON,
            LATER,
            LATER + timedelta(days=1),
        )
    ]

    assert [cap and cap.rate for cap in caps] == [None, Decimal(20), Decimal(28), None]


def test_a_programme_s_cap_counts_for_its_orders_and_not_for_the_catalogue(authority, seller):
    cast.make_programme(authority)
    cast.a_cap(authority, "20.00", programme_code=cast.M3)
    cast.a_cap(authority, "30.00")
    other = cast.make_authority("Other Bureau")

    def found(**whose):
        cap = cap_on(seller.offer, "CNY", cast.NOON, **whose)
        return cap and cap.rate

    own = authority.organisation
    assert cast.an_offer(seller.provider, seller.person, rate="30.00")
    assert found() == 30
    assert found(authority=own) == 30
    assert found(authority=own, programme_code=cast.M3) == 20
    assert found(authority=other.organisation, programme_code=cast.M3) is None
    key = ("GPU", "H100", "CNY")
    lowest = lowest_caps(cast.NOON, authority=own.pk, programme_code=cast.M3)
    assert lowest[key].rate == 20
    assert lowest_caps(cast.NOON)[key].rate == 30


def test_a_cap_is_set_once_a_key(authority):
    first = cast.a_cap(authority, key="c")

    assert cast.a_cap(authority, key="c") == first
    refuses(KeyReused, lambda: cast.a_cap(authority, "21.00", key="c"))
    assert list(caps_begun(cast.NOON)) == [first]


def test_who_may_set_caps(authority, seller):
    elsewhere = cast.make_authority("Other Bureau")
    of_one = cast.with_role(
        cast.a_person("Ng Li"), authority.organisation, Role.OFFICER, programme_code=cast.M3
    )

    for person in (elsewhere.officer, seller.person, authority.finance[0], of_one):
        refuses(NotAllowed, lambda p=person: cast.a_cap(authority, actor=p))
    assert cast.a_cap(authority, actor=of_one, programme_code=cast.M3)
    refuses(NotAllowed, lambda: cast.a_cap(authority, actor=of_one, programme_code=cast.M5))
    assert cast.a_cap(authority, actor=authority.admin)


@pytest.mark.parametrize(
    ("refusal", "wrong"),
    [
        (actions.RateInvalid, {"rate": "-1"}),
        (actions.RateInvalid, {"rate": "1.00001"}),
        (actions.RateInvalid, {"currency": "XXX"}),
        (actions.CapInThePast, {"from_at": cast.NOON - timedelta(seconds=1)}),
        (actions.ReasonMissing, {"reason": "  "}),
        (actions.ReasonMissing, {"reason": "x" * 301}),
    ],
)
def test_a_cap_that_says_nothing_is_refused(authority, refusal, wrong):
    refuses(refusal, lambda: cast.a_cap(authority, **wrong))


# --- equivalents -----------------------------------------------------------------------------


def test_a_better_figure_follows_the_one_before(authority):
    first = cast.an_equivalent(authority, "A100", "0.3", "312")
    second = cast.an_equivalent(authority, "A100", "0.315343", "312", from_on=LATER.date())
    third = cast.an_equivalent(authority, "A100", "0.315", "312", from_on=LATER.date())

    assert list(equivalents_begun(cast.NOON)) == [first]
    assert list(equivalents_begun(LATER)) == [third]
    assert second.factor == Decimal("0.315343")
    assert Equivalent.objects.count() == 3


def test_precisions_are_apart(authority):
    cast.an_equivalent(authority, precision="BF16")
    cast.an_equivalent(authority, teraflops="1978.9", precision="FP8")

    found = {one.precision: one.teraflops for one in equivalents_begun(cast.NOON)}
    assert found == {"BF16": Decimal("989.400"), "FP8": Decimal("1978.900")}


def test_a_figure_is_recorded_once_a_key_by_staff_alone(authority, seller):
    first = cast.an_equivalent(authority, key="e")

    assert cast.an_equivalent(authority, key="e") == first
    refuses(KeyReused, lambda: cast.an_equivalent(authority, factor="2", key="e"))
    for person in (seller.person, cast.an_sme().person, authority.finance[0]):
        refuses(NotAllowed, lambda p=person: cast.an_equivalent(authority, actor=p))


@pytest.mark.parametrize(
    ("refusal", "wrong"),
    [
        (actions.EquivalentInvalid, {"factor": "0"}),
        (actions.EquivalentInvalid, {"factor": "-1"}),
        (actions.EquivalentInvalid, {"factor": "0.0000001"}),
        (actions.EquivalentInvalid, {"factor": "NaN"}),
        (actions.EquivalentInvalid, {"factor": "1000000"}),
        (actions.EquivalentInvalid, {"teraflops": "0"}),
        (actions.EquivalentInvalid, {"teraflops": "1.0001"}),
        (actions.EquivalentInvalid, {"precision": "FP7"}),
        (actions.EquivalentInvalid, {"resource_class": " "}),
        (actions.ReasonMissing, {"source": ""}),
    ],
)
def test_a_figure_without_sense_or_source_is_refused(authority, refusal, wrong):
    refuses(refusal, lambda: cast.an_equivalent(authority, **wrong))


def test_what_was_set_and_recorded_stays(authority):
    cast.a_cap(authority)
    cast.an_equivalent(authority)

    for model, field in ((PriceCap, "rate"), (Equivalent, "factor")):
        with pytest.raises(DatabaseError), transaction.atomic():
            model.objects.update(**{field: 9})
        with pytest.raises(DatabaseError), transaction.atomic():
            model.objects.all().delete()
