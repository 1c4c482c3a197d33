"""Whatever is asked in whatever order: the ledger answers as a plain model of it does."""

from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger import actions as ledger
from ledger import queries
from tests.ledger.book import (
    LATER,
    capture,
    figures,
    hold,
    issue,
    lapse,
    open_book,
    sum_of_everything,
)

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

BUDGET = 100
AMOUNT = st.integers(1, 60)
STEP = st.one_of(
    st.tuples(st.just("issue"), AMOUNT),
    st.tuples(st.just("hold"), AMOUNT),
    st.tuples(st.just("capture"), st.integers(0, 5), st.integers(0, 60), st.booleans()),
    st.tuples(st.just("lapse"), st.integers(0, 5)),
)


class Model:
    """The same book with three numbers and a list."""

    def __init__(self):
        self.available, self.voucher, self.payable = BUDGET, 0, 0
        self.holds: list[list[int]] = []  # [number, remaining]

    @property
    def held(self):
        return sum(remaining for _number, remaining in self.holds)

    def may(self, step):
        """Say whether the ledger should do it."""
        match step:
            case ("issue", amount):
                return amount <= self.available
            case ("hold", amount):
                return amount <= self.voucher - self.held
            case ("capture", index, amount, _final):
                return index < len(self.holds) and 0 < self.holds[index][1] >= amount
            case ("lapse", index):
                return index < len(self.holds) and self.holds[index][1] > 0

    def do(self, step):
        match step:
            case ("issue", amount):
                self.available -= amount
                self.voucher += amount
            case ("capture", index, amount, final):
                self.voucher -= amount
                self.payable += amount
                self.holds[index][1] = 0 if final else self.holds[index][1] - amount
            case ("lapse", index):
                self.holds[index][1] = 0


def ask(step, key, model):
    match step:
        case ("issue", amount):
            issue(key, amount)
        case ("hold", amount):
            model.holds.append([hold(key, amount), amount])
        case ("capture", index, amount, final):
            number = model.holds[index][0] if index < len(model.holds) else 0
            capture(key, number, amount, is_final=final)
        case ("lapse", index):
            number = model.holds[index][0] if index < len(model.holds) else 0
            lapse(key, number, LATER + timedelta(seconds=1))


@given(st.lists(STEP, max_size=25))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_ledger_agrees_with_its_model(db, steps):
    with transaction.atomic():
        open_book(budget=BUDGET)
        model = Model()
        for number, step in enumerate(steps):
            expected = model.may(step)
            try:
                with transaction.atomic():
                    ask(step, f"step {number}", model)
                done = True
            except (ledger.NotEnough, ledger.HoldClosed):
                done = False
            assert done == expected, step
            if done:
                model.do(step)
            assert figures("available:P") == (model.available, model.available)
            assert figures("voucher:P:V-1") == (model.voucher, model.voucher - model.held)
            assert figures("provider_payable:P:O-1") == (model.payable, model.payable)
        assert sum_of_everything() == 0
        assert queries.accounts_out_of_step() == []
        transaction.set_rollback(True)
