"""Finance finds what the bank's odd entries are, at pages, by two people, in both languages."""

import csv
import io
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from billing.models import BankLine, BankResolution, BankStatement, Payment
from parties.roles import Role
from tests.billing.bank_files import a_csv, a_report, an_mt940
from tests.cast import a_bank_detail, make_authority, with_role
from tests.doors.billing.june import read, released, statement_of
from tests.doors.pages import send, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def batch(browser, scene, due):
    return released(browser, scene)


def an_odd_line(client, scene, amount="-3600.00"):
    """Upload a table of the authority's account with one entry that names nothing."""
    own = scene.authority.organisation.bank_details.get().number
    data = a_csv(own, [("", amount, "R1", "grant")])
    read(client, data, "july.csv")
    return BankLine.objects.get()


def test_the_kind_of_file_is_recognised_and_said(browser, scene, batch):
    finance = browser(scene.authority.finance[0])

    page = words(finance.get(read(finance, statement_of()).url))

    assert "Recognised as Statement (camt.053.001.08)" in page
    report = a_report(batch, [(f"{batch.code}-00001", "ACCP", "", "3600.00", "")])
    page = words(finance.get(read(finance, report, "report.xml").url))
    assert "Recognised as Status report (pain.002.001.10)" in page
    assert "1 Bank took the order" in page


def test_the_file_comes_back_byte_for_byte(browser, scene, batch):
    finance = browser(scene.authority.finance[0])
    data = statement_of()
    read(finance, data, 'july "two".xml')

    answer = finance.get(reverse("statement_file", args=[BankLine.objects.get().statement_id]))

    assert answer.content == data
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")


def test_a_file_with_another_authoritys_account_is_nobodys_part_of_it(browser, scene, batch):
    other = make_authority("Other Bureau")
    a_bank_detail(other.organisation, other.finance[1], other)
    both = with_role(scene.authority.finance[0], other.organisation, Role.FINANCE)
    numbers = [one.organisation.bank_details.get().number for one in (scene.authority, other)]
    assert len(set(numbers)) == 2
    data = b"".join(an_mt940(number, [("OTHER", "1,00")]) for number in numbers)
    read(browser(both), data, "both.sta")
    own = BankStatement.objects.get(account=numbers[0])
    file = reverse("statement_file", args=[own.pk])

    finance = browser(scene.authority.finance[1])
    page = finance.get(reverse("statement", args=[own.pk]))
    assert page.status_code == 200
    assert file not in page.content.decode()
    assert finance.get(file).status_code == 404
    assert browser(both).get(file).content == data


def test_the_queue_tells_which_way_and_in_what_money(browser, scene, batch):
    finance = browser(scene.authority.finance[0])
    own = scene.authority.organisation.bank_details.get().number
    read(finance, a_csv(own, [("", "-3600.00", "R1", "grant")]), "july.csv")
    foreign = a_csv(own, [("", "-12.50", "R2", "grant")]).replace(b",CNY,", b",SEK,")
    read(finance, foreign, "foreign.csv")

    page = words(finance.get(reverse("work_queue", args=["unmatched"])))
    file = finance.get(reverse("work_queue_csv", args=["unmatched"])).content.decode(
        "utf-8-sig"
    )

    assert "−¥3,600.00" in page
    assert "-12.50 SEK" in page
    assert [row["amount"] for row in csv.DictReader(io.StringIO(file))] == [
        "-3600.00",
        "-12.50",
    ]


def test_a_returned_payment_says_what_the_code_means(browser, scene, batch):
    finance = browser(scene.authority.finance[0])
    read(finance, statement_of(returned={f"{batch.code}-00001": "AC04"}))

    told = words(browser(scene.seller.person).get(reverse("payments")))
    assert "The account is closed (AC04)" in told


def test_an_odd_entry_goes_through_two_people(browser, scene, batch):
    first, second, _third = (browser(one) for one in scene.authority.finance)
    line = an_odd_line(first, scene)
    page = words(first.get(reverse("bank_queue")))
    assert "july.csv, entry 1" in page
    assert "1 To look at" in page

    address = reverse("line_resolve", args=[line.pk])
    payment = Payment.objects.get()
    send(
        first,
        address,
        kind="THIS_PAYMENT",
        payment=payment.end_to_end_id,
        note="The bank said so.",
    )
    assert BankResolution.objects.get().step == "PROPOSED"
    told = words(first.get(reverse("bank_line", args=[line.pk])))
    assert "It is this payment · proposed" in told

    alone = send(first, reverse("line_second", args=[line.pk]), reason="I agree with me.")
    assert "There is a problem" in words(alone)
    assert Payment.objects.get().status == "SENT"

    send(second, reverse("line_second", args=[line.pk]), reason="I looked.")
    assert Payment.objects.get().status == "PAID"
    assert "Nothing waits here" in words(first.get(reverse("bank_queue")))
    assert "july.csv, entry 1" in words(first.get(reverse("bank_queue"), {"state": "DONE"}))

    send(first, reverse("line_undo", args=[line.pk]), reason="It was another.")
    assert Payment.objects.get().status == "SENT"


def test_a_payment_that_does_not_fit_is_refused_in_words(browser, scene, batch):
    finance = browser(scene.authority.finance[0])
    line = an_odd_line(finance, scene, "-3599.00")
    address = reverse("line_resolve", args=[line.pk])

    for named in (f"{batch.code}-00001", "NOBODYS"):
        page = send(finance, address, kind="THIS_PAYMENT", payment=named, note="So.")
        assert "Amount and currency must be the payment's" in words(page)
    assert "There is a problem" in words(send(finance, address, kind="NOT_OURS", note=""))
    assert not BankResolution.objects.exists()


def test_the_queue_is_a_file_as_well(browser, scene, batch):
    finance = browser(scene.authority.finance[0])
    an_odd_line(finance, scene)

    text = finance.get(reverse("bank_queue_csv")).content.decode("utf-8-sig")

    assert re.search(r"july\.csv,1,line 2,2025-07-02,.*3,600\.00 CNY", text)
    assert "UNMATCHED" in text


def test_what_is_no_file_of_a_bank_says_which_are(browser, scene, batch):
    finance = browser(scene.authority.finance[0])
    upload = SimpleUploadedFile("hello.txt", b"hello")

    page = words(send(finance, reverse("statement_upload"), file=upload))

    assert "Line 1 of the file begins with “hello”" in page
    assert "MT940" in page


def test_officers_and_providers_see_no_queue(browser, scene, batch):
    for person in (scene.authority.officer, scene.seller.person):
        assert browser(person).get(reverse("bank_queue")).status_code in (403, 404, 409)
