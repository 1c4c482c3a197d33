"""Finance's work queues: oldest first, with the clock of each rule, for whose work it is."""

import csv
import io
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from billing.models import BillLine, Verdict
from billing.queries.queues import QUEUES, queue_of
from ledger import queries as ledger
from tests.cast import M3, make_authority
from tests.doors.billing.june import (
    JULY,
    a_bill,
    prepared,
    read,
    record,
    settled,
    statement_of,
    step,
)
from tests.doors.pages import words

pytestmark = pytest.mark.django_db


def waiting(person):
    """Return how many things wait in each queue."""
    return {code: len(queue_of(person, code)) for code in QUEUES}


def rows_of(browser, scene, code):
    answer = browser(scene.authority.finance[0]).get(reverse("work_queue_csv", args=[code]))
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_a_bill_goes_from_queue_to_queue_and_leaves_the_last(browser, scene, order, due, now):
    finance = scene.authority.finance
    nothing = dict.fromkeys(QUEUES, 0)

    assert waiting(finance[0]) == nothing | {"to-pay": 1}
    batch = prepared(browser, scene)
    assert waiting(finance[0]) == nothing | {"to-pay": 1, "batches": 1}
    step(browser(finance[0]), "batch_lock", batch)
    step(browser(finance[1]), "batch_approve", batch)
    step(browser(finance[2]), "batch_release", batch)
    assert waiting(finance[0]) == nothing | {"batches": 1, "at-bank": 1}
    read(browser(finance[0]), statement_of())
    assert waiting(finance[0]) == nothing


def test_what_is_settled_is_due_by_the_laws_payment_days(browser, scene, due, now, monkeypatch):
    (row,) = queue_of(scene.authority.finance[0], "to-pay")

    payable = scene.scheme.programme.account("provider_payable", scene.seller.organisation.code)
    assert row.amount == ledger.balance(payable).net == 3_600_00
    days = row.due - row.since
    assert row.since == JULY
    monkeypatch.setattr(timezone, "now", lambda: row.due + timedelta(days=3))
    late = browser(scene.authority.finance[0])
    assert "3 days over" in words(late.get(reverse("work_queue", args=["to-pay"])))
    assert "1" in words(late.get(reverse("work_queues")))
    assert days > timedelta(0)


def test_bills_and_withheld_lines_wait_oldest_first(browser, scene, order, now):
    record(scene, order)
    first = a_bill(scene, order, invoice="A")
    assert [row["name"] for row in rows_of(browser, scene, "to-settle")] == [first.number]
    settled(first)
    line = BillLine.objects.filter(bill=first).first()
    Verdict.objects.create(
        line=line,
        outcome="WITHHELD",
        accepted=0,
        withheld=line.amount,
        covered=0,
        co_payment=0,
        reason="objected",
        reason_values={"note": "Not ours"},
        decided_by="system",
        decided_at=JULY,
        act_id=first.act_id,
    )

    (disputed,) = rows_of(browser, scene, "disputed")

    assert disputed["name"] == f"{first.number}/{line.row}"
    assert "Not ours" in disputed["why"]
    assert rows_of(browser, scene, "withheld") == []
    assert rows_of(browser, scene, "to-settle") == []


def test_a_queue_is_narrowed_to_a_programme_and_closed_to_others(browser, scene, due, now):
    finance = browser(scene.authority.finance[0])
    address = reverse("work_queue", args=["to-pay"])

    assert due.number in words(finance.get(address, {"programme": M3}))
    assert "Nothing waits here." in words(
        finance.get(reverse("work_queue", args=["unmatched"]))
    )
    other = browser(make_authority("Other Bureau").finance[0])
    assert due.number not in words(other.get(address))
    assert browser(scene.seller.person).get(address).status_code == 409
    assert finance.get(reverse("work_queue", args=["nothing"])).status_code == 404
