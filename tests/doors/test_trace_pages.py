"""The trace at a browser: one click from a bank line to the appropriation and to the outcome."""

import json
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billing.models import BankLine, BillLine, Payment, Settlement
from ledger import queries as ledger
from scoring.models import Outcome
from tests.browser.history import make_history
from tests.cast import make_authority, make_provider
from tests.doors.pages import words
from vouchers.models import Decision, Standing

pytestmark = pytest.mark.django_db

STEPS = (
    "Appropriation",
    "Budget of the programme",
    "Round",
    "Application",
    "Decision",
    "Voucher",
    "Order and hold",
    "Usage line",
    "Bill line and verdict",
    "Bill",
    "Settlement",
    "Payable and transfer",
    "Batch and bank file",
    "Payment",
    "Bank line",
    "Outcome",
    "Standing",
)
# What a transaction is begun and ended by is no query of the page.
NO_QUERIES = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE SAVEPOINT")


@pytest.fixture
def h(db):
    return make_history()


def starts(h):
    """Return every kind of thing that a trace can be taken up by, all of one paid bill."""
    bill, voucher = h.settled, h.voucher
    line = BillLine.objects.get(bill=bill, row=1)
    application = voucher.decision.application
    programme = h.m3.programme.code
    return {
        "appropriation": f"{programme}/{h.m3.round.fiscal_year}",
        "programme": programme,
        "round": f"{programme}/{h.m3.round.code}",
        "application": application.reference,
        "decision": Decision.objects.get(voucher=voucher).pk,
        "voucher": voucher.code,
        "order": h.order.code,
        "usage_line": line.usage_line_id,
        "bill": bill.number,
        "bill_line": f"{bill.number}/1",
        "settlement": Settlement.objects.get(bill=bill).pk,
        "transfer": ledger.transfers_of(h.act)[0].id,
        "act": h.act,
        "batch": h.paid_batch.code,
        "payment": Payment.objects.get(batch=h.paid_batch).end_to_end_id,
        "bank_line": BankLine.objects.get(payment__batch=h.paid_batch).pk,
        "outcome": Outcome.objects.get(voucher=voucher).pk,
        "standing": Standing.objects.get(organisation=voucher.organisation).pk,
    }


def chain(client, kind, name):
    answer = client.get(reverse("trace_json", args=[kind, name]))
    return {step["step"]: step["rows"] for step in answer.json()["steps"]}


def captions(page):
    found = re.findall(r"<caption[^>]*>([^<]+)</caption>", page.content.decode())
    return [re.sub(r" \(\d+\)$", "", one) for one in found]


def test_from_everything_the_whole_chain_is_one_click_away(browser, h):
    finance = browser(h.authority.finance[0])
    for kind, name in starts(h).items():
        page = finance.get(reverse("trace", args=[kind, name]))

        assert page.status_code == 200, kind
        assert set(STEPS) <= set(captions(page)), kind
        links = page.content.decode()
        for other, one in starts(h).items():
            # An act and a transfer are said by what they made; their own pages stand beside them.
            if other not in ("act", "transfer", kind):
                assert reverse("trace", args=[other, one]) in links, (kind, other)


def test_the_figures_of_the_chain_are_those_of_the_pages(browser, h):
    finance = browser(h.authority.finance[0])
    payment = Payment.objects.get(batch=h.paid_batch)

    found = chain(finance, "payment", payment.end_to_end_id)

    parts = [row["amount"] for row in found["payable"]]
    covered = [row["amount"] for row in found["settlement"]]
    assert sum(parts) == sum(covered) == payment.amount == h.paid_batch.total
    assert [row["amount"] for row in found["bank_line"]] == [payment.amount]
    assert [row["amount"] for row in found["voucher"]] == [h.voucher.amount]
    assert [row["amount"] for row in found["decision"]] == [h.voucher.decision.awarded]
    year = h.m3.programme.account("appropriation", str(h.m3.round.fiscal_year))
    assert [row["amount"] for row in found["appropriation"]] == [-ledger.balance(year).net]
    available = ledger.balance(h.m3.programme.account("available")).free
    assert [row["amount"] for row in found["programme"]] == [available]
    assert [row["amount"] for row in found["bill_line"]] == [
        line.amount for line in BillLine.objects.filter(bill=h.settled).order_by("row")
    ]
    # Each worked out figure has its steps, as they were stored.
    assert found["settlement"][0]["working"] == Settlement.objects.get(bill=h.settled).working
    assert found["decision"][0]["working"] == h.voucher.decision.working


def test_what_waits_in_a_batch_is_traced_before_it_is_sent(browser, h):
    finance = browser(h.authority.finance[0])
    payment = Payment.objects.get(batch=h.batch)

    found = chain(finance, "payment", payment.end_to_end_id)

    assert sum(row["amount"] for row in found["payable"]) == payment.amount
    assert "bank_line" not in found
    assert [row["status"] for row in found["payment"]] == ["Prepared"]


def test_each_role_sees_the_parts_that_are_its_own(browser, h):
    seller, firm = browser(h.seller.person), browser(h.firm.person)
    names = starts(h)

    sold = chain(seller, "bill", names["bill"])
    used = chain(firm, "voucher", names["voucher"])

    theirs = {"order", "usage_line", "bill", "bill_line", "settlement", "payable", "payment"}
    assert set(sold) == theirs
    assert names["voucher"] not in json.dumps(sold)
    assert h.paid_batch.code not in {row["name"] for row in sold["payment"]} | {"batch"} - {
        "batch"
    }
    assert not {"appropriation", "programme", "batch", "bank_line", "payment"} & set(used)
    assert {"application", "decision", "voucher", "order", "settlement", "outcome"} <= set(used)
    for kind in ("appropriation", "programme", "batch", "bank_line", "voucher", "decision"):
        assert seller.get(reverse("trace", args=[kind, names[kind]])).status_code == 404, kind
    for kind in ("appropriation", "programme", "round", "batch", "bank_line", "payment"):
        assert firm.get(reverse("trace", args=[kind, names[kind]])).status_code == 404, kind
    # A provider's own payment is its own, and begins no trace of the authority's batch.
    assert seller.get(reverse("trace", args=["payment", names["payment"]])).status_code == 200


def test_to_others_nothing_of_it_is_there(browser, h):
    stranger = browser(make_authority("Other Bureau").finance[0])
    rival = browser(make_provider(make_authority("Third Bureau"), "Rival Compute").person)
    for kind, name in starts(h).items():
        for client in (stranger, rival):
            for route in ("trace", "trace_csv", "trace_json"):
                address = reverse(route, args=[kind, name])
                assert client.get(address).status_code == 404, (kind, route)
    finance = browser(h.authority.finance[0])
    for kind, name in (
        ("bank_line", "0"),
        ("nothing", "1"),
        ("bill_line", "x"),
        ("act", "9" * 30),
    ):
        assert finance.get(reverse("trace", args=[kind, name])).status_code == 404


def test_a_trace_is_a_table_to_keep(browser, h):
    finance = browser(h.authority.finance[0])
    payment = Payment.objects.get(batch=h.paid_batch)

    answer = finance.get(reverse("trace_csv", args=["payment", payment.end_to_end_id]))

    rows = answer.content.decode("utf-8-sig").splitlines()
    assert rows[0] == "step,kind,name,label,at,amount,unit,status,how,act"
    steps = [row.partition(",")[0] for row in rows[1:]]
    assert steps[0] == "appropriation"
    assert steps[-1] == "standing"
    assert "bank_line" in steps


def test_a_download_is_bounded_and_says_so(browser, h, monkeypatch):
    monkeypatch.setattr("scoring.queries.traces.ROWS_OF_DOWNLOAD", 1)
    finance, lines = browser(h.authority.finance[0]), BillLine.objects.filter(bill=h.settled)
    count = lines.count()
    assert count > 1

    rows = finance.get(reverse("trace_csv", args=["bill", h.settled.number]))
    told = finance.get(reverse("trace_json", args=["bill", h.settled.number])).json()

    assert f"These are 1 of {count} rows." in rows.content.decode("utf-8-sig")
    (step,) = [one for one in told["steps"] if one["step"] == "bill_line"]
    assert (step["count"], len(step["rows"])) == (count, 1)
    page = words(finance.get(reverse("trace", args=["bill", h.settled.number])))
    assert "A download has up to 20,000 rows of each list" in page


def test_what_somebody_holds_in_hand_leads_to_its_trace(browser, h):
    finance = browser(h.authority.finance[0])
    names = starts(h)
    for kind in ("payment", "batch", "bill", "voucher", "order", "application", "round"):
        answer = finance.get(reverse("trace_search"), {"name": names[kind]})
        assert answer.url == reverse("trace", args=[kind, names[kind]])
    said = finance.get(reverse("trace_search"), {"name": f"bank_line:{names['bank_line']}"})
    assert said.url == reverse("trace", args=["bank_line", names["bank_line"]])
    unknown = words(finance.get(reverse("trace_search"), {"name": "B-NOBODY"}))
    assert "Nothing that you may see is called “B-NOBODY”." in unknown
    other = browser(make_authority("Other Bureau").finance[0])
    assert other.get(reverse("trace_search"), {"name": names["bill"]}).status_code == 200


def test_a_payment_is_traced_in_at_most_twelve_queries(browser, h):
    finance = browser(h.authority.finance[0])
    payment = Payment.objects.get(batch=h.paid_batch)
    address = reverse("trace", args=["payment", payment.end_to_end_id])

    with CaptureQueriesContext(connection) as asked:
        assert finance.get(address).status_code == 200

    queries = [one["sql"] for one in asked if not one["sql"].startswith(NO_QUERIES)]
    assert len(queries) <= 12, "\n".join(queries)


def test_one_click_leads_from_a_bank_line_to_the_appropriation_and_the_outcome(browser, h):
    finance = browser(h.authority.finance[0])
    names = starts(h)
    statement = finance.get(reverse("statement", args=[h.statement.pk])).content.decode()
    click = reverse("trace", args=["bank_line", names["bank_line"]])
    assert f'href="{click}"' in statement

    page = words(finance.get(click))

    year = h.m3.programme.account("appropriation", str(h.m3.round.fiscal_year))
    assert year in page
    assert "A model that reads old maps" in page
    batch = finance.get(reverse("batch", args=[h.paid_batch.code])).content.decode()
    assert reverse("trace", args=["payment", names["payment"]]) in batch
