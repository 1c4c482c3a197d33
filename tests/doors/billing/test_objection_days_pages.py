"""The days of an objection are shown to all three sides, and a part is decided on a page."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from billing.models import Verdict
from tests import cast
from tests.billing.test_confirm_lines import a_scene
from tests.doors.billing.june import JULY, a_bill, record, settled
from tests.doors.pages import send, words
from tests.doors.programs import Program

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
LAW = cast.policy_text(cast.M3).replace(
    "\n[settlement]\n",
    '\n[settlement]\nreply_days = 3\nreply_silence = "DECLINES"\n'
    'verdict_days = 10\nverdict_silence = "ACCEPTS"\n',
)


@pytest.fixture
def scene(now):
    return a_scene(LAW)


@pytest.fixture
def order(scene):
    return cast.a_hold(scene.voucher, scene.applicant, scene.seller, hours="400")


@pytest.fixture
def disputed(browser, scene, order):
    """A bill of 4,800.00 and 1,200.00, the first line disputed and withheld."""
    record(scene, order)
    bill = a_bill(scene, order)
    holder = browser(scene.applicant.person)
    send(holder, reverse("line_object", args=[bill.number, 1]), note="Not ours")
    return bill


def line(bill):
    return reverse("bill_line", args=[bill.number, 1])


def decide_page(bill):
    return reverse("line_decide", args=[bill.number, 1])


@pytest.fixture
def finance(browser, scene):
    return browser(scene.authority.finance[0])


def test_all_three_sides_see_the_days_in_both_languages(browser, scene, disputed, finance):
    before = words(finance.get(line(disputed)))
    assert "10 days after the bill is settled and the days for a reply are over." in before
    settled(disputed)

    for person in (scene.applicant.person, scene.seller.person, scene.authority.finance[0]):
        page = words(browser(person).get(line(disputed)))
        assert "The provider replies until 5 July 2025, 08:00" in page
        assert "By the programme's law a line without a reply by then is not accepted." in page
        assert "An officer decides until 15 July 2025, 08:00" in page
        assert "By the programme's law a line that nobody decides by then is accepted." in page
    chinese = {"Accept-Language": "zh-hans"}
    person = scene.seller.person
    page = words(browser(person).get(line(disputed), headers=chinese))
    for said in ("服务商回复截止", "届时未回复的明细不通过", "工作人员结论截止", "2025"):
        assert said in page


def test_a_reply_and_a_late_verdict_are_said(
    browser, scene, provider, disputed, finance, monkeypatch
):
    settled(disputed)
    send(provider, line(disputed), note="The log shows it")
    assert "The provider has replied." in words(finance.get(line(disputed)))

    monkeypatch.setattr(timezone, "now", lambda: JULY + 15 * DAY)
    later = browser(scene.authority.finance[0])

    assert "It is late." in words(later.get(decide_page(disputed)))
    queue = later.get(reverse("work_queue", args=["disputed"]))
    assert "2 days over" in words(queue)
    assert decide_page(disputed) in queue.content.decode()


def test_nobody_decides_on_the_page_before_the_provider_may_have_replied(disputed, finance):
    settled(disputed)

    page = words(send(finance, decide_page(disputed), accept="no", note="Not theirs"))

    assert "may reply to the objection to line 1" in page
    assert Verdict.objects.filter(outcome="DECLINED").count() == 0


def test_a_part_is_accepted_on_the_page_and_the_bill_adds_up(
    scene, provider, disputed, finance
):
    settled(disputed)
    send(provider, line(disputed), note="Half of it is right")

    answer = send(
        finance, decide_page(disputed), accept="part", amount="1,000.50", note="Half of it"
    )

    assert answer.status_code == 302
    verdict = Verdict.objects.order_by("-pk").first()
    assert (verdict.outcome, verdict.accepted) == ("DECLINED", 1_000_50)
    page = words(provider.get(line(disputed)))
    assert "Accepted in part" in page
    assert "¥1,000.50 more; ¥3,799.50 are not accepted. “Half of it”." in page
    bill = words(provider.get(reverse("bill", args=[disputed.number])))
    assert (
        "How the bill adds up Part Amount Covered by the voucher ¥1,320.30 "
        "Co-payment of the holder ¥880.20 Not accepted ¥3,799.50 Billed ¥6,000.00" in bill
    )


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"accept": "part"}, "Enter how much of it to accept"),
        ({"accept": "yes", "amount": "5"}, "Choose to accept a part, or leave this empty"),
        ({"accept": "part", "amount": "0.001"}, "Enter fewer decimals"),
        ({"accept": "part", "amount": "9,000"}, "at most ¥4,800.00 more can be accepted"),
        ({"accept": "part", "amount": "0"}, "Give an amount above nothing"),
    ],
)
def test_what_is_no_part_is_refused_in_words(provider, disputed, finance, typed, said):
    settled(disputed)
    send(provider, line(disputed), note="It is right")
    count = Verdict.objects.count()

    page = words(send(finance, decide_page(disputed), note="Half of it", **typed))

    assert said in page
    assert Verdict.objects.count() == count


def test_a_program_reads_the_days_of_a_line(scene, disputed):
    program = Program(scene.seller)
    first, second = program.get(f"bills/{disputed.number}").json()["lines"]["results"]
    assert (first["reply_until"], first["verdict_until"]) == ("2025-07-05T00:00:00Z", None)
    assert (second["reply_until"], second["verdict_until"]) == (None, None)

    settled(disputed)

    first, _second = program.get(f"bills/{disputed.number}").json()["lines"]["results"]
    assert first["verdict_until"] == "2025-07-15T00:00:00Z"
