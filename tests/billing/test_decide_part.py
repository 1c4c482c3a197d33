"""An officer accepts a part of what is withheld: it is paid, and the rest is declined for good."""

from collections import Counter

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing import actions
from billing.models import Settlement, Verdict
from billing.queries import line_verdict
from billing.reasons import sentence
from ledger.actions import KeyReused
from ledger.queries import extent
from tests import cast
from tests.billing import stage
from tests.billing import test_claims as claims
from tests.billing import test_targets as targets
from tests.billing.test_rated_lines import a_scene as scene_of_three_funders
from tests.billing.test_rated_lines import rated, recorded

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    return cast.make_scene(cast.M3)


@pytest.fixture
def order(scene):
    return cast.a_hold(scene.voucher, scene.applicant, scene.seller)


@pytest.fixture
def disputed(scene, order):
    """One line of 200.00, of which 120.00 would be the voucher's, withheld for an objection."""
    stage.use(scene.seller, order, hours=8)
    bill = stage.bill(scene)
    actions.object_to_line(
        line=bill.lines.get(),
        note="Half of it is another team's",
        actor=scene.applicant.person,
        at=stage.LATER,
        key="object",
    )
    stage.settle(bill)
    return bill


def part(scene, bill, amount, *, key="part", accept=True):
    return actions.decide_line(
        line=bill.lines.get(),
        accept=accept,
        amount=amount,
        note="Half of it",
        actor=scene.authority.finance[0],
        at=stage.LATER,
        key=key,
    )


def refused(error, scene, ask):
    before = extent(), stage.nets(scene.scheme.programme), Verdict.objects.count()
    with pytest.raises(error) as refusal:
        ask()
    after = extent(), stage.nets(scene.scheme.programme), Verdict.objects.count()
    assert after == before
    return str(refusal.value)


def test_a_part_is_captured_and_paid_and_the_rest_is_declined(scene, order, disputed):
    assert (stage.payable(scene), stage.held(order)) == (0, 1_500_00)

    verdict = part(scene, disputed, 75_05)

    # 60 % of 75.05 is 45.03; the holder pays 30.02 of it.
    assert stage.verdicts(disputed) == [("DECLINED", 75_05, 124_95, 45_03, "accepted_in_part")]
    assert verdict.co_payment == 30_02
    assert sentence(verdict.reason, verdict.reason_values) == (
        "Accepted in part after a look: ¥75.05 more; ¥124.95 are not accepted. “Half of it”."
    )
    assert stage.payable(scene) == 45_03
    assert stage.held(order) == 1_454_97
    settlement = Settlement.objects.order_by("pk").last()
    assert (settlement.billed, settlement.accepted, settlement.withheld) == (
        200_00,
        75_05,
        124_95,
    )
    refused(actions.LineNotWithheld, scene, lambda: part(scene, disputed, 1, key="more"))
    stage.assert_in_step()


def test_a_part_of_what_a_rule_withheld_is_added_to_what_was_paid(scene, order):
    stage.use(scene.seller, order, hours=8)
    bill = stage.bill(scene, stage.a_line(hours=10))
    stage.settle(bill)

    part(scene, bill, 20_00)

    assert stage.verdicts(bill) == [("DECLINED", 220_00, 30_00, 132_00, "accepted_in_part")]
    assert stage.payable(scene) == 132_00
    (one,) = rated(bill)
    assert (one.rated.accepted, one.rated.covered) == (220_00, 132_00)
    assert one.limits == ("meter",)
    stage.assert_in_step()


def test_all_of_it_as_an_amount_is_accepting_it(scene, disputed):
    part(scene, disputed, 200_00)

    assert stage.verdicts(disputed) == [("ACCEPTED", 200_00, 0, 120_00, "accepted_after_look")]


def test_no_more_is_accepted_than_the_rules_let_through(scene, order):
    stage.use(scene.seller, order, hours=8)
    bill = stage.bill(scene, stage.a_line(hours=10))
    actions.object_to_line(
        line=bill.lines.get(),
        note="Not ours",
        actor=scene.applicant.person,
        at=stage.LATER,
        key="object",
    )
    stage.settle(bill)

    said = refused(actions.PartTooMuch, scene, lambda: part(scene, bill, 200_01))
    assert "at most ¥200.00 more" in said
    for amount in (0, -1):
        refused(actions.PartTooMuch, scene, lambda amount=amount: part(scene, bill, amount))

    # The officer decides all of it: nothing of the line waits any more.
    part(scene, bill, 200_00)
    assert stage.verdicts(bill) == [("DECLINED", 200_00, 50_00, 120_00, "accepted_in_part")]


def test_a_part_beyond_the_hold_is_owed_by_the_holder(scene):
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller, hours="4")
    stage.use(scene.seller, order, hours=8)
    bill = stage.bill(scene)
    actions.object_to_line(
        line=bill.lines.get(),
        note="Not ours",
        actor=scene.applicant.person,
        at=stage.LATER,
        key="object",
    )
    stage.settle(bill)

    verdict = part(scene, bill, 150_00)

    # 90.00 would be covered; 60.00 were set aside.
    assert (verdict.covered, verdict.co_payment) == (60_00, 60_00)
    assert verdict.reason_values["beyond_amount"] == 30_00
    assert stage.held(order) == 0
    order.refresh_from_db()
    assert order.status == "CLOSED"
    stage.assert_in_step()


def test_asked_twice_a_part_is_paid_once(scene, disputed):
    assert part(scene, disputed, 75_05) == part(scene, disputed, 75_05)

    assert stage.payable(scene) == 45_03
    refused(KeyReused, scene, lambda: part(scene, disputed, 75_06))


def test_hours_in_kind_are_accepted_in_part_by_the_hour():
    scene = cast.make_scene(cast.M5)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    stage.use(scene.seller, order, hours=8)
    bill = stage.bill(scene, stage.a_line(hours=10))
    stage.settle(bill)

    part(scene, bill, stage.HOUR // 2)

    taken, rest = 17 * stage.HOUR // 2, 3 * stage.HOUR // 2
    assert stage.verdicts(bill) == [("DECLINED", taken, rest, taken, "accepted_in_part")]
    stage.assert_in_step()


def test_a_claim_is_accepted_in_part():
    authority = cast.make_authority()
    seller = cast.make_provider(authority)
    scheme = cast.make_programme(authority, cast.M1)
    applicant = cast.an_sme()
    days = {"contract_from_on": "2025-01-01", "contract_until_on": "2026-12-31"}
    voucher = cast.an_issued_voucher(scheme, applicant, fee_total="200000.00", **days)
    scene = cast.Scene(authority, seller, scheme, applicant, voucher)
    claims.use(scene, hours=4)
    bill = claims.claim(scene, paid=210_000_00)
    stage.settle(bill)
    ((outcome, accepted, withheld, covered, _reason),) = stage.verdicts(bill)
    assert (outcome, accepted, withheld) == ("REDUCED", 100_000_00, 110_000_00)

    verdict = part(scene, bill, 40_000_00)

    assert (verdict.outcome, verdict.accepted, verdict.withheld) == (
        "DECLINED",
        140_000_00,
        70_000_00,
    )
    assert verdict.covered > covered
    assert claims.owed(scene) == verdict.covered
    stage.assert_in_step()


def test_a_target_has_no_part_but_what_its_assessment_earns():
    scene = cast.a_target(cast.PAYS_SUPPLY)
    cast.an_assessment(scene)
    bill = targets.claim(scene)
    targets.settle(bill)
    before = line_verdict(bill.lines.get())
    assert before.outcome == "REDUCED"
    cast.an_assessment(scene, figure="4500")

    refused(actions.PartOfTarget, scene, lambda: part(scene, bill, 1_00))


@given(
    seconds=st.lists(st.integers(60, 200_000), min_size=1, max_size=6),
    disputed=st.sets(st.integers(1, 6)),
    parts=st.lists(st.integers(0, 1_000), min_size=6, max_size=6),
    hours=st.integers(1, 120),
)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@pytest.mark.slow
def test_lines_orders_and_funders_agree_to_the_cent_whatever_part_is_accepted(
    db, seconds, disputed, parts, hours
):
    with transaction.atomic():
        scene = scene_of_three_funders()
        order = cast.a_hold(scene.voucher, scene.applicant, scene.seller, hours=str(hours))
        recorded(scene, order, seconds, "a")
        bill = stage.bill(scene)
        rows = [row for row in disputed if row <= len(seconds)]
        for row in rows:
            actions.object_to_line(
                line=bill.lines.get(row=row),
                note="Not ours",
                actor=scene.applicant.person,
                at=stage.LATER,
                key=f"object {row}",
            )
        stage.settle(bill)
        for row in rows:
            line = bill.lines.get(row=row)
            amount = line.amount * parts[row - 1] // 1_000
            actions.decide_line(
                line=line,
                accept=amount > 0,
                amount=amount,
                note="A part",
                actor=scene.authority.second_officer,
                at=stage.LATER,
                key=f"decide {row}",
            )
            assert line_verdict(line).accepted == amount

        found, settlements = rated(bill), list(bill.settlements.all())
        of_funders, shares = Counter(), Counter()
        for one in found:
            assert sum(each.amount for each in one.rated.parts) == one.rated.covered
            of_funders.update(dict(one.rated.parts))
        for one in settlements:
            shares.update({share.name: share.amount for share in one.shares.all()})
        assert +of_funders == +shares
        assert sum(one.rated.covered for one in found) == sum(s.covered for s in settlements)
        assert sum(one.rated.accepted for one in found) == sum(s.accepted for s in settlements)
        assert stage.payable(scene) == sum(s.covered for s in settlements)
        stage.assert_in_step()
        transaction.set_rollback(True)
