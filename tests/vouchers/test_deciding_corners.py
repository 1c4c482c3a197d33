"""What is easily forgotten about deciding: what comes twice, late, meanwhile, or under another name."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from parties import actions as parties
from parties.queries import SamePerson
from parties.roles import Role
from tests import cast
from tests.cast import NOON, a_key
from tests.cast.committee import (
    CLOSED,
    a_review,
    a_reviewer,
    allocated,
    assigned,
    law,
    reviewed,
)
from vouchers import actions, queries
from vouchers.models import Application, Assignment, Decision, Voucher

pytestmark = pytest.mark.django_db


@pytest.fixture
def authority(db):
    return cast.make_authority()


def decide(application, officer, outcome="PASS", *, at=NOON, note=""):
    return actions.decide_application(
        application=application,
        outcome=outcome,
        awarded=None,
        note=note,
        actor=officer,
        at=at,
        key=a_key("decide"),
    )


def decide_round(scheme, *, actor=None):
    return actions.decide_round(
        round=scheme.round,
        actor=actor or scheme.authority.officer,
        at=CLOSED,
        key=a_key("round"),
    )


def test_a_withdrawn_application_is_not_brought_back_by_undoing_a_referral(authority):
    scheme = cast.make_programme(authority)
    applicant = cast.an_sme()
    sent = cast.a_sent_application(scheme, applicant, other_public_money=True)
    referral = actions.decide_automatically(application=sent, at=NOON, key="auto")
    assert referral.outcome == "REFER"
    actions.withdraw_application(
        application=sent, actor=applicant.person, at=NOON, key=a_key("withdraw")
    )
    with pytest.raises(actions.NotDecided):
        actions.undo_decision(
            decision=referral, note="Why.", actor=authority.officer, at=NOON, key=a_key()
        )
    with pytest.raises(actions.NotDecided):
        actions.appeal_decision(
            decision=referral, grounds="No.", actor=applicant.person, at=NOON, key=a_key()
        )
    sent.refresh_from_db()
    assert sent.status == Application.Status.WITHDRAWN


def test_a_question_left_open_blocks_no_later_one(authority):
    scheme = cast.make_programme(authority)
    applicant = cast.an_sme()
    sent = cast.a_sent_application(scheme, applicant)

    def ask(at):
        return actions.request_information(
            application=sent,
            question="Why?",
            answer_name="",
            due_on=at.date(),
            actor=authority.officer,
            at=at,
            key=a_key("ask"),
        )

    ask(NOON)
    late = NOON + timedelta(days=3)
    refused = decide(sent, authority.officer, "FAIL", at=late, note="No answer came.")
    actions.undo_decision(
        decision=refused, note="It came by post.", actor=authority.officer, at=late, key=a_key()
    )
    sent.refresh_from_db()
    assert queries.request_open(sent) is None
    ask(late)
    sent.refresh_from_db()
    assert queries.request_open(sent).asked_at == late


def test_a_review_is_given_once_however_often_and_with_whichever_key(authority):
    scheme = cast.make_programme(authority, text=law(reviewed()))
    sent = cast.a_sent_application(scheme, cast.an_sme())
    reviewer = a_reviewer(authority)

    def give(key):
        return actions.assign_application(
            application=sent,
            user=reviewer,
            task="REVIEW",
            due_on=None,
            actor=authority.officer,
            at=NOON,
            key=key,
        )

    assert len({give(key).pk for key in ("one", "two", "two", "one")}) == 1
    assert Assignment.objects.count() == 1


def test_one_person_reviews_once_under_two_accounts_and_steps_back_with_both(authority):
    scheme = cast.make_programme(authority, text=law(reviewed()))
    sent = cast.a_sent_application(scheme, cast.an_sme())
    first = a_review(sent, authority).reviewer
    a_review(sent, authority, merit=10, plan=5)
    other = cast.with_role(cast.another_account(first), authority.organisation, Role.REVIEWER)
    assigned(sent, other, authority)
    with pytest.raises(actions.ReviewWritten):
        actions.submit_review(
            application=sent,
            points={"MERIT": 1, "PLAN": 1},
            comment="Again.",
            actor=other,
            at=NOON,
            key=a_key(),
        )
    assert queries.reviews_of(sent).count() == 2
    actions.declare_conflict(
        application=sent, reason="My cousin.", actor=other, at=NOON, key=a_key()
    )
    assert [one.points["MERIT"] for one in queries.reviews_of(sent)] == [10]


def test_accounts_joined_after_two_reviews_count_as_one(authority):
    scheme = cast.make_programme(authority, text=law(reviewed()))
    sent = cast.a_sent_application(scheme, cast.an_sme())
    one, two = (a_review(sent, authority).reviewer for _turn in range(2))
    assert queries.reviews_of(sent).count() == 2
    parties.join_accounts(
        user=one, other=two, reason="One card", actor=authority.admin, at=NOON, key="join"
    )
    assert queries.reviews_of(sent).count() == 1
    with pytest.raises(actions.ReviewsMissing):
        decide(sent, authority.officer)


def test_reviews_keep_the_criteria_that_they_were_given_by(authority):
    scheme = cast.make_programme(authority, text=law(reviewed()))
    sent = cast.a_sent_application(scheme, cast.an_sme())
    for _turn in range(2):
        a_review(sent, authority)  # 80.00
    version = actions.propose_policy(
        programme=scheme.programme,
        text=law(reviewed()).replace("most = 10", "most = 7"),
        note="Fewer points.",
        actor=authority.officer,
        at=NOON,
        key=a_key("propose"),
    )
    actions.release_policy(
        version=version,
        effective_from_on=date(2025, 6, 5),
        actor=authority.second_officer,
        at=NOON,
        key=a_key("release"),
    )
    assert decide(sent, authority.officer, at=NOON + timedelta(days=5)).score == Decimal(
        "80.00"
    )


def test_a_round_spends_its_own_budget_and_no_other_s(authority):
    scheme = cast.make_programme(authority, text=law(allocated("FIRST_COME")), budget=65_000_00)
    cast.a_round(authority, scheme.programme, budget=500_000_00, code="2025-B")
    for number in range(2):
        cast.a_sent_application(scheme, cast.an_sme(f"Firm {number}"))
    found = decide_round(scheme)
    assert (found.budget, found.awarded_total) == (65_000_00, 60_000_00)
    assert sorted(Decision.objects.values_list("outcome", flat=True)) == ["FAIL", "PASS"]


def test_who_sent_an_application_does_not_decide_its_round(authority):
    scheme = cast.make_programme(authority, text=law(allocated("FIRST_COME")))
    applicant = cast.an_sme()
    cast.a_sent_application(scheme, applicant)
    officer = cast.with_role(applicant.person, authority.organisation, Role.OFFICER)
    with pytest.raises(SamePerson):
        decide_round(scheme, actor=officer)
    assert not Decision.objects.exists()


def test_nothing_is_issued_while_an_appeal_waits(authority):
    scheme = cast.make_programme(authority)
    applicant = cast.an_sme()
    decision = cast.an_approved_application(scheme, applicant)
    appeal = actions.appeal_decision(
        decision=decision, grounds="More.", actor=applicant.person, at=NOON, key=a_key()
    )

    def issue():
        return actions.issue_voucher(
            decision=decision, actor=authority.second_officer, at=NOON, key=a_key()
        )

    with pytest.raises(actions.AppealWaiting):
        issue()
    bulk = actions.issue_vouchers(
        round=scheme.round, actor=authority.second_officer, at=NOON, key=a_key()
    )
    assert (bulk.vouchers, len(bulk.left_out)) == (0, 1)
    assert not Voucher.objects.exists()
    actions.decide_appeal(
        appeal=appeal,
        outcome="DISMISSED",
        note="As the law says.",
        actor=authority.second_officer,
        at=NOON,
        key=a_key(),
    )
    assert issue().amount == 60_000_00


def test_an_appeal_is_upheld_though_the_decision_was_undone_meanwhile(authority):
    scheme = cast.make_programme(authority)
    applicant = cast.an_sme()
    sent = cast.a_sent_application(scheme, applicant)
    decision = decide(sent, authority.officer, "FAIL", note="No plan.")
    appeal = actions.appeal_decision(
        decision=decision, grounds="There is.", actor=applicant.person, at=NOON, key=a_key()
    )
    actions.undo_decision(
        decision=decision, note="There is.", actor=authority.officer, at=NOON, key=a_key()
    )
    verdict = actions.decide_appeal(
        appeal=appeal,
        outcome="UPHELD",
        note="There is.",
        actor=authority.second_officer,
        at=NOON,
        key=a_key(),
    )
    assert verdict.outcome == "UPHELD"
    assert Decision.objects.filter(undoes__isnull=False).count() == 1


def test_who_may_have_nothing_more_is_neither_approved_nor_issued_to(authority):
    scheme = cast.make_programme(authority)
    applicant = cast.an_sme()
    voucher = cast.an_issued_voucher(scheme, applicant)
    later = cast.a_round(authority, scheme.programme, budget=1_000_000_00, code="2025-B")
    draft = actions.save_draft(
        round=later,
        organisation=applicant.organisation,
        answers=cast.answers_for(scheme.programme),
        actor=applicant.person,
        at=NOON,
    )
    sent = actions.submit_application(
        application=draft, actor=applicant.person, at=NOON, key=a_key()
    )
    decision = decide(sent, authority.officer)
    actions.revoke_voucher(
        voucher=voucher,
        note="False statements.",
        may_apply_again=False,
        actor=authority.officer,
        at=NOON,
        key=a_key(),
    )
    with pytest.raises(actions.MayNotApplyAgain):
        actions.issue_voucher(
            decision=decision, actor=authority.second_officer, at=NOON, key=a_key()
        )
    bulk = actions.issue_vouchers(
        round=later, actor=authority.second_officer, at=NOON, key=a_key()
    )
    assert (bulk.vouchers, len(bulk.left_out)) == (0, 1)
    actions.undo_decision(
        decision=decision, note="Revoked.", actor=authority.officer, at=NOON, key=a_key()
    )
    with pytest.raises(actions.MayNotApplyAgain):
        decide(sent, authority.officer)
    assert decide(sent, authority.officer, "FAIL", note="Revoked.").outcome == "FAIL"


def test_a_member_of_the_holder_gives_it_no_days(authority):
    days = '[voucher]\nclause = "Article 13"\nextension_days_max = 60\nextensions_max = 1\n'
    applicant = cast.an_sme()
    voucher = cast.an_issued_voucher(cast.make_programme(authority, text=law(days)), applicant)
    extension = actions.request_extension(
        voucher=voucher,
        days=30,
        reason="Late chips.",
        actor=applicant.person,
        at=NOON,
        key=a_key(),
    )
    cast.with_role(authority.officer, applicant.organisation, Role.APPLICANT)
    with pytest.raises(actions.ConflictOfInterest):
        actions.decide_extension(
            extension=extension,
            outcome="GRANTED",
            note="",
            actor=authority.officer,
            at=NOON,
            key=a_key(),
        )
    voucher.refresh_from_db()
    assert voucher.valid_until_on == Voucher.objects.get().valid_until_on


def test_the_waiting_list_gives_nothing_that_a_person_would_have_to_judge(authority):
    scheme = cast.make_programme(
        authority, text=law(allocated("FIRST_COME", waiting_days=90)), budget=125_000_00
    )
    applicants = [cast.an_sme(f"Firm {number}") for number in range(3)]
    sent = [
        cast.a_sent_application(scheme, one, at=NOON + timedelta(minutes=number))
        for number, one in enumerate(applicants)
    ]
    decide_round(scheme)
    first = Decision.objects.get(application=sent[0])
    actions.undo_decision(
        decision=first, note="Gone.", actor=authority.officer, at=CLOSED, key=a_key()
    )
    later = CLOSED + timedelta(days=2)
    version = actions.propose_policy(
        programme=scheme.programme,
        text=law(allocated("FIRST_COME", waiting_days=90)).replace(
            "[applicant]\n", '[applicant]\ncredit_ratings = ["A"]\n'
        ),
        note="Only with a rating.",
        actor=authority.officer,
        at=CLOSED,
        key=a_key("propose"),
    )
    actions.release_policy(
        version=version,
        effective_from_on=later.date(),
        actor=authority.second_officer,
        at=CLOSED,
        key=a_key("release"),
    )
    waiting = sent[2]
    with pytest.raises(actions.NothingFree):
        actions.award_waiting(application=waiting, at=later, key=a_key())
    waiting.refresh_from_db()
    assert waiting.status == Application.Status.WAITING
    cast.told(applicants[2].organisation, at=later, business={"credit_rating": "A"})
    assert actions.award_waiting(application=waiting, at=later, key=a_key()).outcome == "PASS"
