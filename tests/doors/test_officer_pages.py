"""Officers decide with the facts beside the working; law and budget change in two pairs of hands."""

import pytest
from django.urls import reverse

from tests.cast import (
    M3,
    a_sent_application,
    an_approved_application,
    an_sme,
    make_authority,
    make_programme,
    policy_text,
)
from tests.doors.pages import key_on, send, words
from vouchers.models import Decision, PolicyVersion, Round, Voucher

pytestmark = pytest.mark.django_db


@pytest.fixture
def scheme(db):
    return make_programme(make_authority(), M3)


@pytest.fixture
def sent(scheme):
    return a_sent_application(scheme, an_sme())


def url(name, *args):
    return reverse(name, args=args)


# --- deciding --------------------------------------------------------------------------------


def test_the_queue_lists_what_waits_with_the_day_promised(browser, scheme, sent):
    page = words(browser(scheme.authority.officer).get(url("queue")))

    assert "Reading old maps" in page
    assert "22 June 2025" in page


def test_an_empty_queue_says_so(browser, scheme):
    page = words(browser(scheme.authority.officer).get(url("queue")))

    assert "Nothing is waiting for you." in page


def test_the_queue_is_for_officers(browser, scheme, sent):
    page = browser(scheme.authority.finance[0]).get(url("queue"))

    assert page.status_code == 409
    assert "This needs the role Programme officer" in words(page)


def test_an_officer_sees_facts_working_and_what_is_recommended(browser, scheme, sent):
    page = words(browser(scheme.authority.officer).get(url("decide", sent.reference)))

    assert "Reading old maps" in page
    assert "¥60,000.00 Recommended, the most that may be awarded" in page
    assert "Every condition is met." in page
    assert "How this was worked out" in page


def test_approving_leads_to_the_voucher_and_pressing_twice_decides_once(browser, scheme, sent):
    client = browser(scheme.authority.officer)
    decide = url("decide", sent.reference)
    key = key_on(client.get(decide))
    typed = {"outcome": "PASS", "awarded": "50,000", "note": "", "key": key}

    answers = [client.post(decide, typed) for _ in range(2)]

    assert {answer.url for answer in answers} == {url("voucher_issue", sent.reference)}
    assert Decision.objects.get().awarded == 50_000_00


def test_more_than_recommended_is_refused_in_words_and_what_was_typed_stays(
    browser, scheme, sent
):
    client = browser(scheme.authority.officer)

    page = send(
        client, url("decide", sent.reference), outcome="PASS", awarded="70000", note="Good"
    )

    assert "¥70,000.00 is more than the policy allows, which is ¥60,000.00." in words(page)
    assert 'value="70000"' in page.content.decode()
    assert not Decision.objects.exists()


def test_not_approving_needs_a_reason(browser, scheme, sent):
    client = browser(scheme.authority.officer)

    page = send(client, url("decide", sent.reference), outcome="FAIL", awarded="", note="")

    assert "Say why it is not approved" in words(page)
    assert not Decision.objects.exists()


def test_the_applicant_reads_the_reason(browser, scheme):
    applicant = an_sme()
    sent = a_sent_application(scheme, applicant)
    send(
        browser(scheme.authority.officer),
        url("decide", sent.reference),
        outcome="FAIL",
        awarded="",
        note="The plan names no data.",
    )

    page = words(browser(applicant.person).get(url("application", sent.reference)))

    assert "Not approved" in page
    assert "The plan names no data." in page


def test_an_applicant_can_not_open_the_decision(browser, scheme):
    applicant = an_sme()
    sent = a_sent_application(scheme, applicant)
    client = browser(applicant.person)

    for name in ("decide", "voucher_issue", "decision_undo"):
        assert client.get(url(name, sent.reference)).status_code == 404


def test_issuing_twice_issues_one_voucher(browser, scheme):
    decision = an_approved_application(scheme, an_sme())
    client = browser(scheme.authority.second_officer)
    issue = url("voucher_issue", decision.application.reference)
    key = key_on(client.get(issue))

    answers = [client.post(issue, {"key": key}) for _ in range(2)]

    voucher = Voucher.objects.get()
    assert {answer.url for answer in answers} == {url("voucher", voucher.code)}


def test_a_decision_is_undone_with_a_reason(browser, scheme):
    decision = an_approved_application(scheme, an_sme())
    client = browser(scheme.authority.officer)
    reference = decision.application.reference

    send(client, url("decision_undo", reference), note="The wrong amount.")

    decision.application.refresh_from_db()
    assert decision.application.status == "REFERRED"
    assert "The wrong amount." in words(client.get(url("decide", reference)))


# --- programmes, law and rounds --------------------------------------------------------------


def test_the_parts_of_a_budget_add_up_to_the_appropriation(browser, scheme):
    an_approved_application(scheme, an_sme())
    page = words(browser(scheme.authority.officer).get(url("programme", M3)))

    assert "Available ¥10,000,000.00 Appropriated ¥10,000,000.00" in page


def test_every_member_of_the_authority_sees_its_programmes(browser, scheme):
    authority = scheme.authority
    for person in (authority.officer, authority.finance[0], authority.regulator):
        client = browser(person)
        for address in (url("programmes"), url("programme", M3), url("rounds")):
            assert client.get(address).status_code == 200


def test_a_programme_is_not_an_applicants_to_see(browser, scheme):
    client = browser(an_sme().person)

    for address in (url("programme", M3), url("policy_propose", M3), url("round_new", M3)):
        assert client.get(address).status_code == 404


def test_what_is_wrong_in_a_policy_is_told_with_its_place(browser, scheme):
    client = browser(scheme.authority.officer)
    text = policy_text(M3).replace("days_min", "days_least")

    page = send(client, url("policy_propose", M3), text=text, note="Try", step="propose")

    assert "There is a problem" in words(page)
    assert "days_least" in words(page)
    assert PolicyVersion.objects.count() == 1


def test_what_changes_is_shown_before_it_is_proposed(browser, scheme):
    client = browser(scheme.authority.officer)
    text = policy_text(M3) + "\n# A remark.\n"

    page = send(client, url("policy_propose", M3), text=text, note="Try", step="compare")

    assert "+# A remark." in words(page)
    assert PolicyVersion.objects.count() == 1


def test_one_proposes_and_another_puts_in_force(browser, scheme):
    authority = scheme.authority
    text = policy_text(M3) + "\n# A remark.\n"
    send(
        browser(authority.officer),
        url("policy_propose", M3),
        text=text,
        note="T",
        step="propose",
    )
    day = {
        "effective_from_on_day": "1",
        "effective_from_on_month": "7",
        "effective_from_on_year": "2025",
    }

    same = send(browser(authority.officer), url("policy_release", M3, 2), **day)
    other = send(browser(authority.second_officer), url("policy_release", M3, 2), **day)

    assert "There is a problem" in words(same)
    assert other.url == url("programme", M3)
    assert PolicyVersion.objects.get(number=2).release.effective_from_on.isoformat() == (
        "2025-07-01"
    )


ROUND = {
    "code": "2025-B",
    "fiscal_year": "2025",
    "budget": "1,000,000",
    "opens_on_day": "1",
    "opens_on_month": "7",
    "opens_on_year": "2025",
    "closes_on_day": "30",
    "closes_on_month": "9",
    "closes_on_year": "2025",
}


def test_finance_opens_a_round_once(browser, scheme):
    client = browser(scheme.authority.finance[0])
    key = key_on(client.get(url("round_new", M3)))

    answers = [client.post(url("round_new", M3), {**ROUND, "key": key}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert Round.objects.get(code="2025-B").budget == 1_000_000_00


def test_an_officer_opens_no_round(browser, scheme):
    page = send(browser(scheme.authority.officer), url("round_new", M3), **ROUND)

    assert "Finance officer" in words(page)
    assert 'value="2025-B"' in page.content.decode()
    assert Round.objects.count() == 1
