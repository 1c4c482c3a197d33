"""Reviews count only from those who may judge; what the law asks of them is asked."""

from datetime import date
from decimal import Decimal

import pytest

from parties.queries import NotAllowed
from parties.roles import Role
from tests import cast
from tests.cast import NOON, TODAY, a_key
from tests.cast.committee import a_review, a_reviewer, assigned, law, reviewed
from vouchers import actions, queries
from vouchers.models import Application, Assignment, Conflict, Decision, Review
from vouchers.queries import policy_in_force

pytestmark = pytest.mark.django_db


@pytest.fixture
def authority(db):
    return cast.make_authority()


@pytest.fixture
def scheme(authority):
    return cast.make_programme(authority, text=law(reviewed('least = "60"')))


@pytest.fixture
def sent(scheme):
    return cast.a_sent_application(scheme, cast.an_sme())


def review(application, reviewer, *, points=None, comment="Clear.", key=None):
    return actions.submit_review(
        application=application,
        points=points or {"MERIT": 8, "PLAN": 4},
        comment=comment,
        actor=reviewer,
        at=NOON,
        key=key or a_key("review"),
    )


def approve(application, officer):
    return actions.decide_application(
        application=application,
        outcome="PASS",
        awarded=None,
        note="",
        actor=officer,
        at=NOON,
        key=a_key("decide"),
    )


# --- what is asked before an approval --------------------------------------------------------


def test_two_of_two_reviews_are_needed_and_one_is_not_two(authority, sent):
    a_review(sent, authority)
    with pytest.raises(actions.ReviewsMissing) as found:
        approve(sent, authority.officer)
    assert (found.value.values["have"], found.value.values["need"]) == (1, 2)
    assert not Decision.objects.exists()

    a_review(sent, authority, merit=10, plan=5)
    # 80 and 100 points of 100: 90.00 on average.
    assert approve(sent, authority.officer).score == Decimal("90.00")


def test_a_score_below_what_is_needed_is_not_approved(authority, sent):
    for _turn in range(2):
        a_review(sent, authority, merit=5, plan=4)  # 57.50
    with pytest.raises(actions.ScoreTooLow):
        approve(sent, authority.officer)
    sent.refresh_from_db()
    assert sent.status == Application.Status.SENT


def test_what_is_reviewed_is_not_decided_by_itself(authority, scheme):
    small = cast.a_sent_application(scheme, cast.an_sme(), fee_total="1000.00")
    assert actions.decide_automatically(application=small, at=NOON, key="auto") is None


def test_an_amount_within_the_limit_needs_no_review(authority):
    scheme = cast.make_programme(authority, text=law(reviewed('above = "60000"')))
    sent = cast.a_sent_application(scheme, cast.an_sme())  # exactly 60,000.00
    assert approve(sent, authority.officer).awarded == 60_000_00
    more = cast.a_sent_application(scheme, cast.an_sme(), fee_total="100000.02")
    with pytest.raises(actions.ReviewsMissing):
        approve(more, authority.officer)


# --- who may review --------------------------------------------------------------------------


def test_who_was_not_given_it_does_not_review(authority, sent):
    with pytest.raises(actions.NotYoursToReview):
        review(sent, a_reviewer(authority))
    with pytest.raises(NotAllowed):
        review(sent, authority.finance[0])
    assert not Review.objects.exists()


def test_a_review_is_written_once_and_asked_twice_is_the_same(authority, sent):
    reviewer = a_reviewer(authority)
    assigned(sent, reviewer, authority)
    first, again = (review(sent, reviewer, key="one") for _turn in range(2))
    assert first == again
    with pytest.raises(actions.ReviewWritten):
        review(sent, reviewer)
    assert Review.objects.count() == 1


@pytest.mark.parametrize(
    "points",
    [
        {"MERIT": 11, "PLAN": 4},
        {"MERIT": -1, "PLAN": 4},
        {"MERIT": 8},
        {"MERIT": 8, "PLAN": 4, "CHARM": 1},
    ],
)
def test_points_outside_the_criteria_are_refused(authority, sent, points):
    reviewer = a_reviewer(authority)
    assigned(sent, reviewer, authority)
    with pytest.raises(actions.PointsInvalid):
        review(sent, reviewer, points=points)
    assert not Review.objects.exists()


def test_a_review_says_why(authority, sent):
    reviewer = a_reviewer(authority)
    assigned(sent, reviewer, authority)
    with pytest.raises(actions.ReasonMissing):
        review(sent, reviewer, comment=" ")


# --- who is too close ------------------------------------------------------------------------


def test_a_declared_conflict_takes_a_review_back_and_bars_the_person(authority, sent):
    first = a_review(sent, authority)
    a_review(sent, authority)
    actions.declare_conflict(
        application=sent, reason="My cousin.", actor=first.reviewer, at=NOON, key=a_key()
    )
    with pytest.raises(actions.ReviewsMissing):
        approve(sent, authority.officer)
    with pytest.raises(actions.ConflictOfInterest):
        assigned(sent, first.reviewer, authority)
    assert list(queries.reviews_assigned_to(first.reviewer)) == []


def test_an_officer_with_a_conflict_neither_decides_nor_issues_nor_admits(authority):
    scheme = cast.make_programme(authority)
    sent = cast.a_sent_application(scheme, cast.an_sme())
    officer = authority.officer
    for _turn in range(2):
        actions.declare_conflict(
            application=sent, reason="I advised them.", actor=officer, at=NOON, key="conflict"
        )
    assert Conflict.objects.count() == 1
    with pytest.raises(actions.ConflictOfInterest):
        approve(sent, officer)
    with pytest.raises(actions.ConflictOfInterest):
        actions.admit_application(
            application=sent, note="Fine.", actor=officer, at=NOON, key=a_key()
        )
    decision = approve(sent, authority.second_officer)
    with pytest.raises(actions.ConflictOfInterest):
        actions.issue_voucher(decision=decision, actor=officer, at=NOON, key=a_key())
    assert queries.budget_available(scheme.programme) == 10_000_000_00


def test_who_was_ever_part_of_the_applicant_may_not_judge_it(authority):
    scheme = cast.make_programme(authority)
    applicant = cast.an_sme()
    officer = cast.with_role(authority.officer, applicant.organisation, Role.APPLICANT)
    sent = cast.a_sent_application(scheme, applicant)
    with pytest.raises(actions.ConflictOfInterest):
        approve(sent, officer)


# --- giving cases to people ------------------------------------------------------------------


def test_a_case_is_given_to_an_officer_and_to_nobody_else(authority, sent):
    assigned(sent, authority.second_officer, authority, task="DECIDE")
    assert queries.officer_of(sent) == authority.second_officer
    for person in (a_reviewer(authority), authority.finance[0], cast.a_person()):
        with pytest.raises(actions.NotAColleague):
            assigned(sent, person, authority, task="DECIDE")
    assert Assignment.objects.count() == 1


def test_a_review_is_not_given_where_the_law_has_none(authority):
    scheme = cast.make_programme(authority)
    sent = cast.a_sent_application(scheme, cast.an_sme())
    with pytest.raises(actions.NotReviewedHere):
        assigned(sent, a_reviewer(authority), authority)


def test_the_same_review_is_given_once(authority, sent):
    reviewer = a_reviewer(authority)
    assert assigned(sent, reviewer, authority) == assigned(sent, reviewer, authority)
    assert [one.user for one in queries.reviewers_of(sent)] == [reviewer]


def test_a_deputy_stands_in_for_some_days(authority):
    actions.name_deputy(
        deputy=authority.second_officer,
        from_on=TODAY,
        until_on=date(2025, 6, 9),
        actor=authority.officer,
        at=NOON,
        key="away",
    )
    stands_in = queries.stands_in_for
    assert stands_in(authority.second_officer, date(2025, 6, 9)) == {authority.officer.pk}
    assert stands_in(authority.second_officer, date(2025, 6, 10)) == set()


@pytest.mark.parametrize(("since", "until"), [(3, 2), (-9, -1)])
def test_a_deputy_s_days_are_in_order_and_not_over(authority, since, until):
    with pytest.raises(actions.DeputyInvalid):
        actions.name_deputy(
            deputy=authority.second_officer,
            from_on=date.fromordinal(TODAY.toordinal() + since),
            until_on=date.fromordinal(TODAY.toordinal() + until),
            actor=authority.officer,
            at=NOON,
            key=a_key(),
        )


def test_a_deputy_is_another_officer_of_the_same_authority(authority):
    strangers = cast.make_authority("Other Bureau")
    for person in (authority.officer, authority.finance[0], strangers.officer):
        with pytest.raises(actions.DeputyInvalid):
            actions.name_deputy(
                deputy=person,
                from_on=TODAY,
                until_on=TODAY,
                actor=authority.officer,
                at=NOON,
                key=a_key(),
            )


def test_the_law_in_force_has_the_criteria(scheme):
    _version, rules = policy_in_force(scheme.programme, TODAY)
    assert [one.name for one in rules.review.criteria] == ["MERIT", "PLAN"]
