"""The notice of a recovery as a paper, its queues with clocks, and what finance sees at home."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone, translation

from billing.models import Collection
from billing.queries.queues import queue_of
from billing.views.recovery_notice import notice_rows
from common.days import end_of
from tests.billing.recovering import DECIDED, LATER, a_scene, decided, opened, paid
from tests.billing.test_bank_repayments import entry
from tests.cast import an_sme
from tests.doors.pages import send, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    return a_scene()


@pytest.fixture
def case(scene):
    return opened(scene, paid(scene)[1])


@pytest.fixture
def clock(monkeypatch):
    def to(at):
        monkeypatch.setattr(timezone, "now", lambda: at)

    to(DECIDED)
    return to


def test_the_notice_says_ground_amount_days_and_how_to_pay(scene, case):
    rows = dict(notice_rows(case, DECIDED))

    assert rows["Legal basis"] == "Measures, Article 21"
    assert rows["Amount asked back"] == "¥200.00"
    assert rows["You may reply until"] == "16 August 2025"
    assert "account 6222000099999999" in rows["How to pay back"]
    assert case.code in rows["How to pay back"]
    assert "Due on" not in rows
    assert dict(notice_rows(decided(scene, case), DECIDED))["Still owed"] == "¥200.00"


def test_debtor_and_staff_take_the_notice_away_in_both_languages(browser, scene, case, clock):
    address = reverse("recovery_notice", args=[case.code])

    for person in (scene.seller.person, scene.authority.finance[0]):
        answer = browser(person).get(address)
        assert answer["Content-Type"] == "application/pdf"
        assert answer.content.startswith(b"%PDF-")
        chinese = browser(person).get(address, headers={"accept-language": "zh-hans"})
        assert chinese.content.startswith(b"%PDF-")
        assert chinese.content != answer.content
    with translation.override("zh-hans"):
        assert ("法律依据", "Measures, Article 21") in notice_rows(case, DECIDED)
    assert browser(an_sme("Strangers").person).get(address).status_code == 404


def test_cases_wait_in_finances_queues_with_their_clocks(browser, scene, case, clock):
    finance = scene.authority.finance[0]
    zone = scene.scheme.programme.zone

    (row,) = queue_of(finance, "recoveries-to-decide")
    assert (row.name, row.amount, row.due) == (
        case.code,
        200_00,
        end_of(case.reply_until, zone),
    )
    home = words(browser(finance).get(reverse("settle_queue")))
    assert "1 Recoveries to decide" in home
    assert "0 Recoveries overdue" in home

    decided(scene, case)
    assert queue_of(finance, "recoveries-to-decide") == []
    case.refresh_from_db()
    (row,) = queue_of(finance, "recoveries-owed")
    assert (row.amount, row.due) == (200_00, end_of(case.due_on, zone))
    clock(row.due + timedelta(days=2))
    client = browser(finance)
    assert "1 Recoveries overdue" in words(client.get(reverse("settle_queue")))
    page = words(client.get(reverse("work_queue", args=["recoveries-owed"])))
    assert case.code in page
    assert "2 days over" in page


def test_an_entry_of_the_bank_is_said_to_repay_a_case_by_two_people(
    browser, scene, case, clock
):
    decided(scene, case)
    line = entry(scene, "200.00", text=f"back {case.code}")
    clock(LATER)
    first, second = (browser(one) for one in scene.authority.finance[:2])
    resolve, agree = (reverse(name, args=[line.pk]) for name in ("line_resolve", "line_second"))
    assert f'value="{case.code}"' in first.get(resolve).content.decode()

    send(first, resolve, kind="REPAYMENT", recovery=case.code, note="It names the case")
    assert Collection.objects.count() == 0
    answer = send(second, agree, reason="So it does")

    assert answer.status_code == 302, words(answer)
    assert Collection.objects.get().bank_line == line
    page = words(second.get(reverse("bank_line", args=[line.pk])))
    assert case.code in page
    assert "entry 1 of the bank" in words(second.get(reverse("recovery", args=[case.code])))
