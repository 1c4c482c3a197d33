"""The page of a line: three sides write about it, with evidence, and each reads all of it."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from billing.models import ObjectionFile, ObjectionReply, ObjectionWithdrawal
from notices import actions as notices
from notices.models import Message
from tests.cast import an_issued_voucher, an_sme
from tests.doors.billing.june import JULY, a_bill, record, settled
from tests.doors.pages import send, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def bill(scene, order, now):
    record(scene, order)
    return a_bill(scene, order)


@pytest.fixture
def holder(browser, scene):
    return browser(scene.applicant.person)


@pytest.fixture
def disputed(holder, bill):
    send(holder, reverse("line_object", args=[bill.number, 1]), note="This job is not ours")
    return bill


def address(bill, name="bill_line", *more):
    return reverse(name, args=[bill.number, 1, *more])


def test_a_line_that_nobody_disputes_offers_its_holder_an_objection(holder, provider, bill):
    page = words(holder.get(address(bill)))

    assert "Nobody objects to this line. " in page
    assert "Object to this line" in page
    assert "Nothing was decided yet." in page
    assert "Object to this line" not in words(provider.get(address(bill)))


def test_a_reply_with_evidence_is_read_by_the_other_side(holder, provider, disputed):
    data = b"job 1 ran on node 7\n"
    answer = send(
        provider,
        address(disputed),
        note="The node's log shows it",
        file=SimpleUploadedFile("log.txt", data),
    )

    assert answer.url == address(disputed)
    page = words(holder.get(address(disputed)))
    assert "The node's log shows it" in page
    assert "This job is not ours" in page
    file = ObjectionFile.objects.get()
    assert file.sha256 in page
    kept = holder.get(address(disputed, "objection_file", file.pk))
    assert kept.content == data
    assert kept["Content-Type"] == "application/octet-stream"


def test_what_is_no_evidence_is_refused_in_words(provider, disputed):
    wrong = SimpleUploadedFile("log.exe", b"MZ\x00\x01")

    page = words(send(provider, address(disputed), note="See it", file=wrong))

    assert "this kind of file is not taken here." in page
    assert not ObjectionReply.objects.exists()


def test_the_holder_withdraws_and_nobody_else_finds_that_page(holder, provider, disputed):
    assert provider.get(address(disputed, "objection_withdraw")).status_code == 404

    send(holder, address(disputed, "objection_withdraw"))

    assert ObjectionWithdrawal.objects.count() == 1
    assert "Objection withdrawn" in words(holder.get(address(disputed)))
    assert settled(disputed).settlements.get().withheld == 0


def test_the_page_says_what_was_decided_and_takes_no_more_replies(
    holder, browser, scene, disputed
):
    settled(disputed)
    finance = browser(scene.authority.finance[0])
    assert "Send the reply" in words(finance.get(address(disputed)))

    decide = reverse("line_decide", args=[disputed.number, 1])
    send(finance, decide, accept="no", note="The log is of another job")

    page = words(holder.get(address(disputed)))
    assert "Not accepted after a look: “The log is of another job”." in page
    assert "Send the reply" not in page


def test_strangers_find_neither_line_nor_evidence(browser, scene, provider, disputed):
    other = an_sme("Other Model Ltd")
    an_issued_voucher(scene.scheme, other)
    send(provider, address(disputed), note="See", file=SimpleUploadedFile("a.txt", b"a"))
    file = ObjectionFile.objects.get().pk

    for place in (address(disputed), address(disputed, "objection_file", file)):
        assert browser(other.person).get(place).status_code == 404
    assert provider.get(address(disputed, "objection_file", file + 1)).status_code == 404


def test_each_side_is_told_what_the_other_wrote(scene, provider, disputed):
    send(provider, address(disputed), note="The node's log shows it")

    notices.write_letters(at=JULY)

    def told(person):
        found = Message.objects.filter(user=person, path=address(disputed)).order_by("pk")
        return [one.subject for one in found]

    number = disputed.number
    answered = f"Line 1 of bill {number}: a reply to the objection"
    assert told(scene.seller.person) == [f"Action needed: 1 line of bill {number} disputed"]
    assert told(scene.applicant.person) == [answered]
    assert told(scene.authority.finance[0]) == [answered]
