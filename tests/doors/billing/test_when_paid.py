"""A provider's home says when it is paid for what, without a click."""

from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import translation

from billing.actions import BillLineInput
from tests import cast
from tests.cast import HOUR
from tests.doors.billing.june import (
    JULY,
    a_bill,
    locked,
    read,
    record,
    settled,
    statement_of,
    step,
)
from tests.doors.pages import words

pytestmark = pytest.mark.django_db


def home(client):
    return words(client.get(reverse("provider_home")))


def test_a_bill_is_followed_from_the_day_it_is_sent_to_the_day_it_is_paid(
    browser, provider, scene, order, now
):
    authority = scene.authority
    assert "Nothing is on its way." in home(provider)

    record(scene, order)
    bill = a_bill(scene, order)
    page = home(provider)
    assert f"{bill.number} ¥6,000.00 Sent It is settled from 9 July 2025 on" in page

    settled(bill)
    page = home(provider)
    assert f"{bill.number} ¥3,600.00 Approved for payment" in page
    assert "goes into the next payment batch" in page

    cast.a_bank_detail(authority.organisation, authority.finance[1], authority)
    batch = locked(browser, scene)
    assert "It is in a batch that two more people approve and send." in home(provider)
    step(browser(authority.finance[1]), "batch_approve", batch)
    step(browser(authority.finance[2]), "batch_release", batch)
    assert "Sent to bank It was sent to the bank on 2 July 2025." in home(provider)

    assert read(browser(authority.finance[0]), statement_of()).status_code == 302
    page = home(provider)
    assert "Nothing is on its way." in page
    assert "Last paid: ¥3,600.00 on 2 July 2025." in page


def test_five_bills_are_shown_and_the_rest_counted(provider, scene, order, now):
    lines = [[BillLineInput("cluster-1", f"{n}", HOUR, Decimal(25))] for n in range(7)]
    numbers = [a_bill(scene, order, f"INV-{one[0].key}", one).number for one in lines]

    page = home(provider)

    assert [one in page for one in numbers] == [True] * 5 + [False] * 2
    assert "2 more bills are on their way" in page


def test_what_waits_for_a_suspension_or_an_officer_says_so(provider, scene, order, now):
    record(scene, order)
    a_bill(scene, order)
    cast.a_suspension(scene.authority, scene.seller, bills="WAIT", at=JULY)

    assert "It is settled once the suspension of the provider is over or lifted." in home(
        provider
    )
    with translation.override("zh-hans"):
        provider.cookies["django_language"] = "zh-hans"
        assert "何时付款" in home(provider)
