"""What an account held at any past instant is what its transfers until then come to."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger import actions as ledger
from ledger.kinds import ActKind, Flow
from ledger.models import Transfer
from ledger.queries import balance_as_of, balances_as_of, statement
from tests.ledger.book import NOON, begin, open_book

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

VOUCHER, PAYABLE = "voucher:P:V-1", "provider_payable:P:O-1"
MINUTE = st.integers(-60, 60)
MOVES = st.lists(st.tuples(st.sampled_from(["post", "hold", "capture"]), MINUTE), max_size=10)


def replayed(address, at):
    """Add up the transfers of an account until an instant, one after another."""
    debit = credit = pending = 0
    for one in Transfer.objects.filter(at__lte=at).select_related("debit", "credit"):
        if one.kind in (1, 3, 5):
            debit += one.amount * (one.debit.address == address)
            credit += one.amount * (one.credit.address == address)
        if one.debit.address == address and one.kind in (2, 3, 4, 6):
            pending += one.amount if one.kind == 2 else -one.amount
    return debit, credit, pending


def do(moves):
    """Move a coin a time, at instants in any order."""
    holds = []
    for number, (what, minute) in enumerate(moves):
        at = NOON + timedelta(minutes=minute)
        act = begin(f"move {number}", ActKind.SETTLE_BILL, at=at)
        move = ledger.Move(Flow.REDEEM, VOUCHER, PAYABLE, 1)
        if what == "post":
            ledger.post(act, [move])
        elif what == "hold":
            holds.append(ledger.place_hold(act, move, expires_at=at + timedelta(days=1)))
        elif holds:
            ledger.capture(act, [ledger.Capture(holds.pop(), 1, False)])


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(moves=MOVES, minute=MINUTE)
def test_a_balance_as_of_an_instant_is_its_transfers_replayed(db, moves, minute):
    with transaction.atomic():
        open_book(voucher_amount=100)
        do(moves)
        at = NOON + timedelta(minutes=minute)
        for address in (VOUCHER, PAYABLE, "available:P", "appropriation:P:2025"):
            found = balance_as_of(address, at)
            assert (found.debit, found.credit, found.pending) == replayed(address, at)
            until = [one for one in statement(address) if one.at <= at]
            assert (until[-1].balance if until else 0) == found.net
            assert balances_as_of([address], at)[address] == found
        transaction.set_rollback(True)


def test_the_command_says_the_same(db):
    open_book(voucher_amount=100)
    said = StringIO()

    call_command("balance_as_of", "voucher:P", NOON.isoformat(), stdout=said)

    told = json.loads(said.getvalue())["balances"]
    assert told == {
        VOUCHER: {"unit": "CNY", "debit": 0, "credit": 100, "pending": 0, "net": 100}
    }
    with pytest.raises(CommandError, match="with its offset"):
        call_command("balance_as_of", "voucher:P", "2026-03-31T17:00:00")
