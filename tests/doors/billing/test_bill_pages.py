"""Bills and claims at a browser: sent once, each line with its reason in words."""

from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from billing import actions as billing
from billing.models import (
    Bill,
    BillLine,
    Verdict,
)
from providers import actions as providers
from tests.cast import (
    M1,
    M3,
    a_suspension,
    make_provider,
    make_scene,
)
from tests.doors.billing.june import JULY, METER, a_bill, record, settled, upload
from tests.doors.pages import key_on, send, words

pytestmark = pytest.mark.django_db


def test_a_month_is_billed_with_one_answer_and_once(provider, scene, order):
    record(scene, order)
    address = reverse("bill_new")
    key = key_on(provider.get(address))
    typed = {
        "key": key,
        "programme": M3,
        "month": "2025-06",
        "invoice_number": "INV-1",
    }

    answers = [provider.post(address, typed) for _ in range(2)]

    bill = Bill.objects.get()
    assert {answer.url for answer in answers} == {reverse("bill", args=[bill.number])}
    assert bill.total == 6_000_00
    page = words(provider.get(answers[0].url))
    assert "¥6,000.00 Billed" in page
    assert "Not looked at yet" in page


def test_the_same_page_with_another_answer_is_refused_in_words(provider, scene, order):
    record(scene, order)
    address = reverse("bill_new")
    typed = {"key": key_on(provider.get(address)), "programme": M3, "month": "2025-06"}
    provider.post(address, {**typed, "invoice_number": "INV-1"})

    page = provider.post(address, {**typed, "invoice_number": "INV-2"})

    assert "This page was sent before with other answers" in words(page)
    assert Bill.objects.count() == 1


def test_a_month_without_usage_says_what_to_do(provider, scene, order):
    page = send(
        provider,
        reverse("bill_new"),
        programme=M3,
        month="2025-06",
        invoice_number="INV-1",
    )

    assert "Send the usage first, or check the period." in words(page)
    assert 'value="INV-1"' in page.content.decode()
    assert not Bill.objects.exists()


def test_lines_of_a_file_are_billed_as_they_say(provider, scene, order):
    record(scene, order)
    lines = (
        "source,key,quantity,rate,amount\n"
        "cluster-1,1/2025-06-10T00:00:00Z,192,25.00,4800.00\n"
        "cluster-1,2/2025-06-12T06:00:00Z,60,,\n"
    )

    answer = send(
        provider,
        reverse("bill_new"),
        programme=M3,
        month="2025-06",
        invoice_number="INV-1",
        file=SimpleUploadedFile("lines.csv", lines.encode()),
    )

    assert answer.status_code == 302
    first, second = BillLine.objects.order_by("row")
    assert (first.quantity_ms, first.rate, first.amount) == (
        192 * 3_600_000,
        Decimal("25.0000"),
        4_800_00,
    )
    assert (second.quantity_ms, second.amount) == (60 * 3_600_000, 1_500_00)


def test_what_is_wrong_in_a_file_of_lines_is_told_by_row_and_column(provider, scene, order):
    lines = "source,key,quantity,rate,amount\ncluster-1,,192,dear,4800.001\n"

    page = send(
        provider,
        reverse("bill_new"),
        programme=M3,
        month="2025-06",
        invoice_number="INV-1",
        file=SimpleUploadedFile("lines.csv", lines.encode()),
    )

    told = words(page)
    assert "Row 2, key: “”. Fill it in." in told
    assert "Row 2, rate: “dear”. Write a number of 0 or more, for example 12.5." in told
    assert "Row 2, amount: “4800.001”. Use no more decimals than CNY has." in told
    assert not Bill.objects.exists()


def test_a_bill_shows_why_a_line_was_not_accepted_whole(provider, scene, order):
    record(scene, order)
    lines = [
        billing.BillLineInput("cluster-1", "1/2025-06-10T00:00:00Z", 200 * 3_600_000),
        billing.BillLineInput("cluster-1", "nobody", 3_600_000, Decimal(25)),
    ]
    bill = settled(a_bill(scene, order, lines=lines))

    page = words(provider.get(reverse("bill", args=[bill.number])))

    assert "Queried" in page
    assert "the meter shows 192 GPU-hours in the bill's period" in page
    assert "No meter shows this use in the bill's period" in page
    errors = provider.get(reverse("bill_errors_csv", args=[bill.number])).content.decode()
    assert errors.count("\r\n") == 3


def test_a_bill_says_that_its_settlement_waits_for_the_end_of_a_suspension(
    browser, provider, scene, order, now
):
    record(scene, order)
    bill = a_bill(scene, order)
    finance = browser(scene.authority.finance[0])
    address, queue = reverse("bill", args=[bill.number]), reverse("settle_queue")
    assert "Settle this bill" in words(finance.get(address))
    suspension = a_suspension(scene.authority, scene.seller, bills="WAIT", at=JULY)

    told = "It is settled once the suspension of the provider is over or lifted."
    for client in (provider, finance, browser(scene.applicant.person)):
        page = words(client.get(address))
        assert told in page
        assert "An audit is under way." in page
        assert "Settle this bill" not in page
    assert "Settlement waits" in words(provider.get(reverse("bills")))
    assert "Settlement waits, provider suspended" in words(finance.get(queue))
    refused = send(finance, reverse("bill_settle", args=[bill.number]))
    assert "its bills are taken, and their settlement waits" in words(refused)
    assert Bill.objects.get().status == Bill.Status.SENT

    providers.lift_suspension(
        suspension=suspension, note="", actor=scene.authority.officer, at=JULY, key="lift"
    )
    assert told not in words(provider.get(address))
    assert "Settle this bill" in words(finance.get(address))


def test_another_provider_does_not_see_a_bill(browser, scene, order):
    record(scene, order)
    bill = a_bill(scene, order)
    stranger = browser(make_provider(scene.authority, "Other Compute").person)

    assert stranger.get(reverse("bill", args=[bill.number])).status_code == 404
    assert bill.number not in words(stranger.get(reverse("bills")))


def test_bills_are_found_by_invoice_number(provider, scene, order):
    record(scene, order)
    bill = a_bill(scene, order, invoice="FIND-ME")

    found = words(provider.get(reverse("bills"), {"words": "find-me"}))
    nothing = words(provider.get(reverse("bills"), {"words": "else", "status": "SETTLED"}))

    assert bill.number in found
    assert "No bills match." in nothing


def test_pages_are_told_in_chinese_without_losing_what_was_typed(provider, scene, order):
    address = reverse("bill_new")
    key = key_on(provider.get(address))

    page = provider.post(
        address, {"key": key, "set_language": "zh-hans", "invoice_number": "INV-9"}
    )

    assert 'lang="zh-Hans"' in page.content.decode()
    assert 'value="INV-9"' in page.content.decode()
    assert not Bill.objects.exists()


def test_a_long_bill_is_shown_fifty_lines_a_page(provider, scene, order):
    rows = "".join(
        f"{n},{order.code},GPU,H100,1,2025-06-10T{n % 24:02}:00:00Z,"
        f"2025-06-10T{n % 24:02}:30:00Z,COMPLETED\n"
        for n in range(60)
    )
    upload(provider, METER.splitlines()[0] + "\n" + rows)
    bill = a_bill(scene, order)

    page = provider.get(reverse("bill", args=[bill.number]), {"page": 2})

    assert bill.lines.count() == 60
    assert "51 cluster-1/" in words(page)


def test_a_holder_objects_to_a_line_and_it_is_withheld(browser, scene, order):
    record(scene, order)
    bill = a_bill(scene, order)
    holder = browser(scene.applicant.person)
    address = reverse("line_object", args=[bill.number, 1])
    assert address in holder.get(reverse("bill", args=[bill.number])).content.decode()

    send(holder, address, note="This job is not ours")
    settled(bill)

    page = words(holder.get(reverse("bill", args=[bill.number])))
    assert "The holder objects to this line: “This job is not ours”. It is withheld." in page
    assert bill.settlements.get().withheld == 4_800_00


def test_a_provider_can_not_object_to_its_own_line(provider, scene, order):
    record(scene, order)
    bill = a_bill(scene, order)

    page = send(provider, reverse("line_object", args=[bill.number, 1]), note="no")

    assert "This needs the role Applicant" in words(page)
    assert not Verdict.objects.exists()


CLAIM = {
    "invoice_number": "F-77",
    "amount_paid": "10,000.00",
    "fee_excluded": "0",
    "contract_from_on_day": "1",
    "contract_from_on_month": "3",
    "contract_from_on_year": "2025",
    "contract_until_on_day": "31",
    "contract_until_on_month": "12",
    "contract_until_on_year": "2025",
    "period_from_on_day": "1",
    "period_from_on_month": "6",
    "period_from_on_year": "2025",
    "period_until_on_day": "30",
    "period_until_on_month": "6",
    "period_until_on_year": "2025",
}


def test_a_holder_claims_a_fee_that_it_paid(browser):
    scene = make_scene(M1)
    holder = browser(scene.applicant.person)
    address = reverse("claim_new", args=[scene.voucher.code])

    answer = send(holder, address, **CLAIM, provider=scene.seller.organisation.code)

    claim = Bill.objects.get()
    assert answer.url == reverse("bill", args=[claim.number])
    assert (claim.kind, claim.total, claim.payee) == (
        "CLAIM",
        10_000_00,
        scene.applicant.organisation,
    )
    assert "F-77" in words(holder.get(answer.url))


def test_wrong_amounts_of_a_claim_are_told_and_kept(browser):
    scene = make_scene(M1)
    holder = browser(scene.applicant.person)
    address = reverse("claim_new", args=[scene.voucher.code])
    typed = {**CLAIM, "amount_paid": "ten", "period_until_on_year": "2024"}

    page = send(holder, address, **typed, provider=scene.seller.organisation.code)

    assert "Enter an amount as a number, for example 12,500.00" in words(page)
    assert "The last day is before the first. Check both." in words(page)
    assert 'value="ten"' in page.content.decode()
    assert not Bill.objects.exists()


def test_more_left_out_than_paid_is_refused_by_the_action(browser):
    scene = make_scene(M1)
    holder = browser(scene.applicant.person)
    address = reverse("claim_new", args=[scene.voucher.code])

    page = send(
        holder,
        address,
        **{**CLAIM, "fee_excluded": "20000"},
        provider=scene.seller.organisation.code,
    )

    assert "Check it against your invoice." in words(page)
    assert not Bill.objects.exists()
