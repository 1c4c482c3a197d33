"""A closed period refuses what is dated in it, by whatever way it comes, and the proof sees it."""

from datetime import timedelta

import psycopg
import pytest
from django.db import transaction

from config.roles import libpq_url
from ledger import actions as ledger
from ledger import queries
from ledger.kinds import ActKind, Flow
from tests.ledger.book import (
    JULY,
    JUNE,
    LATER,
    MAY,
    NOON,
    at_once,
    begin,
    capture,
    close,
    figures,
    hold,
    issue,
    lapse,
    open_book,
    reverse,
    seal,
    superuser,
)
from tests.ledger.test_requests import a_capture, a_hold

AUGUST = JULY + timedelta(days=31)


def totals():
    return {
        one.address: one.net
        for one in queries.balances(["available:P", "voucher:P:V-1"]).values()
    }


@pytest.mark.django_db
class TestOfOneProgramme:
    """Each way in which value moves, in June, when June is closed."""

    @pytest.fixture(autouse=True)
    def book(self, db):
        open_book(voucher_amount=400_00)
        self.held = hold("h", 300_00)
        issue("i", 1_00)
        self.issued = queries.statement("voucher:P:V-1")[-1].transfer_id
        close("June", JUNE, JULY)
        self.before = (totals(), queries.extent())

    @pytest.mark.parametrize(
        "way",
        [
            lambda self: issue("late", 1_00),
            lambda self: hold("late", 1_00),
            lambda self: capture("late", self.held, 1_00),
            lambda self: capture("late", self.held, 0, is_final=True),
            lambda self: lapse("late", self.held, JULY - timedelta(seconds=1)),
            lambda self: reverse("late", self.issued),
            lambda self: a_hold("late", 1_00),
            lambda self: a_capture("late", self.held, 1_00),
        ],
        ids=[
            "post",
            "hold",
            "capture",
            "release",
            "lapse",
            "reverse",
            "request hold",
            "request capture",
        ],
    )
    def test_nothing_is_dated_in_it_by_any_function(self, way):
        with (
            pytest.raises((ledger.PeriodLocked, ledger.HoldClosed)) as refusal,
            transaction.atomic(),
        ):
            way(self)

        assert (totals(), queries.extent()) == self.before
        if isinstance(refusal.value, ledger.PeriodLocked):
            assert refusal.value.values["programme"] == "P"
            assert "Date it in an open month" in str(refusal.value)
        assert queries.accounts_out_of_step() == []

    def test_what_is_dated_after_it_goes_on(self):
        act = begin("July", ActKind.ISSUE_VOUCHER, at=JULY)

        ledger.post(act, [ledger.Move(Flow.ISSUE, "available:P", "voucher:P:V-1", 5_00)])

        assert figures("voucher:P:V-1") == (406_00, 106_00)
        assert queries.accounts_out_of_step() == []

    def test_what_was_dated_before_it_goes_on(self):
        act = begin("May", ActKind.ISSUE_VOUCHER, at=JUNE - timedelta(microseconds=1))

        ledger.post(act, [ledger.Move(Flow.ISSUE, "available:P", "voucher:P:V-1", 5_00)])

        assert figures("voucher:P:V-1") == (406_00, 106_00)

    def test_an_answer_to_the_same_request_is_still_given(self):
        assert issue("i", 1_00).is_replay
        assert (totals(), queries.extent()) == self.before

    def test_it_is_closed_once_and_only_when_it_is_over(self):
        first = close("June", JUNE, JULY)

        assert first.is_replay
        for key, begins, ends in (("again", JUNE, JULY), ("part", NOON, LATER)):
            with pytest.raises(ledger.PeriodNotLockable), transaction.atomic():
                close(key, begins, ends)
        early = begin("early", ActKind.CLOSE_PERIOD, at=AUGUST - timedelta(seconds=1))
        with pytest.raises(ledger.PeriodNotLockable) as refusal, transaction.atomic():
            ledger.close_period(early, "P", JULY, AUGUST)

        assert "not over" in str(refusal.value)
        assert queries.periods_closed("P") == [(JUNE, JULY)]

    def test_other_programmes_are_open(self):
        assert queries.periods_closed("Q") == []
        close("Q", MAY, LATER, programme="Q")

        assert queries.periods_closed("Q") == [(MAY, LATER)]


@pytest.mark.slow
def test_a_row_written_by_hand_is_refused_and_one_behind_the_trigger_is_found(committed_db):
    open_book(voucher_amount=400_00)
    close("June", JUNE, JULY)
    seal(LATER)
    copied = (
        "insert into ledger_transfer select id + 1000, act_id, position + 1000, kind, flow,"
        " debit_id, credit_id, amount, hold_id, reverses_id, expires_at, at, ref, txid, digest"
        " from ledger_transfer where kind = 1 limit 1"
    )

    with psycopg.connect(libpq_url(committed_db.owner_url), autocommit=True) as owner:
        with pytest.raises(psycopg.Error, match="is dated in a closed period") as refusal:
            owner.execute(copied)
        assert refusal.value.sqlstate == "TL007"
    assert queries.accounts_out_of_step() == []
    with superuser(committed_db) as root:
        root.execute(copied)

    broken = {(row.table, row.what) for row in queries.accounts_out_of_step()}

    assert (
        "period",
        "closed with 2 transfers of 140000 in it, 3 of 240000 are there",
    ) in broken


@pytest.mark.slow
def test_a_closing_and_postings_at_once_are_one_after_the_other(committed_db):
    open_book(voucher_amount=400_00)

    def one(number):
        return close("June", JUNE, JULY) if number == 7 else issue(f"i{number}", 1_00)

    answers = at_once(24, one)

    done = [one for one in answers if isinstance(one, ledger.Act)]
    refused = [one for one in answers if isinstance(one, ledger.PeriodLocked)]
    assert len(done) + len(refused) == 24, answers
    assert figures("voucher:P:V-1")[0] == 400_00 + (len(done) - 1) * 1_00
    # The closing counted all that came before it, so the proof would name one that came after.
    assert queries.accounts_out_of_step() == []
    assert isinstance(answers[7], ledger.Act)


@pytest.mark.slow
def test_fifty_closings_of_one_month_close_it_once(committed_db):
    open_book()

    answers = at_once(50, lambda number: close(f"c{number % 5}", JUNE, JULY))

    made = [one for one in answers if isinstance(one, ledger.Act) and not one.is_replay]
    assert len(made) == 1, answers
    assert queries.periods_closed("P") == [(JUNE, JULY)]
    assert queries.accounts_out_of_step() == []
