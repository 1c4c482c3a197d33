"""What went wrong at other ledgers is promised here: a test for each failure, named after ours.

`PROMISES` is the list of them all, with the place of each; the docstring of each test names the
project and the thread where it went wrong.
"""

import importlib
import inspect

HERE = "tests.ledger.test_failures_elsewhere"
BILLING = "tests.billing.test_failures_elsewhere"
PROMISES = (
    ("Blnk PR #171", "tests.ledger.test_races", "test_fifty_captures_race_for_one_hold"),
    ("Blnk #181, PR #185", HERE, "test_held_value_is_neither_held_again_nor_given_away"),
    ("Blnk #182", HERE, "test_a_hold_that_is_not_open_pays_nothing"),
    ("Blnk #182", HERE, "test_a_hold_is_captured_or_released_and_never_both"),
    ("Blnk PR #43", HERE, "test_a_hold_released_by_twenty_at_once_is_freed_once"),
    ("Blnk #315", BILLING, "test_a_payment_that_comes_back_in_twelve_statements_is_due_once"),
    (
        "robosystems PR #1203",
        HERE,
        "test_a_transfer_reversed_by_twenty_at_once_moves_back_once",
    ),
    (
        "Blnk #62",
        "tests.billing.test_settle_bill",
        "test_what_is_beyond_the_hold_is_not_covered_and_says_so",
    ),
    ("Kill Bill #639", BILLING, "test_what_the_bank_has_not_answered_is_not_paid_again"),
    ("Kill Bill #383", BILLING, "test_an_order_has_one_hold_whichever_side_places_it"),
    ("Lago #5870", HERE, "test_nothing_is_created_without_a_key"),
    ("Lago #5870", HERE, "test_no_key_can_be_missing_in_the_database"),
    (
        "Formance wallets PR #109",
        "tests.vouchers.test_placing_holds",
        "test_the_same_key_places_one_hold",
    ),
    (
        "Lago PR #3703",
        BILLING,
        "test_a_payment_that_comes_back_leaves_every_settled_row_as_it_was",
    ),
    ("OpenMeter PR #4649", BILLING, "test_a_voucher_covers_no_use_outside_its_days"),
    (
        "OpenMeter PR #4846",
        "tests.ledger.test_snapshots",
        "test_deleting_any_snapshot_changes_no_balance",
    ),
    (
        "OpenMeter PR #4999",
        "tests.ledger.test_snapshots",
        "test_snapshots_made_while_value_moves_lose_nothing",
    ),
    (
        "hordak PR #76, #126, PR #142",
        "tests.ledger.test_snapshots",
        "test_reading_a_balance_costs_the_same_however_long_its_history",
    ),
    ("hordak PR #142", "tests.ledger.test_snapshots", "test_a_wrong_snapshot_fails_the_proof"),
    ("hordak #40", HERE, "test_the_13_000th_account_costs_as_much_as_the_first"),
    (
        "Blnk migration 1781162328",
        HERE,
        "test_no_written_row_is_changed_not_even_to_or_from_null",
    ),
    ("Formance, 16 of 54 schema migrations", HERE, "test_no_trigger_derives_a_figure"),
)
# The rows of the list that this one was made from; the snapshots' row has two failures.
FAILURES = 17
SAME_ROW = {"Blnk #315", "OpenMeter PR #4999", "hordak PR #142"}


def test_every_failure_elsewhere_has_a_test_that_names_it():
    rows = {where for where, _module, _name in PROMISES} - SAME_ROW

    assert len(rows) == FAILURES
    for where, module, name in PROMISES:
        promise = getattr(importlib.import_module(module), name)
        assert inspect.isfunction(promise)
        assert f"({where}" in inspect.getdoc(promise), name
