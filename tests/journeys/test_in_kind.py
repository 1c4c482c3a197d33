"""GPU-hours in kind from the quota to the last millisecond: delivered, never paid, and given back."""

from datetime import timedelta

import pytest

from billing import actions as billing
from billing.views.bill_states import state_of
from ledger.actions import SYSTEM
from tests import cast
from tests.billing import stage
from vouchers import actions

pytestmark = pytest.mark.django_db

HOUR = cast.HOUR
BUDGET, AWARD = 100_000 * HOUR, 5_000 * HOUR


def test_hours_in_kind_are_settled_to_the_millisecond_and_the_rest_goes_back():
    scene = cast.make_scene(cast.M5)
    programme, voucher, seller = scene.scheme.programme, scene.voucher, scene.seller
    own, delivered = f"voucher:{voucher.code}", "delivered"
    left = {"appropriation:2025": -BUDGET, "available": BUDGET - AWARD}
    assert (programme.mode, programme.unit, voucher.amount) == ("M5", "GPU:H100", AWARD)
    assert stage.nets(programme) == {**left, own: AWARD}

    # An order sets whole hours aside; nothing moves before it is used.
    order = cast.a_hold(voucher, scene.applicant, seller, hours="100")
    assert stage.held(order) == 100 * HOUR

    # 3 GPUs for 10 h and 7 ms, and half a GPU for a second: nothing is rounded on the way.
    long = stage.a_record(order.code, "job-1", hours=10, gpus=3)
    long = long._replace(ended_at=long.ended_at + timedelta(milliseconds=7))
    short = stage.a_record(order.code, "job-2", hours=0)
    short = short._replace(
        count_thousandths=500, ended_at=short.started_at + timedelta(seconds=1)
    )
    assert stage.record(seller, long, short).recorded == 2
    used = 3 * (10 * HOUR + 7) + 500
    bill = stage.bill(scene)
    assert (bill.unit, bill.total) == ("GPU:H100", used)

    # The holder disputes the short one: it is withheld, and the other is delivered whole.
    row = bill.lines.get(key="job-2").row
    billing.object_to_line(
        line=bill.lines.get(row=row),
        note="Never started",
        actor=scene.applicant.person,
        at=stage.LATER,
        key="object",
    )
    (settlement,) = stage.settle(bill)
    assert (settlement.covered, settlement.co_payment, settlement.beyond_hold) == (
        used - 500,
        0,
        0,
    )
    assert stage.nets(programme) == {**left, own: AWARD - used + 500, delivered: used - 500}
    assert stage.held(order) == 100 * HOUR - used + 500

    # An officer looks, and it counts; no money is owed for any of it.
    billing.decide_line(
        line=bill.lines.get(row=row),
        accept=True,
        note="The log shows it",
        actor=scene.authority.finance[0],
        at=stage.LATER,
        key="look",
    )
    bill.refresh_from_db()
    assert state_of(bill, stage.LATER).status.label == "Settled"
    assert stage.nets(programme) == {**left, own: AWARD - used, delivered: used}
    with pytest.raises(billing.NothingDue):
        stage.open_batch(scene)

    # What was not used is free again, and goes back: budget, used and given back add up.
    actions.release_hold(order=order, actor=scene.applicant.person, at=stage.LATER, key="r")
    actions.return_voucher(
        voucher=voucher,
        amount=None,
        actor=scene.applicant.person,
        at=stage.LATER,
        key="return",
    )
    assert stage.nets(programme) == {
        "appropriation:2025": -BUDGET,
        "available": BUDGET - used,
        delivered: used,
    }
    stage.assert_in_step()


def test_hours_beyond_the_quota_are_the_holders_and_are_never_delivered():
    scene = cast.make_scene(cast.M5)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller, hours="10")
    stage.use(scene.seller, order, hours=11)
    bill = stage.bill(scene)

    (settlement,) = stage.settle(bill, actor=SYSTEM)

    assert (settlement.covered, settlement.beyond_hold) == (10 * HOUR, HOUR)
    assert stage.held(order) == 0
    assert stage.nets(scene.scheme.programme)["delivered"] == 10 * HOUR
    stage.assert_in_step()
