"""A bill and the vouchers in FOCUS: every column as it was published, nobody else's lines."""

import csv
import io
from decimal import Decimal
from uuid import uuid4

import pytest
from django.urls import reverse

from billing.focus.model import (
    BILLING_PERIOD,
    CONTRACT_COMMITMENT,
    COST_AND_USAGE,
    check_file,
    columns_of,
)
from billing.models import Bill, ClosedPeriod, PeriodProposal
from tests.cast import M3, M5, make_provider, make_scene
from tests.doors.billing.june import METER, a_bill, look_over, record, settled
from tests.doors.pages import send, words

pytestmark = pytest.mark.django_db


def text_of(answer):
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode()


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def bill(scene, order, now):
    record(scene, order)
    return a_bill(scene, order)


def test_a_bill_that_was_sent_is_its_lines_as_they_were_billed(provider, scene, order, bill):
    text = text_of(provider.get(reverse("bill_focus", args=[bill.number])))

    assert check_file(COST_AND_USAGE, io.StringIO(text)) == []
    rows = rows_of(text)
    first = rows[0]
    assert len(rows) == 2
    assert set(columns_of(COST_AND_USAGE)) <= set(first)
    assert {name: first[name] for name in (
        "BilledCost", "ListCost", "ChargeCategory", "ConsumedQuantity", "ConsumedUnit",
        "PricingQuantity", "PricingUnit", "ChargePeriodStart", "ChargePeriodEnd",
        "BillingPeriodStart", "BillingPeriodEnd", "SkuPriceDetails", "SubAccountId",
        "BillingAccountId", "InvoiceId", "Tags", "x_GpuCount", "x_BillNumber", "x_OrderId",
    )} == {
        "BilledCost": "4800.00",
        "ListCost": "4800.00",
        "ChargeCategory": "Usage",
        "ConsumedQuantity": "192.00",
        "ConsumedUnit": "GPU-Hours",
        "PricingQuantity": "192.00",
        "PricingUnit": "GPU-Hours",
        "ChargePeriodStart": "2025-06-10T00:00:00Z",
        "ChargePeriodEnd": "2025-06-11T00:00:00Z",
        "BillingPeriodStart": "2025-05-31T16:00:00Z",
        "BillingPeriodEnd": "2025-06-30T16:00:00Z",
        "SkuPriceDetails": '{"GpuCount":1,"x_GpuModel":"H100"}',
        "SubAccountId": scene.voucher.code,
        "BillingAccountId": M3,
        "InvoiceId": "2025-06",
        "Tags": f'{{"voucher_id":"{scene.voucher.code}"}}',
        "x_GpuCount": "8.00",
        "x_BillNumber": bill.number,
        "x_OrderId": order.code,
    }  # fmt: skip
    assert sum(Decimal(row["BilledCost"]) for row in rows) == Decimal("6000.00")


def test_what_the_voucher_covers_is_a_credit_and_the_rest_the_holders(provider, scene, bill):
    settled(bill)

    text = text_of(provider.get(reverse("bill_focus", args=[bill.number])))

    assert check_file(COST_AND_USAGE, io.StringIO(text)) == []
    rows = rows_of(text)
    credits = [row for row in rows if row["ChargeCategory"] == "Credit"]
    assert (len(rows), len(credits)) == (4, 2)
    assert {row["CommitmentDiscountId"] for row in credits} == {scene.voucher.code}
    # 60 % of 6,000.00 is covered; the co-payment is what is left.
    assert sum(Decimal(row["BilledCost"]) for row in credits) == Decimal("-3600.00")
    assert sum(Decimal(row["BilledCost"]) for row in rows) == Decimal("2400.00")


def test_a_bill_in_focus_is_its_partys_alone(browser, scene, bill):
    address = reverse("bill_focus", args=[bill.number])
    stranger = make_provider(scene.authority, "Other Cloud")

    assert browser(stranger.person).get(address).status_code == 404
    assert browser(scene.authority.finance[0]).get(address).status_code == 200
    assert len(rows_of(text_of(browser(scene.applicant.person).get(address)))) == 2


def test_the_page_of_a_bill_offers_it(provider, bill):
    page = provider.get(reverse("bill", args=[bill.number]))

    assert "Download it as FOCUS 1.2 (CSV)" in words(page)


def test_a_bill_in_kind_has_no_costs_to_tell(provider, bill):
    Bill.objects.filter(pk=bill.pk).update(unit="GPU:H100")

    assert provider.get(reverse("bill_focus", args=[bill.number])).status_code == 404
    assert "FOCUS" not in words(provider.get(reverse("bill", args=[bill.number])))


# --- vouchers --------------------------------------------------------------------------------


def commitments(browser, person, code):
    return text_of(browser(person).get(reverse("programme_commitments", args=[code])))


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (
            M3,
            {
                "BillingCurrency": "CNY",
                "ContractCommitmentCategory": "Spend",
                "ContractCommitmentCost": "60000.00",
                "ContractCommitmentQuantity": "",
                "ContractCommitmentUnit": "",
                "ContractCommitmentBenefitCategory": "Discount",
            },
        ),
        (
            M5,
            {
                "BillingCurrency": "",
                "ContractCommitmentCategory": "Usage",
                "ContractCommitmentCost": "",
                "ContractCommitmentQuantity": "5000.00",
                "ContractCommitmentUnit": "GPU-Hours",
                "ContractCommitmentBenefitCategory": "Entitlement",
            },
        ),
    ],
)
def test_a_voucher_is_a_commitment_of_spending_or_in_kind_of_usage(browser, code, told):
    scene = make_scene(code)

    text = commitments(browser, scene.authority.finance[0], code)

    assert check_file(CONTRACT_COMMITMENT, io.StringIO(text)) == []
    (row,) = rows_of(text)
    mandatory = {
        name for name, column in columns_of(CONTRACT_COMMITMENT).items() if column.is_mandatory
    }
    assert set(row) == mandatory
    assert {name: row[name] for name in told} == told
    assert row["ContractCommitmentId"] == scene.voucher.code
    assert row["ContractId"] == scene.voucher.decision.application.reference
    assert row["ContractCommitmentLifecycleStatus"] == "Active"


def test_a_programmes_vouchers_are_its_authoritys_and_the_regulators(browser, scene):
    address = reverse("programme_commitments", args=[M3])

    assert browser(scene.seller.person).get(address).status_code == 404
    assert browser(scene.applicant.person).get(address).status_code == 404


# --- billing periods -------------------------------------------------------------------------


def closed_by_two(browser, scene, month="2025-06"):
    """Propose a month as one finance officer and close it as another, on its page."""
    address = reverse("programme_period", args=[M3, month])
    first, second = (browser(person) for person in scene.authority.finance[:2])
    assert send(first, address, note="All looked at").status_code == 302
    return first, second, address, send(second, address, sure="on")


def test_a_month_is_closed_on_its_page_and_told_so_in_focus(browser, scene, bill):
    finance = browser(scene.authority.finance[0])
    address = reverse("programme_period", args=[M3, "2025-06"])
    assert "Bills not settled 1 – Settle them first." in words(finance.get(address))
    assert "Propose to close it" not in words(finance.get(address))
    settled(bill)

    first, second, address, answer = closed_by_two(browser, scene)

    assert answer.status_code == 302
    page = words(second.get(address))
    assert "2025-06 is closed. Nothing more can be billed for it, or dated in it." in page
    assert "there is no way to open it again" in page
    assert "Metered and not billed" in page
    listed = words(first.get(reverse("programme_periods", args=[M3])))
    assert "2025-06 1 0 ¥6,000.00 Closed on 2 July 2025" in listed
    text = text_of(finance.get(reverse("programme_periods_csv", args=[M3])))
    assert check_file(BILLING_PERIOD, io.StringIO(text)) == []
    (row,) = rows_of(text)
    assert list(row) == list(columns_of(BILLING_PERIOD))
    assert row["BillingPeriodStatus"] == "Closed"


def test_the_one_who_proposed_a_month_is_not_asked_to_close_it(browser, scene, bill):
    settled(bill)
    address = reverse("programme_period", args=[M3, "2025-06"])
    finance = browser(scene.authority.finance[0])
    send(finance, address, note="")

    page = words(finance.get(address))
    answer = finance.post(address, {"sure": "on", "key": str(uuid4())})

    assert "Another finance officer than the one who proposed it closes it." in page
    assert "Close it for good" not in page
    assert "so another person must do this step" in words(answer)
    assert not ClosedPeriod.objects.exists()


def test_a_month_as_csv_is_the_same_before_and_after_it_is_closed(browser, scene, bill):
    settled(bill)
    finance = browser(scene.authority.finance[0])
    address = reverse("programme_period_csv", args=[M3, "2025-06"])
    (before,) = rows_of(finance.get(address).content.decode("utf-8-sig"))

    closed_by_two(browser, scene)

    (after,) = rows_of(finance.get(address).content.decode("utf-8-sig"))
    assert before == {
        "period": "2025-06",
        "state": "OPEN",
        "kind": "METERED",
        "party": scene.seller.organisation.code,
        "at": "2025-06-30T16:00:00+00:00",
        "amount": "6000.00",
        "unit": "CNY",
    }
    assert after == {**before, "state": "CLOSED"}


def test_who_reads_alone_is_not_asked_and_closes_nothing(browser, scene, bill):
    settled(bill)
    officer = browser(scene.authority.officer)
    address = reverse("programme_period", args=[M3, "2025-06"])

    assert "Propose to close it" not in words(officer.get(address))
    officer.post(address, {"note": "", "key": str(uuid4())})

    assert not PeriodProposal.objects.exists()
    assert not ClosedPeriod.objects.exists()
    assert browser(scene.seller.person).get(address).status_code == 404
    for month in ("2025-13", "June"):
        wrong = reverse("programme_period", args=[M3, month])
        assert officer.get(wrong).status_code == 404


def test_a_programme_without_bills_says_what_will_be_there(browser, scene):
    page = browser(scene.authority.finance[0]).get(reverse("programme_periods", args=[M3]))

    assert "The month of the first bill appears here." in words(page)


def test_usage_of_a_closed_month_is_looked_over_and_makes_no_bill(
    provider, browser, scene, bill
):
    settled(bill)
    closed_by_two(browser, scene)
    order = bill.lines.first().order
    late = METER.format(account=order.code).replace("\n1,", "\n3,").replace("\n2,", "\n4,")

    page = look_over(provider, late)

    shown = words(provider.get(page.url))
    assert "2 Good and new" in shown
    assert "invoice_" not in provider.get(page.url).content.decode()
