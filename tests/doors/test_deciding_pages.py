"""Deciding through the pages: cases, reviews, appeals and rounds, each seen by those who may."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tests import cast
from tests.cast import NOON, TODAY, a_key
from tests.cast.committee import (
    a_review,
    a_reviewer,
    allocated,
    assigned,
    law,
    reviewed,
)
from tests.doors.pages import send, words
from vouchers import actions, queries
from vouchers.models import (
    Appeal,
    AppealVerdict,
    Application,
    Assignment,
    Conflict,
    Decision,
    Deputy,
    Lot,
    Review,
    RoundDecision,
)

pytestmark = pytest.mark.django_db

YESTERDAY = TODAY - timedelta(days=1)


def day_typed(name, *, year="2099"):
    return {f"{name}_day": "31", f"{name}_month": "12", f"{name}_year": year}


@pytest.fixture
def authority(db):
    return cast.make_authority()


@pytest.fixture
def applicant(db):
    return cast.an_sme("Lychee Robotics")


# --- the queue -------------------------------------------------------------------------------


def test_the_queue_says_whose_a_case_is_and_by_when(browser, authority, applicant):
    sent = cast.a_sent_application(
        cast.make_programme(authority), applicant, at=NOON - timedelta(days=25)
    )
    officer = browser(authority.officer)
    page = words(officer.get(reverse("queue")))
    assert (
        "28 May 2025 Error: Overdue Nobody yet" in page
        or "28 May 2025 Overdue Nobody yet" in page
    )
    assert "Nobody’s yet (1)" in page

    send(
        officer,
        reverse("application_assign", args=[sent.reference]),
        user=str(authority.second_officer.pk),
    )
    assert Assignment.objects.get().user == authority.second_officer
    mine = words(browser(authority.second_officer).get(reverse("queue") + "?whose=mine"))
    assert "Otto Lang" in mine
    assert "No application matches" in words(officer.get(reverse("queue") + "?whose=mine"))


def test_days_of_waiting_for_the_applicant_are_not_counted(browser, authority, applicant):
    sent = cast.a_sent_application(cast.make_programme(authority), applicant)
    actions.request_information(
        application=sent,
        question="Send it.",
        answer_name="",
        due_on=NOON.date() + timedelta(days=9),
        actor=authority.officer,
        at=NOON,
        key=a_key(),
    )
    assert "Waiting for the applicant" in words(
        browser(authority.officer).get(reverse("queue"))
    )
    actions.answer_request(
        application=sent,
        text="Here.",
        files=[],
        actor=applicant.person,
        at=NOON + timedelta(days=8),
        key=a_key(),
    )
    assert "30 June 2025" in words(browser(authority.officer).get(reverse("queue")))


def test_a_deputy_finds_the_cases_among_their_own(browser, authority, applicant):
    sent = cast.a_sent_application(cast.make_programme(authority), applicant)
    assigned(sent, authority.officer, authority, task="DECIDE")
    today = timezone.now().date()
    typed = {
        "deputy": str(authority.second_officer.pk),
        "from_on_day": str(today.day),
        "from_on_month": str(today.month),
        "from_on_year": str(today.year),
        **day_typed("until_on"),
    }
    officer = browser(authority.officer)
    assert send(officer, reverse("deputy_new"), **typed).url == reverse("queue")
    assert Deputy.objects.get().deputy == authority.second_officer
    told = words(officer.get(reverse("queue")))
    assert "Otto Lang stands in for you until 31 December 2099." in told, told
    page = words(browser(authority.second_officer).get(reverse("queue") + "?whose=mine"))
    assert "Reading old maps" in page


# --- reviews ---------------------------------------------------------------------------------


def test_a_blind_reviewer_does_not_see_who_applied(browser, authority, applicant):
    scheme = cast.make_programme(authority, text=law(reviewed()))
    sent = cast.a_sent_application(scheme, applicant)
    reviewer = a_reviewer(authority)
    assigned(sent, reviewer, authority)
    client = browser(reviewer)
    assert "Reading old maps" in words(client.get(reverse("reviews")))

    page = client.get(reverse("review_new", args=[sent.reference]))
    assert "Train a model that reads old maps." in words(page)
    for telling in ("Lychee Robotics", "Mina Park", "mina@example.org", "91510100"):
        assert telling not in page.content.decode()
    assert client.get(reverse("application", args=[sent.reference])).status_code == 404

    typed = {"points_MERIT": "11", "points_PLAN": "4", "comment": "Clear."}
    wrong = send(client, reverse("review_new", args=[sent.reference]), **typed)
    assert "Give 0 to 10 points" in words(wrong)
    typed["points_MERIT"] = "8"
    assert send(client, reverse("review_new", args=[sent.reference]), **typed).url == reverse(
        "reviews"
    )
    assert Review.objects.get().points == {"MERIT": 8, "PLAN": 4}
    assert "Nothing is waiting for you" in words(client.get(reverse("reviews")))
    case = words(browser(authority.officer).get(reverse("decide", args=[sent.reference])))
    assert "Reviews: 1 of 2" in case
    assert "Score: 80.00 of 100" in case


def test_a_reviewer_steps_back(browser, authority, applicant):
    scheme = cast.make_programme(authority, text=law(reviewed()))
    sent = cast.a_sent_application(scheme, applicant)
    reviewer = a_reviewer(authority)
    assigned(sent, reviewer, authority)
    client = browser(reviewer)
    answer = send(client, reverse("conflict_new", args=[sent.reference]), reason="A friend.")
    assert answer.url == reverse("reviews")
    assert Conflict.objects.get().user == reviewer
    assert client.get(reverse("review_new", args=[sent.reference])).status_code == 404


def test_who_was_given_nothing_sees_nothing(browser, authority, applicant):
    scheme = cast.make_programme(authority, text=law(reviewed()))
    sent = cast.a_sent_application(scheme, applicant)
    stranger = browser(a_reviewer(authority))
    for name in ("review_new", "conflict_new", "decide", "application_assign", "appeal_decide"):
        assert stranger.get(reverse(name, args=[sent.reference])).status_code == 404
    assert browser(applicant.person).get(reverse("reviews")).status_code == 409


# --- appeals ---------------------------------------------------------------------------------


def test_an_applicant_appeals_and_another_officer_judges(browser, authority, applicant):
    now = timezone.now()
    scheme = cast.make_programme(authority)
    sent = cast.a_sent_application(scheme, applicant)
    actions.decide_application(
        application=sent,
        outcome="FAIL",
        awarded=None,
        note="No plan.",
        actor=authority.officer,
        at=now,
        key=a_key(),
    )
    person = browser(applicant.person)
    assert "You may appeal until" in words(
        person.get(reverse("application", args=[sent.reference]))
    )
    place = reverse("appeal_new", args=[sent.reference])
    assert "Write down what is wrong" in words(send(person, place, grounds=""))
    assert send(person, place, grounds="There is a plan.").url == reverse(
        "application", args=[sent.reference]
    )
    assert Appeal.objects.count() == 1
    assert "Not decided yet" in words(person.get(reverse("application", args=[sent.reference])))

    judge = browser(authority.second_officer)
    assert "Appeals, oldest first" in words(judge.get(reverse("queue")))
    verdict = reverse("appeal_decide", args=[sent.reference])
    own = send(browser(authority.officer), verdict, outcome="UPHELD", note="Yes.")
    assert "another person must do this step" in words(own)
    assert not AppealVerdict.objects.exists()
    assert send(judge, verdict, outcome="UPHELD", note="It is there.").url == reverse(
        "decide", args=[sent.reference]
    )
    told = words(person.get(reverse("application", args=[sent.reference])))
    assert "Upheld: it is decided anew" in told
    assert "It is there." in told


# --- rounds ----------------------------------------------------------------------------------


def test_what_is_decided_together_is_promised_for_after_the_round(browser, authority):
    closes = timezone.now().date() + timedelta(days=40)
    scheme = cast.make_programme(authority, text=law(allocated("FIRST_COME")), closes_on=closes)
    cast.a_sent_application(scheme, cast.an_sme(), at=timezone.now() - timedelta(days=30))
    (entry,) = queries.queue_of(authority.officer, timezone.now())
    assert entry.due_on == closes + timedelta(days=20)
    assert not entry.is_overdue
    assert queries.due_on(entry.application) == entry.due_on


def test_a_round_whose_law_decides_one_by_one_is_not_there_to_decide(browser, authority):
    scheme = cast.make_programme(authority, closes_on=YESTERDAY)
    cast.a_sent_application(scheme, cast.an_sme(), at=NOON - timedelta(days=2))
    assert queries.rounds_to_decide(authority.officer, timezone.now()) == []


def test_a_round_is_ranked_decided_and_kept(browser, authority):
    scheme = cast.make_programme(
        authority,
        text=law(allocated("FIRST_COME", waiting_days=90)),
        budget=125_000_00,
        closes_on=YESTERDAY,
    )
    for number in range(3):
        cast.a_sent_application(
            scheme,
            cast.an_sme(f"Firm {number}"),
            at=NOON - timedelta(days=2, minutes=number),
        )
    officer, place = browser(authority.officer), [scheme.programme.code, scheme.round.code]
    assert "Decide the round" in words(officer.get(reverse("queue")))
    page = words(officer.get(reverse("round_decide", args=place)))
    assert "First come, first served" in page
    assert "Would be awarded ¥120,000.00" in page
    assert "Not reached" in page

    assert send(officer, reverse("round_decide", args=place)).url == reverse(
        "round_decided", args=place
    )
    decided = words(officer.get(reverse("round_decided", args=place)))
    assert "On the waiting list" in decided
    assert "Awarded ¥120,000.00" in decided
    csv = officer.get(reverse("round_decided_csv", args=place)).content.decode("utf-8-sig")
    assert csv.splitlines()[0].startswith("place,application,organisation,score,probability")
    assert len(csv.splitlines()) == 4
    again = officer.get(reverse("round_decide", args=place))
    assert again.url == reverse("round_decided", args=place)
    assert RoundDecision.objects.count() == 1
    assert (
        browser(authority.finance[0]).get(reverse("round_decide", args=place)).status_code
        == 404
    )


def test_a_lottery_s_commitment_is_public_and_its_result_no_officer_s_to_see(
    browser, authority
):
    more = 'lottery_least = "70"\nlottery_most = "90"'
    scheme = cast.make_programme(
        authority,
        text=law(reviewed(), allocated("LOTTERY", more=more)),
        closes_on=timezone.now().date() + timedelta(days=30),
    )
    officer, place = browser(authority.officer), [scheme.programme.code, scheme.round.code]
    send(officer, reverse("lot_commit", args=place))
    lot = Lot.objects.get()
    public = words(browser().get(reverse("apply")))
    assert lot.commitment in public
    assert bytes(lot.seed).hex() not in public

    sent = cast.a_sent_application(scheme, cast.an_sme())
    for _turn in range(2):
        a_review(sent, authority)
    page = words(officer.get(reverse("round_decide", args=place)))
    assert "It takes applications until" in page
    assert "What each would get" not in page
    actions.decide_round(
        round=scheme.round,
        actor=authority.officer,
        at=timezone.now() + timedelta(days=40),
        key=a_key(),
    )
    decided = words(officer.get(reverse("round_decided", args=place)))
    assert bytes(lot.seed).hex() in decided
    assert Decision.objects.get().probability == "1"


def test_what_is_not_settled_is_named_before_a_round(browser, authority):
    scheme = cast.make_programme(
        authority, text=law(reviewed(), allocated("SCORE")), closes_on=YESTERDAY
    )
    cast.a_sent_application(scheme, cast.an_sme(), at=NOON - timedelta(days=2))
    page = browser(authority.officer).get(
        reverse("round_decide", args=[scheme.programme.code, scheme.round.code])
    )
    assert "1 application has too few reviews." in words(page)
    assert not RoundDecision.objects.exists()
    assert Application.objects.get().status == Application.Status.SENT


def test_awards_on_public_notice_are_for_everybody(browser, authority, applicant):
    assert "No award is on public notice today." in words(browser().get(reverse("awards")))
    scheme = cast.make_programme(
        authority, text=law('[notice]\nclause = "Article 11"\ndays = 7\n')
    )
    sent = cast.a_sent_application(scheme, applicant)
    actions.decide_application(
        application=sent,
        outcome="PASS",
        awarded=None,
        note="",
        actor=authority.officer,
        at=timezone.now(),
        key=a_key(),
    )
    page = words(browser().get(reverse("awards")))
    assert "Lychee Robotics" in page
    assert "¥60,000.00" in page
    issue = send(
        browser(authority.second_officer), reverse("voucher_issue", args=[sent.reference])
    )
    assert "is on public notice until" in words(issue)


def test_an_applicant_reads_nothing_of_who_judges(browser, authority, applicant):
    scheme = cast.make_programme(authority, text=law(reviewed()))
    sent = cast.a_sent_application(scheme, applicant)
    reviewer = a_review(sent, authority).reviewer
    actions.declare_conflict(
        application=sent, reason="My cousin.", actor=reviewer, at=NOON, key=a_key()
    )
    page = words(browser(applicant.person).get(reverse("application", args=[sent.reference])))
    for telling in (reviewer.name, "My cousin", "A review came in", "Given to a person"):
        assert telling not in page
    case = words(browser(authority.officer).get(reverse("decide", args=[sent.reference])))
    assert "My cousin." in case
