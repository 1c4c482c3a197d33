"""Metered usage at a browser: good rows count, bad ones are told, nothing counts twice."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from billing.forms.pages import UsageUploadForm
from billing.models import (
    UsageFile,
    UsageLine,
)
from billing.usage.plain_csv import sample
from tests.doors.billing.june import METER, record, upload
from tests.doors.pages import send, words

pytestmark = pytest.mark.django_db


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


@pytest.mark.parametrize("name", ["usage", "bills", "payments"])
def test_empty_lists_say_what_will_be_there(browser, scene, name):
    for person in (scene.seller.person, scene.applicant.person):
        page = browser(person).get(reverse(name))
        assert page.status_code == 200
        assert "yet" in words(page) or "appear here" in words(page)
