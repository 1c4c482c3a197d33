"""Pages of a target: assessed by another officer, seen by both sides, claimed by one."""

import pytest
from django.urls import reverse
from django.utils import timezone

from billing.models import Bill
from tests import cast
from tests.billing import stage
from tests.doors.pages import key_on, send, words
from vouchers.models import Assessment

pytestmark = pytest.mark.django_db


@pytest.fixture
def now(monkeypatch):
    """The clock of the doors: the year's end."""
    monkeypatch.setattr(timezone, "now", lambda: cast.YEARS_END)
    return cast.YEARS_END


@pytest.fixture(params=["supply", "demand"])
def scene(request, db):
    return cast.a_target(cast.PAYS_SUPPLY if request.param == "supply" else cast.PAYS_DEMAND)


def sides(scene):
    pays_supply = 'payee = "PROVIDER"' in scene.voucher.decision.policy_version.text
    return (scene.seller, scene.applicant) if pays_supply else (scene.applicant, scene.seller)


def page(name, scene):
    return reverse(name, args=[scene.voucher.code])


TYPED = {
    "assessor": "Measurement Institute",
    "figure": "4,000",
    "assessed_on_day": "30",
    "assessed_on_month": "12",
    "assessed_on_year": "2025",
    "evidence": "Report 118 <script>",
}


def test_an_officer_records_once_and_the_page_shows_what_it_earns(browser, scene):
    client, url = browser(scene.authority.second_officer), page("assessment_new", scene)
    before = stage.nets(scene.scheme.programme)
    typed = {**TYPED, "key": key_on(client.get(url))}
    for _twice in range(2):
        assert client.post(url, typed).url == page("voucher", scene)

    assert Assessment.objects.count() == 1
    answer = client.get(page("voucher", scene))
    shown = words(answer)
    assert "&lt;" not in answer.content.decode().replace("&lt;script&gt;", "")
    assert "5,000 PFLOPS" in shown
    assert "4,000 PFLOPS" in shown
    assert "¥800,000.00" in shown
    assert "Target assessed" in shown
    assert stage.nets(scene.scheme.programme) == before


def test_who_decided_is_refused_in_words_and_keeps_what_was_typed(browser, scene):
    client, url = browser(scene.authority.officer), page("assessment_new", scene)
    answer = send(client, url, **TYPED)
    assert "another person must do this step" in words(answer)
    assert "Measurement Institute" in answer.content.decode()
    assert Assessment.objects.count() == 0


def test_what_can_not_be_read_is_told_beside_its_question(browser, scene):
    client, url = browser(scene.authority.second_officer), page("assessment_new", scene)
    answer = words(send(client, url, **{**TYPED, "figure": "many", "assessed_on_year": "2026"}))
    assert "Enter a figure as a number, for example 5,000" in answer
    late = words(send(client, url, **{**TYPED, "assessed_on_year": "2026"}))
    assert "Give a day from 2025-06-02 to 2025-12-31." in late
    assert Assessment.objects.count() == 0


def test_nobody_else_finds_the_assessment_page(browser, scene):
    people = (scene.applicant.person, scene.seller.person, scene.authority.finance[0])
    for person in people:
        assert browser(person).get(page("assessment_new", scene)).status_code == 404
    other = cast.make_scene()
    found = browser(other.authority.officer).get(page("assessment_new", other))
    assert found.status_code == 404


def test_the_paid_side_claims_once_and_the_other_finds_no_button(browser, scene):
    payee, other = sides(scene)
    url = page("target_claim", scene)
    waiting = words(browser(payee.person).get(url))
    assert "Not assessed yet." in waiting
    assert "Send the claim" not in waiting
    cast.an_assessment(scene)

    watching = words(browser(other.person).get(url))
    assert "4,000 PFLOPS" in watching
    assert "Send the claim" not in watching
    client = browser(payee.person)
    typed = {"key": key_on(client.get(url))}
    answers = [client.post(url, typed) for _twice in range(2)]
    bill = Bill.objects.get()
    assert {answer.url for answer in answers} == {reverse("bill", args=[bill.number])}
    assert bill.payee == payee.organisation
    shown = words(client.get(answers[0].url))
    assert f"Target {scene.voucher.code}" in shown
    officer = browser(scene.authority.officer).get(answers[0].url)
    assert page("voucher", scene) in officer.content.decode()
    assert url not in officer.content.decode()
    # The other side can't send what it has no button for.
    refused = words(browser(other.person).post(url, {"key": "0" * 32}))
    assert "supply and demand never both" in refused
    assert Bill.objects.count() == 1
    strangers = (cast.an_sme("Other Ltd").person, scene.authority.officer)
    for person in strangers:
        assert browser(person).get(url).status_code == 404


def test_a_provider_sees_the_targets_that_name_it_and_no_others(browser, scene):
    cast.an_assessment(scene)
    another = cast.make_provider(scene.authority, "Another Compute")
    mine = browser(scene.seller.person)
    assert "Targets that name you" in words(mine.get(reverse("bills")))
    shown = words(mine.get(reverse("targets")))
    assert scene.voucher.code in shown
    assert "4,000 PFLOPS" in shown
    theirs = browser(another.person)
    assert "Targets that name you" not in words(theirs.get(reverse("bills")))
    assert "No target letter names you." in words(theirs.get(reverse("targets")))
    refused = browser(scene.applicant.person).get(reverse("targets"))
    assert refused.status_code == 409


def test_the_pages_speak_chinese(browser, scene):
    cast.an_assessment(scene)
    client = browser(sides(scene)[0].person)
    client.cookies["django_language"] = "zh-hans"
    shown = words(client.get(page("target_claim", scene)))
    assert "申报目标兑付" in shown
    assert "评估结果：在用算力（FP16）" in shown
    assert "完成 4,000 PFLOPS，目标 5,000 PFLOPS，按比例兑付" in shown


def test_the_public_page_says_what_a_target_pays(browser, scene):
    shown = words(browser().get(reverse("apply")))
    side = "supply" if sides(scene)[0] is scene.seller else "demand"
    assert f"What the target letter awards, to the {side} side alone, by assessment" in shown
    staff = browser(scene.authority.officer).get(
        reverse("programme", args=[scene.scheme.programme.code])
    )
    assert f"to the {side} side alone, by assessment" in words(staff)
    assert "A target, paid to one side" in words(
        browser(scene.authority.officer).get(reverse("programmes"))
    )
