"""Appeals, committees and public notice: nobody judges themself, and nothing is issued too early."""

from datetime import timedelta

import pytest
from django.db import transaction

from parties.queries import NotAllowed, SamePerson
from parties.roles import Role
from tests import cast
from tests.cast import NOON, a_key
from tests.cast.committee import law
from vouchers import actions, queries
from vouchers.models import Appeal, AppealVerdict, Application, Confirmation, Decision, Voucher

pytestmark = pytest.mark.django_db


@pytest.fixture
def authority(db):
    return cast.make_authority()


@pytest.fixture
def applicant(db):
    return cast.an_sme()


def refused(scheme, applicant):
    sent = cast.a_sent_application(scheme, applicant)
    return actions.decide_application(
        application=sent,
        outcome="FAIL",
        awarded=None,
        note="No plan.",
        actor=scheme.authority.officer,
        at=NOON,
        key=a_key("decide"),
    )


def appeal(decision, applicant, *, at=NOON, grounds="There is one.", key=None):
    return actions.appeal_decision(
        decision=decision,
        grounds=grounds,
        actor=applicant.person,
        at=at,
        key=key or a_key("appeal"),
    )


def judge(found, actor, outcome="UPHELD", *, note="The plan is there.", key=None):
    return actions.decide_appeal(
        appeal=found, outcome=outcome, note=note, actor=actor, at=NOON, key=key or a_key()
    )


# --- appeals ---------------------------------------------------------------------------------


def test_an_appeal_that_is_upheld_undoes_the_decision_by_another(authority, applicant):
    scheme = cast.make_programme(authority)
    decision = refused(scheme, applicant)
    found = appeal(decision, applicant)
    verdict = judge(found, authority.second_officer)

    assert verdict.outcome == AppealVerdict.Outcome.UPHELD
    application = Application.objects.get()
    assert application.status == Application.Status.REFERRED
    decision.refresh_from_db()
    assert decision.outcome == "FAIL"
    assert decision.undone_by.note == "The plan is there."


def test_an_appeal_that_is_dismissed_changes_nothing(authority, applicant):
    decision = refused(cast.make_programme(authority), applicant)
    judge(
        appeal(decision, applicant), authority.second_officer, "DISMISSED", note="Still none."
    )
    assert Application.objects.get().status == Application.Status.NOT_APPROVED
    assert Decision.objects.count() == 1


def test_who_decided_does_not_decide_the_appeal(authority, applicant):
    found = appeal(refused(cast.make_programme(authority), applicant), applicant)
    with pytest.raises(SamePerson):
        judge(found, authority.officer)
    with pytest.raises(NotAllowed):
        judge(found, authority.finance[0])
    assert not AppealVerdict.objects.exists()


def test_an_appeal_is_sent_once_and_decided_once(authority, applicant):
    decision = refused(cast.make_programme(authority), applicant)
    first, again = (appeal(decision, applicant, key="one") for _turn in range(2))
    assert first == again
    with pytest.raises(actions.Appealed):
        appeal(decision, applicant)
    assert judge(first, authority.second_officer, key="v") == judge(
        first, authority.second_officer, key="v"
    )
    with pytest.raises(actions.AppealDecided):
        judge(first, authority.second_officer)
    assert (Appeal.objects.count(), AppealVerdict.objects.count()) == (1, 1)


def test_an_appeal_comes_in_time_and_says_why(authority, applicant):
    scheme = cast.make_programme(
        authority, text=law('[appeal]\nclause = "Article 12"\ndays = 30\n')
    )
    decision = refused(scheme, applicant)
    with pytest.raises(actions.GroundsMissing):
        appeal(decision, applicant, grounds=" ")
    with pytest.raises(actions.AppealTooLate):
        appeal(decision, applicant, at=NOON + timedelta(days=31))
    assert not Appeal.objects.exists()
    assert appeal(decision, applicant, at=NOON + timedelta(days=30))


def test_who_has_no_part_in_it_does_not_appeal(authority, applicant):
    decision = refused(cast.make_programme(authority), applicant)
    with pytest.raises(NotAllowed):
        appeal(decision, cast.an_sme("Another Ltd"))


# --- committees ------------------------------------------------------------------------------


def committee(authority):
    """Return a law in which what is above 1,000,000.00 needs four people."""
    text = law().replace('name = "TWO_OFFICERS"\npeople = 2', 'name = "COMMITTEE"\npeople = 4')
    return cast.make_programme(authority, text=text)


def test_two_of_four_are_not_four(authority, applicant):
    scheme = committee(authority)
    decision = cast.an_approved_application(scheme, applicant, fee_total="2000000.00")
    people = [
        cast.with_role(cast.a_person(name), authority.organisation, Role.OFFICER)
        for name in ("Opal Third", "Orla Fourth", "Owen Fifth")
    ]

    def issue(actor):
        return actions.issue_voucher(decision=decision, actor=actor, at=NOON, key=a_key())

    def confirm(actor):
        return actions.confirm_decision(decision=decision, actor=actor, at=NOON, key=a_key())

    with pytest.raises(actions.ConfirmationMissing, match="by 2 more"):
        issue(people[0])
    confirm(people[0])
    with pytest.raises(SamePerson):
        confirm(people[0])
    with pytest.raises(SamePerson):
        confirm(authority.officer)
    with pytest.raises(actions.ConfirmationMissing, match="by 1 more"):
        issue(people[1])
    confirm(people[1])
    with pytest.raises(actions.EnoughPeople):
        confirm(people[2])
    with pytest.raises(SamePerson):
        issue(people[1])
    assert queries.budget_available(scheme.programme) == 10_000_000_00
    assert issue(people[2]).amount == 1_200_000_00
    assert Confirmation.objects.count() == 2


def test_an_award_of_two_needs_no_confirmation(authority, applicant):
    decision = cast.an_approved_application(
        cast.make_programme(authority), applicant, fee_total="2000000.00"
    )
    with pytest.raises(actions.EnoughPeople):
        actions.confirm_decision(
            decision=decision, actor=authority.second_officer, at=NOON, key=a_key()
        )


# --- public notice ---------------------------------------------------------------------------


def test_an_award_on_public_notice_is_not_issued(authority, applicant):
    scheme = cast.make_programme(
        authority, text=law('[notice]\nclause = "Article 11"\ndays = 7\n')
    )
    decision = cast.an_approved_application(scheme, applicant)

    def issue(days):
        return actions.issue_voucher(
            decision=decision,
            actor=authority.second_officer,
            at=NOON + timedelta(days=days),
            key=a_key(),
        )

    with pytest.raises(actions.NoticeRunning), transaction.atomic():
        issue(7)
    assert not Voucher.objects.exists()
    assert queries.notice_ends_on(decision) == (NOON + timedelta(days=7)).date()
    assert issue(8).amount == 60_000_00
