"""A holder confirms lines at a browser, by the page, by a list and by a file."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from billing.models import Bill, LineConfirmation, Objection
from tests.cast import an_issued_voucher, an_sme
from tests.doors.billing.june import JULY, a_bill, record
from tests.doors.pages import key_on, send, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def bill(scene, order, now):
    record(scene, order)
    return a_bill(scene, order)


@pytest.fixture
def holder(browser, scene):
    return browser(scene.applicant.person)


def page_of(bill, **query):
    query = "&".join(f"{name}={value}" for name, value in query.items())
    return reverse("bill_confirm", args=[bill.number]) + (f"?{query}" if query else "")


def confirmed():
    return list(
        LineConfirmation.objects.order_by("pk").values_list("line__row", "is_confirmed")
    )


def test_the_bill_asks_its_holder_and_says_what_silence_means(holder, bill):
    page = holder.get(reverse("bill", args=[bill.number]))

    assert (
        "Say of each line until 9 July 2025, 08:00 (UTC+8) whether it is right. By the "
        "programme's law a line that you say nothing of counts as accepted then."
    ) in words(page)
    assert page_of(bill) in page.content.decode()
    assert "Small Model Ltd 2 ¥0.00 ¥0.00 ¥6,000.00" in words(page)


def test_all_lines_are_confirmed_with_one_click_and_taken_back(holder, bill):
    answer = send(holder, page_of(bill), act="matching")

    assert answer.status_code == 302
    page = words(holder.get(answer.url))
    assert "2 lines are confirmed." in page
    assert "¥6,000.00 Confirmed 2 lines" in page
    assert Bill.objects.get().agreed_at == JULY

    send(holder, page_of(bill), act="take_back", row="2")
    assert confirmed() == [(1, True), (2, True), (2, False)]
    assert Bill.objects.get().agreed_at is None


def test_chosen_lines_are_confirmed(holder, bill):
    assert "Choose the lines first." in words(send(holder, page_of(bill), act="chosen"))

    send(holder, page_of(bill), act="chosen", row="1")

    assert confirmed() == [(1, True)]
    page = holder.get(reverse("bill", args=[bill.number])).content.decode()
    assert reverse("line_object", args=[bill.number, 1]) not in page
    assert reverse("line_object", args=[bill.number, 2]) in page


def test_what_a_list_shows_is_confirmed_and_no_more(holder, bill):
    send(holder, page_of(bill, words="2/2025"), act="matching")

    assert confirmed() == [(2, True)]
    assert "No lines match." in words(holder.get(page_of(bill, words="9/2025")))
    shown = words(holder.get(page_of(bill, said="nothing")))
    assert "cluster-1/1/2025" in shown
    assert "cluster-1/2/2025" not in shown


def test_a_file_answers_many_lines(holder, bill):
    address = reverse("bill_answers", args=[bill.number])
    template = holder.get(reverse("bill_answers_csv", args=[bill.number]))
    head, first, second = template.content.decode("utf-8-sig").splitlines()
    assert head.endswith("amount,unit,said,answer,note")
    assert first.endswith(",4800.00,CNY,,,")
    data = f"{head}\n{first[:-1]}confirm,\n{second[:-1]}object,Not our job\n"

    answer = send(holder, address, file=SimpleUploadedFile("a.csv", data.encode()))

    assert "1 confirmed, 1 disputed." in words(holder.get(answer.url))
    assert confirmed() == [(1, True)]
    assert Objection.objects.get().text == "Not our job"
    assert Objection.objects.get().line.row == 2
    assert Bill.objects.get().agreed_at == JULY


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ("line,answer\nx,confirm\n", "Row 2: “x” is no line of yours. Give its number."),
        ("line,answer\n1,maybe\n", "Row 2: “maybe” is no answer. Write confirm or object."),
        ("line,answer\n1,object\n", "Row 2: say in the column “note”"),
        ("line,answer\n1,yes\n1,no\n", "Row 3: line 1 is answered twice."),
        ("row,said\n1,yes\n", "The columns line, answer are missing."),
        ("line,answer\n1,\n", "No row has an answer."),
        ("line,answer\n1,yes\n7,确认\n", "Row 3: “7” is no line of yours."),
    ],
)
def test_a_file_with_mistakes_counts_for_nothing(holder, bill, data, problem):
    address = reverse("bill_answers", args=[bill.number])

    page = send(holder, address, file=SimpleUploadedFile("a.csv", data.encode()))

    assert problem in words(page)
    assert confirmed() == []
    assert not Objection.objects.exists()


def test_the_same_page_sent_twice_confirms_once(holder, bill):
    typed = {"key": key_on(holder.get(page_of(bill))), "act": "matching"}

    for _ in range(2):
        assert holder.post(page_of(bill), typed).status_code == 302

    assert confirmed() == [(1, True), (2, True)]


def test_after_the_days_the_page_only_tells(browser, scene, bill, monkeypatch):
    later = JULY + timedelta(days=7)
    monkeypatch.setattr("django.utils.timezone.now", lambda: later)
    holder = browser(scene.applicant.person)
    key = key_on(holder.get(page_of(bill)))

    page = holder.post(page_of(bill), {"key": key, "act": "matching"})

    assert "could be confirmed or disputed until 9 July 2025, 08:00 (UTC+8)" in words(page)
    assert "The days for this are over" in words(page)
    assert confirmed() == []


def test_strangers_find_nothing(browser, scene, bill):
    other = an_sme("Other Model Ltd")
    an_issued_voucher(scene.scheme, other)

    for person in (other.person, scene.seller.person, scene.authority.finance[0]):
        for name in ("bill_confirm", "bill_answers", "bill_answers_csv"):
            address = reverse(name, args=[bill.number])
            assert browser(person).get(address).status_code == 404


def test_the_provider_sees_what_was_said(provider, holder, bill):
    send(holder, page_of(bill), act="chosen", row="1")

    page = words(provider.get(reverse("bill", args=[bill.number])))

    assert "Small Model Ltd 2 ¥4,800.00 ¥0.00 ¥1,200.00" in page
    assert "Confirm the lines" not in page
