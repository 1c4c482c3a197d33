"""An administrator finds accounts, joins those of one person, and parts them again."""

import pytest
from django.urls import reverse

from parties.models import PersonChange
from parties.queries import is_one_person
from tests.cast import a_person, an_sme, another_account, make_authority
from tests.doors.pages import send, words

pytestmark = pytest.mark.django_db

WHY = "One number in the staff register"


def people_urls(account):
    return [
        reverse("people"),
        *(
            reverse(name, args=[account.pk])
            for name in ("person", "accounts_join", "accounts_part")
        ),
    ]


def test_an_administrator_finds_accounts_by_their_address(browser):
    authority, sme, other = make_authority(), an_sme(), a_person("Nora Quist")
    fellow = another_account(sme.person)
    admin = browser(authority.admin)

    everybody = words(admin.get(reverse("people")))
    found = words(admin.get(reverse("people"), {"words": sme.person.email.partition("@")[0]}))

    assert sme.person.email in everybody
    assert other.email in everybody
    assert sme.person.email in found
    assert fellow.email in found
    assert other.email not in found
    assert "No account matches." in words(admin.get(reverse("people"), {"words": "nobody@"}))


def test_the_list_costs_the_same_however_many_accounts_there_are(
    browser, django_assert_num_queries, django_assert_max_num_queries
):
    admin = browser(make_authority().admin)
    with django_assert_max_num_queries(20) as few:
        admin.get(reverse("people"))
    for _number in range(10):
        another_account(a_person())

    with django_assert_num_queries(len(few)):
        admin.get(reverse("people"))


def test_accounts_are_joined_and_parted_with_a_reason_that_stays(browser):
    authority, one, other = make_authority(), a_person("Mina Park"), a_person("M. Park")
    admin = browser(authority.admin)
    join, part = (reverse(name, args=[one.pk]) for name in ("accounts_join", "accounts_part"))

    joined = send(admin, join, email=f" {other.email.upper()} ", reason=WHY)

    assert joined.status_code == 302
    assert is_one_person(one, other)
    page = words(admin.get(joined["Location"]))
    assert other.email in page
    assert WHY in page
    assert authority.admin.name in page
    assert "Part this account from its person" in page

    assert send(admin, part, reason="The register was wrong").status_code == 302
    assert not is_one_person(one, other)
    page = words(admin.get(reverse("person", args=[one.pk])))
    assert "Part this account from its person" not in page
    assert "The register was wrong" in words(admin.get(reverse("person", args=[other.pk])))


def test_what_can_not_be_joined_says_why_and_keeps_what_was_typed(browser):
    authority, one = make_authority(), a_person()
    admin, url = browser(authority.admin), reverse("accounts_join", args=[one.pk])

    unknown = words(send(admin, url, email="nobody@example.org", reason=WHY))
    own = words(send(admin, url, email=authority.admin.email, reason=WHY))
    alone = words(send(admin, reverse("accounts_part", args=[one.pk]), reason=WHY))

    assert "Nobody signs in with this address." in unknown
    assert WHY in unknown
    assert "Nobody joins or parts their own accounts." in own
    assert "is the only account of its person" in alone
    assert not PersonChange.objects.exists()


def test_only_administrators_see_who_is_one_person(browser):
    authority, sme = make_authority(), an_sme()

    for person in (authority.officer, authority.regulator, authority.finance[0], sme.person):
        for url in people_urls(sme.person):
            page = browser(person).get(url)
            assert page.status_code == 409
            assert sme.person.email not in words(page).replace(person.email, "")
    missing = reverse("person", args=[sme.person.pk + 1000])
    assert browser(authority.admin).get(missing).status_code == 404


def test_the_pages_speak_chinese(browser):
    authority = make_authority()
    fellow = another_account(a_person())
    admin = browser(authority.admin)

    pages = [
        words(admin.get(url, headers={"accept-language": "zh-hans"}))
        for url in people_urls(fellow)
    ]

    for page, word in zip(pages, ["自然人", "登录账号", "合并", "拆分"], strict=True):
        assert word in page
