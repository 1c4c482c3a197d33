"""Value moves only along listed roads, never below nothing, and once a key."""

from datetime import timedelta

import pytest
from django.db import connection, transaction

from ledger import actions as ledger
from ledger import queries
from ledger.kinds import AccountKind, ActKind, Flow
from tests.ledger.book import (
    LATER,
    NOON,
    begin,
    capture,
    figures,
    hold,
    issue,
    lapse,
    open_book,
    sum_of_everything,
)

pytestmark = pytest.mark.django_db


def refused(error: type[Exception], ask, *args, **kwargs):
    with pytest.raises(error) as caught, transaction.atomic():
        ask(*args, **kwargs)
    return caught.value


def test_issuing_moves_budget_to_a_voucher():
    open_book(budget=1_000_00)

    issue("k", 400_00)

    assert figures("available:P") == (600_00, 600_00)
    assert figures("voucher:P:V-1") == (400_00, 400_00)
    assert sum_of_everything() == 0


def test_a_batch_whose_references_hold_every_character_has_the_digests_that_the_proof_works_out():
    open_book(budget=1_000_00)
    characters = [chr(code) for code in range(1, 0x11000) if not 0xD800 <= code < 0xE000]
    refs = [
        "".join(characters[start : start + 100]) for start in range(0, len(characters), 100)
    ]

    with transaction.atomic():
        act = begin("k", ActKind.ISSUE_VOUCHER)
        ledger.post(
            act,
            [ledger.Move(Flow.ISSUE, "available:P", "voucher:P:V-1", 1, ref) for ref in refs],
        )

    with connection.cursor() as cursor:
        cursor.execute(
            "select array_agg(ref order by position), bool_and(digest = ledger_transfer_digest(t))"
            " from ledger_transfer t where act_id = %s",
            [act.id],
        )
        assert cursor.fetchone() == (refs, True)


def test_issuing_more_than_the_budget_is_refused_and_nothing_moves():
    open_book(budget=1_000_00)

    refusal = refused(ledger.NotEnough, issue, "k", 1_000_01)

    assert refusal.values["short_by"] == 1
    assert figures("available:P") == (1_000_00, 1_000_00)
    assert figures("voucher:P:V-1") == (0, 0)
    assert not queries.acts_about("voucher:P:V-1").filter(kind="issue_voucher").exists()


def test_same_key_and_content_gives_the_first_answer():
    open_book()

    first, second = issue("k", 400_00), issue("k", 400_00)

    assert (first.is_replay, second.is_replay) == (False, True)
    assert second.id == first.id
    assert figures("voucher:P:V-1") == (400_00, 400_00)


def test_same_key_with_other_content_is_refused():
    open_book()
    issue("k", 400_00)

    refused(ledger.KeyReused, issue, "k", 500_00)

    assert figures("voucher:P:V-1") == (400_00, 400_00)


def test_a_held_amount_is_not_free():
    open_book(voucher_amount=400_00)

    hold("h", 300_00)

    assert figures("voucher:P:V-1") == (400_00, 100_00)
    refused(ledger.NotEnough, hold, "more", 100_01)
    assert figures("voucher:P:V-1") == (400_00, 100_00)


def test_part_captures_leave_the_rest_held():
    open_book(voucher_amount=400_00)
    held = hold("h", 300_00)

    capture("c1", held, 120_00)
    capture("c2", held, 80_00)

    assert figures("voucher:P:V-1") == (200_00, 100_00)
    assert figures("provider_payable:P:O-1") == (200_00, 200_00)
    assert queries.hold_remaining(held) == 100_00


def test_a_final_capture_frees_the_rest():
    open_book(voucher_amount=400_00)
    held = hold("h", 300_00)

    capture("c", held, 120_00, is_final=True)

    assert figures("voucher:P:V-1") == (280_00, 280_00)
    assert queries.hold_remaining(held) == 0


def test_capturing_more_than_is_held_is_refused():
    open_book(voucher_amount=400_00)
    held = hold("h", 300_00)

    refusal = refused(ledger.HoldClosed, capture, "c", held, 300_01)

    assert refusal.values == {"hold": held, "remaining": 300_00, "amount": 300_01}
    assert figures("voucher:P:V-1") == (400_00, 100_00)


def test_a_closed_hold_can_not_be_captured_again():
    open_book(voucher_amount=400_00)
    held = hold("h", 300_00)
    capture("c", held, 300_00)

    refused(ledger.HoldClosed, capture, "again", held, 1)

    assert figures("provider_payable:P:O-1") == (300_00, 300_00)


def test_a_hold_lapses_on_time_and_not_before():
    open_book(voucher_amount=400_00)
    held = hold("h", 300_00, expires_at=LATER)

    refused(ledger.HoldClosed, lapse, "early", held, LATER - timedelta(seconds=1))
    assert figures("voucher:P:V-1") == (400_00, 100_00)

    lapse("due", held, LATER)
    assert figures("voucher:P:V-1") == (400_00, 400_00)
    refused(ledger.HoldClosed, lapse, "again", held, LATER)


def test_value_moves_only_along_listed_roads():
    open_book()

    @transaction.atomic
    def take_the_short_cut():
        ledger.post(begin("k"), [ledger.Move(Flow.PAY, "available:P", "paid:P", 1)])

    refused(ledger.NoSuchRoad, take_the_short_cut)
    assert figures("available:P") == (1_000_00, 1_000_00)


def test_two_units_never_meet():
    open_book()

    @transaction.atomic
    def mix():
        act = begin("k")
        ledger.open_account(act, "voucher:P:V-GPU", AccountKind.VOUCHER, "GPU:H100")
        ledger.post(act, [ledger.Move(Flow.ISSUE, "available:P", "voucher:P:V-GPU", 1)])

    refused(ledger.NoSuchRoad, mix)


def test_a_record_only_account_is_never_overdrawn():
    open_book(voucher_amount=400_00)
    capture("c", hold("h", 300_00), 300_00)

    @transaction.atomic
    def instruct(key, amount):
        move = ledger.Move(Flow.INSTRUCT, "provider_payable:P:O-1", "clearing:P:B-1", amount)
        ledger.post(begin(key, ActKind.RELEASE_BATCH), [move])

    refusal = refused(ledger.NotEnough, instruct, "too much", 300_01)
    assert refusal.values["short_by"] == 1
    instruct("all of it", 300_00)
    assert figures("provider_payable:P:O-1") == (0, 0)


def test_a_transfer_is_reversed_once_by_another_transfer():
    open_book()
    act = issue("k", 400_00)
    transfer = queries.transfers_of(act.id).get().id

    @transaction.atomic
    def undo(key):
        return ledger.reverse(begin(key), transfer, ref="typed twice")

    undo("undo")

    assert figures("voucher:P:V-1") == (0, 0)
    assert figures("available:P") == (1_000_00, 1_000_00)
    refused(ledger.NotReversible, undo, "undo again")


def test_value_that_moved_on_can_not_be_reversed():
    open_book()
    act = issue("k", 400_00)
    hold("h", 1_00)
    transfer = queries.transfers_of(act.id).get().id

    @transaction.atomic
    def undo():
        ledger.reverse(begin("undo"), transfer, ref="too late")

    refused(ledger.NotEnough, undo)
    assert figures("voucher:P:V-1") == (400_00, 399_00)


def test_ten_thousand_moves_cost_as_many_statements_as_one(django_assert_num_queries):
    open_book(budget=10_000, vouchers=50)

    def issue_many(key, count):
        with transaction.atomic():
            act = begin(key)
            ledger.post(
                act,
                [
                    ledger.Move(Flow.ISSUE, "available:P", f"voucher:P:V-{number % 50 + 1}", 1)
                    for number in range(count)
                ],
            )

    with django_assert_num_queries(5):
        issue_many("one", 1)
    with django_assert_num_queries(5):
        issue_many("many", 9_999)
    assert figures("available:P") == (0, 0)


def test_a_balance_is_known_at_every_past_instant():
    open_book(voucher_amount=400_00)
    held = hold("h", 300_00, expires_at=LATER)
    lapse("due", held, LATER)

    before = queries.balance_as_of("voucher:P:V-1", NOON - timedelta(seconds=1))
    held_then = queries.balance_as_of("voucher:P:V-1", NOON)
    after = queries.balance_as_of("voucher:P:V-1", LATER)

    assert (before.net, before.free) == (0, 0)
    assert (held_then.net, held_then.free) == (400_00, 100_00)
    assert (after.net, after.free) == (400_00, 400_00)


def test_everything_that_happened_is_proven():
    open_book(voucher_amount=400_00)
    capture("c", hold("h", 300_00), 120_00, is_final=True)
    hold("h2", 50_00)

    assert queries.accounts_out_of_step() == []
    assert connection.vendor == "postgresql"


def test_value_never_crosses_from_one_programme_to_another():
    open_book(budget=1_000_00)

    @transaction.atomic
    def give_away():
        act = begin("k", ActKind.ISSUE_VOUCHER)
        ledger.open_account(act, "voucher:Q:V-1", AccountKind.VOUCHER, "CNY")
        ledger.post(act, [ledger.Move(Flow.ISSUE, "available:P", "voucher:Q:V-1", 1_00)])

    with pytest.raises(ledger.NoSuchRoad), transaction.atomic():
        give_away()

    assert figures("available:P") == (1_000_00, 1_000_00)
