"""An applicant can check, apply, correct, send and withdraw, and loses nothing on the way."""

import pytest
from django.urls import reverse

from ledger.queries import acts_about
from tests.cast import (
    M1,
    M3,
    M5,
    a_draft,
    a_laboratory,
    a_sent_application,
    an_sme,
    make_authority,
    make_programme,
    make_provider,
)
from tests.doors.pages import key_on, send, words
from vouchers.models import Application, Decision

pytestmark = pytest.mark.django_db


@pytest.fixture
def scheme(db):
    return make_programme(make_authority(), M3)


@pytest.fixture
def applicant(db):
    return an_sme()


def start_url(scheme):
    return reverse("application_start", args=[scheme.programme.code, scheme.round.code])


def question_url(application, task):
    return reverse("application_question", args=[application.reference, task])


# --- before signing in -----------------------------------------------------------------------


def test_everybody_sees_the_open_rounds_and_what_they_pay(browser, scheme):
    page = words(browser().get(reverse("apply")))

    assert "Programme cn-chengdu-2025" in page
    assert "31 December 2025" in page
    assert "of the price, to the provider" in page


def test_a_closed_round_is_not_offered(browser):
    assert "No round is open today" in words(browser().get(reverse("apply")))


FIVE = {
    "kind": "SME",
    "region": "-",
    "is_registered_business": "yes",
    "employees": "12",
    "other_public_money": "no",
}


def test_five_answers_tell_who_may_apply(browser, scheme):
    page = browser().get(reverse("eligibility_check"), FIVE)

    assert "You can apply" in words(page)
    assert page.status_code == 200


def test_who_may_not_apply_is_told_why(browser, scheme):
    page = words(browser().get(reverse("eligibility_check"), {**FIVE, "kind": "CHARITY"}))

    assert "You can’t apply" in page
    assert "the organisation is registered here as CHARITY" in page


def test_a_missing_answer_is_asked_for(browser, scheme):
    page = words(browser().get(reverse("eligibility_check"), {**FIVE, "employees": ""}))

    assert "There is a problem" in page
    assert "You can apply" not in page


# --- applying --------------------------------------------------------------------------------


def test_only_who_is_signed_in_may_start(browser, scheme):
    answer = browser().get(start_url(scheme))

    assert answer.status_code == 302
    assert reverse("account_login") in answer.url


def test_starting_begins_one_draft_however_often_it_is_pressed(browser, scheme, applicant):
    client = browser(applicant.person)
    typed = {"organisation": applicant.organisation.code}

    first = client.post(start_url(scheme), typed)
    second = client.post(start_url(scheme), typed)

    draft = Application.objects.get()
    assert first.url == reverse("application_tasks", args=[draft.reference])
    assert second.status_code == 302


def test_a_whole_application_in_seven_pages(browser, scheme, applicant):
    make_provider(scheme.authority)
    client = browser(applicant.person)
    client.post(start_url(scheme), {"organisation": applicant.organisation.code})
    draft = Application.objects.get()
    answers = [
        {"contact_name": "Mina Park", "contact_email": "mina@example.org"},
        {
            "project_title": "Reading old maps",
            "use_type": "TRAIN",
            "description": "Train a model that reads old maps.",
            "milestone": "",
        },
        {"resource_class": "H100", "hours": "4,000", "provider_code": ""},
        {
            "start_on_day": "10",
            "start_on_month": "6",
            "start_on_year": "2025",
            "end_on_day": "30",
            "end_on_month": "9",
            "end_on_year": "2025",
            "fee_total": "100,000",
            "other_public_money": "no",
        },
        {"declaration": "on"},
    ]

    url = question_url(draft, "organisation")
    for typed in answers:
        answered = client.post(url, {**typed, "then": "continue"})
        assert answered.status_code == 302, words(answered)
        url = answered.url

    check = reverse("application_check", args=[draft.reference])
    assert url == check
    assert "Reading old maps" in words(client.get(check))
    sent = client.post(check, {"key": key_on(client.get(check))})
    confirmation = words(client.get(sent.url))
    draft.refresh_from_db()
    assert draft.status == "SENT"
    assert draft.answers["hours"] == "4000"
    assert draft.answers["start_on"] == "2025-06-10"
    assert draft.answers["other_public_money"] is False
    assert draft.reference in confirmation
    assert "An officer decides by 22 June 2025" in confirmation
    assert "Reading old maps" in confirmation


def test_wrong_answers_are_named_and_kept(browser, scheme, applicant):
    make_provider(scheme.authority)
    draft = a_draft(scheme, applicant)
    client = browser(applicant.person)

    page = client.post(
        question_url(draft, "compute"),
        {"resource_class": "H100", "hours": "many", "then": "continue"},
    )

    assert "Enter hours as a number, for example 1,200" in words(page)
    assert 'value="many"' in page.content.decode()
    draft.refresh_from_db()
    assert draft.answers["hours"] == "4000"


def test_coming_back_later_keeps_what_is_not_right_yet(browser, scheme, applicant):
    draft = a_draft(scheme, applicant)
    client = browser(applicant.person)

    answered = client.post(
        question_url(draft, "compute"), {"hours": "about 500", "then": "later"}
    )

    draft.refresh_from_db()
    assert answered.url == reverse("application_tasks", args=[draft.reference])
    assert draft.answers["hours"] == "about 500"
    assert "4 of 5 tasks" in words(client.get(answered.url))


def test_changing_the_language_keeps_every_answer(browser, scheme, applicant):
    draft = a_draft(scheme, applicant)
    client = browser(applicant.person)

    page = client.post(
        question_url(draft, "project"),
        {"project_title": "旧地图", "use_type": "TRAIN", "set_language": "zh-hans"},
    )

    draft.refresh_from_db()
    assert page.status_code == 200
    assert '<html lang="zh-Hans"' in page.content.decode()
    assert 'value="旧地图"' in page.content.decode()
    assert "govuk-error-summary" not in page.content.decode()
    assert draft.answers["project_title"] == "旧地图"
    assert client.cookies["django_language"].value == "zh-hans"


def test_sending_twice_sends_once(browser, scheme, applicant):
    draft = a_draft(scheme, applicant)
    client = browser(applicant.person)
    check = reverse("application_check", args=[draft.reference])
    key = key_on(client.get(check))

    answers = [client.post(check, {"key": key}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    acts = [act.kind for act in acts_about(draft.address)]
    assert acts.count("submit_application") == 1


def test_an_incomplete_application_is_not_sent(browser, scheme, applicant):
    draft = a_draft(scheme, applicant, project_title="")
    client = browser(applicant.person)
    check = reverse("application_check", args=[draft.reference])

    answered = client.post(check, {"key": "0" * 32})

    draft.refresh_from_db()
    assert answered.url == reverse("application_tasks", args=[draft.reference])
    assert draft.status == "DRAFT"


def test_a_small_request_is_answered_on_the_confirmation_page(browser):
    scheme = make_programme(make_authority(), M5)
    laboratory = a_laboratory(country="GB", region="GB-LND")
    draft = a_draft(scheme, laboratory, hours="800")
    client = browser(laboratory.person)
    check = reverse("application_check", args=[draft.reference])

    sent = client.post(check, {"key": key_on(client.get(check))})

    page = words(client.get(sent.url))
    assert Decision.objects.get().decided_by is None
    assert "You are awarded 800 GPU-hours" in page
    assert "How this was worked out" in page


@pytest.mark.parametrize("code", [M1, M3, M5])
def test_every_task_of_every_mode_has_its_page(browser, code):
    scheme = make_programme(make_authority(), code)
    who = a_laboratory(country="GB", region="GB-LND") if code == M5 else an_sme()
    draft = a_draft(scheme, who)
    client = browser(who.person)

    for task in ("organisation", "project", "compute", "time", "declaration"):
        assert client.get(question_url(draft, task)).status_code == 200
    assert client.get(question_url(draft, "nothing")).status_code == 404
    assert client.get(reverse("application_tasks", args=[draft.reference])).status_code == 200
    assert "5 of 5 tasks" in words(
        client.get(reverse("application_tasks", args=[draft.reference]))
    )


# --- afterwards ------------------------------------------------------------------------------


def test_the_page_of_an_application_tells_where_it_stands(browser, scheme, applicant):
    sent = a_sent_application(scheme, applicant)

    page = words(browser(applicant.person).get(reverse("application", args=[sent.reference])))

    assert "Waiting for us." in page
    assert "Application sent" in page


def test_withdrawing_takes_an_application_back(browser, scheme, applicant):
    sent = a_sent_application(scheme, applicant)
    client = browser(applicant.person)

    answered = send(client, reverse("application_withdraw", args=[sent.reference]))

    sent.refresh_from_db()
    assert answered.url == reverse("apply")
    assert sent.status == "WITHDRAWN"


def test_the_application_of_others_is_not_there(browser, scheme, applicant):
    draft = a_draft(scheme, applicant)
    client = browser(an_sme("Other Ltd").person)

    for name in ("application", "application_tasks", "application_check", "application_sent"):
        assert client.get(reverse(name, args=[draft.reference])).status_code == 404


def test_starting_anew_can_begin_with_the_last_answers(browser, scheme, applicant):
    a_sent_application(scheme, applicant)
    client = browser(applicant.person)
    send(client, reverse("application_withdraw", args=[Application.objects.get().reference]))

    answered = client.post(
        start_url(scheme),
        {"organisation": applicant.organisation.code, "is_copy": "on"},
    )

    draft = Application.objects.get(status="DRAFT")
    assert answered.url == reverse("application_question", args=[draft.reference, "time"])
    assert draft.answers["project_title"] == "Reading old maps"
    assert "start_on" not in draft.answers
    assert "declaration" not in draft.answers
