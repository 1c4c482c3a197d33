"""Usage lines in the archive, at a browser: still shown, or said where they are."""

from datetime import UTC, date, datetime

import pytest
from django.urls import reverse

from billing import actions
from billing.models import UsageCorrection, UsageFile, UsageLine
from billing.queries.archive import lines_in
from tests.cast import make_authority, make_provider
from tests.doors.billing.june import a_bill, record, settled
from tests.doors.pages import send, words
from tests.doors.programs import Program

pytestmark = pytest.mark.django_db

AT = datetime(2028, 7, 9, tzinfo=UTC)
JUNE_FIRST = datetime(2025, 6, 1, tzinfo=UTC)


@pytest.fixture
def archive(scene, order, now, settings, tmp_path):
    """June's two lines, billed, settled and archived."""
    settings.USAGE_ARCHIVE_FOLDER = str(tmp_path)
    record(scene, order)
    settled(a_bill(scene, order))
    made = actions.archive_month(month=date(2025, 6, 1), at=AT)
    assert not UsageLine.objects.exists()
    return made


def page_of_file(client):
    return client.get(reverse("usage_file", args=[UsageFile.objects.get().pk]))


def test_a_usage_file_still_shows_its_lines_and_where_they_are(provider, order, archive):
    page = words(page_of_file(provider))

    assert f"2 lines of this file lie in the archive, in {archive.file}." in page
    assert (
        f"cluster-1/1/2025-06-10T00:00:00Z {order.voucher.code} {order.code} GPU H100" in page
    )
    assert "192 GPU-hours" in page
    assert "48 GPU-hours" in page


def test_staff_see_lines_of_their_programmes_and_a_stranger_nothing(browser, scene, archive):
    assert "192 GPU-hours" in words(page_of_file(browser(scene.authority.officer)))
    other = make_authority("Another Bureau")
    assert page_of_file(browser(make_provider(other).person)).status_code == 404
    assert page_of_file(browser(other.officer)).status_code == 404


def test_the_list_of_usage_lists_them_last_and_says_so(provider, order, archive):
    page = words(provider.get(reverse("usage")))

    assert "2 of these lines are of decided months and lie in the archive" in page
    assert "192 GPU-hours" in page
    assert "48 GPU-hours" in page
    table = provider.get(reverse("usage_csv")).content.decode()
    assert table.count(f",{order.voucher.code},{order.code},GPU,H100,") == 2


def test_an_archived_line_has_its_page_and_is_not_corrected(provider, archive):
    line = next(one for one in lines_in(JUNE_FIRST, AT) if one.quantity_ms == 192 * 3_600_000)

    page = words(provider.get(reverse("usage_line", args=[line.pk])))

    assert "192 GPU-hours" in page
    assert "¥4,800.00" in page
    assert "Archived" in page
    assert "Correct this line" not in page
    answer = send(
        provider,
        reverse("usage_line_correct", args=[line.pk]),
        reason="The node was down",
        used="nothing",
        count="",
        started_at="",
        ended_at="",
        right_key="",
    )
    assert f"All of 2025-06 was decided, and the use {line} lies in the archive" in words(
        answer
    )
    assert not UsageCorrection.objects.exists()


def test_a_program_is_told_that_a_line_is_archived(scene, archive):
    line = next(iter(lines_in(JUNE_FIRST, AT)))
    program = Program(scene.seller)

    answer = program.post(
        "usage/corrections",
        {"source": line.source, "key": line.key, "reason": "The node was down"},
        key="c-1",
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "usage_archived")
    assert not UsageCorrection.objects.exists()


def test_an_order_says_how_many_of_its_lines_are_archived(browser, scene, order, archive):
    page = words(browser(scene.applicant.person).get(reverse("order", args=[order.code])))

    assert "2 lines of use of decided months lie in the archive and are not listed here" in page
    assert "240 GPU-hours Used" in page or "Used 240 GPU-hours" in page


def test_a_bill_still_shows_its_lines(provider, scene, archive):
    number = scene.seller.provider.bills.get().number

    answer = provider.get(reverse("bill", args=[number]))

    assert answer.status_code == 200
    assert "192 GPU-hours" in words(answer)


def test_a_bill_is_still_told_whole_in_focus(provider, scene, archive):
    number = scene.seller.provider.bills.get().number

    answer = provider.get(reverse("bill_focus", args=[number]))

    table = b"".join(answer.streaming_content).decode()

    assert "8 x H100" in table
    assert "no meter knows" not in table


def test_the_months_come_to_what_they_came_to(browser, scene, archive):
    page = words(browser(scene.authority.regulator).get(reverse("usage_months")))

    assert "GPU H100 2 240 GPU-hours ¥6,000.00" in page


def test_without_the_file_the_page_says_how_to_mend_it(provider, archive, tmp_path):
    (tmp_path / archive.file).unlink()

    answer = page_of_file(provider)

    assert answer.status_code < 500
    assert f"The archive file {archive.file} is not in its folder" in words(answer)
