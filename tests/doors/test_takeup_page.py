"""The authority's people and regulators see how far applications get, and keep the figures."""

import csv
import io
from datetime import date

import pytest
from django.urls import reverse

from tests.cast import (
    M3,
    a_draft,
    a_round,
    a_sent_application,
    an_approved_application,
    an_sme,
    make_authority,
    make_programme,
)
from tests.doors.pages import words

pytestmark = pytest.mark.django_db


@pytest.fixture
def scheme(db):
    return make_programme(make_authority(), M3)


def page_url(scheme):
    return reverse("programme_takeup", args=[scheme.programme.code])


def csv_rows(client, scheme, **query):
    answer = client.get(reverse("programme_takeup_csv", args=[scheme.programme.code]), query)
    assert answer["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_the_programme_s_page_leads_to_its_take_up(browser, scheme):
    officer = browser(scheme.authority.officer)

    page = officer.get(reverse("programme", args=[scheme.programme.code]))

    assert page_url(scheme) in page.content.decode()
    assert "Nobody has started an application yet." in words(officer.get(page_url(scheme)))


def test_a_title_says_what_the_chart_shows(browser, scheme):
    for _number in range(3):
        a_sent_application(scheme, an_sme())
    an_approved_application(scheme, an_sme())
    a_draft(scheme, an_sme())

    page = browser(scheme.authority.officer).get(page_url(scheme))

    assert "3 of 4 have not got past “Sent”" in words(page)
    assert page.content.decode().count("<svg") >= 1
    for word in ("Found eligible", "¥400,000.00", "Above what the law allows", "24 hours"):
        assert word in words(page)
    assert "Not shown" not in words(page)


def test_figures_of_few_are_for_the_authority_s_people(browser, scheme):
    an_approved_application(scheme, an_sme())

    regulator = words(browser(scheme.authority.regulator).get(page_url(scheme)))
    rows = csv_rows(browser(scheme.authority.regulator), scheme)

    assert "Not shown: fewer than 5 organisations" in regulator
    assert "¥60,000.00" not in regulator
    assert {row["Applications"] for row in rows} == {"", "0"}
    assert "¥60,000.00" in words(browser(scheme.authority.finance[0]).get(page_url(scheme)))


def test_the_csv_has_what_the_page_has_and_honours_the_round(browser, scheme):
    a_round(
        scheme.authority,
        scheme.programme,
        budget=1_00,
        code="2025-B",
        closes_on=date(2025, 12, 1),
    )
    an_approved_application(scheme, an_sme())
    officer = browser(scheme.authority.officer)

    whole = {row["Figure"]: row for row in csv_rows(officer, scheme)}
    first = {row["Figure"]: row for row in csv_rows(officer, scheme, round="2025-A")}
    second = {row["Figure"]: row for row in csv_rows(officer, scheme, round="2025-B")}

    assert whole["Awarded"]["Amount"] == first["Awarded"]["Amount"] == "60000.00"
    assert (first["Awarded"]["Round"], first["Awarded"]["Unit"]) == ("2025-A", "CNY")
    assert (whole["Approved"]["Applications"], second["Approved"]["Applications"]) == ("1", "0")
    assert all(row["Definition"] for row in whole.values())
    assert "round=2025-A" in officer.get(page_url(scheme), {"round": "2025-A"}).content.decode()
    assert officer.get(page_url(scheme), {"round": "1999-Z"}).status_code == 404


def test_others_find_nothing(browser, scheme):
    sme = an_sme()
    stranger = make_authority("Another Bureau")

    for person in (sme.person, stranger.officer):
        assert browser(person).get(page_url(scheme)).status_code == 404


def test_the_page_speaks_chinese(browser, scheme):
    an_approved_application(scheme, an_sme())

    page = browser(scheme.authority.officer).get(
        page_url(scheme), headers={"accept-language": "zh-hans"}
    )

    for word in ("使用转化", "未满足需求", "因预算削减", "距上一步骤的天数", "中位数"):
        assert word in words(page)
