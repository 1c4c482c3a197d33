"""One statement does what begin and its one move do: the same rows, refusals and replays."""

import dataclasses

import pytest
from django.db import connection, transaction

from ledger import actions as ledger
from ledger import queries
from ledger.kinds import ActKind, Flow
from tests.ledger.book import LATER, NOON, capture, figures, hold, open_book

pytestmark = pytest.mark.django_db


def asked(kind, key, **payload):
    return ledger.Request(
        kind=kind, key=key, actor="user:1", about="voucher:P:V-1", at=NOON, payload=payload
    )


def a_hold(key, amount, *, debit="voucher:P:V-1", credit="provider_payable:P:O-1"):
    return ledger.request_hold(
        asked(ActKind.PLACE_HOLD, key, amount=amount),
        ledger.Move(Flow.REDEEM, debit, credit, amount, "R-1"),
        expires_at=LATER,
    )


def a_capture(key, number, amount, *, is_final=False):
    return ledger.request_capture(
        asked(ActKind.SETTLE_BILL, key, hold=number, amount=amount, is_final=is_final),
        ledger.Capture(number, amount, is_final),
    )


def refused(error, ask, *args, **named):
    with pytest.raises(error) as caught, transaction.atomic():
        ask(*args, **named)
    return caught.value


def test_a_hold_is_set_aside_and_captured_in_part_and_whole():
    open_book(voucher_amount=100_00)

    held = a_hold("h", 60_00)
    part = a_capture("c1", held.hold, 20_00)
    rest = a_capture("c2", held.hold, 10_00, is_final=True)

    assert (part.amount, rest.amount) == (20_00, 10_00)
    assert figures("voucher:P:V-1") == (70_00, 70_00)
    assert figures("provider_payable:P:O-1") == (30_00, 30_00)
    assert queries.hold_remaining(held.hold) == 0
    assert queries.accounts_out_of_step() == []


def test_it_writes_the_rows_that_two_calls_write():
    open_book(voucher_amount=100_00)
    slow = hold("slow", 40_00)
    capture("slow capture", slow, 15_00, is_final=True)

    quick = a_hold("quick", 40_00).hold
    a_capture("quick capture", quick, 15_00, is_final=True)

    def rows(number):
        found = queries.Transfer.objects.filter(id=number) | queries.Transfer.objects.filter(
            hold_id=number
        )
        return [
            (t.position, t.kind, t.flow, t.debit_id, t.credit_id, t.amount, t.expires_at, t.at)
            for t in found.order_by("id")
        ]

    assert rows(quick) == rows(slow)
    assert len(rows(quick)) == 3


def test_a_replay_gives_the_first_answer_and_moves_nothing():
    open_book(voucher_amount=100_00)
    held = a_hold("h", 60_00)
    taken = a_capture("c", held.hold, 20_00)
    before = figures("voucher:P:V-1"), queries.extent()

    again, taken_again = a_hold("h", 60_00), a_capture("c", held.hold, 20_00)

    assert again == dataclasses.replace(held, act=dataclasses.replace(held.act, is_replay=True))
    assert (taken_again.amount, taken_again.act.id) == (20_00, taken.act.id)
    assert taken_again.act.is_replay
    assert (figures("voucher:P:V-1"), queries.extent()) == before


def test_what_two_calls_refuse_is_refused():
    open_book(voucher_amount=100_00)
    held = a_hold("h", 60_00)
    before = figures("voucher:P:V-1"), queries.extent()

    assert refused(ledger.NotEnough, a_hold, "h2", 40_01).values["short_by"] == 1
    refused(ledger.KeyReused, a_hold, "h", 59_00)
    refused(ledger.NoSuchRoad, a_hold, "h3", 1, credit="paid:P")
    refused(ledger.NoSuchRoad, a_hold, "h4", 1, debit="voucher:P:nobody")
    refused(ledger.HoldClosed, a_capture, "c1", held.hold, 60_01)
    refused(ledger.HoldClosed, a_capture, "c2", held.hold, -1)
    refused(ledger.HoldClosed, a_capture, "c3", 987_654, 1)

    assert (figures("voucher:P:V-1"), queries.extent()) == before


def prepared():
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*) from pg_prepared_statements where statement like '%request_hold%'"
        )
        return cursor.fetchone()[0]


def test_the_session_keeps_one_statement_prepared_whatever_the_amount():
    open_book(budget=10_000_000_000_00, voucher_amount=1_000_000_000_00)
    a_hold("h1", 1_00)

    kept = prepared()
    a_hold("h2", 500_000_000_00)

    assert prepared() == kept >= 1


def test_a_key_of_an_act_without_a_hold_gives_none():
    open_book(voucher_amount=100_00)
    words = asked(ActKind.PLACE_HOLD, "nothing held", amount=1_00)
    with transaction.atomic():
        ledger.begin(**dataclasses.asdict(words))

    refused(ledger.KeyReused, a_hold, "nothing held", 1_00)
