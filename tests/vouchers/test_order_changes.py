"""An order gets more or fewer hours; its hold follows, and covers what was used and billed."""

import contextlib
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.errors import Refused
from ledger.actions import KeyReused
from ledger.queries import accounts_out_of_step, extent
from parties.queries import NotAllowed
from providers import actions as providers
from tests import cast
from tests.billing import stage
from vouchers import actions, queries
from vouchers.models import Order, OrderChange

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    return cast.make_scene()


@pytest.fixture
def order(scene):
    return cast.a_hold(scene.voucher, scene.applicant, scene.seller)


def free(scene):
    return queries.voucher_balance(scene.voucher).free


def state():
    return list(Order.objects.values_list("code", "status", "hold", "quantity_ms"))


def refuses(refusal, order, actor, hours, match=None, **more):
    """The change is refused, and nothing has moved."""
    before = extent(), state(), OrderChange.objects.count()
    with pytest.raises(refusal, match=match):
        cast.changed(order, actor, hours, **more)
    assert (extent(), state(), OrderChange.objects.count()) == before


def test_more_hours_hold_more(scene, order):
    found = cast.changed(order, scene.applicant.person, "200")

    assert (found.quantity_ms, found.price_total) == (200 * cast.HOUR, 5_000_00)
    assert found.hold_amount == stage.held(found) == 3_000_00
    assert found.hold != order.hold
    assert stage.held(order) == 0
    assert free(scene) == 57_000_00
    assert found.lapses_at == order.lapses_at
    change = OrderChange.objects.get()
    assert (change.quantity_ms_before, change.quantity_ms) == (100 * cast.HOUR, 200 * cast.HOUR)
    assert (change.hold_amount_before, change.hold_amount) == (1_500_00, 3_000_00)
    assert (change.hold_before, change.reason) == (order.hold, "The plan changed.")


def test_fewer_hours_give_the_rest_back(scene, order):
    found = cast.changed(order, scene.applicant.person, "40")

    assert (found.price_total, found.hold_amount) == (1_000_00, 600_00)
    assert free(scene) == 59_400_00


def test_hours_in_kind_change_the_same_way():
    scene = cast.make_scene(cast.M5)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)

    found = cast.changed(order, scene.applicant.person, "150.5")

    assert found.price_total == 541_800_000
    assert found.hold_amount == stage.held(found) == 151 * cast.HOUR
    assert free(scene) == (5_000 - 151) * cast.HOUR


def test_the_same_key_changes_once(scene, order):
    first = cast.changed(order, scene.applicant.person, "200", key="c")

    assert cast.changed(order, scene.applicant.person, "200", key="c") == first
    refuses(KeyReused, first, scene.applicant.person, "300", key="c")
    assert OrderChange.objects.count() == 1
    assert free(scene) == 57_000_00


def test_what_was_captured_stays_captured_when_the_rest_changes(scene, order):
    stage.use(scene.seller, order, hours=20)
    stage.settle(stage.bill(scene))
    order.refresh_from_db()
    assert stage.held(order) == 1_200_00

    more = cast.changed(order, scene.applicant.person, "200", at=stage.LATER)

    assert (more.hold_amount, stage.held(more)) == (3_000_00, 2_700_00)
    fewer = cast.changed(more, scene.applicant.person, "50", at=stage.LATER)
    assert (fewer.hold_amount, stage.held(fewer)) == (750_00, 450_00)
    assert stage.payable(scene) == 300_00
    assert free(scene) == 60_000_00 - 750_00


def test_a_bill_after_a_change_is_covered_as_one_before(scene, order):
    fewer = cast.changed(order, scene.applicant.person, "40")
    stage.use(scene.seller, fewer, hours=40)

    stage.settle(stage.bill(scene))

    assert stage.payable(scene) == 600_00
    fewer.refresh_from_db()
    assert (fewer.status, stage.held(fewer)) == ("CLOSED", 0)


def test_never_fewer_than_was_used(scene, order):
    stage.use(scene.seller, order, hours=60)

    refuses(
        actions.FewerThanUsed,
        order,
        scene.applicant.person,
        "59.9999",
        "^60 hours",
        at=stage.LATER,
    )
    found = cast.changed(order, scene.applicant.person, "60", at=stage.LATER)
    assert stage.held(found) == 900_00


def test_never_fewer_than_stands_on_a_bill_that_waits(scene, order):
    stage.use(scene.seller, order, hours=10)
    bill = stage.bill(scene, stage.a_line(hours="30"))

    refuses(
        actions.FewerThanUsed, order, scene.seller.person, "20", "^30 hours", at=stage.LATER
    )
    found = cast.changed(order, scene.seller.person, "30", at=stage.LATER)
    stage.settle(bill)
    assert stage.held(found) == 450_00 - 150_00


def test_the_provider_gives_fewer_and_never_more(scene, order):
    refuses(actions.MoreIsTheHolders, order, scene.seller.person, "200", "Only Small Model Ltd")
    program = scene.seller.provider.address
    assert cast.changed(order, program, "50").hold_amount == 750_00


def test_nobody_else_changes_an_order(scene, order):
    rival = cast.make_provider(scene.authority, "Rival Compute")
    others = cast.an_sme("Other Ltd")

    for actor in (
        rival.person,
        rival.provider.address,
        others.person,
        scene.authority.officer,
    ):
        refuses(NotAllowed, order, actor, "50")


@pytest.mark.parametrize("hours", ["0", "-1", "0.00001", "10000001"])
def test_hours_that_can_not_be_ordered_are_refused(scene, order, hours):
    refuses(actions.HoursInvalid, order, scene.applicant.person, hours)


def test_a_change_needs_other_hours_and_a_reason(scene, order):
    refuses(actions.OrderUnchanged, order, scene.applicant.person, "100.0")
    refuses(actions.OrderReasonMissing, order, scene.applicant.person, "50", reason=" ")


def test_an_order_that_is_over_is_not_changed(scene, order):
    refuses(actions.OrderNotOpen, order, scene.applicant.person, "50", at=order.lapses_at)
    actions.release_hold(order=order, actor=scene.seller.person, at=cast.NOON, key="r")

    refuses(actions.OrderNotOpen, order, scene.applicant.person, "50")


def test_more_hours_need_a_voucher_that_can_be_used_and_fewer_do_not(scene, order):
    actions.suspend_voucher(
        voucher=scene.voucher,
        note="Under review.",
        actor=scene.authority.officer,
        at=cast.NOON,
        key="s",
    )

    refuses(actions.VoucherSuspended, order, scene.applicant.person, "200")
    assert cast.changed(order, scene.applicant.person, "50").hold_amount == 750_00


def test_more_hours_have_the_order_s_price_or_are_another_order(scene, order):
    providers.publish_price(
        offer=scene.seller.offer,
        rate=Decimal("30.00"),
        currency="CNY",
        from_at=cast.NOON + timedelta(days=1),
        actor=scene.seller.person,
        at=cast.NOON,
        key="p",
    )
    later = cast.NOON + timedelta(days=2)

    refuses(actions.MoreIsAnotherOrder, order, scene.applicant.person, "200", at=later)
    # Fewer hours keep the price of the day the order was placed.
    assert cast.changed(order, scene.applicant.person, "50", at=later).price_total == 1_250_00


def test_a_provider_that_accepts_each_order_is_not_given_more_unasked(scene):
    cast.accepts_each(scene.seller)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)

    waiting = cast.changed(order, scene.applicant.person, "150")
    assert (waiting.status, waiting.accept_by) == ("PLACED", order.accept_by)
    taken = cast.accepted(waiting, scene.seller.person, hours="150")
    refuses(actions.MoreIsAnotherOrder, taken, scene.applicant.person, "200")
    assert cast.changed(taken, scene.applicant.person, "50").status == "OPEN"


def test_more_hours_than_the_voucher_can_hold_are_refused(scene, order):
    actions.return_voucher(
        voucher=scene.voucher,
        amount=58_500_00,
        actor=scene.applicant.person,
        at=cast.NOON,
        key="back",
    )

    refuses(actions.NothingToHold, order, scene.applicant.person, "200", "has ¥0.00 free")


def test_fewer_hours_never_take_what_became_free_since():
    scene = cast.make_scene()
    first = cast.a_hold(scene.voucher, scene.applicant, scene.seller, hours="3000")
    # 45,000.00 are held for the first; the second would hold 30,000.00 and gets what is left.
    second = cast.a_hold(
        scene.voucher, scene.applicant, scene.seller, hours="2000", provider_reference="b"
    )
    assert stage.held(second) == 15_000_00
    actions.release_hold(order=first, actor=scene.applicant.person, at=cast.NOON, key="r")

    found = cast.changed(second, scene.applicant.person, "1900")

    assert stage.held(found) == 15_000_00
    assert free(scene) == 45_000_00


STEP = st.one_of(
    st.tuples(st.just("place"), st.integers(1, 3000)),
    st.tuples(st.just("change"), st.integers(0, 3), st.integers(1, 5000)),
    st.tuples(st.just("use"), st.integers(0, 3), st.integers(1, 200)),
    st.tuples(st.just("bill"), st.booleans()),
    st.tuples(st.just("cancel"), st.integers(0, 3)),
    st.tuples(st.just("release"), st.integers(0, 3)),
)


def take(scene, step, number):
    """Take one step; what is refused changes nothing."""
    orders, key = list(Order.objects.order_by("pk")), f"k{number}"
    act, *more = step
    if act == "place":
        cast.a_hold(
            scene.voucher,
            scene.applicant,
            scene.seller,
            hours=str(more[0]),
            provider_reference=key,
        )
    elif act == "bill":
        bill = stage.bill(scene, invoice=key)
        if more[0]:
            stage.settle(bill)
    elif more[0] < len(orders):
        order = orders[more[0]]
        if act == "change":
            cast.changed(order, scene.applicant.person, str(more[1]), at=stage.LATER, key=key)
        elif act == "use":
            started = stage.START + timedelta(minutes=number)
            stage.use(scene.seller, order, hours=more[1], key=key, started=started)
        elif act == "cancel":
            cast.cancelled(order, scene.applicant.person, at=stage.LATER, key=key)
        else:
            actions.release_hold(
                order=order, actor=scene.seller.person, at=stage.LATER, key=key
            )


@pytest.mark.slow
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEP, max_size=14))
def test_whatever_is_ordered_and_changed_holds_never_exceed_the_voucher(steps):
    with transaction.atomic():
        scene = cast.make_scene(budget=None)
        for number, step in enumerate(steps):
            with contextlib.suppress(Refused):
                take(scene, step, number)
            balance = queries.voucher_balance(scene.voucher)
            open_ones = list(Order.objects.filter(status__in=Order.HOLDING))
            assert sum(stage.held(one) for one in open_ones) == balance.pending
            assert balance.net <= 60_000_00
            assert 0 <= balance.pending <= balance.net
            # What was set aside for an order is what it holds and what was captured of it.
            spent = balance.debit
            assert spent == stage.payable(scene)
            for one in open_ones:
                use = queries.order_use(one)
                assert one.hold_amount == stage.held(one) + use.covered
        assert accounts_out_of_step() == []
        transaction.set_rollback(True)
