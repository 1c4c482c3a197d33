"""From settlement to the bank's answer at a browser: each step by another, each once."""

import re

import pytest
from django.urls import reverse

from billing import actions as billing
from billing.models import (
    BankLine,
    BankStatement,
    Batch,
    PaymentFile,
    Verdict,
)
from ledger import queries as ledger
from parties.models import BankDetail
from tests.cast import (
    M3,
    M5,
    a_hold,
    make_scene,
)
from tests.doors.billing.june import (
    a_bill,
    locked,
    prepared,
    read,
    record,
    released,
    settled,
    statement_of,
    step,
)
from tests.doors.pages import key_on, send, words

pytestmark = pytest.mark.django_db


def test_finance_settles_a_bill_in_three_clicks_and_once(browser, scene, order):
    record(scene, order)
    bill = a_bill(scene, order)
    finance = browser(scene.authority.finance[0])
    assert bill.number in words(finance.get(reverse("settle_queue")))
    page = finance.get(reverse("bill", args=[bill.number]))
    address = reverse("bill_settle", args=[bill.number])

    answers = [finance.post(address, {"key": key_on(page)}) for _ in range(2)]

    assert {answer.url for answer in answers} == {reverse("bill", args=[bill.number])}
    payable = scene.scheme.programme.account("provider_payable", scene.seller.organisation.code)
    assert ledger.balance(payable).net == 3_600_00
    told = words(finance.get(reverse("bill", args=[bill.number])))
    assert "Settled, waiting for a batch" in told
    assert "¥3,600.00 Covered by the voucher" in told
    assert "How this was worked out" in told


def test_a_provider_does_not_settle_its_own_bill(provider, scene, order):
    record(scene, order)
    bill = a_bill(scene, order)

    page = send(provider, reverse("bill_settle", args=[bill.number]))

    assert "This needs the role Programme officer / Finance officer" in words(page)
    bill.refresh_from_db()
    assert bill.status == "SENT"


def test_a_bill_that_was_settled_meanwhile_says_so(browser, scene, order):
    record(scene, order)
    bill = a_bill(scene, order)
    finance = browser(scene.authority.finance[0])
    stale = key_on(finance.get(reverse("bill", args=[bill.number])))
    settled(bill)

    page = finance.post(reverse("bill_settle", args=[bill.number]), {"key": stale})

    assert f"Bill {bill.number} was settled already." in words(page)


def test_a_withheld_line_is_decided_with_a_word_why(browser, scene, order):
    record(scene, order)
    lines = [billing.BillLineInput("cluster-1", "1/2025-06-10T00:00:00Z", 200 * 3_600_000)]
    bill = settled(a_bill(scene, order, lines=lines))
    finance = browser(scene.authority.finance[0])
    address = reverse("line_decide", args=[bill.number, 1])
    assert address in finance.get(reverse("lines_withheld")).content.decode()

    send(finance, address, accept="no", note="The meter is right")

    verdict = Verdict.objects.order_by("-pk").first()
    assert verdict.outcome == "DECLINED"
    page = words(finance.get(reverse("bill", args=[bill.number])))
    assert "Not accepted after a look: “The meter is right”." in page
    assert "Nothing is withheld." in words(finance.get(reverse("lines_withheld")))


def test_hours_in_kind_are_delivered_not_paid(browser):
    scene = make_scene(M5)
    order = a_hold(scene.voucher, scene.applicant, scene.seller, hours="400")
    record(scene, order)
    bill = settled(a_bill(scene, order))

    page = words(browser(scene.seller.person).get(reverse("bill", args=[bill.number])))

    assert "240 GPU-hours Covered by the voucher" in page
    assert "No money changes hands." in page


def test_what_is_due_is_seen_before_a_batch_is_prepared(browser, scene, due):
    finance = browser(scene.authority.finance[0])

    page = words(finance.get(reverse("batch_new"), {"programme": M3}))

    assert "Acme Compute" in page
    assert "Prepare a batch of ¥3,600.00" in page


def test_who_lacks_a_bank_detail_is_named(browser, scene, due):
    BankDetail.objects.filter(organisation=scene.seller.organisation).update(status="REPLACED")
    finance = browser(scene.authority.finance[0])

    page = words(finance.get(reverse("batch_new"), {"programme": M3}))

    assert "Left out: no approved bank detail" in page


def test_three_people_send_a_batch_to_the_bank(browser, scene, due):
    batch = released(browser, scene)

    finance = browser(scene.authority.finance[0])
    file = PaymentFile.objects.get()
    answer = finance.get(reverse("batch_file", args=[batch.code]))
    assert answer.content == bytes(file.content)
    assert answer["Content-Disposition"] == f'attachment; filename="{file.name}"'
    page = words(finance.get(reverse("batch", args=[batch.code])))
    for name in ("Finn Preparer", "Faye Approver", "Fritz Releaser"):
        assert name in page


def test_the_same_person_is_refused_in_words(browser, scene, due):
    batch = locked(browser, scene)
    first, second, _third = scene.authority.finance

    page = step(browser(first), "batch_approve", batch)

    batch.refresh_from_db()
    assert batch.status == "LOCKED"
    assert "There is a problem" in words(page)
    told = words(browser(first).get(reverse("batch", args=[batch.code])))
    assert "You prepared the batch, so another person must do this step." in told
    step(browser(second), "batch_approve", batch)
    step(browser(second), "batch_release", batch)
    batch.refresh_from_db()
    assert batch.status == "APPROVED"


def test_nothing_due_makes_no_batch(browser, scene, due):
    released(browser, scene)
    finance = browser(scene.authority.finance[0])
    page = finance.get(reverse("batch_new"), {"programme": M3})

    assert "Nothing is due in this programme now." in words(page)


def test_a_statement_confirms_payments_and_the_provider_sees_it(browser, scene, due):
    released(browser, scene)
    finance = browser(scene.authority.finance[0])

    answer = read(finance, statement_of())

    assert "1 Payment confirmed" in words(finance.get(answer.url))
    assert Batch.objects.get().status == "CLOSED"
    provider = browser(scene.seller.person)
    assert "Paid" in words(provider.get(reverse("bill", args=[due.number])))
    assert "¥3,600.00 Paid" in words(provider.get(reverse("payments")))


def test_an_entry_that_matches_nothing_is_shown_with_words(browser, scene, due):
    released(browser, scene)
    finance = browser(scene.authority.finance[0])
    strange = re.sub(rb"B-[A-Z0-9]+-00001", b"OTHER-1", statement_of())

    answer = read(finance, strange)

    page = words(finance.get(answer.url))
    assert "No payment of ours carries the end-to-end id “OTHER-1”." in page
    assert BankLine.objects.get().match == "UNMATCHED"
    assert Batch.objects.get().status == "RELEASED"
    assert "1" in words(finance.get(reverse("statements")))


def test_a_returned_payment_is_due_again(browser, scene, due):
    batch = released(browser, scene)
    finance = browser(scene.authority.finance[0])
    payment = batch.payments.get().end_to_end_id

    read(finance, statement_of(returned={payment: "AC04"}))

    assert "Returned" in words(browser(scene.seller.person).get(reverse("payments")))
    assert "¥3,600.00" in words(finance.get(reverse("batch_new"), {"programme": M3}))


def test_the_same_statement_again_changes_nothing(browser, scene, due):
    released(browser, scene)
    data = statement_of()
    finance = browser(scene.authority.finance[0])
    answers = [read(finance, data), read(finance, data, "again.xml")]

    assert answers[0].url == answers[1].url
    assert BankStatement.objects.count() == 1


def test_a_file_that_is_no_statement_is_refused(browser, scene, due):
    finance = browser(scene.authority.finance[0])
    bomb = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'

    for data in (b"not xml", bomb):
        assert "There is a problem" in words(read(finance, data))
    assert not BankStatement.objects.exists()


def test_a_batch_is_called_off_on_its_page_with_a_word_why(browser, scene, due):
    batch = prepared(browser, scene)
    finance = browser(scene.authority.finance[0])
    address = reverse("batch_cancel", args=[batch.code])
    assert address in finance.get(reverse("batch", args=[batch.code])).content.decode()

    answer = send(finance, address, note="A party was forgotten")

    assert answer.url == reverse("batch", args=[batch.code])
    batch.refresh_from_db()
    assert batch.status == "CANCELLED"
    page = finance.get(answer.url)
    assert address not in page.content.decode()
    assert "Batch cancelled" in words(page)
