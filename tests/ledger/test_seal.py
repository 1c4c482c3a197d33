"""What has ended is sealed into a chain; a snapshot never changes what a balance is."""

import pytest
from django.db import connection, transaction

from ledger import actions as ledger
from ledger import queries
from tests.ledger.book import LATER, NOON, capture, figures, hold, issue, open_book, seal

pytestmark = pytest.mark.slow


def test_sealing_chains_every_ended_act_once(committed_db):
    open_book(voucher_amount=400_00)
    hold("h", 300_00)

    first = seal(NOON)
    nothing = seal(NOON)
    issue("more", 10_00)
    second = seal(LATER)

    assert (first, nothing, second) == (1, None, 2)
    assert queries.accounts_out_of_step() == []
    assert queries.extent().unsealed == 1  # the act of the newest seal


def test_an_act_that_has_not_ended_is_left_for_the_next_block(committed_db):
    open_book(voucher_amount=400_00)
    hold("h", 300_00)
    seal(NOON)

    with transaction.atomic():
        issue("still open", 10_00)
        inside = ledger.seal(at=NOON)
    after = seal(NOON)

    assert (inside, after) == (None, 2)
    assert queries.accounts_out_of_step() == []


def test_a_snapshot_never_changes_a_balance(committed_db, monkeypatch):
    monkeypatch.setattr(ledger, "SNAPSHOT_AFTER", 1)
    open_book(voucher_amount=400_00)
    held = hold("h", 300_00)
    capture("c1", held, 100_00)
    before = figures("provider_payable:P:O-1")

    seal(NOON)
    sealed = figures("provider_payable:P:O-1")
    capture("c2", held, 50_00)

    with connection.cursor() as cursor:
        cursor.execute("select count(*) from ledger_snapshot")
        assert cursor.fetchone()[0] > 0
    assert before == sealed == (100_00, 100_00)
    assert figures("provider_payable:P:O-1") == (150_00, 150_00)
    assert queries.accounts_out_of_step() == []
