"""A round decided together: within its budget, in its law's order, once, and explained."""

import hashlib
from datetime import timedelta
from fractions import Fraction

import pytest

from policy.allocation import draw_key
from tests import cast
from tests.cast import NOON, a_key
from tests.cast.committee import CLOSED, a_review, allocated, law, reviewed
from vouchers import actions, queries, tasks
from vouchers.models import Application, Decision, Lot, RoundDecision, Voucher
from vouchers.queries.replays import replays

pytestmark = pytest.mark.django_db

# A fee of 100,000.00 is awarded 60,000.00; this reaches for two of them.
BUDGET = 125_000_00


@pytest.fixture
def authority(db):
    return cast.make_authority()


def make(authority, *sections, budget=BUDGET):
    return cast.make_programme(authority, text=law(*sections), budget=budget)


def apply(scheme, count, **answers):
    return [
        cast.a_sent_application(
            scheme,
            cast.an_sme(f"Firm {number}"),
            at=NOON + timedelta(minutes=number),
            **answers,
        )
        for number in range(count)
    ]


def decide(scheme, *, at=CLOSED, key="round", actor=None):
    return actions.decide_round(
        round=scheme.round, actor=actor or scheme.authority.officer, at=at, key=key
    )


def outcomes(applications):
    return [
        Decision.objects.filter(application=one).values_list("outcome", flat=True).last()
        for one in applications
    ]


# --- first come ------------------------------------------------------------------------------


def test_first_come_first_served_until_the_budget_ends(authority):
    scheme = make(authority, allocated("FIRST_COME"))
    applications = apply(scheme, 3)
    found = decide(scheme)

    assert outcomes(applications) == ["PASS", "PASS", "FAIL"]
    assert (found.budget, found.awarded_total) == (BUDGET, 120_000_00)
    last = Decision.objects.get(application=applications[2])
    assert last.reasons[-1]["code"] == "BUDGET_REACHED"
    assert last.reasons[-1]["clause"] == "Article 10"


def test_nothing_is_decided_before_the_round_closes_or_one_by_one(authority):
    scheme = make(authority, allocated("FIRST_COME"))
    (sent,) = apply(scheme, 1, fee_total="1000.00")
    assert actions.decide_automatically(application=sent, at=NOON, key="auto") is None
    with pytest.raises(actions.RoundDecidesTogether):
        actions.decide_application(
            application=sent,
            outcome="PASS",
            awarded=None,
            note="",
            actor=authority.officer,
            at=NOON,
            key=a_key(),
        )
    with pytest.raises(actions.RoundStillOpen):
        decide(scheme, at=NOON)
    assert not Decision.objects.exists()


def test_decided_twice_is_decided_once(authority):
    scheme = make(authority, allocated("FIRST_COME"))
    apply(scheme, 2)
    assert decide(scheme) == decide(scheme)
    with pytest.raises(actions.RoundDecided):
        decide(scheme, key="again", actor=authority.second_officer)
    assert Decision.objects.count() == 2


def test_awards_without_a_voucher_yet_are_spoken_for(authority):
    scheme = make(authority, allocated("FIRST_COME"))
    apply(scheme, 2)
    decide(scheme)
    assert queries.budget_available(scheme.programme) == BUDGET
    assert queries.budget_uncommitted(scheme.programme) == 5_000_00


def test_a_law_without_allocation_decides_one_by_one(authority):
    scheme = cast.make_programme(authority)
    apply(scheme, 1)
    with pytest.raises(actions.NotDecidedTogether):
        decide(scheme)


def test_what_the_law_leaves_to_a_person_waits_until_an_officer_admits_it(authority):
    scheme = make(authority, allocated("FIRST_COME"))
    sent = cast.a_sent_application(scheme, cast.an_sme(employees=None), other_public_money=True)
    if queries.proposal_of(sent, CLOSED).outcome != "REFER":
        pytest.fail("this law refers other public money")
    actions.admit_application(
        application=sent, note="Of another kind.", actor=authority.officer, at=NOON, key="admit"
    )
    decide(scheme)
    assert outcomes([sent]) == ["PASS"]


def test_what_is_not_admitted_stays_for_a_decision_of_its_own(authority):
    scheme = make(authority, allocated("FIRST_COME"))
    sent = cast.a_sent_application(scheme, cast.an_sme(), other_public_money=True)
    decide(scheme)
    sent.refresh_from_db()
    assert (outcomes([sent]), sent.status) == ([None], Application.Status.SENT)
    decision = actions.decide_application(
        application=sent,
        outcome="PASS",
        awarded=None,
        note="Of another kind.",
        actor=authority.officer,
        at=CLOSED,
        key=a_key(),
    )
    assert decision.awarded == 60_000_00


# --- by score and by lot ---------------------------------------------------------------------


def test_the_best_scores_come_first_and_low_ones_not_at_all(authority):
    scheme = make(authority, reviewed('least = "60"'), allocated("SCORE", waiting_days=90))
    points = [(6, 3), (10, 5), (8, 4), (2, 1)]
    applications = apply(scheme, 4)
    for application, (merit, plan) in zip(applications, points, strict=True):
        for _turn in range(2):
            a_review(application, authority, merit=merit, plan=plan)
    decide(scheme)
    assert outcomes(applications) == ["WAIT", "PASS", "PASS", "FAIL"]
    rows = [Decision.objects.get(application=one) for one in applications]
    assert [(row.place, str(row.score)) for row in rows] == [
        (3, "60.00"),
        (1, "100.00"),
        (2, "80.00"),
        (None, "20.00"),
    ]
    assert rows[3].reasons[-1]["code"] == "SCORE_TOO_LOW"


def test_a_round_waits_for_its_reviews(authority):
    scheme = make(authority, reviewed(), allocated("SCORE"))
    (sent,) = apply(scheme, 1)
    a_review(sent, authority)
    with pytest.raises(actions.RoundNotReady, match=sent.reference):
        decide(scheme)
    assert not Decision.objects.exists()
    assert not RoundDecision.objects.exists()


LOTTERY = allocated("LOTTERY", more='lottery_least = "70"\nlottery_most = "90"')


def drawn(authority, count=6):
    scheme = make(authority, reviewed(), LOTTERY)
    lot = actions.commit_lot(
        round=scheme.round, actor=authority.officer, at=NOON, key="the lot"
    )
    applications = apply(scheme, count)
    for application in applications:
        for _turn in range(2):
            a_review(application, authority)  # 80.00, all within the band
    return scheme, lot, applications


def test_a_lottery_is_drawn_by_the_seed_that_was_committed_to(authority):
    scheme, lot, applications = drawn(authority)
    found = decide(scheme)
    assert hashlib.sha256(bytes(lot.seed)).hexdigest() == lot.commitment
    references = [one.reference for one in applications]
    assert found.draw_key == draw_key(bytes(lot.seed), reversed(references)).hex()
    assert sorted(outcomes(applications)) == ["FAIL"] * 4 + ["PASS"] * 2
    chances = {Fraction(one.probability) for one in Decision.objects.all()}
    assert chances == {Fraction(2, 6)}


def test_a_seed_is_committed_to_once_and_before_the_round_closes(authority):
    scheme = make(authority, reviewed(), LOTTERY)
    facts = {"round": scheme.round, "actor": authority.officer}
    with pytest.raises(actions.LotTooLate):
        actions.commit_lot(**facts, at=CLOSED, key=a_key())
    first = actions.commit_lot(**facts, at=NOON, key=a_key())
    assert actions.commit_lot(**facts, at=NOON, key=a_key()) == first
    assert Lot.objects.count() == 1


def test_without_a_committed_seed_no_lots_are_drawn(authority):
    scheme = make(authority, reviewed(), LOTTERY)
    (sent,) = apply(scheme, 1)
    for _turn in range(2):
        a_review(sent, authority)
    with pytest.raises(actions.LotMissing):
        decide(scheme)
    assert not Decision.objects.exists()


# --- afterwards ------------------------------------------------------------------------------


def test_what_was_decided_together_replays_to_the_same(authority):
    scheme = make(authority, allocated("FIRST_COME", waiting_days=90))
    apply(scheme, 3)
    decide(scheme)
    found = list(replays(scheme.programme.code))
    assert [one.differences for one in found] == [()] * 3


def test_who_waits_is_awarded_what_comes_back(authority):
    scheme = make(authority, allocated("FIRST_COME", waiting_days=90))
    applications = apply(scheme, 3)
    decide(scheme)
    waiting = applications[2]
    waiting.refresh_from_db()
    assert waiting.status == Application.Status.WAITING
    assert list(queries.waiting_list(scheme.programme)) == [waiting]
    with pytest.raises(actions.NothingFree):
        actions.award_waiting(application=waiting, at=CLOSED, key=a_key())

    first = Decision.objects.get(application=applications[0])
    voucher = actions.issue_voucher(
        decision=first, actor=authority.second_officer, at=CLOSED, key=a_key()
    )
    actions.return_voucher(
        voucher=voucher,
        amount=None,
        actor=applications[0].started_by,
        at=CLOSED,
        key=a_key(),
    )
    again = [
        actions.award_waiting(application=waiting, at=CLOSED, key="waited")
        for _turn in range(2)
    ]
    assert again[0] == again[1]
    assert (again[0].outcome, again[0].awarded) == ("PASS", 60_000_00)
    assert again[0].decided_by == authority.officer
    waiting.refresh_from_db()
    assert waiting.status == Application.Status.APPROVED


def test_a_waiting_list_ends_and_says_why(authority):
    scheme = make(authority, allocated("FIRST_COME", waiting_days=90))
    applications = apply(scheme, 3)
    found = decide(scheme)
    assert found.waits_until_on == (CLOSED + timedelta(days=90)).date()
    decision = actions.award_waiting(
        application=applications[2], at=CLOSED + timedelta(days=91), key=a_key()
    )
    assert decision.outcome == "FAIL"
    assert decision.reasons[-1]["code"] == "BUDGET_REACHED"
    assert list(queries.waiting_list(scheme.programme)) == []


def test_small_awards_become_vouchers_by_themselves(authority, monkeypatch):
    scheme = cast.make_programme(authority)
    sent = cast.a_sent_application(scheme, cast.an_sme(), fee_total="50000.00")
    decision = actions.decide_automatically(application=sent, at=NOON, key="auto")
    assert queries.awards_automatic(NOON) == [decision]
    monkeypatch.setattr(tasks.timezone, "now", lambda: NOON)
    for _turn in range(2):
        tasks.issue_automatic_awards()
    assert Voucher.objects.get().amount == 30_000_00
    assert queries.awards_automatic(NOON) == []
