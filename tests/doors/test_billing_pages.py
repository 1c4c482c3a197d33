"""From metered usage to the bank's answer at a browser: each step once, each refusal in words."""

import io
import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from billing import actions as billing
from billing.bank import demo_bank
from billing.forms import UsageUploadForm
from billing.models import (
    BankLine,
    BankStatement,
    Batch,
    Bill,
    BillLine,
    PaymentFile,
    UsageFile,
    UsageLine,
    Verdict,
)
from billing.usage.plain_csv import sample
from ledger import queries as ledger
from ledger.actions import SYSTEM
from parties.models import BankDetail
from tests.cast import (
    M1,
    M3,
    M5,
    a_bank_detail,
    a_hold,
    a_key,
    make_authority,
    make_provider,
    make_scene,
)
from tests.doors.pages import key_on, send, words

pytestmark = pytest.mark.django_db

JULY = datetime(2025, 7, 2, tzinfo=UTC)
METER = """job_id,account,resource,class,count,start,end,state
1,{account},GPU,H100,8,2025-06-10T00:00:00Z,2025-06-11T00:00:00Z,COMPLETED
2,{account},GPU,H100,4,2025-06-12T06:00:00Z,2025-06-12T18:00:00Z,FAILED
"""


@pytest.fixture
def now(monkeypatch):
    """The clock of the doors: July, when June is billed."""
    monkeypatch.setattr(timezone, "now", lambda: JULY)
    return JULY


@pytest.fixture
def scene(db):
    return make_scene(M3)


@pytest.fixture
def order(scene):
    """An order of 400 GPU-hours at 25.00: 10,000.00, of which the voucher holds 6,000.00."""
    return a_hold(scene.voucher, scene.applicant, scene.seller, hours="400")


@pytest.fixture
def provider(browser, scene):
    return browser(scene.seller.person)


def upload(client, text, **more):
    """Send a usage file as a provider does."""
    return send(
        client,
        reverse("usage_upload"),
        **{"format": "csv", "source": "cluster-1", "resource": "ANY", **more},
        file=SimpleUploadedFile("june.csv", text.encode()),
    )


def record(scene, order):
    """Record 240 GPU-hours of June."""
    return billing.record_usage_file(
        provider=scene.seller.provider,
        name="june.csv",
        format="csv",
        stream=io.BytesIO(METER.format(account=order.code).encode()),
        source="cluster-1",
        resource=None,
        is_dry_run=False,
        actor=scene.seller.person.address,
        at=JULY,
        key=a_key("usage"),
    )


def a_bill(scene, order, invoice="2025-06", lines=None):
    """Send a bill of June."""
    return billing.submit_bill(
        provider=scene.seller.provider,
        programme=scene.scheme.programme,
        invoice_number=invoice,
        period_from=datetime(2025, 5, 31, 16, tzinfo=UTC),
        period_until=datetime(2025, 6, 30, 16, tzinfo=UTC),
        lines=lines,
        actor=scene.seller.person,
        at=JULY,
        key=a_key("bill"),
    )


def settled(bill):
    billing.settle_bill(bill=bill, actor=SYSTEM, at=JULY, key=a_key("settle"))
    bill.refresh_from_db()
    return bill


# --- usage -----------------------------------------------------------------------------------


def test_a_usage_file_is_recorded_and_its_numbers_shown(provider, order):
    answer = upload(provider, METER.format(account=order.code))

    file = UsageFile.objects.get()
    assert answer.url == reverse("usage_file", args=[file.pk])
    page = words(provider.get(answer.url))
    assert "2 Lines 2 Recorded 0 Known before 0 Skipped 0 To fix" in page
    assert "192 GPU-hours" in page
    assert "june.csv" in words(provider.get(reverse("usage")))


def test_bad_rows_are_told_one_by_one_and_good_ones_count(provider, order):
    text = METER.format(account=order.code) + "3,R-NOBODY,GPU,H100,1,yesterday,,COMPLETED\n"

    answer = upload(provider, text + f"4,{order.code},GPU,H100,many,2025-06-14,x,COMPLETED\n")

    file = UsageFile.objects.get()
    assert file.recorded == UsageLine.objects.count() == 2
    page = words(provider.get(answer.url))
    assert "We cannot read “many” as a count." in page
    assert "Write a number greater than 0, such as 8 or 0.25." in page
    report = provider.get(reverse("usage_errors_csv", args=[file.pk]))
    assert report.content.startswith(b"\xef\xbb\xbf")
    assert "many" in report.content.decode()


def test_a_dry_run_records_nothing(provider, order):
    page = upload(provider, METER.format(account=order.code), is_dry_run="on")

    assert "nothing was recorded" in words(page)
    assert not UsageLine.objects.exists()
    assert not UsageFile.objects.exists()


def test_the_same_file_again_is_known(provider, order):
    text = METER.format(account=order.code)

    answers = [upload(provider, text) for _ in range(2)]

    assert answers[0].url == answers[1].url
    assert UsageLine.objects.count() == 2
    assert "You sent this file on 2025-07-02" in words(provider.get(answers[1].url))


def test_a_picture_is_refused_in_words_and_what_was_typed_stays(provider, order):
    page = send(
        provider,
        reverse("usage_upload"),
        format="csv",
        source="cluster-9",
        resource="ANY",
        file=SimpleUploadedFile("june.csv", b"\x89PNG\0\0"),
    )

    assert "The file is not text" in words(page)
    assert 'value="cluster-9"' in page.content.decode()
    assert not UsageFile.objects.exists()


def test_a_file_above_the_limit_is_refused(provider, order, monkeypatch):
    monkeypatch.setattr(UsageUploadForm.base_fields["file"], "bytes_max", 10)

    page = upload(provider, METER.format(account=order.code))

    assert "Send it in parts." in words(page)


@pytest.mark.parametrize("name", ["usage_sample", "usage_template", "bill_lines_sample"])
def test_sample_files_open_in_a_spreadsheet(browser, scene, name):
    answer = browser().get(reverse(name))

    assert answer.status_code == 200
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert "attachment" in answer["Content-Disposition"]


def test_the_sample_is_read_without_an_error(provider, order):
    answer = upload(provider, sample().replace("V-7K2QX9", order.code))

    assert UsageFile.objects.get().errors_total == 0
    assert answer.status_code == 302


def test_a_holder_sees_its_usage_and_sends_none(browser, scene, order):
    record(scene, order)
    holder = browser(scene.applicant.person)

    assert "192 GPU-hours" in words(holder.get(reverse("usage")))
    assert holder.get(reverse("usage_upload")).status_code == 404


# --- bills -----------------------------------------------------------------------------------


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


# --- the holder ------------------------------------------------------------------------------


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


# --- settlement ------------------------------------------------------------------------------


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


# --- batches and the bank --------------------------------------------------------------------


@pytest.fixture
def due(scene, order, now):
    """3,600.00 is due to the provider, and the authority has an account to pay from."""
    record(scene, order)
    bill = settled(a_bill(scene, order))
    a_bank_detail(scene.authority.organisation, scene.authority.finance[1], scene.authority)
    return bill


def prepared(browser, scene):
    """Prepare a batch as the first finance officer."""
    address = reverse("batch_new") + f"?programme={M3}"
    send(browser(scene.authority.finance[0]), address, programme=M3)
    return Batch.objects.get()


def step(client, name, batch):
    return send(client, reverse(name, args=[batch.code]))


def released(browser, scene):
    """Take a batch through its three people."""
    batch = prepared(browser, scene)
    step(browser(scene.authority.finance[1]), "batch_approve", batch)
    step(browser(scene.authority.finance[2]), "batch_release", batch)
    return Batch.objects.get()


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
    batch = prepared(browser, scene)
    first, second, _third = scene.authority.finance

    page = step(browser(first), "batch_approve", batch)

    batch.refresh_from_db()
    assert batch.status == "PREPARED"
    assert "There is a problem" in words(page)
    told = words(browser(first).get(reverse("batch", args=[batch.code])))
    assert "You prepared this batch, so another person must approve it." in told
    step(browser(second), "batch_approve", batch)
    step(browser(second), "batch_release", batch)
    batch.refresh_from_db()
    assert batch.status == "APPROVED"


def test_nothing_due_makes_no_batch(browser, scene, due):
    released(browser, scene)
    finance = browser(scene.authority.finance[0])
    page = finance.get(reverse("batch_new"), {"programme": M3})

    assert "Nothing is due in this programme now." in words(page)


def read(client, data, name="july.xml"):
    return send(client, reverse("statement_upload"), file=SimpleUploadedFile(name, data))


def statement_of(**said):
    return demo_bank.statement_for(
        bytes(PaymentFile.objects.get().content),
        statement_id="S1",
        created_at=JULY,
        booked_on=date(2025, 7, 2),
        **said,
    )


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


# --- the ledger ------------------------------------------------------------------------------


def test_an_account_shows_every_move_with_the_balance_after_it(browser, scene, due):
    regulator = browser(scene.authority.regulator)
    address = scene.scheme.programme.account("voucher", scene.voucher.code)

    page = words(regulator.get(reverse("ledger_account", args=[address])))

    assert "Voucher issued" in page
    assert "Bill settled" in page
    assert "¥56,400.00" in page
    answer = regulator.get(reverse("ledger_account_csv", args=[address]))
    rows = answer.content.decode("utf-8-sig").splitlines()
    assert rows[0] == "at,act,kind,other,reference,unit,amount,balance"
    assert rows[1].endswith("CNY,60000.00,60000.00")
    assert rows[2].endswith("CNY,-3600.00,56400.00")


def test_an_act_says_who_what_when_about_what_and_what_moved(browser, scene, due):
    finance = browser(scene.authority.finance[0])
    act = ledger.acts_about(due.address).get(kind="settle_bill")
    bill_page = finance.get(reverse("bill", args=[due.number])).content.decode()
    assert reverse("ledger_act", args=[act.id]) in bill_page

    page = finance.get(reverse("ledger_act", args=[act.id]))

    assert reverse("bill", args=[due.number]) in page.content.decode()
    assert "The portal itself" in words(page)
    assert "Captured from a hold" in words(page)
    assert "¥3,600.00" in words(page)


def test_accounts_and_acts_are_found_by_words(browser, scene, due):
    finance = browser(scene.authority.finance[0])

    accounts = words(finance.get(reverse("ledger_accounts"), {"words": scene.voucher.code}))
    acts = words(finance.get(reverse("ledger_audit"), {"words": "settle_bill"}))

    assert f"voucher:{M3}:{scene.voucher.code}" in accounts
    assert f"available:{M3}" not in accounts
    assert f"bill:{due.number}" in acts


def test_another_authoritys_people_read_nothing_of_it(browser, scene, due):
    stranger = browser(make_authority("Other Bureau").finance[0])
    address = scene.scheme.programme.account("voucher", scene.voucher.code)
    act = ledger.acts_about(due.address).get(kind="settle_bill")

    assert stranger.get(reverse("ledger_account", args=[address])).status_code == 404
    assert stranger.get(reverse("ledger_act", args=[act.id])).status_code == 404
    assert "No acts match." in words(stranger.get(reverse("ledger_audit"), {"words": "settle"}))
    assert M3 not in words(stranger.get(reverse("ledger_accounts")))


def test_finance_undoes_a_settled_transfer_with_a_word_why(browser, scene, due):
    finance = browser(scene.authority.finance[0])
    act = ledger.acts_about(due.address).get(kind="settle_bill")
    transfer = ledger.transfers_of(act.id).get()
    address = reverse("transfer_correct", args=[act.id, transfer.id])

    send(finance, address, reason="Settled twice by hand")

    account = scene.scheme.programme.account("voucher", scene.voucher.code)
    assert ledger.balance(account).net == 60_000_00
    assert "There is a problem" in words(send(finance, address, reason="Once more"))


@pytest.mark.parametrize(
    "name",
    [
        "settle_queue",
        "lines_withheld",
        "batches",
        "batch_new",
        "statements",
        "statement_upload",
        "ledger_accounts",
        "ledger_audit",
    ],
)
def test_pages_of_the_authority_are_closed_to_others(browser, scene, name):
    address = reverse(name)

    assert browser(scene.authority.finance[0]).get(address).status_code == 200
    assert browser(scene.seller.person).get(address).status_code == 409
    assert browser(scene.applicant.person).get(address).status_code == 409
    assert browser().get(address).status_code == 302


@pytest.mark.parametrize("name", ["usage", "bills", "payments"])
def test_empty_lists_say_what_will_be_there(browser, scene, name):
    for person in (scene.seller.person, scene.applicant.person):
        page = browser(person).get(reverse(name))
        assert page.status_code == 200
        assert "yet" in words(page) or "appear here" in words(page)


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
