"""What sending a bill and publishing an offer may cost a provider, in pages, answers and clicks.

As in `tests.browser.test_budgets`: in both languages, and once without scripts.
"""

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from openpyxl import load_workbook

from billing.models import Bill, UsageLine
from billing.queries import open_to
from common.days import day_of
from common.formatting import day_text
from providers.models import Offer
from tests import cast
from tests.browser.budget import (
    FIND_WHAT_TO_FIX,
    FIX_A_BILL,
    PUBLISH_AN_OFFER,
    SEE_WHEN_PAID,
    SEND_A_BILL,
    Budget,
)
from tests.browser.history import now
from tests.browser.stage import Stage
from tests.browser.telling import a_firm, in_words
from tests.browser.visitor import Visitor

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize(
        ("language", "script"), [("en", True), ("zh-hans", True), ("en", False)]
    ),
]

HEADER = "job_id,voucher,resource,class,count,start,end,state\n"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def a_file(name: str, text: str) -> dict[str, object]:
    return {"name": f"{name}.csv", "mimeType": "text/csv", "buffer": (HEADER + text).encode()}


def a_row(job: str, order: str, count: str = "2") -> str:
    """Return a row of six minutes of some hours ago."""
    start = (datetime.now(UTC) - timedelta(hours=2)).replace(minute=0, second=0, microsecond=0)
    end = start + timedelta(minutes=6)
    return f"{job},{order},GPU,H100,{count},{start:%Y-%m-%d %H:%M:%S},{end:%Y-%m-%d %H:%M:%S},FAILED\n"


def an_order(stage: Stage, name: str) -> str:
    """Return the code of an order whose first usage was sent before, by the same meter."""
    firm = a_firm(name)
    before = now() - timedelta(hours=4)
    voucher = cast.an_issued_voucher(stage.m3, firm, at=before)
    return str(cast.a_hold(voucher, firm, stage.seller, at=before).code)


def at_upload(come, stage: Stage, order: str, language: str, script: bool) -> Visitor:
    """Return a provider at the page of uploads that has sent a file before."""
    seller: Visitor = come(stage.seller.person, language=language, script=script)
    seller.open("/usage/new/")
    seller.answer(source="cluster-a", file=a_file("first", a_row(f"{order}-0", order)))
    seller.send()
    seller.send('main form button[value="record"]')
    seller.open("/usage/new/")
    seller.spent.begin()
    return seller


def test_a_good_bill_is_sent_with_three_clicks(come, stage: Stage, language: str, script: bool):
    order = an_order(stage, f"Billed Maps {language} {script}")
    seller = at_upload(come, stage, order, language, script)
    bills = Bill.objects.count()

    seller.answer(file=a_file("good", a_row(f"{order}-1", order)))
    seller.send()
    assert seller.path.startswith("/usage/checks/")
    seller.send('main form button[value="bill"]')

    assert seller.path == f"/bills/{seller.last}/"
    # The page of uploads, where the count begins, is the third.
    assert seller.spent.cost == Budget(pages=2, answers=1, clicks=3)
    assert SEND_A_BILL.covers(replace(seller.spent.cost, pages=3))
    assert Bill.objects.count() == bills + 1
    assert Bill.objects.get(number=seller.last).lines.filter(order__code=order).count() == 2


def test_a_bad_bill_is_fixed_in_the_workbook_it_comes_back_in(
    come, stage: Stage, language: str, script: bool
):
    order = an_order(stage, f"Fixed Maps {language} {script}")
    seller = at_upload(come, stage, order, language, script)
    seller.answer(
        file=a_file("bad", a_row(f"{order}-1", order) + a_row(f"{order}-2", order, "many"))
    )
    seller.spent.begin()
    seller.send()

    seller.spent.press()
    report = seller.fetch("/to-fix.xlsx")
    assert FIND_WHAT_TO_FIX.covers(seller.spent.cost)
    assert seller.spent.cost.clicks == 2
    book = load_workbook(io.BytesIO(report))
    assert (book.active["A2"].value, book.active.max_row) == (f"{order}-2", 2)
    book.active["E2"] = "4"
    fixed = io.BytesIO()
    book.save(fixed)
    # The click on the workbook is the first of those that fix the bill.
    seller.spent.begin()
    seller.spent.press()
    seller.follow("/usage/new/")
    seller.answer(file={"name": "to-fix.xlsx", "mimeType": XLSX, "buffer": fixed.getvalue()})
    seller.send()
    seller.send('main form button[value="bill"]')

    assert seller.path == f"/bills/{seller.last}/"
    assert seller.spent.cost == Budget(pages=3, answers=1, clicks=5)
    assert FIX_A_BILL.covers(seller.spent.cost)
    assert UsageLine.objects.filter(key__startswith=f"{order}-2/").count() == 1


def test_when_a_provider_is_paid_stands_on_its_home_page(
    come, stage: Stage, language: str, script: bool
):
    order = an_order(stage, f"Paid Maps {language} {script}")
    seller = at_upload(come, stage, order, language, script)
    seller.answer(file=a_file("paid", a_row(f"{order}-1", order)))
    seller.send()
    seller.send('main form button[value="bill"]')
    bill = Bill.objects.get(number=seller.last)
    seller.spent.begin()
    seller.open("/provider/")

    # Bills of other journeys may stand before this one; all were sent today.
    assert seller.page.locator('main td:has-text("¥")').count() >= 1
    settled_on = day_of(open_to(bill), bill.programme.zone)
    assert in_words(language, day_text, settled_on) in seller.words
    assert seller.spent.cost == Budget(pages=1, answers=0, clicks=0)
    assert SEE_WHEN_PAID.covers(seller.spent.cost)


def test_an_offer_is_published_for_eight_answers_and_four_clicks(
    come, stage: Stage, language: str, script: bool
):
    name = f"Publishing Compute {language} {script}"
    seller = cast.make_provider(stage.authority, name)
    visitor = come(seller.person, language=language, script=script)
    visitor.open("/provider/offers/")
    visitor.spent.begin()
    visitor.follow("/provider/offers/new/")
    visitor.type_through(
        resource_class="h200",
        is_domestic="no",
        queue_hours="2",
        rate="32.50",
        title=f"H200 of {name}",
    )
    visitor.send()
    assert "CNY 32.50" in visitor.words
    assert not Offer.objects.filter(title=f"H200 of {name}").exists()
    visitor.send('main form button[value="publish"]')

    offer = Offer.objects.get(title=f"H200 of {name}")
    assert visitor.spent.pages == ["/provider/offers/new/", f"/provider/offers/{offer.code}/"]
    assert visitor.spent.cost == Budget(pages=2, answers=5, clicks=4)
    assert PUBLISH_AN_OFFER.covers(visitor.spent.cost)
    assert (offer.resource_class, offer.queue_hours, offer.region) == ("H200", 2, "Sichuan")
