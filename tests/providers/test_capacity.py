"""What a provider registered is known for each instant, in whole GPUs; nothing is rewritten."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from django.db import Error, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.queries import extent
from parties.queries import NotAllowed, users_with
from parties.roles import Role
from providers import actions
from providers.actions import NodeEntry
from providers.forms import CapacityFileUnreadable, read_capacity
from providers.models import CapacityNode, CapacityVersion
from providers.queries import (
    CapacityStep,
    capacity_by_hour,
    capacity_in_force,
    capacity_totals,
    capacity_version,
    capacity_versions_accredited,
)
from providers.queries.capacity import steps_of
from tests import cast
from tests.real_data import shared

pytestmark = pytest.mark.django_db

NOON, HOUR, DAY = cast.NOON, timedelta(hours=1), timedelta(days=1)
START = datetime(2025, 6, 1, tzinfo=UTC)


@pytest.fixture
def seller():
    return cast.make_provider(cast.make_authority())


def node(name, gpus=8, from_at=START, until_at=None, model="H100", region="CN-5101"):
    return NodeEntry(name, model, gpus, region, from_at, until_at)


def record(seller, *nodes, actor=None, at=NOON, key=None, **more):
    return actions.record_capacity(
        provider=seller.provider,
        nodes=nodes,
        actor=actor or seller.person,
        at=at,
        key=key or cast.a_key("capacity"),
        **more,
    )


def refuses(refusal, ask, match=None):
    before, nodes = extent(), CapacityNode.objects.count()
    with pytest.raises(refusal, match=match), transaction.atomic():
        ask()
    assert extent() == before
    assert CapacityNode.objects.count() == nodes


def test_the_gpus_of_a_class_are_known_at_each_instant(seller):
    record(
        seller,
        node("a", 8),
        node("b", 4, from_at=START + DAY, until_at=START + 2 * DAY),
        node("c", 2, model="a100"),
    )

    def known(resource_class, first, last):
        return capacity_in_force(seller.provider, resource_class, first, last)

    assert known("H100", START - HOUR, START + 3 * DAY) == [
        CapacityStep(START - HOUR, START, 0),
        CapacityStep(START, START + DAY, 8),
        CapacityStep(START + DAY, START + 2 * DAY, 12),
        CapacityStep(START + 2 * DAY, START + 3 * DAY, 8),
    ]
    assert known("a100", START, START + HOUR) == [CapacityStep(START, START + HOUR, 2)]
    assert known("L40S", START, START + HOUR) == [CapacityStep(START, START + HOUR, 0)]
    assert known("H100", START, START) == []
    assert [
        tuple(one) for one in capacity_totals([capacity_version(seller.provider)], NOON)
    ] == [
        ("A100", "CN-5101", 1, 1, 2),
        ("H100", "CN-5101", 1, 2, 12),
    ]


def test_where_a_meter_names_no_class_all_gpus_count(seller):
    record(seller, node("a", 8), node("c", 2, model="a100"))
    hour = timedelta(hours=1) // timedelta(milliseconds=1)

    found = capacity_by_hour(seller.provider, ["", "H100", "B200"], START, START + HOUR)

    assert found == {("", START): 10 * hour, ("H100", START): 8 * hour, ("B200", START): 0}


def test_the_newest_list_counts_and_the_one_before_is_still_known(seller):
    record(seller, node("a", 8), node("b", 8))
    record(seller, node("a", 8), at=NOON + HOUR)

    first, last = NOON, NOON + DAY
    assert capacity_in_force(seller.provider, "H100", first, last)[0].gpus == 8
    then = capacity_in_force(seller.provider, "H100", first, last, as_of=NOON)
    assert then == [CapacityStep(first, last, 16)]
    for rows in (CapacityVersion.objects, CapacityNode.objects):
        with pytest.raises(Error), transaction.atomic():
            rows.all().delete()


def test_nobody_adds_gpus_to_a_time_that_is_over_but_an_officer(seller):
    record(seller, node("a", 8), node("old", 4, until_at=START + HOUR))
    more = (node("a", 9),)

    refuses(actions.CapacityBackdated, lambda: record(seller, *more), "H100 on 1 June 2025")
    # The old node's GPUs are not there any more, and another's may not take their time.
    refuses(
        actions.CapacityBackdated,
        lambda: record(seller, node("a", 8), node("new", 4, until_at=START + 2 * HOUR)),
    )
    refuses(actions.CapacityBackdated, lambda: record(seller, node("x", 1, model="B200")))
    record(seller, node("a", 8), node("old", 4, until_at=START + HOUR), node("new", 4, NOON))
    assert capacity_in_force(seller.provider, "H100", NOON, NOON + HOUR)[0].gpus == 12
    other = cast.make_authority("Another Bureau").officer
    refuses(NotAllowed, lambda: record(seller, *more, actor=other))
    authority = seller.provider.accreditations.first().authority
    officer = users_with(Role.OFFICER, organisation=authority).first()
    record(seller, *more, actor=officer)
    assert capacity_in_force(seller.provider, "H100", START, NOON)[0].gpus == 9


@pytest.mark.parametrize(
    ("nodes", "refusal"),
    [
        ([], actions.CapacityEmpty),
        ([node(" ")], actions.CapacityInvalid),
        ([node("a", 0)], actions.CapacityInvalid),
        ([node("a", 100_001)], actions.CapacityInvalid),
        ([node("a", model="")], actions.CapacityInvalid),
        ([node("a", region=" ")], actions.CapacityInvalid),
        ([node("a", until_at=START)], actions.CapacityInvalid),
        ([node("a"), node("a", from_at=START + DAY)], actions.NodeTwice),
        (
            [node("a", until_at=START + 2 * DAY), node("a", from_at=START + DAY)],
            actions.NodeTwice,
        ),
    ],
)
def test_a_list_that_can_not_be_right_is_refused(seller, nodes, refusal):
    refuses(refusal, lambda: record(seller, *nodes))
    assert CapacityVersion.objects.count() == 0


def test_a_list_is_the_provider_s_or_an_officer_s_to_enter(seller):
    rival = cast.make_provider(cast.make_authority("Other Bureau"), "Rival Compute")

    refuses(NotAllowed, lambda: record(seller, node("a"), actor=rival.person))


def test_asked_twice_one_list_is_there(seller):
    first = record(seller, node("a", from_at=None), key="k")

    assert record(seller, node("a", from_at=None), key="k", at=NOON + HOUR) == first
    assert first.nodes.get().from_at == NOON
    assert CapacityVersion.objects.count() == 1


def test_one_node_more_leaves_the_others_and_ends_what_it_replaces(seller):
    record(seller, node("a", 8), node("b", 8))

    def add(entry, at=NOON):
        return actions.record_node(
            provider=seller.provider, entry=entry, actor=seller.person, at=at, key=cast.a_key()
        )

    add(node("c", 4, from_at=None))
    version = add(node("b", 2, from_at=None), at=NOON + HOUR)

    assert version.number == 3
    assert sorted(version.nodes.values_list("node", "gpus", "from_at", "until_at")) == [
        ("a", 8, START, None),
        ("b", 2, NOON + HOUR, None),
        ("b", 8, START, NOON + HOUR),
        ("c", 4, NOON, None),
    ]


def test_only_what_accredited_providers_registered_is_public(seller):
    record(seller, node("a", 8))
    organisation, person = cast.a_newcomer()
    ended = actions.accredit_provider(
        organisation=organisation,
        until_on=date(2025, 6, 2),
        actor="system",
        at=NOON,
        key="short",
    )
    actions.record_capacity(
        provider=ended, nodes=[node("z", 99)], actor=person, at=NOON, key="z"
    )

    def public(at):
        return sum(one.gpus for one in capacity_totals(capacity_versions_accredited(at), at))

    assert (public(NOON), public(NOON + DAY)) == (107, 8)


# --- sums ------------------------------------------------------------------------------------

SPANS = st.lists(
    st.tuples(st.integers(0, 20), st.integers(1, 20) | st.none(), st.integers(1, 9)),
    max_size=8,
)


@settings(max_examples=100)
@given(spans=SPANS, first=st.integers(0, 25), length=st.integers(1, 25))
def test_steps_are_the_sum_at_every_instant_and_fill_the_time(spans, first, length):
    placed = [
        (START + begins * HOUR, None if long is None else START + (begins + long) * HOUR, gpus)
        for begins, long, gpus in spans
    ]
    from_at, until_at = START + first * HOUR, START + (first + length) * HOUR

    steps = steps_of(placed, from_at, until_at)

    assert steps[0].from_at == from_at
    assert steps[-1].until_at == until_at
    for one, following in pairwise(steps):
        assert one.until_at == following.from_at
        assert one.gpus != following.gpus
    for hour in range(length):
        at = from_at + hour * HOUR + timedelta(minutes=30)
        expected = sum(
            gpus
            for begins, ends, gpus in placed
            if begins <= at and (ends is None or at < ends)
        )
        (step,) = [one for one in steps if one.from_at <= at < one.until_at]
        assert step.gpus == expected


# --- files -----------------------------------------------------------------------------------


def read(text):
    return read_capacity(text, region="CN-5101", from_at=START)


def test_a_list_is_read_in_either_language_with_every_problem_by_its_row():
    found = read(
        "节点;型号;数量;地区;起;止\n"
        "n1;h100;８;;2025-06-05;2025-06-30\n"
        "n2;H100;0;;;\n"
        "n3;;x;GB-LND;;\n"
        ";A100;1,000;;soon;\n"
        "n5;A100;2;;2025年6月5日;2025-06-04\n"
    )

    (entry,) = found.entries
    assert entry == NodeEntry(
        "n1",
        "H100",
        8,
        "CN-5101",
        datetime(2025, 6, 5, tzinfo=UTC),
        datetime(2025, 7, 1, tzinfo=UTC),
    )
    assert found.without_gpu == 1
    assert [(one.row, one.column) for one in found.problems] == [
        (4, "gpus"),
        (4, "model"),
        (5, "node"),
        (5, "from"),
        (6, "until"),
    ]


@pytest.mark.parametrize("text", ["", "node,model\na,b\n", "node,model,gpus\n"])
def test_a_file_that_is_no_list_is_refused_in_words(text):
    with pytest.raises(CapacityFileUnreadable, match=r"missing: |no row below"):
        read(text)


@settings(max_examples=100)
@given(text=st.text(max_size=200))
def test_whatever_is_sent_is_read_or_refused(text):
    try:
        found = read("node,model,gpus,from\n" + text)
    except CapacityFileUnreadable:
        return
    assert all(one.gpus > 0 for one in found.entries)


@pytest.mark.parametrize(
    ("path", "nodes", "gpus", "without_gpu"),
    [
        ("usage/alibaba2023_nodes_gpu.csv", 1_213, 6_212, 0),
        ("usage/alibaba2026_spot_nodes.csv", 4_278, 10_412, 0),
    ],
)
def test_published_lists_of_nodes_are_registered_as_they_are(
    seller, path, nodes, gpus, without_gpu
):
    text = shared(path).read_text()
    found = read(text)
    assert (found.problems, found.without_gpu) == ([], without_gpu)

    version = record(seller, *found.entries, file_name=path)

    assert (version.entries, version.gpus) == (nodes, gpus)
    totals = capacity_totals([version], NOON)
    assert sum(one.nodes for one in totals) == nodes
    by_class = Counter()
    for one in found.entries:
        by_class[one.resource_class] += one.gpus
    assert {one.resource_class: one.gpus for one in totals} == by_class
    for resource_class, expected in by_class.items():
        steps = capacity_in_force(seller.provider, resource_class, NOON, NOON + DAY)
        assert steps == [CapacityStep(NOON, NOON + DAY, expected)]
