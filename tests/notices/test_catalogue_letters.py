"""A provider is told of a cap that offers of its are above, before nobody can order them."""

from datetime import timedelta

import pytest

from notices import actions
from notices.models import Message
from tests import cast
from tests.cast import NOON

pytestmark = pytest.mark.django_db

SUBJECT = "A price cap on H100: offers of yours are above it"


@pytest.fixture
def authority(db):
    return cast.make_authority()


@pytest.fixture
def seller(authority):
    return cast.make_provider(authority)


def told(seller, at=NOON + timedelta(days=1)):
    """Return the letters to a provider about caps."""
    actions.write_letters(at=at)
    return list(Message.objects.filter(user=seller.person, path="/provider/offers/"))


def test_one_letter_names_all_offers_above_the_cap_and_what_to_do(authority, seller):
    dearer = cast.an_offer(seller.provider, seller.person, rate="30.00", title="H100 reserved")
    cast.an_offer(seller.provider, seller.person, rate="20.00", title="H100 queued")
    cast.an_offer(seller.provider, seller.person, rate="99.00", resource_class="H200")
    cast.a_cap(authority, "20.00", from_at=NOON + timedelta(days=3))

    (letter,) = told(seller)

    assert letter.subject == SUBJECT
    assert (
        "From 5 June 2025 on, City Data Bureau lets an hour of H100 cost at most CNY 20.00."
        in letter.body
    )
    assert "The reason: Notice 7 of 2025, article 3" in letter.body
    assert f"{seller.offer}: CNY 25.00" in letter.body
    assert f"{dearer}: CNY 30.00" in letter.body
    assert "H100 queued" not in letter.body
    assert "H200" not in letter.body


def test_each_provider_reads_of_its_own_offers_alone(authority, seller):
    rival = cast.make_provider(authority, "Rival Compute")
    cast.a_cap(authority, "20.00")

    for one, other in ((seller, rival), (rival, seller)):
        (letter,) = told(one)
        assert one.offer.code in letter.body
        assert other.offer.code not in letter.body


@pytest.mark.parametrize("cap", [{"rate": "25.00"}, {"rate": None}, {"currency": "GBP"}])
def test_who_is_not_above_the_cap_hears_nothing(authority, seller, cap):
    cast.a_cap(authority, **cap)

    assert told(seller) == []


def test_a_programme_s_cap_names_the_programme(authority, seller):
    cast.a_cap(authority, "20.00", programme_code=cast.M3)

    (letter,) = told(seller)

    assert f"City Data Bureau, {cast.M3} lets an hour of H100" in letter.body
