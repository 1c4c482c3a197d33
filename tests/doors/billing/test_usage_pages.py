"""Metered usage at a browser: looked over first, then recorded, or billed at once."""

import csv
import io
from datetime import date

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import translation

from billing.forms.usage import UsageUploadForm
from billing.models import Bill, FileCheck, FileTask, KeptFile, UsageFile, UsageLine
from billing.tasks import do_file_tasks
from tests.billing.closing import closed
from tests.cast import make_provider
from tests.doors.billing.june import (
    BAD_ROWS,
    METER,
    look_over,
    nothing_moved,
    record,
    rows_of,
    upload,
)
from tests.doors.pages import send, words

pytestmark = pytest.mark.django_db


# --- large files, read by the worker ------------------------------------------------------------


@pytest.fixture
def all_is_large(settings):
    settings.USAGE_FILE_NOW_BYTES_MAX = 10


def test_a_large_file_is_read_by_the_worker_and_its_page_leads_to_the_result(
    provider, order, all_is_large
):
    answer = look_over(provider, METER.format(account=order.code))
    task = FileTask.objects.get()
    assert answer.url == reverse("usage_task", args=[task.pk])

    waiting = provider.get(answer.url)
    assert waiting["Refresh"] == "3"
    assert "We are reading your file" in words(waiting)
    assert "june.csv" in words(provider.get(reverse("usage")))
    do_file_tasks()

    found = provider.get(answer.url)
    assert found.url == reverse("usage_check", args=[FileCheck.objects.get().pk])
    assert "2 Lines 2 Good and new" in words(provider.get(found.url))
    assert nothing_moved()


def test_a_large_file_is_sent_by_the_worker_and_its_page_leads_to_the_bill(
    provider, order, all_is_large
):
    look_over(provider, METER.format(account=order.code))
    do_file_tasks()
    page = reverse("usage_check", args=[FileCheck.objects.get().pk])
    answer = send(provider, page, act="bill", invoice_0="INV-2025-06")
    assert nothing_moved()
    assert "The file counts as a whole, or not at all." in words(provider.get(answer.url))

    do_file_tasks()

    assert provider.get(answer.url).url == reverse("bill", args=[Bill.objects.get().number])
    assert UsageLine.objects.count() == 2


def test_a_large_file_that_cant_be_read_says_why_and_what_to_do(provider, order, all_is_large):
    answer = look_over(provider, METER.partition("\n")[0] + "\n")
    do_file_tasks()

    page = words(provider.get(answer.url))
    assert "We could not read your file" in page
    assert "The file has no rows. Check that you chose the right file." in page
    assert "Refresh" not in provider.get(answer.url)
    assert nothing_moved()


# --- looked over -----------------------------------------------------------------------------


def test_a_file_is_looked_over_and_nothing_is_recorded(provider, order):
    answer = look_over(provider, METER.format(account=order.code))

    check = FileCheck.objects.get()
    assert answer.url == reverse("usage_check", args=[check.pk])
    page = words(provider.get(answer.url))
    assert "Nothing of it is recorded yet" in page
    assert "We read it as: A table with our columns." in page
    assert "2 Lines 2 Good and new 0 Known before 0 Skipped 0 To fix" in page
    assert "2025-06: 2 lines, ¥6,000.00" in page
    assert nothing_moved()


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "2025-06 of {title} was closed, so the lines of this file in that month"),
        ("zh-hans", "{title} 的 2025-06 已关闭，本文件中该月的行只记录、不开账单。"),
    ],
)
def test_lines_of_a_closed_month_are_recorded_and_say_why_they_have_no_bill(
    provider, scene, order, now, language, told
):
    programme = scene.scheme.programme
    closed(scene, month=date(2025, 6, 1), at=now, key="close")
    provider.cookies.load({settings.LANGUAGE_COOKIE_NAME: language})

    answer = look_over(provider, METER.format(account=order.code))

    with translation.override(language):
        told = told.format(title=programme.title_here)
    page = words(provider.get(answer.url))
    assert told in page
    assert 'value="bill"' not in provider.get(answer.url).content.decode()
    send(provider, answer.url, act="record")
    assert (UsageLine.objects.count(), Bill.objects.count()) == (2, 0)


def test_sending_the_bill_records_and_bills_what_was_shown(provider, scene, order):
    answer = upload(provider, METER.format(account=order.code), act="bill")

    bill = Bill.objects.get()
    assert answer.url == reverse("bill", args=[bill.number])
    assert (bill.total, bill.invoice_number, bill.lines.count()) == (6_000_00, "INV-2025-06", 2)
    assert UsageLine.objects.count() == 2


def test_usage_may_be_recorded_and_billed_later(provider, order):
    answer = upload(provider, METER.format(account=order.code))

    file = UsageFile.objects.get()
    assert answer.url == reverse("usage_file", args=[file.pk])
    page = words(provider.get(answer.url))
    assert "2 Lines 2 Recorded 0 Known before 0 Skipped 0 To fix" in page
    assert "192 GPU-hours" in page
    assert "june.csv" in words(provider.get(reverse("usage")))
    assert not Bill.objects.exists()


def test_an_invoice_number_that_was_used_is_not_suggested_again(provider, order):
    upload(provider, METER.format(account=order.code), act="bill")
    row = f"9,{order.code},GPU,H100,1,2025-06-20T00:00:00Z,2025-06-20T01:00:00Z,FAILED\n"

    upload(provider, METER.format(account=order.code) + row, act="bill")

    assert set(Bill.objects.values_list("invoice_number", "total")) == {
        ("INV-2025-06", 6_000_00),
        ("INV-2025-06-2", 25_00),
    }


def test_a_bill_without_an_invoice_number_is_asked_for_it_and_nothing_moves(provider, order):
    page = look_over(provider, METER.format(account=order.code))

    answer = send(provider, page.url, act="bill", invoice_0="")

    assert "govuk-error-summary" in answer.content.decode()
    assert nothing_moved()


def test_a_month_that_was_billed_meanwhile_is_refused_in_words_and_nothing_moves(
    provider, scene, order
):
    text = METER.format(account=order.code)
    first, second = (look_over(provider, text + "\n" * n) for n in range(2))
    send(provider, first.url, act="bill", invoice_0="A")

    answer = send(provider, second.url, act="bill", invoice_0="B")

    assert "Send the usage first, or check the period." in words(answer)
    assert (UsageFile.objects.count(), Bill.objects.count()) == (1, 1)


def test_the_same_file_again_leads_to_the_earlier_one(provider, order):
    text = METER.format(account=order.code)
    first = upload(provider, text)

    second = look_over(provider, text)

    assert second.url == first.url
    assert "You sent this file on 2025-07-02." in words(provider.get(second.url))
    assert KeptFile.objects.count() == 1


def test_a_workbook_goes_in_as_it_is_and_its_sheet_is_named(provider, order):
    answer = provider.get(reverse("usage_template_xlsx"))
    book = rows_of(answer)
    assert book[0][0] == "job_id"
    from tests.billing.usage.workbooks import workbook

    data = workbook(*csv.reader(io.StringIO(METER.format(account=order.code))), title="六月")

    page = look_over(provider, data.getvalue(), name="june.xlsx")

    assert "A table with our columns; the sheet “六月”." in words(provider.get(page.url))
    upload(provider, data.getvalue(), name="june.xlsx")
    assert UsageLine.objects.count() == 2


# --- who may see what ------------------------------------------------------------------------


def test_a_file_is_its_providers_alone(browser, scene, provider, order):
    text = METER.format(account=order.code) + BAD_ROWS.format(account=order.code)
    check = look_over(provider, text).url
    columns = reverse("usage_columns", args=[KeptFile.objects.get().pk])
    other = make_provider(scene.authority, "Other Compute")

    for person in (other.person, scene.applicant.person, scene.authority.officer):
        client = browser(person)
        for address in (check, f"{check}to-fix.xlsx", f"{check}to-fix.csv", columns):
            assert client.get(address).status_code == 404
        assert client.post(check, {"act": "record"}).status_code == 404


def test_a_picture_is_refused_in_words_and_what_was_typed_stays(provider, order):
    page = send(
        provider,
        reverse("usage_upload"),
        format="CSV",
        source="cluster-9",
        resource="ANY",
        file=SimpleUploadedFile("june.csv", b"\x89PNG\0\0"),
    )

    assert "The file is not text" in words(page)
    assert 'value="cluster-9"' in page.content.decode()
    assert nothing_moved()


@pytest.mark.parametrize(
    "data", [b"PK\x03\x04nonsense", b"\xd0\xcf\x11\xe0" + bytes(99), b"x\n"]
)
def test_what_is_no_table_is_refused_in_words(provider, order, data):
    page = look_over(provider, data, name="june.xlsx")

    assert page.status_code == 200
    assert "govuk-error-summary" in page.content.decode()
    assert nothing_moved()


def test_a_file_above_the_limit_is_refused(provider, order, monkeypatch):
    monkeypatch.setattr(UsageUploadForm.base_fields["file"], "bytes_max", 10)

    page = look_over(provider, METER.format(account=order.code))

    assert "Send it in parts." in words(page)


@pytest.mark.parametrize(
    "name",
    ["usage_sample", "usage_bad_sample", "usage_template", "bill_lines_sample"],
)
def test_sample_files_open_in_a_spreadsheet(browser, scene, name):
    answer = browser().get(reverse(name))

    assert answer.status_code == 200
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert "attachment" in answer["Content-Disposition"]


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_sample_is_of_the_providers_own_order_and_goes_in_as_it_is(
    provider, order, now, language
):
    provider.cookies.load({settings.LANGUAGE_COOKIE_NAME: language})
    text = provider.get(reverse("usage_sample")).content
    assert f",{order.code},".encode() in text

    answer = upload(provider, text)

    file = UsageFile.objects.get()
    assert (file.errors_total, file.recorded) == (0, 3)
    assert answer.status_code == 302


def test_the_sample_with_mistakes_is_of_the_same_order(provider, order, now):
    text = provider.get(reverse("usage_bad_sample")).content

    upload(provider, text)

    file = UsageFile.objects.get()
    assert (file.recorded, file.errors_total) == (1, 5)


def test_a_strangers_sample_is_of_an_order_of_nobody(client, order):
    text = client.get(reverse("usage_sample")).content.decode()

    assert "V-7K2QX9" in text
    assert order.code not in text


def test_a_holder_sees_its_usage_and_sends_none(browser, scene, order):
    record(scene, order)
    holder = browser(scene.applicant.person)

    assert "192 GPU-hours" in words(holder.get(reverse("usage")))
    assert holder.get(reverse("usage_upload")).status_code == 404


@pytest.mark.parametrize("name", ["usage", "bills", "payments"])
def test_empty_lists_say_what_will_be_there(browser, scene, name):
    for person in (scene.seller.person, scene.applicant.person):
        page = browser(person).get(reverse(name))
        assert page.status_code == 200
        assert "yet" in words(page) or "appear here" in words(page)


# --- FOCUS -----------------------------------------------------------------------------------


def test_a_focus_export_is_recognised_metered_and_asked_about(provider, order):
    text = (
        "BilledCost,ListCost,EffectiveCost,ChargeCategory,ChargePeriodStart,ChargePeriodEnd,"
        "ConsumedQuantity,ConsumedUnit,ResourceId,SkuPriceDetails,SubAccountId\n"
        f"3.25,3.25,3,Usage,2025-06-10T00:00:00Z,2025-06-10T01:00:00Z,2,GPU-Hours,i-1,"
        f'"{{""GpuCount"":2}}",{order.code}\n'
        f"9,9,9,Purchase,2025-06-10T00:00:00Z,2025-06-10T01:00:00Z,,,i-1,,{order.code}\n"
    )

    page = look_over(provider, text, name="focus.csv")

    said = words(provider.get(page.url))
    assert "FOCUS: a Cost and Usage table, version 1.0 to 1.4" in said
    assert "2 Lines 1 Good and new 0 Known before 1 Skipped 0 To fix" in said
    assert "1: purchases, taxes and credits" in said
    assert "1 GPU rows have EffectiveCost rounded to whole units" in said
    assert "2025-06: 1 lines, ¥50.00" in said


# --- GPUs by their names ---------------------------------------------------------------------


def test_two_jobs_on_one_gpu_of_a_file_are_told_and_one_is_recorded(provider, order):
    head = METER.partition("\n")[0]
    hours = "2025-06-10T00:00:00Z,2025-06-11T00:00:00Z,COMPLETED"
    rows = [
        f"{number},{order.code},GPU,H100,1,{hours},{gpus}"
        for number, gpus in enumerate(("GPU-5fd4", "GPU-86f3 GPU-5fd4", "MIG-7"), start=1)
    ]
    answer = look_over(provider, "\n".join([f"{head},device", *rows]) + "\n")

    page = words(provider.get(answer.url))
    assert "GPU-5fd4 was in use for 1/2025-06-10T00:00:00Z until 2025-06-11 00:00:00" in page
    send(provider, answer.url, act="record")
    assert sorted(UsageLine.objects.values_list("device", flat=True)) == ["GPU-5fd4", "MIG-7"]


def test_a_foreign_file_s_column_of_gpus_is_named_once(provider, order):
    head = "task,when,until,cards,tenant,which"
    row = f"a,2025-06-10 00:00:00,2025-06-11 00:00:00,1,{order.code},GPU-5fd4"
    asked = look_over(provider, f"{head}\n{row}\n")

    named = {"start": "when", "end": "until", "count": "cards", "account": "tenant"}
    checked = send(provider, asked.url, **named, job_id="task", device="which")
    send(provider, checked.url, act="record")

    assert UsageLine.objects.get().device == "GPU-5fd4"
