"""Whatever is asked in whatever order, at whatever instants, once or again: the ledger answers
as a plain model of it does, and after each step every figure of both is the same."""

import os
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ledger import actions as ledger
from ledger import queries
from ledger.kinds import FLOWS, AccountKind, Flow, TransferKind
from tests.ledger import book
from tests.ledger.asking import Asker
from tests.ledger.model import (
    DONE,
    KEY_REUSED,
    NO_SUCH_ROAD,
    REPLAYED,
    Capture,
    Hold,
    Lapse,
    Model,
    Move,
    Open,
    Post,
    Release,
    Request,
    Reverse,
    Take,
)

pytestmark = pytest.mark.slow

SETTINGS = settings(
    max_examples=20,
    stateful_step_count=50,
    deadline=None,
    derandomize=os.environ.get("CI") == "true",
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
UNITS = {"P": "CNY", "Q": "CNY", "R": "GPU:H100"}
# The part of an address after its programme; a programme has two of what
# value moves between.
LAST_PARTS = {
    AccountKind.APPROPRIATION: ("2025",),
    AccountKind.VOUCHER: ("V-1", "V-2"),
    AccountKind.PROVIDER_PAYABLE: ("O-1", "O-3"),
    AccountKind.BENEFICIARY_PAYABLE: ("O-2", "O-4"),
    AccountKind.CLEARING: ("B-1",),
    AccountKind.PAID: ("O-1",),
    AccountKind.RECEIVABLE: ("O-1",),
}

PROGRAMME = st.sampled_from(sorted(UNITS))
AMOUNT = st.integers(1, 60)
# Acts may come in another order than their instants: a statement is read days after its entries.
INSTANT = st.integers(0, 600).map(lambda minutes: book.NOON + timedelta(minutes=minutes))


def addresses_of(programme, kind):
    parts = LAST_PARTS.get(kind, ("",))
    return [f"{kind.name.lower()}:{programme}:{part}".rstrip(":") for part in parts]


@st.composite
def a_move(draw, roads=FLOWS):
    """A move on a legal road inside one programme; whether it has the value is another matter."""
    programme, (flow, debit, credit) = draw(PROGRAMME), draw(st.sampled_from(roads))
    source = draw(st.sampled_from(addresses_of(programme, debit)))
    target = draw(st.sampled_from([a for a in addresses_of(programme, credit) if a != source]))
    return Move(flow, source, target, draw(AMOUNT))


def on(*flows):
    return a_move(roads=[road for road in FLOWS if road[0] in flows])


class Ledgers(RuleBasedStateMachine):
    """The ledger and its model, asked the same."""

    def __init__(self, a_copy):
        super().__init__()
        self.stack = ExitStack()
        self.stack.enter_context(a_copy())
        self.model, self.asker = Model(), Asker()
        self.asked: list[Request] = []
        self.keys = 0
        self.checks = 0

    def teardown(self):
        self.stack.close()

    @initialize()
    def open_the_books(self):
        for programme, unit in UNITS.items():
            for kind in AccountKind:
                for address in addresses_of(programme, kind):
                    assert self.both(Open(address, book.NOON, address, kind, unit)) == DONE
            source, target = f"appropriation:{programme}:2025", f"available:{programme}"
            issues = [
                Move(Flow.ISSUE, target, voucher, 80)
                for voucher in addresses_of(programme, AccountKind.VOUCHER)
            ]
            allot = Move(Flow.ALLOT, source, target, 300)
            assert self.ask(Post(self.a_key(), book.NOON, (allot, *issues))) == DONE
            for flow in (Flow.REDEEM, Flow.DELIVER):
                toward = "delivered:{}" if flow == Flow.DELIVER else "provider_payable:{}:O-1"
                move = Move(flow, f"voucher:{programme}:V-1", toward.format(programme), 35)
                due = book.NOON + timedelta(minutes=300)
                assert self.ask(Hold(self.a_key(), book.NOON, move, due)) == DONE

    def both(self, request):
        """Ask both; they agree on the answer."""
        expected = self.model.answer(request)
        assert self.asker.ask(request) == expected, request
        return expected

    def a_key(self):
        return f"request {self.keys}"

    def ask(self, request):
        self.keys += 1
        expected = self.both(request)
        if expected == DONE:
            self.asked.append(request)
        return expected

    @rule(at=INSTANT, move=on(Flow.ALLOT, Flow.WITHDRAW))
    def allot(self, at, move):
        self.ask(Post(self.a_key(), at, (move,)))

    @rule(at=INSTANT, move=on(Flow.ISSUE))
    def issue(self, at, move):
        self.ask(Post(self.a_key(), at, (move,)))

    @rule(at=INSTANT, move=on(Flow.REDEEM, Flow.DELIVER), expires_at=INSTANT)
    def hold(self, at, move, expires_at):
        self.ask(Hold(self.a_key(), at, move, expires_at))

    @rule(at=INSTANT, move=a_move(), expires_at=INSTANT)
    def hold_on_any_road(self, at, move, expires_at):
        self.ask(Hold(self.a_key(), at, move, expires_at))

    @rule(at=INSTANT, data=st.data(), amount=st.integers(0, 60), is_final=st.booleans())
    def capture(self, at, data, amount, is_final):
        self.ask(Capture(self.a_key(), at, (Take(self.a_hold(data), amount, is_final),)))

    @rule(at=INSTANT, data=st.data(), is_final=st.booleans())
    def capture_all_that_is_left(self, at, data, is_final):
        hold = self.a_hold(data)
        left = self.model.holds[hold].remaining if hold in self.model.holds else 1
        self.ask(Capture(self.a_key(), at, (Take(hold, left, is_final),)))

    @rule(
        at=INSTANT,
        data=st.data(),
        rest=st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=2, max_size=4),
    )
    def capture_several(self, at, data, rest):
        takes = tuple(Take(self.a_hold(data), amount, final) for amount, final in rest)
        self.ask(Capture(self.a_key(), at, takes))

    @rule(at=INSTANT, data=st.data())
    def release(self, at, data):
        self.ask(Release(self.a_key(), at, (self.a_hold(data),)))

    @rule(at=INSTANT | st.just(book.LATER), data=st.data(), count=st.integers(1, 2))
    def lapse(self, at, data, count):
        holds = tuple(self.a_hold(data) for _each in range(count))
        self.ask(Lapse(self.a_key(), at, holds))

    @rule(at=INSTANT, move=on(Flow.INSTRUCT, Flow.CLAIM))
    def instruct(self, at, move):
        self.ask(Post(self.a_key(), at, (move,)))

    @rule(at=INSTANT, move=on(Flow.PAY, Flow.RETURN_PAYMENT))
    def answer_of_the_bank(self, at, move):
        self.ask(Post(self.a_key(), at, (move,)))

    @rule(at=INSTANT, moves=st.lists(a_move(), min_size=1, max_size=5))
    def move_on_several_roads(self, at, moves):
        self.ask(Post(self.a_key(), at, tuple(moves)))

    @rule(
        at=INSTANT,
        programme=PROGRAMME,
        flow=st.sampled_from(Flow),
        amount=AMOUNT,
        data=st.data(),
    )
    def stray(self, at, programme, flow, amount, data):
        accounts = [one for one in self.model.accounts if one.split(":")[1] == programme]
        anywhere = st.sampled_from([*accounts, f"voucher:{programme}:V-9"])
        move = Move(flow, data.draw(anywhere), data.draw(anywhere), amount)
        self.ask(Post(self.a_key(), at, (move,)))

    @rule(at=INSTANT, move=a_move())
    def move_across_units(self, at, move):
        stranger = "P" if move.debit.split(":")[1] == "R" else "R"
        parts = move.credit.split(":")
        credit = ":".join([parts[0], stranger, *parts[2:]])
        crossing = Post(self.a_key(), at, (replace(move, credit=credit),))
        assert self.ask(crossing) == NO_SUCH_ROAD

    @rule(at=INSTANT, data=st.data(), unit=st.sampled_from(["CNY", "GPU:H100"]))
    def open_again(self, at, data, unit):
        address = data.draw(st.sampled_from(list(self.model.accounts)))
        kind, _unit = self.model.accounts[address]
        self.ask(Open(self.a_key(), at, address, kind, unit))

    @rule(at=INSTANT, data=st.data())
    def reverse(self, at, data):
        made = st.sampled_from([*self.asker.transfers, ("nobody", 0)])
        self.ask(Reverse(self.a_key(), at, *data.draw(made)))

    @rule(at=INSTANT, data=st.data())
    def reverse_what_was_captured(self, at, data):
        captured = [one for one in self.asked if isinstance(one, Capture)]
        if captured:
            made_by = data.draw(st.sampled_from(captured)).key
            self.ask(Reverse(self.a_key(), at, made_by, 0))

    @rule(at=INSTANT, data=st.data())
    def ask_again(self, at, data):
        request = data.draw(st.sampled_from(self.asked))
        assert self.both(replace(request, at=at)) == REPLAYED

    @rule(data=st.data(), amount=st.integers(61, 99))
    def ask_something_else_with_the_same_key(self, data, amount):
        posts = [one for one in self.asked if isinstance(one, Post)]
        first = data.draw(st.sampled_from(posts))
        (move, *others) = first.moves
        other = replace(first, moves=(replace(move, amount=amount), *others))
        assert self.both(other) == KEY_REUSED

    @rule(at=INSTANT)
    def seal(self, at):
        # While another test's transaction runs, what can be sealed is not ours to predict.
        if book.has_the_horizon_passed(seconds=0.5):
            assert ledger.seal(at=at) == self.model.seal()

    @rule(at=INSTANT, moves=st.lists(on(Flow.ISSUE, Flow.ALLOT, Flow.CLAIM), min_size=1))
    def seal_before_and_after_a_move(self, at, moves):
        self.seal(at)
        self.ask(Post(self.a_key(), at, tuple(moves)))
        self.seal(at)
        self.ask(Post(self.a_key(), at, tuple(moves[:1])))

    def a_hold(self, data):
        """Most often a hold that is open; sometimes one that is not, or none at all."""
        holds = self.model.holds
        still_open = [name for name, held in holds.items() if held.remaining]
        among = [*holds, "no hold"] if data.draw(st.integers(0, 4)) == 4 else still_open
        return data.draw(st.sampled_from(among or ["no hold"]))

    @invariant()
    @precondition(lambda self: self.asked)
    def every_balance_is_the_models_and_each_programme_accounts_for_its_budget(self):
        balances = queries.balances(self.model.accounts)
        assert {
            address: (one.debit, one.credit, one.pending) for address, one in balances.items()
        } == self.model.totals()
        for programme in UNITS:
            net = Counter()
            for address, one in balances.items():
                if address.split(":")[1] == programme:
                    net[self.model.accounts[address][0]] += one.net
            appropriated = -net.pop(AccountKind.APPROPRIATION)
            owed_back = -net.pop(AccountKind.RECEIVABLE)
            assert appropriated == sum(net.values()) - owed_back

    @invariant()
    def every_hold_has_left_what_the_model_says(self):
        numbers = {name: self.asker.holds[name] for name in self.model.holds}
        left = queries.holds_remaining(numbers.values())
        assert {name: left[number] for name, number in numbers.items()} == {
            name: held.remaining for name, held in self.model.holds.items()
        }

    @invariant()
    def everything_sums_to_nothing_and_is_proven(self):
        assert book.sum_of_everything() == 0
        assert queries.accounts_out_of_step() == []

    @invariant()
    @precondition(lambda self: self.asked)
    def every_balance_of_an_earlier_instant_is_the_models(self):
        self.checks += 1
        instants = sorted({one.at for one in self.asked})
        at = instants[self.checks % len(instants)] - timedelta(seconds=self.checks % 2)
        found = {
            address: (one.debit, one.credit, one.pending)
            for address, one in queries.balances_as_of([""], at).items()
        }
        assert found == self.model.totals(at)

    @invariant()
    @precondition(lambda self: self.asked)
    def what_moved_on_each_road_adds_up_to_the_models_balances(self):
        found, expected = Counter(), Counter()
        for one in queries.flows_as_of(book.LATER):
            if one.transfer_kind in (
                TransferKind.POST,
                TransferKind.CAPTURE,
                TransferKind.REVERSE,
            ):
                found[one.programme, one.debit_kind] -= one.amount
                found[one.programme, one.credit_kind] += one.amount
        for address, (debit, credit, _pending) in self.model.totals().items():
            kind = self.model.accounts[address][0]
            expected[address.split(":")[1], kind] += credit - debit
        assert {key: net for key, net in found.items() if net} == {
            key: net for key, net in expected.items() if net
        }

    @invariant()
    @precondition(lambda self: self.asked)
    def every_statement_ends_at_its_balance(self):
        addresses = sorted(self.model.accounts)
        address = addresses[self.checks % len(addresses)]
        entries = queries.statement(address)
        assert sum(one.amount for one in entries) == queries.balance(address).net
        last = entries[-1].balance if entries else 0
        assert last == queries.balance(address).net


def test_the_ledger_agrees_with_its_model_whatever_is_asked(a_copy, monkeypatch):
    monkeypatch.setattr(ledger, "SNAPSHOT_AFTER", 2)

    run_state_machine_as_test(lambda: Ledgers(a_copy), settings=SETTINGS)
