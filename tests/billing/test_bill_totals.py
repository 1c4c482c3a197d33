"""A bill that is settled in part adds up to the cent: every part of it stands in one place."""

import pytest

from billing import actions, queries
from billing.queries import BillTotals
from tests import cast
from tests.billing import stage
from tests.billing.test_confirm_lines import STRICT, a_scene, confirm

pytestmark = pytest.mark.django_db


def totals(bill):
    return queries.totals_of(queries.lines_with_verdicts().filter(bill=bill))


def decide(scene, bill, row, **more):
    return actions.decide_line(
        line=bill.lines.get(row=row),
        note="Looked at",
        actor=scene.authority.finance[0],
        at=stage.LATER,
        key=f"decide {row}",
        **more,
    )


def a_bill_of_every_kind():
    """Return a scene and a bill with a line of every kind, disputed lines and a silent one."""
    scene = a_scene(STRICT)
    # Set aside for 28 hours: 420.00, less than all lines come to.
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller, hours="28")
    records = [stage.a_record(order.code, f"job-{n}", hours=4) for n in range(1, 10)]
    assert stage.record(scene.seller, *records).recorded == 9
    bill = stage.bill(
        scene,
        stage.a_line("job-1"),  # accepted
        stage.a_line("job-2", hours=5),  # billed above the meter, and left so
        stage.a_line("job-3", hours=5),  # the same, declined
        stage.a_line("job-4"),  # disputed, and left so
        stage.a_line("job-5"),  # disputed and overruled
        stage.a_line("job-6"),  # disputed and declined
        stage.a_line("job-7"),  # disputed and accepted in part
        stage.a_line("job-8"),  # not confirmed
        stage.a_line("job-9"),  # accepted
        stage.a_line("ghost", hours=1, rate="25"),  # no meter knows it
    )
    notes = dict.fromkeys((4, 5, 6, 7), "Not ours")
    actions.object_to_lines(
        bill=bill, notes=notes, actor=scene.applicant.person, at=stage.LATER, key="object"
    )
    confirm(scene, bill, [1, 2, 3, 9])
    return scene, order, bill


def test_before_settlement_all_is_disputed_or_waits():
    _scene, _order, bill = a_bill_of_every_kind()

    found = totals(bill)

    assert found == BillTotals(
        billed=975_00,
        covered=0,
        co_payment=0,
        beyond_hold=0,
        declined=0,
        of_holder=400_00,
        of_rules=0,
        waiting=575_00,
    )
    assert found.accounted == found.billed == bill.total


def test_a_bill_with_a_line_of_every_kind_adds_up_to_the_cent():
    scene, order, bill = a_bill_of_every_kind()
    stage.settle(bill)
    decide(scene, bill, 3, accept=False)
    decide(scene, bill, 5, accept=True)
    decide(scene, bill, 6, accept=False)
    decide(scene, bill, 7, accept=True, amount=33_33)

    found = totals(bill)

    # Accepted: four lines of 100.00 and one of 100.00 after a look, and 33.33 of another.
    assert found.accepted == 533_33
    # 60 % of 400.00, of 100.00 and of 33.33, rounded down.
    assert found.covered == 240_00 + 60_00 + 19_99
    assert found.co_payment == 160_00 + 40_00 + 13_34
    # 25.00 of line 3, all of line 6 and the rest of line 7.
    assert found.declined == 25_00 + 100_00 + 66_67
    # Lines 4 and 8; 25.00 of line 2 and the line that no meter knows.
    assert (found.of_holder, found.of_rules) == (200_00, 50_00)
    assert (found.beyond_hold, found.waiting) == (0, 0)
    assert found.accounted == found.billed == bill.total == 975_00
    # The ledger says the same.
    assert found.covered == stage.payable(scene) == 420_00 - stage.held(order)
    assert found.covered == sum(one.covered for one in queries.settlements_of(bill))
    stage.assert_in_step()


def test_what_is_beyond_a_hold_is_a_part_of_its_own():
    scene, order, bill = a_bill_of_every_kind()
    stage.settle(bill)
    for row in (4, 5, 6, 7):
        decide(scene, bill, row, accept=True)

    found = totals(bill)

    assert (found.covered, found.beyond_hold) == (420_00, 60_00)
    assert found.accounted == found.billed
    assert stage.held(order) == 0


def test_a_holder_sees_the_sums_of_its_own_lines():
    scene, _order, bill = a_bill_of_every_kind()
    stage.settle(bill)

    found = queries.totals_of(queries.lines_visible_to(scene.applicant.person, bill))

    assert found.billed == 950_00
    assert found.accounted == found.billed
