"""Metered usage at a browser: looked over first, good rows count, bad ones come back to be fixed."""

import csv
import io
import re

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from python_calamine import load_workbook

from billing.forms.usage import UsageUploadForm
from billing.models import (
    Bill,
    ColumnMapping,
    FileCheck,
    FileTask,
    KeptFile,
    UsageFile,
    UsageLine,
)
from billing.tasks import do_file_tasks
from tests.cast import make_provider
from tests.doors.billing.june import METER, look_over, record, upload
from tests.doors.pages import send, words

pytestmark = pytest.mark.django_db

BAD_ROWS = (
    "3,R-NOBODY,GPU,H100,1,yesterday,2025-06-15 09:00:00,COMPLETED\n"
    "4,{account},GPU,H100,many,2025-06-14,x,COMPLETED\n"
)


def rows_of(answer):
    """Return the rows of a downloaded workbook, its header first."""
    return load_workbook(io.BytesIO(answer.content)).get_sheet_by_index(0).to_python()


def nothing_moved():
    return not (
        UsageLine.objects.exists() or UsageFile.objects.exists() or Bill.objects.exists()
    )


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
    from tests.billing.usage.test_workbook import workbook

    data = workbook(*csv.reader(io.StringIO(METER.format(account=order.code))), title="六月")

    page = look_over(provider, data.getvalue(), name="june.xlsx")

    assert "A table with our columns; the sheet “六月”." in words(provider.get(page.url))
    upload(provider, data.getvalue(), name="june.xlsx")
    assert UsageLine.objects.count() == 2


# --- what is to be fixed ---------------------------------------------------------------------


def test_bad_rows_are_told_one_by_one_and_good_ones_count(provider, order):
    text = METER.format(account=order.code) + BAD_ROWS.format(account=order.code)

    answer = upload(provider, text)

    file = UsageFile.objects.get()
    assert file.recorded == UsageLine.objects.count() == 2
    page = words(provider.get(answer.url))
    assert "We cannot read “many” as a count." in page
    assert "Write a number greater than 0, such as 8 or 0.25." in page
    assert "A number above 0 with at most three decimals" in page
    report = provider.get(reverse("usage_errors", args=[file.pk, "csv"]))
    assert report.content.startswith(b"\xef\xbb\xbf")
    assert "many" in report.content.decode()


def test_the_rows_to_fix_come_back_whole_in_a_workbook(provider, order):
    text = METER.format(account=order.code) + BAD_ROWS.format(account=order.code)
    page = look_over(provider, text)

    answer = provider.get(f"{page.url}to-fix.xlsx")

    header, *rows = rows_of(answer)
    assert header[:2] == ["job_id", "account"]
    assert [row[:5] for row in rows] == [
        ["3", "R-NOBODY", "GPU", "H100", "1"],
        ["4", order.code, "GPU", "H100", "many"],
    ]
    assert "attachment" in answer["Content-Disposition"]
    assert provider.get(f"{page.url}to-fix.doc").status_code == 404


def test_rows_that_were_fixed_are_sent_in_the_workbook_they_came_back_in(provider, order):
    text = METER.format(account=order.code) + BAD_ROWS.format(account=order.code)
    page = look_over(provider, text.replace("yesterday", "2025-06-15 08:00:00"))
    upload(provider, text.replace("yesterday", "2025-06-15 08:00:00"))
    report = provider.get(f"{page.url}to-fix.csv").content.decode("utf-8-sig")
    fixed = report.replace(",many,2025-06-14,x,", ",2,2025-06-14 08:00:00,2025-06-14 09:00:00,")

    upload(provider, fixed)

    assert sorted(UsageLine.objects.values_list("key", flat=True)) == [
        "1/2025-06-10T00:00:00Z",
        "2/2025-06-12T06:00:00Z",
        "4/2025-06-14T08:00:00Z",
    ]


def test_of_fifty_thousand_lines_page_and_workbook_show_the_same_five_hundred(provider, order):
    """One in a hundred lines is bad, in three ways; both tell of exactly those."""
    lines = [METER.partition("\n")[0]]
    wrong = {}
    for number in range(50_000):
        count, state = "1", "COMPLETED"
        if number % 100 == 7:
            count, state = [("none", state), (count, "ASLEEP"), ("0", state)][number // 100 % 3]
            wrong[number + 2] = f"job-{number}"
        start = f"2025-06-{3 + number % 26:02}T{number % 23:02}:00:00Z"
        end = f"2025-06-{3 + number % 26:02}T{number % 23:02}:00:30Z"
        lines.append(f"job-{number},{order.code},GPU,H100,{count},{start},{end},{state}")
    page = look_over(provider, "\n".join(lines) + "\n")

    first = provider.get(page.url)
    assert "50000 Lines 49500 Good and new 0 Known before 0 Skipped 500 To fix" in words(first)
    assert "333 lines : We cannot read" in words(first)
    assert "167 lines : “ASLEEP” is not a state" in words(first)
    shown = set()
    for number in range(1, 12):
        text = provider.get(f"{page.url}?page={number}").content.decode()
        table = text[text.index('id="errors"') :]
        shown |= {int(row) for row in re.findall(r"<th scope=\"row\"[^>]*>(\d+)</th>", table)}
    for kind in ("xlsx", "csv"):
        answer = provider.get(f"{page.url}to-fix.{kind}")
        found = (
            rows_of(answer)
            if kind == "xlsx"
            else list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
        )
        assert {int(row[8]): row[0] for row in found[1:]} == wrong
        assert len(found) == 501
    assert shown == set(wrong)
    assert len(wrong) == 500


def test_one_rule_may_be_looked_at_alone(provider, order):
    rows = "".join(f"x{n},{order.code},GPU,H100,many,a,b,COMPLETED\n" for n in range(10))
    page = look_over(provider, METER.format(account=order.code) + rows)

    everything = words(provider.get(page.url))
    counts = words(provider.get(f"{page.url}?rule=count_unreadable"))

    assert "10 lines : We cannot read “many” as a count." in everything
    assert "20 lines : We cannot read “a” as a date and time." in everything
    assert "10 errors to fix" in counts
    assert "Show the errors of all rules" in counts


# --- columns that are not ours ---------------------------------------------------------------

THEIRS = (
    "when;until;cards;tenant;task\n2025-06-10 00:00:00;2025-06-10 02:00:00;2;{account};t-1\n"
)
NAMED = {
    "start": "when", "end": "until", "count": "cards", "account": "tenant", "job_id": "task",
}  # fmt: skip


def test_unknown_columns_are_asked_about_once_with_the_first_rows_and_a_guess(provider, order):
    asked = look_over(provider, THEIRS.format(account=order.code))

    page = provider.get(asked.url)
    assert "2025-06-10 02:00:00" in words(page)
    chosen = re.findall(
        r'<select[^>]*name="(\w+)"(?:(?!</select>).)*<option value="(\w+)" selected',
        page.content.decode(),
        re.S,
    )
    assert dict(chosen) == {name: NAMED[name] for name in NAMED if name != "start"}
    answer = send(provider, asked.url, **NAMED)

    assert "1 Lines 1 Good and new" in words(provider.get(answer.url))
    assert ColumnMapping.objects.get().columns == NAMED
    assert nothing_moved()


def test_the_next_month_goes_through_without_a_question_in_any_order(provider, order):
    asked = look_over(provider, THEIRS.format(account=order.code))
    send(provider, asked.url, **NAMED)
    july = "Task,Cards,Tenant,When,Until\n"
    july += f"t-2,4,{order.code},2025-07-01 00:00:00,2025-07-01 01:00:00\n"

    answer = upload(provider, july)

    assert answer.url == reverse("usage_file", args=[UsageFile.objects.get().pk])
    line = UsageLine.objects.get()
    assert (line.key, line.quantity_ms) == ("t-2/2025-07-01T00:00:00Z", 4 * 3_600_000)


def test_a_mapping_that_leaves_something_out_is_told_and_not_kept(provider, order):
    asked = look_over(provider, THEIRS.format(account=order.code))

    page = send(provider, asked.url, **{**NAMED, "end": "", "job_id": "cards"})

    assert "Choose the column of the end, or of the duration." in words(page)
    assert "“cards” is chosen more than once." in words(page)
    assert not ColumnMapping.objects.exists()


def test_what_one_provider_says_of_its_columns_is_not_anothers(browser, scene, provider, order):
    asked = look_over(provider, THEIRS.format(account=order.code))
    send(provider, asked.url, **NAMED)
    other = browser(make_provider(scene.authority, "Other Compute").person)

    answer = look_over(other, THEIRS.format(account=order.code))

    assert "/columns/" in answer.url


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

    checked = send(provider, asked.url, **NAMED, device="which")
    send(provider, checked.url, act="record")

    assert UsageLine.objects.get().device == "GPU-5fd4"
