"""Who is one undertaking, and who is related: chains, shared owners, cycles, thresholds."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parties.registers import Identifier
from parties.undertakings import (
    MAJORITY,
    Hold,
    are_related,
    connected,
    is_shared,
    partners_of,
    undertaking_of,
)
from tests import cast

ENDS = [Identifier("OTHER", letter) for letter in "ABCDEFG"]
SHARES = [Decimal(number) / 20 for number in range(21)]
ends = st.sampled_from(ENDS)
shares = st.sampled_from(SHARES)
holds = st.lists(
    st.builds(
        Hold, ends, ends, shares, st.sampled_from(["VOTES", "VOTES", "VOTES", "AGREEMENT"])
    ),
    max_size=15,
)


# --- the graph by itself ---------------------------------------------------------------------


@settings(deadline=None)
@given(holds, ends, ends, shares)
def test_being_one_undertaking_is_mutual_and_passed_on(graph, one, other, above):
    members = connected(graph, one, above)

    assert one in members
    if other in members:
        assert connected(graph, other, above) == members


@settings(deadline=None)
@given(holds, ends, shares, shares)
def test_a_higher_line_makes_no_undertaking_larger(graph, one, first, second):
    low, high = sorted((first, second))

    assert connected(graph, one, high) <= connected(graph, one, low)


@settings(deadline=None)
@given(holds, ends, ends, shares)
def test_being_related_is_mutual(graph, one, other, least):
    assert is_shared(graph, one, other, least) == is_shared(graph, other, one, least)


@settings(deadline=None)
@given(holds, ends, ends, shares, shares)
def test_whoever_is_related_from_a_higher_share_is_so_from_a_lower(
    graph, one, other, first, second
):
    low, high = sorted((first, second))

    assert is_shared(graph, one, other, low) or not is_shared(graph, one, other, high)


@settings(deadline=None)
@given(holds, ends, ends, shares)
def test_one_more_link_makes_nobody_less_related(graph, one, other, least):
    more = [*graph, Hold(one, other, Decimal("0.3"))]

    assert is_shared(more, one, other, least) or not is_shared(graph, one, other, least)


@settings(deadline=None)
@given(holds, ends, st.permutations(range(15)))
def test_the_order_of_links_changes_nothing(graph, one, order):
    shuffled = [graph[place] for place in order if place < len(graph)]

    assert connected(shuffled, one, MAJORITY) == connected(graph, one, MAJORITY)
    for other in ENDS:
        least = Decimal("0.25")
        assert is_shared(shuffled, one, other, least) == is_shared(graph, one, other, least)


def test_a_cycle_of_owners_ends():
    ring = [
        Hold(one, other, Decimal("0.9"))
        for one, other in zip(ENDS, [*ENDS[1:], ENDS[0]], strict=True)
    ]

    assert connected(ring, ENDS[0], MAJORITY) == frozenset(ENDS)
    assert is_shared(ring, ENDS[0], ENDS[6], Decimal("0.5"))


def test_a_share_through_others_is_the_product_of_the_shares():
    a, b, c = ENDS[:3]
    chain = [Hold(a, b, Decimal("0.5")), Hold(b, c, Decimal("0.5"))]

    assert is_shared(chain, a, c, Decimal("0.25"))
    assert not is_shared(chain, a, c, Decimal("0.2500001"))


# --- as registers answered -------------------------------------------------------------------


def organisations(*names):
    return [cast.an_organisation("SME", name) for name in names]


def undertaking(one, above=MAJORITY, at=cast.NOON):
    return undertaking_of(one, above, at=at)


@pytest.mark.django_db
def test_without_any_answer_everybody_stands_alone():
    (a,) = organisations("A")

    assert undertaking(a) == {a.pk}


@pytest.mark.django_db
def test_more_than_half_of_the_votes_makes_one_undertaking_and_half_does_not():
    a, b, c = organisations("A", "B", "C")
    cast.told(a, ownership=cast.links(cast.a_link(a, b, "0.51"), cast.a_link(a, c, "0.5")))

    assert undertaking(a) == undertaking(b) == {a.pk, b.pk}
    assert undertaking(c) == {c.pk}
    assert undertaking(c, Decimal("0.49")) == {a.pk, b.pk, c.pk}


@pytest.mark.django_db
@pytest.mark.parametrize("control", ["APPOINTMENT", "DOMINANT_INFLUENCE", "AGREEMENT"])
def test_whoever_controls_by_right_needs_no_votes(control):
    a, b = organisations("A", "B")
    cast.told(b, ownership=cast.links(cast.a_link(a, b, "0", control)))

    assert undertaking(a) == {a.pk, b.pk}
    assert are_related(a, b, Decimal("0.99"), at=cast.NOON)


@pytest.mark.django_db
def test_two_daughters_are_one_undertaking_through_a_mother_that_nobody_registered():
    a, b = organisations("A", "B")
    cast.told(a, ownership=cast.links(cast.a_link("OTHER:MOTHER", a, "0.8")))
    cast.told(b, ownership=cast.links(cast.a_link("OTHER:MOTHER", b, "0.8")))

    assert undertaking(a) == undertaking(b) == {a.pk, b.pk}


@pytest.mark.django_db
def test_a_shared_owner_relates_two_whom_it_does_not_control():
    a, b = organisations("A", "B")
    cast.told(a, ownership=cast.links(cast.a_link("OTHER:FUND", a, "0.3")))
    cast.told(b, ownership=cast.links(cast.a_link("OTHER:FUND", b, "0.25")))

    assert undertaking(a) == {a.pk}
    assert are_related(a, b, Decimal("0.25"), at=cast.NOON)
    assert are_related(b, a, Decimal("0.25"), at=cast.NOON)
    assert not are_related(a, b, Decimal("0.26"), at=cast.NOON)


@pytest.mark.django_db
def test_the_newest_answer_replaces_the_links_of_the_one_before_from_its_day():
    a, b = organisations("A", "B")
    later = cast.NOON + timedelta(days=30)
    cast.told(a, ownership=cast.links(cast.a_link(a, b, "0.9")))
    cast.told(a, at=later, ownership=cast.links())

    assert undertaking(a) == {a.pk, b.pk}
    assert undertaking(a, at=later) == {a.pk}
    assert undertaking(b, at=later) == {b.pk}


@pytest.mark.django_db
def test_the_same_digits_in_another_register_are_another_organisation():
    a = cast.an_organisation("SME", "A", country="GB")
    b = cast.an_organisation("SME", "B")
    stranger = f"OTHER:{a.identifier}"
    cast.told(b, ownership=cast.links(cast.a_link(stranger, b, "1")))

    assert undertaking(b) == {b.pk}
    assert undertaking(a) == {a.pk}


@pytest.mark.django_db
def test_partners_are_those_outside_with_their_greatest_share():
    a, b, c = organisations("A", "B", "C")
    cast.told(
        a,
        ownership=cast.links(
            cast.a_link(a, b, "0.3"), cast.a_link(b, a, "0.4"), cast.a_link(a, c, "0.2")
        ),
    )
    own = Identifier(a.identifier_scheme, a.identifier)

    found = partners_of({own}, Decimal("0.25"), at=cast.NOON)

    assert {number.number: share for number, share in found.items()} == {
        b.identifier: Decimal("0.4")
    }


@pytest.mark.django_db
def test_a_long_chain_is_read_ring_by_ring(django_assert_max_num_queries):
    chain = organisations(*(f"Link {number}" for number in range(12)))
    for owner, owned in pairwise(chain):
        cast.told(owner, ownership=cast.links(cast.a_link(owner, owned, "0.9")))

    with django_assert_max_num_queries(15):
        assert undertaking(chain[0]) == {one.pk for one in chain}
