"""An order is cancelled before use by either side, with a reason; its value is free at once."""

import pytest

from ledger.actions import KeyReused
from ledger.queries import extent
from parties.queries import NotAllowed
from tests import cast
from tests.billing import stage
from vouchers import actions, queries
from vouchers.models import Order

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    return cast.make_scene()


@pytest.fixture
def order(scene):
    return cast.a_hold(scene.voucher, scene.applicant, scene.seller)


def free(scene):
    return queries.voucher_balance(scene.voucher).free


def refuses(refusal, order, actor, match=None, **more):
    """It is refused, and nothing has moved."""
    before = extent(), list(Order.objects.values_list("status", "end_note", "hold"))
    with pytest.raises(refusal, match=match):
        cast.cancelled(order, actor, **more)
    assert before == (extent(), list(Order.objects.values_list("status", "end_note", "hold")))


@pytest.mark.parametrize("side", ["holder", "provider", "program"])
def test_either_side_cancels_what_was_not_used(scene, order, side):
    actor = {
        "holder": scene.applicant.person,
        "provider": scene.seller.person,
        "program": scene.seller.provider.address,
    }[side]

    found = cast.cancelled(order, actor, key="c")

    assert (found.status, found.end_note) == ("CANCELLED", "The project waits.")
    assert free(scene) == 60_000_00
    assert cast.cancelled(order, actor, key="c") == found
    refuses(KeyReused, order, actor, reason="Another reason.", key="c")
    refuses(actions.OrderNotOpen, order, actor)


def test_an_order_that_waits_is_cancelled_too(scene):
    cast.accepts_each(scene.seller)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)

    assert cast.cancelled(order, scene.applicant.person).status == "CANCELLED"
    assert free(scene) == 60_000_00


def test_hours_in_kind_come_back_whole():
    scene = cast.make_scene(cast.M5)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)

    cast.cancelled(order, scene.applicant.person)

    assert free(scene) == 5_000 * cast.HOUR


def test_what_was_used_is_not_cancelled(scene, order):
    stage.use(scene.seller, order, hours=1)

    for actor in (scene.applicant.person, scene.seller.person):
        refuses(actions.OrderUsedBefore, order, actor, "was used", at=stage.LATER)
    assert free(scene) == 58_500_00


def test_what_is_on_a_bill_is_not_cancelled(scene, order):
    stage.use(scene.seller, order, hours=1)
    stage.bill(scene)

    refuses(actions.OrderUsedBefore, order, scene.seller.person, at=stage.LATER)


@pytest.mark.parametrize("reason", ["", " \n", "x" * 501])
def test_nobody_cancels_without_a_reason(scene, order, reason):
    refuses(actions.OrderReasonMissing, order, scene.applicant.person, reason=reason)


def test_nobody_else_cancels(scene, order):
    rival = cast.make_provider(scene.authority, "Rival Compute")

    for actor in (rival.person, rival.provider.address, cast.an_sme("Other Ltd").person):
        refuses(NotAllowed, order, actor)


def test_an_offer_can_be_ordered_again_once_it_was_cancelled(scene, order):
    cast.cancelled(order, scene.applicant.person)

    again = cast.a_hold(scene.voucher, scene.applicant, scene.seller)

    assert again.code != order.code
    assert free(scene) == 58_500_00


def test_an_officer_releases_an_order_that_waits(scene):
    cast.accepts_each(scene.seller)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)

    found = actions.release_hold(
        order=order, actor=scene.authority.officer, at=cast.NOON, key="r"
    )

    assert found.status == "RELEASED"
    assert free(scene) == 60_000_00
