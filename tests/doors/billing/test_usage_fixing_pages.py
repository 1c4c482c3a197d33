"""Rows and columns of a usage file that are not as ours: told one by one, and put right once."""

import csv
import io
import re

import pytest
from django.urls import reverse

from billing.models import ColumnMapping, UsageFile, UsageLine
from tests.cast import make_provider
from tests.doors.billing.june import BAD_ROWS, METER, look_over, nothing_moved, rows_of, upload
from tests.doors.pages import send, words

pytestmark = pytest.mark.django_db


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
