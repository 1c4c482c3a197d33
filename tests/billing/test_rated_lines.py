"""A settled line is explained to the cent: its parts are the bill's, the order's and the funders'."""

from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing import actions, queries
from billing.queries.rated import Rating, rated_line
from tests import cast
from tests.billing import stage

pytestmark = pytest.mark.django_db

FUNDERS = """
[[funders]]
clause = "Article 15"
name = "Nation"
share = "1/7"

[[funders]]
clause = "Article 15"
name = "Province"
share = "2/7"

[[funders]]
clause = "Article 15"
name = "City"
share = "4/7"
"""


def a_scene():
    """Return a scene of a law with three funders and increments of a minute."""
    authority = cast.make_authority()
    seller = cast.make_provider(authority)
    text = cast.policy_text(cast.M3).replace(
        "[settlement]\n", "[settlement]\nincrement_seconds = 60\n"
    )
    scheme = cast.make_programme(authority, text=text + FUNDERS)
    applicant = cast.an_sme()
    voucher = cast.an_issued_voucher(scheme, applicant)
    return cast.Scene(authority, seller, scheme, applicant, voucher)


def recorded(scene, order, seconds, name):
    """Record one run a length, from START on."""
    records = [
        stage.a_record(order.code, f"{name}-{number}", hours=length / 3600, started=stage.START)
        for number, length in enumerate(seconds)
    ]
    assert stage.record(scene.seller, *records).errors == ()


def rated(bill, first_row=1):
    lines = queries.lines_with_verdicts().filter(bill=bill, row__gte=first_row).order_by("row")
    return list(Rating(bill, first_row).rate(list(lines)))


@given(
    seconds=st.lists(st.integers(1, 200_000), min_size=1, max_size=8),
    more=st.lists(st.integers(1, 50_000), min_size=1, max_size=4),
    hours=st.integers(1, 120),
    first=st.integers(1, 12),
)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@pytest.mark.slow
def test_lines_orders_funders_and_bill_agree_to_the_cent(db, seconds, more, hours, first):
    with transaction.atomic():
        scene = a_scene()
        for name, lengths in (("a", seconds), ("b", more)):
            order = cast.a_hold(
                scene.voucher,
                scene.applicant,
                scene.seller,
                hours=str(hours),
                provider_reference=name,
            )
            recorded(scene, order, lengths, name)
        bill = stage.bill(scene)
        stage.settle(bill)

        found = rated(bill)

        of_funders = Counter()
        for one in found:
            assert sum(part.amount for part in one.rated.parts) == one.rated.covered
            assert one.rated.beyond >= 0
            of_funders.update(dict(one.rated.parts))
        settlements = list(bill.settlements.all())
        assert sum(one.rated.covered for one in found) == sum(s.covered for s in settlements)
        assert +of_funders == Counter(
            {
                name: total
                for name in ("Nation", "Province", "City")
                if (
                    total := sum(
                        share.amount
                        for s in settlements
                        for share in s.shares.filter(name=name)
                    )
                )
            }
        )
        # From a later row on, and one by one, the same parts.
        assert [one.rated for one in rated(bill, first)] == [
            one.rated for one in found[first - 1 :]
        ]
        assert rated_line(found[-1].line).rated == found[-1].rated
        transaction.set_rollback(True)


def test_a_line_decided_later_has_the_parts_of_both_settlements():
    scene = a_scene()
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    stage.use(scene.seller, order, hours=8)
    bill = stage.bill(scene, stage.a_line(hours=10))
    stage.settle(bill)
    line = bill.lines.get()

    actions.decide_line(
        line=line,
        accept=True,
        note="The meter was down",
        actor=scene.authority.second_officer,
        at=stage.LATER,
        key="decide",
    )

    (one,) = rated(bill)
    assert (one.rated.metered_ms, one.rated.billed_ms) == (8 * stage.HOUR, 10 * stage.HOUR)
    # 120.00 and 30.00, each split by sevenths on its own.
    assert dict(one.rated.parts) == {
        "Nation": 17_14 + 4_29,
        "Province": 34_29 + 8_57,
        "City": 68_57 + 17_14,
    }
    assert one.limits == ("meter",)


def test_the_working_goes_from_the_meter_to_the_funders():
    scene = a_scene()
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller, hours="2")
    recorded(scene, order, [3 * 3600 + 1], "run")
    bill = stage.bill(scene)
    stage.settle(bill)

    (one,) = rated(bill)

    assert [(step["name"], step["amount"]) for step in one.working] == [
        ("metered", "3.0002777777 GPU-h"),
        ("billed_quantity", "3.0166666666 GPU-h"),
        ("billed", "75.4200 CNY"),
        ("accepted", "75.4200 CNY"),
        ("share", "45.2500 CNY"),
        ("co_payment", "30.1700 CNY"),
        ("beyond_hold", "15.2500 CNY"),
        ("covered", "30.0000 CNY"),
        ("funder", "4.2900 CNY"),
        ("funder", "8.5700 CNY"),
        ("funder", "17.1400 CNY"),
    ]
    assert all(step["clause"] for step in one.working)
    assert one.limits == ("hold",)
    assert one.version.number == 1


def test_before_settlement_there_is_nothing_to_explain():
    scene = a_scene()
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    stage.use(scene.seller, order, hours=1)

    (one,) = rated(stage.bill(scene))

    assert (one.version, one.rated.parts, one.working, one.limits) == (None, (), [], ())


def test_three_hundred_lines_are_rated_by_as_many_statements_as_one():
    scene = a_scene()
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    asked = []
    for name, count in (("one", 1), ("many", 300)):
        records = [
            stage.a_record(
                order.code, f"{name}-{n}", hours=1, started=stage.START + timedelta(seconds=n)
            )
            for n in range(count)
        ]
        stage.record(scene.seller, *records)
        bill = stage.bill(scene, invoice=name)
        stage.settle(bill)
        with CaptureQueriesContext(connection) as statements:
            assert len(rated(bill)) == count
        asked.append(len(statements))

    assert asked[0] == asked[1]
