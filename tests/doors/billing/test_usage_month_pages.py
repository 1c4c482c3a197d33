"""What months come to, at a browser: the lines' own figures, how fresh, and for whom."""

import csv
import io

import pytest
from django.db import connection
from django.urls import reverse

from tests.billing import stage
from tests.cast import M3, M5, a_hold, make_scene
from tests.doors.billing.june import record
from tests.doors.pages import words

pytestmark = pytest.mark.django_db

M3_UNIT = "CNY"

PLAIN = """
    select to_char(u.started_at at time zone p.zone, 'YYYY-MM'), p.code, o.code, u.resource,
        u.resource_class, count(*), sum(u.quantity_ms), p.unit, sum(coalesce(u.amount, 0))
    from billing_usageline u
    join vouchers_voucher v on v.id = u.voucher_id
    join vouchers_programme p on p.id = v.programme_id
    join providers_provider s on s.id = u.provider_id
    join parties_organisation o on o.id = s.organisation_id
    group by 1, 2, 3, 4, 5, p.unit order by 1 desc, 2, 3, 4, 5
"""


def plain():
    with connection.cursor() as cursor:
        cursor.execute(PLAIN)
        return [tuple(map(str, row)) for row in cursor.fetchall()]


def csv_rows(client, **asked):
    answer = client.get(reverse("usage_months_csv"), asked)
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def figures(client, **asked):
    return [
        (
            row["month"],
            row["programme"],
            row["provider"],
            row["resource"],
            row["class"],
            row["lines"],
            row["quantity_ms"],
            row["unit"],
            row["amount"].replace(".", ""),
        )
        for row in csv_rows(client, **asked)
    ]


@pytest.fixture
def regulator(browser, scene):
    return browser(scene.authority.regulator)


@pytest.fixture
def in_kind(db):
    """Another authority's programme, which gives hours."""
    return make_scene(M5)


@pytest.fixture
def used(scene, order, in_kind, now):
    """Use of June and of July under one programme, and of June under the other."""
    record(scene, order)
    late = stage.START.replace(day=30, hour=17)  # 1 July in Shanghai
    stage.use(scene.seller, order, hours=3, gpus=2, key="late", started=late)
    held = a_hold(in_kind.voucher, in_kind.applicant, in_kind.seller, hours="10")
    stage.use(in_kind.seller, held, hours=1, key="job-9")


def test_the_figures_are_those_of_the_lines_exactly(regulator, used):
    found = [(*row[:8], row[8] if row[7] == M3_UNIT else "") for row in plain()]

    assert len(found) == 3
    assert figures(regulator) == found


def test_a_regulator_reads_months_amounts_and_how_fresh_they_are(regulator, used):
    page = words(regulator.get(reverse("usage_months")))

    assert f"2025-07 Programme {M3} " in page
    assert "GPU H100 1 6 GPU-hours ¥150.00" in page
    assert "GPU H100 2 240 GPU-hours ¥6,000.00" in page
    assert (
        "These figures hold all 4 lines that were recorded, the newest on 2 July 2025, 09:00"
        in page
    )
    # All of it, a unit a row: 246 hours for money, one in kind.
    assert "GPU 3 246 GPU-hours ¥6,150.00" in page
    assert "GPU 1 1 GPU-hour 1 GPU-hour" in page


def test_the_address_keeps_what_was_asked_for(regulator, scene, used):
    asked = {"programme": M3, "since": "2025-07", "until": "2025-07", "resource_class": "H100"}
    page = regulator.get(reverse("usage_months"), asked)

    assert "all 1 line that was recorded" in words(page)
    assert "¥150.00" in words(page)
    assert "¥6,000.00" not in words(page)
    link = f"{reverse('usage_months_csv')}?programme={M3}&amp;since=2025-07"
    assert link in page.content.decode()
    assert [row["month"] for row in csv_rows(regulator, **asked)] == ["2025-07"]
    provider = scene.seller.organisation.code
    assert {row["provider"] for row in csv_rows(regulator, provider=provider)} == {provider}


def test_months_out_of_order_and_what_there_is_none_of_are_errors_in_words(regulator, used):
    page = words(
        regulator.get(reverse("usage_months"), {"since": "2025-07", "until": "2025-06"})
    )
    assert "The last month is before the first. Check both." in page
    assert "GPU-hours ¥" not in page

    assert regulator.get(reverse("usage_months_csv"), {"since": "1999-01"}).status_code == 404


def test_without_use_it_says_when_there_will_be_figures(regulator, now):
    page = words(regulator.get(reverse("usage_months")))

    assert "No use yet. It is counted here as soon as a provider has sent" in page
    assert "These figures hold" not in page


def test_it_is_in_chinese_too(regulator, used):
    page = words(regulator.get(reverse("usage_months"), headers={"accept-language": "zh-hans"}))

    assert "按月用量" in page
    assert f"项目 {M3}" in page


def test_officers_and_finance_see_their_own_programmes_alone(browser, scene, in_kind, used):
    for person in (scene.authority.officer, scene.authority.finance[0]):
        assert {row["programme"] for row in csv_rows(browser(person))} == {M3}
    theirs = browser(in_kind.authority.officer)
    assert {row["programme"] for row in csv_rows(theirs)} == {M5}
    # Nor is another's programme there to be asked for.
    assert theirs.get(reverse("usage_months_csv"), {"programme": M3}).status_code == 404


def test_nobody_else_finds_it(browser, scene, used):
    for person in (scene.seller.person, scene.applicant.person, scene.authority.investigator):
        client = browser(person)
        assert client.get(reverse("usage_months")).status_code == 404
        assert client.get(reverse("usage_months_csv")).status_code == 404


def test_who_may_read_it_is_led_to_it(browser, scene, regulator, used):
    link = f'href="{reverse("usage_months")}"'

    assert link in regulator.get(reverse("programmes")).content.decode()
    officer = browser(scene.authority.officer)
    assert link in officer.get(reverse("programmes")).content.decode()
    investigator = browser(scene.authority.investigator)
    assert link not in investigator.get(reverse("programmes")).content.decode()
