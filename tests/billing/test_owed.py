"""What is open, what a payment was made of, and statements: all equal the ledger to the cent."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.queries.owed import (
    aged_by_party,
    aged_payables,
    amount_owed,
    by_age,
    owed_after,
    parties_owed,
    payable_accounts,
    payment_parts,
    statement_of_account,
)
from common.days import day_of, end_of
from ledger.kinds import Flow
from ledger.queries import balance, balance_as_of
from ledger.queries.entries import Moved
from tests import cast
from tests.billing import recovering, sharing, stage
from tests.billing.test_several_funders import a_sent_batch

NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)


def moved(
    number, amount, *, flow=Flow.REDEEM, ref="", reversed_id=None, day=0, account="a", act=None
):
    at = NOON + timedelta(days=day)
    act = act or number
    return Moved(account, at, number, act, "x", "bill:B", flow, amount, ref, reversed_id)


def apportioned(number, amount, *, act, day=0, source="a", target="a:payer"):
    """Return both sides of what goes on from one payer to another."""
    more = {"flow": Flow.APPORTION, "act": act, "day": day}
    return [
        moved(number, -amount, account=source, **more),
        moved(number, amount, account=target, **more),
    ]


# --- values -----------------------------------------------------------------------------------


def test_a_payment_pays_the_oldest_first():
    owed = owed_after([moved(1, 50), moved(2, 70), moved(3, -80, flow=Flow.INSTRUCT, ref="P")])
    assert [(item.entry.transfer_id, item.left) for item in owed.open_items] == [(2, 40)]
    assert [(one.transfer_id, part) for one, part in owed.debits[3].parts] == [(1, 50), (2, 30)]


def test_what_came_back_is_as_old_as_it_was():
    history = [
        moved(1, 50),
        moved(2, -50, flow=Flow.INSTRUCT, ref="P", day=40),
        moved(3, 20, day=41),
        moved(4, 50, flow=Flow.RETURN_PAYMENT, ref="P", day=45),
    ]
    owed = owed_after(history)
    assert [(item.entry.transfer_id, item.left) for item in owed.open_items] == [
        (1, 50),
        (3, 20),
    ]
    on = (NOON + timedelta(days=45)).date()
    assert by_age(owed.open_items, on, "UTC") == (20, 50, 0, 0)


def test_a_correction_takes_back_its_own_entry():
    history = [moved(1, 50), moved(2, 70), moved(3, -70, reversed_id=2)]
    assert [item.entry.transfer_id for item in owed_after(history).open_items] == [1]


def test_what_each_payer_owes_is_as_old_as_the_settlement_and_paid_by_itself():
    history = [
        moved(1, 60),
        *apportioned(2, 20, act=1),
        moved(3, 30, day=40),
        *apportioned(4, 10, act=3, day=40),
        moved(5, -50, flow=Flow.INSTRUCT, ref="P", day=41),
    ]
    owed = owed_after(history)
    assert sorted(
        (one.entry.transfer_id, one.left, one.account) for one in owed.open_items
    ) == [
        (1, 20, "a:payer"),
        (3, 10, "a"),
        (3, 10, "a:payer"),
    ]
    assert [(one.transfer_id, part) for one, part in owed.debits[5].parts] == [(1, 40), (3, 10)]
    on = (NOON + timedelta(days=41)).date()
    assert by_age(owed.open_items, on, "UTC") == (20, 20, 0, 0)


def test_a_correction_takes_back_each_payers_part_of_its_own_entry():
    history = [
        moved(1, 30),
        *apportioned(2, 10, act=1),
        moved(3, 60, day=1),
        *apportioned(4, 20, act=3, day=1),
        *apportioned(5, 20, act=5, day=2, source="a:payer", target="a"),
        moved(6, -60, reversed_id=3, act=5, day=2),
    ]
    owed = owed_after(history)
    assert sorted(
        (one.entry.transfer_id, one.left, one.account) for one in owed.open_items
    ) == [
        (1, 10, "a:payer"),
        (1, 20, "a"),
    ]


def test_ages_change_column_after_their_last_day():
    items = owed_after([moved(n, 1) for n in range(1)]).open_items
    first = NOON.date()
    for days, columns in ((30, 0), (31, 1), (60, 1), (61, 2), (90, 2), (91, 3)):
        found = by_age(items, first + timedelta(days=days), "UTC")
        assert found.index(1) == columns


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_what_is_open_is_the_sum_of_any_history(data):
    history, total, sent = [], 0, {}
    for number in range(1, data.draw(st.integers(1, 25)) + 1):
        kind = data.draw(
            st.sampled_from(["bill", "bill", "pay", "offset", "return", "correct"])
        )
        open_bills = [item.entry for item in owed_after(history).open_items]
        if kind in ("pay", "offset") and total:
            amount = data.draw(st.integers(1, total))
            flow = Flow.INSTRUCT if kind == "pay" else Flow.OFFSET
            entry = moved(number, -amount, flow=flow, ref=f"P{number}", day=number)
            if kind == "pay":
                sent[f"P{number}"] = amount
        elif kind == "return" and sent:
            ref = data.draw(st.sampled_from(sorted(sent)))
            entry = moved(number, sent.pop(ref), flow=Flow.RETURN_PAYMENT, ref=ref, day=number)
        elif kind == "correct" and any(one.amount <= total for one in open_bills):
            one = data.draw(st.sampled_from([x for x in open_bills if x.amount <= total]))
            entry = moved(number, -one.amount, reversed_id=one.transfer_id, day=number)
        else:
            entry = moved(number, data.draw(st.integers(1, 10**9)), day=number)
        history.append(entry)
        total += entry.amount
        owed = owed_after(history)
        assert owed.total == total
        assert all(item.left > 0 for item in owed.open_items)
        assert sum(by_age(owed.open_items, date(2025, 6, 1), "UTC")) == total
        for paid in owed.debits.values():
            assert sum(part for _entry, part in paid.parts) == -paid.entry.amount


# --- the ledger -------------------------------------------------------------------------------


@pytest.fixture
def scene(db):
    scene = cast.make_scene(cast.M3)
    stage.an_own_account(scene.authority)
    cast.a_bank_detail(scene.seller.organisation, scene.seller.person, scene.authority)
    return scene


def settled(scene, hours, key, invoice):
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller, hours=str(hours))
    stage.use(scene.seller, order, hours=hours, key=key)
    bill = stage.bill(scene, stage.a_line(key), invoice=invoice)
    stage.settle(bill)
    return bill


def account(scene):
    return scene.scheme.programme, scene.seller.organisation


@pytest.mark.django_db
def test_statement_ages_and_payment_equal_the_ledger(scene):
    programme, party = account(scene)
    address = payable_accounts(programme, party)[0]
    settled(scene, 10, "job-1", "INV-1")
    settled(scene, 4, "job-2", "INV-2")
    batch, file = stage.sent(scene)
    bill = settled(scene, 2, "job-3", "INV-3")
    on = day_of(stage.LATER, programme.zone)

    statement = statement_of_account(programme, party, on, on)
    assert statement.opening == 0
    assert [one.amount for one in statement.movements] == [15_000, 6_000, -21_000, 3_000]
    assert statement.closing == balance(address).net == 3_000
    assert statement.sum_of(Flow.REDEEM, is_credit=True) == 24_000
    after = statement_of_account(
        programme, party, on + timedelta(days=1), on + timedelta(days=9)
    )
    assert (after.opening, after.movements, after.closing) == (3_000, (), 3_000)

    payment = batch.payments.get()
    parts, offsets = payment_parts(programme, party, payment.end_to_end_id)
    assert [amount for _entry, amount in parts] == [15_000, 6_000]
    assert offsets == []
    assert sum(amount for _entry, amount in parts) == payment.amount

    (aged,) = aged_by_party(programme, on + timedelta(days=31))
    assert aged.by_age == (0, 3_000, 0, 0)
    assert aged.items[0].entry.about == bill.address
    assert aged_payables(programme, party, on - timedelta(days=1)).total == 0

    stage.read(scene, stage.answer(file, returned={payment.end_to_end_id: "AC04"}))
    statement = statement_of_account(programme, party, on, on)
    assert statement.closing == balance(address).net == 24_000
    assert statement.closing == balance_as_of(address, end_of(on, programme.zone)).net
    assert aged_payables(programme, party, on).total == Decimal(24_000)


@pytest.mark.django_db
def test_with_several_payers_each_part_is_owed_aged_and_paid_to_the_cent():
    scene, province = sharing.a_scene()
    programme, party = account(scene)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    recovering.settled(scene, order, hours=10, key="job-1")
    on = day_of(stage.LATER, programme.zone)

    statement = statement_of_account(programme, party, on, on)
    assert [one.amount for one in statement.movements] == [150_00]
    assert statement.closing == amount_owed(programme, party) == 150_00
    assert parties_owed(programme) == [party]
    (aged,) = aged_by_party(programme, on)
    assert (aged.total, [item.left for item in aged.items]) == (150_00, [150_00])

    batch, _file = a_sent_batch(scene, province)
    payment = batch.payments.get()
    parts, _offsets = payment_parts(programme, party, payment.end_to_end_id)
    assert [(entry.amount, part) for entry, part in parts] == [(150_00, 50_00)]
    statement = statement_of_account(programme, party, on, on)
    assert [one.amount for one in statement.movements] == [150_00, -50_00]
    assert statement.closing == amount_owed(programme, party) == 100_00
    assert aged_payables(programme, party, on).total == 100_00

    batch, _file = a_sent_batch(scene, scene.authority)
    parts, _offsets = payment_parts(programme, party, batch.payments.get().end_to_end_id)
    assert [part for _entry, part in parts] == [100_00]
    assert aged_by_party(programme, on) == []


@pytest.mark.django_db
def test_what_one_payer_set_off_stands_on_that_payers_payment_alone():
    scene, province = sharing.a_scene(offset="true")
    programme, party = account(scene)
    order, line = sharing.paid(scene, province)
    recovering.upheld(scene, line, amount=30_00)
    recovering.settled(scene, order, hours=10, key="job-2")
    made = [a_sent_batch(scene, one)[0].payments.get() for one in (province, scene.authority)]

    told = [payment_parts(programme, party, one.end_to_end_id) for one in made]

    assert [one.amount for one in made] == [40_00, 80_00]
    assert [sum(part for _entry, part in parts) for parts, _offsets in told] == [40_00, 80_00]
    assert [[one.amount for one in offsets] for _parts, offsets in told] == [[-10_00], [-20_00]]
