"""Whoever acts on an order at once: it ends one way, and its value is nowhere twice."""

from collections import Counter
from datetime import timedelta

import pytest

from common.errors import Refused
from ledger.queries import accounts_out_of_step
from tests import cast
from tests.billing import stage
from tests.ledger.book import at_once
from vouchers import actions, queries
from vouchers.models import Order, OrderChange, OrderUser

pytestmark = pytest.mark.slow


def outcomes(answers):
    """Count answers by the name of the refusal, or by what was made; a bug fails the test."""
    bugs = [a for a in answers if isinstance(a, Exception) and not isinstance(a, Refused)]
    assert bugs == []
    return Counter(type(answer).__name__ for answer in answers)


def in_step(scene, order):
    """Return the order as it is, all of whose value is in one place."""
    order.refresh_from_db()
    found = queries.voucher_balance(scene.voucher)
    is_holding = order.status in Order.HOLDING
    assert found.pending == (stage.held(order) if is_holding else 0)
    assert found.debit == stage.payable(scene)
    assert accounts_out_of_step() == []
    return order


def waiting(scene):
    cast.accepts_each(scene.seller)
    return cast.a_hold(scene.voucher, scene.applicant, scene.seller)


def test_an_order_is_accepted_declined_or_cancelled_and_only_one_of_them(committed_db):
    scene = cast.make_scene()
    order = waiting(scene)
    ways = (
        lambda key: cast.accepted(order, scene.seller.person, key=key),
        lambda key: cast.declined(order, scene.seller.person, key=key),
        lambda key: actions.lapse_hold(
            order=order, at=order.accept_by + timedelta(seconds=1), key=key
        ),
    )

    answers = at_once(12, lambda number: ways[number % 3](f"k{number}"))

    counted = outcomes(answers)
    found = in_step(scene, order)
    # An order that was accepted may lapse only after its hold's own time.
    assert counted["Order"] == 1
    assert found.status in ("OPEN", "DECLINED", "LAPSED")


def test_twenty_changes_at_once_leave_one_hold_as_the_last_says(committed_db):
    scene = cast.make_scene()
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)

    answers = at_once(
        20,
        lambda number: cast.changed(
            order, scene.applicant.person, str(101 + number), key=f"c{number}"
        ),
    )

    assert outcomes(answers) == {"Order": 20}
    found = in_step(scene, order)
    assert OrderChange.objects.count() == 20
    assert found.hold_amount == found.price_total * 60 // 100
    newest = OrderChange.objects.order_by("-pk").first()
    assert newest.quantity_ms == found.quantity_ms


def test_one_change_asked_twenty_times_is_done_once(committed_db):
    scene = cast.make_scene()
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)

    answers = at_once(
        20, lambda _number: cast.changed(order, scene.applicant.person, "200", key="one")
    )

    assert outcomes(answers) == {"Order": 20}
    assert OrderChange.objects.count() == 1
    assert in_step(scene, order).hold_amount == 3_000_00


def test_more_hours_race_new_orders_for_what_is_free(committed_db):
    # 3,000.00: the first order's 1,500.00, and as much again.
    scene = cast.make_scene(awarded=3_000_00)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)

    def ask(number):
        if number % 2:
            return cast.changed(order, scene.applicant.person, "200", key=f"c{number}")
        return cast.a_hold(
            scene.voucher, scene.applicant, scene.seller, provider_reference=f"r{number}"
        )

    counted = outcomes(at_once(16, ask))

    balance = queries.voucher_balance(scene.voucher)
    assert balance.pending <= balance.net == 3_000_00
    holds = [stage.held(one) for one in Order.objects.filter(status__in=Order.HOLDING)]
    assert sum(holds) == balance.pending == 3_000_00
    assert counted["Order"] == 1
    assert accounts_out_of_step() == []


def test_a_change_races_the_settlement_of_a_bill(committed_db):
    scene = cast.make_scene()
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    stage.use(scene.seller, order, hours=40)
    bill = stage.bill(scene)

    def ask(number):
        if number == 0:
            return stage.settle(bill)
        hours = str(40 + number)
        return cast.changed(
            order, scene.applicant.person, hours, at=stage.LATER, key=f"c{number}"
        )

    answers = at_once(10, ask)

    assert outcomes(answers) == {"list": 1, "Order": 9}
    found = in_step(scene, order)
    assert stage.payable(scene) == 600_00
    assert found.hold_amount == 600_00 + stage.held(found)
    assert queries.order_use(found).covered == 600_00


def test_cancelling_changing_and_lapsing_at_once_give_the_value_back_once(committed_db):
    scene = cast.make_scene()
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    late = order.lapses_at

    def ask(number):
        if number % 3 == 0:
            return cast.cancelled(order, scene.seller.person, key=f"x{number}")
        if number % 3 == 1:
            return cast.changed(order, scene.seller.person, str(99 - number), key=f"c{number}")
        return actions.lapse_hold(order=order, at=late, key=f"l{number}")

    answers = at_once(12, ask)

    outcomes(answers)
    found = in_step(scene, order)
    assert found.status in ("CANCELLED", "LAPSED")
    assert queries.voucher_balance(scene.voucher).free == 60_000_00


def test_one_person_is_named_once_however_often_it_is_asked(committed_db):
    scene = cast.make_scene()
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)

    answers = at_once(
        10,
        lambda number: actions.name_order_user(
            order=order,
            name="Ada",
            login="ada01",
            actor=scene.applicant.person,
            at=cast.NOON,
            key=f"n{number}",
        ),
    )

    assert outcomes(answers) == {"OrderUser": 1, "OrderUserNamed": 9}
    assert OrderUser.objects.count() == 1
