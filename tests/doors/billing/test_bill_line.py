"""The page of one line, its download and its API say how the amount came about."""

import csv
import io

import pytest
from django.urls import reverse

from tests.cast import make_authority, make_provider
from tests.doors.billing.june import a_bill, record, settled
from tests.doors.pages import words

pytestmark = pytest.mark.django_db


def test_a_line_says_its_working_its_funder_and_its_policy(provider, scene, order):
    record(scene, order)
    bill = settled(a_bill(scene, order))

    page = words(provider.get(reverse("bill_line", args=[bill.number, 1])))

    assert "How the amount came about" in page
    for said in ("Metered", "Part of the order's share of 60 %", "Co-payment", "Borne by"):
        assert said in page
    assert "Policy version 1" in page


def test_a_line_that_nobody_settled_says_when_it_will_be(provider, scene, order):
    record(scene, order)
    bill = a_bill(scene, order)

    page = words(provider.get(reverse("bill_line", args=[bill.number, 1])))

    assert "The line is worked out when its bill is settled." in page
    assert "Nothing was decided yet." in page


def test_the_download_gives_each_funder_a_column_that_adds_up(provider, scene, order):
    record(scene, order)
    bill = settled(a_bill(scene, order))

    content = provider.get(reverse("bill_csv", args=[bill.number])).content.decode("utf-8-sig")

    (row, *_more) = csv.DictReader(io.StringIO(content))
    (funder,) = [name for name in row if name.startswith("funder ")]
    assert row[funder] == row["covered"]
    assert row["policy_version"] == "1"
    assert row["metered_hours"] == row["hours"]
    assert row["beyond_hold"] == "0.00"


def test_a_line_of_another_provider_is_not_found(client, scene, order):
    record(scene, order)
    bill = settled(a_bill(scene, order))
    client.force_login(make_provider(make_authority("Elsewhere"), name="Other").person)

    answer = client.get(reverse("bill_line", args=[bill.number, 1]))

    assert answer.status_code == 404
