"""What ordering and asking may cost a holder, in pages, answers and clicks.

As in `tests.browser.test_budgets`: in both languages, and once without scripts.
"""

from datetime import timedelta

import pytest

from billing.models import Objection
from tests import cast
from tests.billing import stage as billing_stage
from tests.browser.budget import ORDER, QUERY_A_LINE, Budget
from tests.browser.history import now
from tests.browser.stage import Stage
from tests.browser.telling import a_bill_of, a_firm
from vouchers import queries
from vouchers.models import Order, UseQuestion

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize(
        ("language", "script"), [("en", True), ("zh-hans", True), ("en", False)]
    ),
]


def test_an_order_is_placed_for_two_answers(come, stage: Stage, language: str, script: bool):
    firm = a_firm(f"Ordering Maps {language} {script}")
    voucher = cast.an_issued_voucher(stage.m3, firm, at=now())
    holder = come(firm.person, language=language, script=script)
    holder.open(f"/vouchers/{voucher.code}/")
    holder.spent.begin()
    holder.follow(f"/vouchers/{voucher.code}/orders/new/")
    holder.answer(offer=stage.seller.offer.code, hours="400")
    holder.send('main form[method="get"] button')
    holder.send('main form[method="post"] button')

    assert holder.spent.pages == [
        f"/vouchers/{voucher.code}/orders/new/",
        f"/orders/{holder.last}/",
    ]
    assert holder.spent.cost == Budget(pages=2, answers=2, clicks=5)
    assert ORDER.covers(holder.spent.cost)
    assert holder.last in holder.words


def test_an_order_is_placed_from_the_catalogue_with_what_the_voucher_buys_in_sight(
    come, stage: Stage, language: str, script: bool
):
    firm = a_firm(f"Comparing Maps {language} {script}")
    voucher = cast.an_issued_voucher(stage.m3, firm, at=now())
    holder = come(firm.person, language=language, script=script)
    holder.open("/catalogue/")
    holder.spent.begin()
    holder.answer(voucher=voucher.code)
    holder.send()
    new, offer = f"/vouchers/{voucher.code}/orders/new/", stage.seller.offer.code
    # 60,000.00 are 60 % of 4,000 hours at 25.00.
    assert "¥40,000.00" in holder.words
    holder.follow(f"{new}?offer={offer}")
    assert not holder.has_errors
    holder.answer(hours="400")
    holder.send('main form[method="get"] button')
    assert "¥6,000.00" in holder.words
    assert Order.objects.filter(voucher=voucher).count() == 0
    holder.send('main form[method="post"] button')

    assert holder.spent.pages == ["/catalogue/", new, f"/orders/{holder.last}/"]
    assert holder.spent.cost == Budget(pages=3, answers=2, clicks=6)
    assert ORDER.covers(holder.spent.cost)
    assert queries.voucher_balance(voucher).pending == 6_000_00


def test_a_line_is_queried_with_one_answer_from_its_bill(
    come, stage: Stage, language: str, script: bool
):
    firm = a_firm(f"Querying Maps {language} {script}")
    before = now() - timedelta(hours=3)
    voucher = cast.an_issued_voucher(stage.m3, firm, at=before)
    order = cast.a_hold(
        voucher, firm, stage.seller, at=before, provider_reference=f"query-{language}-{script}"
    )
    bill = a_bill_of(stage, order)
    holder = come(firm.person, language=language, script=script)
    holder.open(f"/bills/{bill.number}/")
    holder.spent.begin()
    holder.follow(f"/bills/{bill.number}/lines/1/object/")
    holder.answer(note="Nobody of ours ran this job.")
    holder.send()

    assert holder.spent.pages == [
        f"/bills/{bill.number}/lines/1/object/",
        f"/bills/{bill.number}/",
    ]
    assert holder.spent.cost == Budget(pages=2, answers=1, clicks=3)
    assert QUERY_A_LINE.covers(holder.spent.cost)
    assert Objection.objects.filter(line__bill=bill).count() == 1


def test_a_line_is_asked_about_with_one_answer_from_its_order(
    come, stage: Stage, language: str, script: bool
):
    firm = a_firm(f"Asking Maps {language} {script}")
    before = now() - timedelta(hours=3)
    voucher = cast.an_issued_voucher(stage.m3, firm, at=before)
    order = cast.a_hold(
        voucher, firm, stage.seller, at=before, provider_reference=f"ask-{language}-{script}"
    )
    started = now() - timedelta(hours=2)
    record = billing_stage.a_record(order.code, order.code, hours=1, started=started)
    billing_stage.record(stage.seller, record, at=now())
    holder = come(firm.person, language=language, script=script)
    holder.open(f"/orders/{order.code}/")
    holder.spent.begin()
    asking = f"/orders/{order.code}/questions/new/"
    holder.follow(f"{asking}?line=slurm%2F{order.code}")
    holder.answer(text="Who ran this job?")
    holder.send()

    assert holder.spent.pages == [asking, f"/orders/{order.code}/"]
    assert holder.spent.cost == Budget(pages=2, answers=1, clicks=3)
    assert QUERY_A_LINE.covers(holder.spent.cost)
    assert UseQuestion.objects.get(order=order).line == f"slurm/{order.code}"
