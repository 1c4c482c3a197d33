"""People see their organisation, propose where it is paid, and sign in safely."""

import re

import pytest
from allauth.mfa.totp.internal import auth as totp
from django.urls import reverse

from parties.models import BankDetail
from tests.cast import a_bank_detail, a_payee, a_person, an_sme, make_authority, make_provider
from tests.doors.pages import send, words

pytestmark = pytest.mark.django_db

PASSWORD = "three plain words here"
DETAIL = {
    "holder": "Small Model Ltd",
    "scheme": "IBAN",
    "number": "GB82 WEST 1234 5698 7654 32",
    "agent": "nwbkgb2l",
}


def propose_url(organisation):
    return reverse("bank_detail_new", args=[organisation.code])


def test_an_organisation_shows_its_people_and_its_number(browser):
    sme = an_sme()

    page = words(browser(sme.person).get(reverse("organisation")))

    assert sme.organisation.identifier in page
    assert sme.person.email in page
    assert "No bank detail yet." in page


def test_who_belongs_nowhere_is_told_what_to_do(browser):
    page = words(browser(a_person()).get(reverse("organisation")))

    assert "You are not a member of an organisation yet." in page


def test_a_bank_detail_is_proposed_and_another_person_approves_it(browser):
    authority = make_authority()
    sme = a_payee(authority)
    send(browser(sme.person), propose_url(sme.organisation), **DETAIL)
    detail = BankDetail.objects.get()
    finance = browser(authority.finance[0])

    listed = words(finance.get(reverse("organisation")))
    send(finance, reverse("bank_detail_approve", args=[detail.pk]))

    detail.refresh_from_db()
    assert "Small Model Ltd" in listed
    assert detail.number == "GB82WEST12345698765432"
    assert detail.status == "APPROVED"
    assert "In force" in words(browser(sme.person).get(reverse("organisation")))


def test_a_change_cools_off_and_its_organisation_stops_it(browser):
    authority = make_authority()
    sme = a_payee(authority)
    a_bank_detail(sme.organisation, sme.person, authority)
    own, finance = browser(sme.person), browser(authority.finance[0])
    send(own, propose_url(sme.organisation), **DETAIL)
    changed = BankDetail.objects.latest("pk")
    send(finance, reverse("bank_detail_approve", args=[changed.pk]))
    page = words(own.get(reverse("organisation")))
    assert "Cooling off" in page
    assert "In force for now" in page

    stop_url = reverse("bank_detail_stop", args=[changed.pk])
    assert browser(an_sme("Other Ltd").person).get(stop_url).status_code == 404
    assert "Fill in “Why?”" in words(send(own, stop_url))
    send(own, stop_url, note="Not ours.")

    changed.refresh_from_db()
    assert changed.status == "STOPPED"
    page = words(own.get(reverse("organisation")))
    assert "It was stopped before anything was paid here." in page
    assert "Cooling off" not in page


def test_a_wrong_number_is_refused_in_words_and_stays_typed(browser):
    sme = an_sme()

    page = send(
        browser(sme.person),
        propose_url(sme.organisation),
        **{**DETAIL, "number": "GB00 WEST 1234 5698 7654 32"},
    )

    assert "two characters may be swapped" in words(page)
    assert "GB00 WEST 1234 5698 7654 32" in page.content.decode()
    assert not BankDetail.objects.exists()


def test_only_finance_approves(browser):
    authority = make_authority()
    sme = a_payee(authority)
    send(browser(sme.person), propose_url(sme.organisation), **DETAIL)
    address = reverse("bank_detail_approve", args=[BankDetail.objects.get().pk])

    assert browser(authority.officer).get(address).status_code == 404
    assert browser(sme.person).get(address).status_code == 404


def test_the_bank_detail_of_others_is_not_ones_to_propose(browser):
    sme, other = an_sme(), make_provider(make_authority())

    assert browser(sme.person).get(propose_url(other.organisation)).status_code == 404


def test_a_profile_is_changed_and_speaks_at_once(browser):
    sme = an_sme()
    client = browser(sme.person)

    answered = send(client, reverse("profile"), name="Mina P.", language="zh-hans")

    sme.person.refresh_from_db()
    assert sme.person.name == "Mina P."
    assert '<html lang="zh-Hans"' in client.get(answered.url).content.decode()


@pytest.mark.parametrize("name", ["organisation", "profile"])
def test_nobody_gets_in_without_signing_in(browser, name):
    assert browser().get(reverse(name)).status_code == 302


# --- signing in ------------------------------------------------------------------------------


def test_a_person_signs_in_with_e_mail_and_password(browser):
    person = a_person(password=PASSWORD)
    client = browser()

    answered = client.post(
        reverse("account_login"),
        {"login": person.email, "password": PASSWORD},
    )

    assert answered.status_code == 302
    assert client.get(reverse("profile")).status_code == 200


def test_a_wrong_password_is_told_without_saying_who_is_known(browser):
    person = a_person(password=PASSWORD)

    known = browser().post(
        reverse("account_login"), {"login": person.email, "password": "wrong words"}
    )
    unknown = browser().post(
        reverse("account_login"), {"login": "nobody@example.org", "password": "wrong words"}
    )

    assert "There is a problem" in words(known)
    assert "There is a problem" in words(unknown)


@pytest.mark.parametrize(
    "name",
    [
        "account_login",
        "account_signup",
        "account_reset_password",
        "account_reset_password_done",
        "account_reset_password_from_key_done",
        "account_inactive",
    ],
)
def test_the_pages_of_signing_in_have_the_portals_look(browser, name):
    page = browser().get(reverse(name))

    assert page.status_code == 200
    assert "app-header" in page.content.decode()
    assert "data:" not in page.content.decode()


def code_now(page):
    """Return what an authenticator app shows for the key on the page."""
    secret = re.search(r"<code>([A-Z2-7]+)</code>", page.content.decode()).group(1)
    counter = next(iter(totp.yield_hotp_counters_from_time()))
    return totp.format_hotp_value(totp.hotp_value(secret, counter))


def test_two_step_sign_in_is_turned_on_without_a_picture_from_elsewhere(browser):
    person = a_person(password=PASSWORD)
    client = browser()
    client.post(reverse("account_login"), {"login": person.email, "password": PASSWORD})
    asked = client.get(reverse("mfa_activate_totp"))
    assert "Confirm that it is you" in words(client.get(asked.url))
    client.post(asked.url, {"password": PASSWORD})

    page = client.get(reverse("mfa_activate_totp"))
    answered = client.post(reverse("mfa_activate_totp"), {"code": code_now(page)})

    assert "<svg" in page.content.decode()
    assert "data:image" not in page.content.decode()
    assert "<?xml" not in page.content.decode()
    assert "Your recovery codes" in words(client.get(answered.url))
    assert "You have 10 codes left." in words(client.get(reverse("mfa_index")))
    for name in ("mfa_generate_recovery_codes", "mfa_deactivate_totp", "account_logout"):
        assert client.get(reverse(name)).status_code == 200
    second = browser()
    step = second.post(reverse("account_login"), {"login": person.email, "password": PASSWORD})
    assert "Enter your code" in words(second.get(step.url))


def test_a_password_is_changed_with_the_old_one(browser):
    person = a_person(password=PASSWORD)
    client = browser(person)

    answered = client.post(
        reverse("account_change_password"),
        {
            "oldpassword": PASSWORD,
            "password1": "four other plain words",
            "password2": "four other plain words",
        },
    )

    person.refresh_from_db()
    assert answered.status_code == 302
    assert person.check_password("four other plain words")
