"""A payable is emptied oldest first: every payment's parts are known, whatever came between."""

from itertools import count

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger import actions as ledger
from ledger.kinds import AccountKind, ActKind, Flow
from ledger.queries import transfers_of
from ledger.queries.lots import lots_owed, lots_paid, lots_to_pay
from tests.ledger.book import NOON, UNIT, seal

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def a_snapshot_at_every_seal(monkeypatch):
    monkeypatch.setattr(ledger, "SNAPSHOT_AFTER", 1)


NUMBERS = count(1)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("owe"), st.integers(1, 9)),
        st.tuples(st.just("pay"), st.integers(1, 30)),
        st.tuples(st.just("undo"), st.integers(0, 5)),
        st.tuples(st.just("return"), st.integers(0, 3)),
        st.tuples(st.just("seal"), st.just(0)),
    ),
    max_size=14,
)


class Queue:
    """What is owed on one payable of a programme of its own, done in the ledger and on paper."""

    def __init__(self):
        self.name = f"P{next(NUMBERS)}"
        self.payable = f"provider_payable:{self.name}:O-1"
        self.steps = 0
        # On paper: what is owed stands in a queue as coins, each with the act that it is owed by.
        self.queue = []
        self.owed = []
        self.acts = []
        self.paid = {}
        self.at_bank = []

    @transaction.atomic
    def act(self, kind, about, moves=(), reverse=None):
        self.steps += 1
        act = ledger.begin(
            kind=kind,
            key=f"{self.name}/{self.steps}",
            actor="user:1",
            about=about,
            at=NOON,
            payload={},
        )
        for address, account in (
            (f"appropriation:{self.name}:2025", AccountKind.APPROPRIATION),
            (f"available:{self.name}", AccountKind.AVAILABLE),
            (f"voucher:{self.name}:V-1", AccountKind.VOUCHER),
            (self.payable, AccountKind.PROVIDER_PAYABLE),
            (f"clearing:{self.name}:B-{self.steps}", AccountKind.CLEARING),
        ):
            ledger.open_account(act, address, account, UNIT)
        if reverse is not None:
            ledger.reverse(act, reverse, ref="")
        if moves:
            ledger.post(act, list(moves))
        return act

    def start(self):
        available, voucher = f"available:{self.name}", f"voucher:{self.name}:V-1"
        self.act(
            ActKind.OPEN_ROUND,
            f"programme:{self.name}",
            [
                ledger.Move(Flow.ALLOT, f"appropriation:{self.name}:2025", available, 10_000),
                ledger.Move(Flow.ISSUE, available, voucher, 10_000),
            ],
        )

    def owe(self, amount):
        move = ledger.Move(Flow.REDEEM, f"voucher:{self.name}:V-1", self.payable, amount)
        act = self.act(ActKind.SETTLE_BILL, f"bill:{self.name}", [move])
        self.queue.append([act.id, [act.id] * amount])
        self.acts.append(act.id)
        self.owed.append((transfers_of(act.id)[0].id, act.id, amount))

    def take(self, amount):
        """Take so many coins from the head of the queue."""
        taken = []
        for _act, coins in self.queue:
            while coins and len(taken) < amount:
                taken.append(coins.pop())
        return taken

    def due(self):
        return sum(len(coins) for _act, coins in self.queue)

    def pay(self, most):
        amount = min(most, self.due())
        if amount <= 0:
            return
        batch = f"B-{self.steps + 1}"
        ref = f"{self.name}-{batch}"
        clearing = f"clearing:{self.name}:{batch}"
        move = ledger.Move(Flow.INSTRUCT, self.payable, clearing, amount, ref)
        self.act(ActKind.RELEASE_BATCH, f"batch:{batch}", [move])
        self.paid[f"batch:{batch}", ref] = self.take(amount)
        self.at_bank.append((ref, amount, clearing))

    def undo(self, number):
        if number >= len(self.owed) or self.owed[number][2] > self.due():
            return
        transfer, act, amount = self.owed.pop(number)
        self.act(ActKind.CORRECT_TRANSFER, "transfer:1", reverse=transfer)
        _act, coins = next(one for one in self.queue if one[0] == act)
        early = len(coins)
        coins.clear()
        self.take(amount - early)

    def back(self, number):
        if number < len(self.at_bank):
            ref, amount, clearing = self.at_bank.pop(number)
            about = f"batch:{clearing.rpartition(':')[2]}"
            move = ledger.Move(Flow.RETURN_PAYMENT, clearing, self.payable, amount, ref)
            self.act(ActKind.RETURN_PAYMENT, about, [move])
            # In the order in which they had been taken.
            self.queue.append([None, self.paid[about, ref][::-1]])


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(STEPS)
def test_each_payments_parts_are_those_of_a_queue_of_coins(committed_db, steps):
    queue = Queue()
    queue.start()
    done = {"owe": queue.owe, "pay": queue.pay, "undo": queue.undo, "return": queue.back}
    for what, number in steps:
        if what == "seal":
            seal(NOON)
        else:
            done[what](number)

    for (about, ref), coins in queue.paid.items():
        assert _coins(lots_paid([about], [ref])) == coins
    # From the other end the same parts are seen.
    seen = lots_owed(queue.acts)
    for (_about, ref), coins in queue.paid.items():
        assert sorted(_coins(one for one in seen if one.taken_ref == ref)) == sorted(coins)
    due = queue.due()
    if due > 1:
        first = lots_to_pay(queue.payable, 1)
        rest = lots_to_pay(queue.payable, due - 1, waiting=1)
        assert _coins(first) + _coins(rest) == queue.take(due)


def _coins(lots):
    return [lot.owed_act for lot in lots for _coin in range(lot.amount)]
