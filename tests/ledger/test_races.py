"""Whoever races: exact outcomes, sums in step, no deadlock."""

import pytest
from django.db import transaction

from ledger import actions as ledger
from ledger import queries
from ledger.kinds import ActKind, Flow
from tests.ledger.book import (
    NOON,
    at_once,
    begin,
    capture,
    figures,
    has_the_horizon_passed,
    hold,
    issue,
    open_book,
    reverse,
    sum_of_everything,
)
from tests.ledger.test_requests import a_capture, a_hold

pytestmark = pytest.mark.slow

CROWD = 50


def outcomes(answers):
    done = [answer for answer in answers if not isinstance(answer, Exception)]
    refusals = ledger.NotEnough | ledger.HoldClosed | ledger.NotReversible
    refused = [answer for answer in answers if isinstance(answer, refusals)]
    assert len(done) + len(refused) == len(answers), [
        a for a in answers if isinstance(a, Exception)
    ][:3]
    return len(done), len(refused)


def test_fifty_holds_race_for_one_voucher(committed_db):
    open_book(voucher_amount=100_00)

    answers = at_once(CROWD, lambda number: hold(f"h{number}", 3_00))

    assert outcomes(answers) == (33, 17)
    assert figures("voucher:P:V-1") == (100_00, 1_00)
    assert queries.accounts_out_of_step() == []


def test_fifty_vouchers_race_for_one_budget(committed_db):
    open_book(budget=100_00, vouchers=CROWD)

    answers = at_once(CROWD, lambda number: issue(f"i{number}", 7_00, voucher=number + 1))

    assert outcomes(answers) == (14, 36)
    assert figures("available:P") == (2_00, 2_00)
    assert sum_of_everything() == 0
    assert queries.accounts_out_of_step() == []


def test_one_key_asked_fifty_times_moves_value_once(committed_db):
    open_book(budget=1_000_00)

    answers = at_once(CROWD, lambda _number: issue("the one key", 100_00))

    assert outcomes(answers) == (CROWD, 0)
    assert len({answer.id for answer in answers}) == 1
    assert sum(not answer.is_replay for answer in answers) == 1
    assert figures("voucher:P:V-1") == (100_00, 100_00)


def test_fifty_captures_race_for_one_hold(committed_db):
    """Two commits of one hold read the same amount left elsewhere (Blnk PR #171)."""
    open_book(voucher_amount=100_00)
    held = hold("h", 50_00)

    answers = at_once(CROWD, lambda number: capture(f"c{number}", held, 3_00))

    assert outcomes(answers) == (16, 34)
    assert figures("provider_payable:P:O-1") == (48_00, 48_00)
    assert queries.hold_remaining(held) == 2_00
    assert queries.accounts_out_of_step() == []


def test_fifty_payments_race_for_one_payable(committed_db):
    open_book(voucher_amount=100_00)
    capture("c", hold("h", 100_00), 100_00)

    @transaction.atomic
    def instruct(number):
        move = ledger.Move(Flow.INSTRUCT, "provider_payable:P:O-1", "clearing:P:B-1", 3_00)
        ledger.post(begin(f"i{number}", ActKind.RELEASE_BATCH), [move])

    answers = at_once(CROWD, instruct)

    assert outcomes(answers) == (33, 17)
    assert figures("provider_payable:P:O-1") == (1_00, 1_00)
    assert figures("clearing:P:B-1") == (99_00, 99_00)
    assert queries.accounts_out_of_step() == []


def test_fifty_reversals_race_for_one_transfer(committed_db):
    open_book(budget=1_000_00)
    (transfer,) = queries.transfers_of(issue("i", 100_00).id)

    answers = at_once(CROWD, lambda number: reverse(f"r{number}", transfer.id))

    assert outcomes(answers) == (1, CROWD - 1)
    assert {
        answer.values["transfer"] for answer in answers if isinstance(answer, Exception)
    } == {transfer.id}
    assert figures("available:P") == (1_000_00, 1_000_00)
    assert queries.accounts_out_of_step() == []


def test_moves_can_not_join_an_act_of_another_transaction(committed_db):
    open_book()
    act = issue("k", 100_00)

    with pytest.raises(Exception, match="is not of this transaction"), transaction.atomic():
        ledger.post(act, [ledger.Move(Flow.ISSUE, "available:P", "voucher:P:V-1", 1)])

    assert figures("voucher:P:V-1") == (100_00, 100_00)


def test_sealers_at_once_make_one_block(committed_db):
    open_book(voucher_amount=100_00)

    for turn in range(20):
        issue(f"more {turn}", 1)
        has_the_horizon_passed(seconds=60)
        answers = at_once(12, lambda _number: ledger.seal(at=NOON))
        assert [one for one in answers if one is not None] == [turn + 1]


def test_fifty_requests_race_for_one_voucher_and_one_key(committed_db):
    open_book(voucher_amount=100_00)

    holds = at_once(50, lambda number: a_hold(f"h{number % 40}", 3_00))

    done = {one.hold for one in holds if isinstance(one, ledger.Held)}
    others = [one for one in holds if not isinstance(one, ledger.Held)]
    assert len(done) == 33
    assert {type(one) for one in others} == {ledger.NotEnough}
    assert figures("voucher:P:V-1") == (100_00, 1_00)

    number = done.pop()
    taken = at_once(20, lambda each: a_capture(f"c{each % 10}", number, 1_00))

    moved = [one for one in taken if isinstance(one, ledger.Captured) and not one.act.is_replay]
    assert len(moved) == 3
    assert queries.hold_remaining(number) == 0
    assert queries.accounts_out_of_step() == []
