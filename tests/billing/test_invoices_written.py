"""The invoices of a bill say what its vouchers bear, to the cent, and break no rule."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models import Sum
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from lxml import etree

from billing import actions
from billing.invoices.model import CREDIT_NOTE, INVOICE
from billing.invoices.reading import read_invoice
from billing.invoices.writing import InvoiceUnwritable, written
from billing.models import Settlement
from billing.queries.invoices import invoice_for, invoice_parts
from common.errors import NotFound
from common.money import major
from ledger.queries import transfers_of
from tests import cast
from tests.billing import stage

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    return cast.make_scene(cast.M3)


def order_of(scene, hours="400"):
    return cast.a_hold(scene.voucher, scene.applicant, scene.seller, hours=hours)


def settled(scene, *lines, **more):
    bill = stage.bill(scene, *lines, **more)
    stage.settle(bill)
    bill.refresh_from_db()
    return bill


def read_back(bill, part):
    """Return a paper as whoever gets it reads it; it must be in order."""
    reading = read_invoice(written(invoice_for(bill, part)))
    assert reading.is_in_order, (reading.rules, reading.schema_errors)
    return reading.document


def test_an_invoice_is_what_the_voucher_covers_at_the_price_for_the_hours(scene):
    order = order_of(scene)
    stage.use(scene.seller, order, hours=30, gpus=8)
    bill = settled(scene)
    (part,) = invoice_parts(bill)
    found = read_back(bill, part)
    covered = major(bill.settlements.get().covered, bill.unit)
    assert (found.kind, found.type_code, found.number) == (INVOICE, "389", bill.number)
    assert found.totals.payable == covered == Decimal("3600.00")
    (line,) = found.lines
    assert (line.unit, line.quantity, line.price) == ("HUR", Decimal(240), Decimal(25))
    assert [one.value for one in line.properties] == ["H100", "8"]
    assert (line.order_reference, line.object_reference) == (order.code, scene.voucher.code)
    assert [one.amount for one in line.allowances] == [Decimal("2400.00")]
    assert found.preceding == (bill.invoice_number,)
    assert found.order_reference == scene.voucher.code
    assert found.contract_reference == scene.scheme.programme.code
    assert found.seller.legal_id == scene.seller.organisation.identifier
    assert found.buyer.name == scene.authority.organisation.name


def test_the_same_paper_is_the_same_bytes_in_any_language(scene):
    stage.use(scene.seller, order_of(scene), hours=3)
    bill = settled(scene)
    (part,) = invoice_parts(bill)
    once = written(invoice_for(bill, part))
    with translation.override("zh-hans"):
        assert written(invoice_for(bill, part)) == once


def test_what_was_withheld_and_accepted_later_has_a_paper_of_its_own(scene):
    order = order_of(scene)
    stage.use(scene.seller, order, hours=10)
    stage.use(scene.seller, order, hours=10, key="job-2", started=stage.START.replace(day=12))
    bill = settled(scene, stage.a_line("job-1"), stage.a_line("job-2", hours="30"))
    withheld = bill.lines.get(row=2)
    actions.decide_line(
        line=withheld,
        accept=True,
        note="The meter was mended.",
        actor=scene.authority.finance[0],
        at=stage.LATER,
        key=cast.a_key("decide"),
    )
    parts = invoice_parts(bill)
    papers = [read_back(bill, part) for part in parts]
    number = f"DN-{scene.authority.organisation.code}-000001"
    assert [one.number for one in papers] == [bill.number, number]
    assert [(one.kind, one.type_code) for one in papers] == [(INVOICE, "389"), (INVOICE, "527")]
    assert papers[1].preceding == (bill.invoice_number, bill.number)
    covered = [one.covered for one in bill.settlements.order_by("pk")]
    assert [one.totals.payable for one in papers] == [major(one, bill.unit) for one in covered]


def test_what_a_correction_takes_back_is_a_credit_note(scene):
    order = order_of(scene)
    stage.use(scene.seller, order, hours=7)
    bill = settled(scene)
    transfer = transfers_of(bill.settlements.get().act_id).get()
    actions.correct_transfer(
        transfer_id=transfer.id,
        reason="Billed to the wrong voucher.",
        actor=scene.authority.finance[0],
        at=stage.LATER,
        key=cast.a_key("correct"),
    )
    invoice, note = (read_back(bill, part) for part in invoice_parts(bill))
    number = f"CN-{scene.authority.organisation.code}-000001"
    assert (note.kind, note.type_code, note.number) == (CREDIT_NOTE, "261", number)
    assert note.totals.payable == invoice.totals.payable
    assert note.lines[0].quantity == invoice.lines[0].quantity == 7
    assert note.preceding == (bill.invoice_number, bill.number)


def test_a_holder_gets_the_lines_of_its_own_vouchers_alone(scene):
    stage.use(scene.seller, order_of(scene, "10"), hours=4)
    other = cast.an_sme("Other Lab")
    voucher = cast.an_issued_voucher(scene.scheme, other)
    order = cast.a_hold(voucher, other, scene.seller, hours="10")
    stage.use(scene.seller, order, hours=2, key="job-2")
    bill = settled(scene)
    (part,) = invoice_parts(bill)
    whole = invoice_for(bill, part)
    own = invoice_for(bill, part, [other.organisation.pk])
    assert {line.object_reference for line in own.lines} == {voucher.code}
    assert own.number == f"{bill.number}-{voucher.code}"
    assert len(whole.lines) == 2
    assert whole.totals.payable > own.totals.payable > 0
    with pytest.raises(NotFound):
        invoice_for(bill, part, [scene.seller.organisation.pk])


def test_nothing_is_written_before_settlement_or_in_kind(scene):
    stage.use(scene.seller, order_of(scene), hours=3)
    assert invoice_parts(stage.bill(scene)) == []


def test_what_would_break_a_rule_is_not_written(scene):
    stage.use(scene.seller, order_of(scene), hours=3)
    bill = settled(scene)
    invoice = invoice_for(bill, invoice_parts(bill)[0])
    wrong = replace(invoice, totals=replace(invoice.totals, payable=Decimal(1)))
    with pytest.raises(InvoiceUnwritable, match="BR-CO-16"):
        written(wrong)
    with pytest.raises(InvoiceUnwritable):
        written(replace(invoice, number=""))
    etree.fromstring(written(invoice))


class TestAnyUse(TestCase):
    """Whatever was used, at whatever rate, the papers add up to what the ledger moved."""

    @settings(max_examples=6, deadline=None)
    @given(
        jobs=st.lists(
            st.tuples(st.integers(1, 7_199), st.integers(1, 8)), min_size=1, max_size=6
        ),
        rate=st.decimals(min_value="0.0001", max_value="90", places=4),
    )
    def test_invoices_are_in_order_and_equal_the_settlements(self, jobs, rate):
        scene = cast.make_scene(cast.M3)
        order = order_of(scene)
        starts = [stage.START.replace(hour=n) for n in range(len(jobs))]
        records = [
            stage.a_record(order.code, f"job-{start.hour}", gpus=gpus, started=start)._replace(
                ended_at=start + timedelta(seconds=seconds)
            )
            for start, (seconds, gpus) in zip(starts, jobs, strict=True)
        ]
        stage.record(scene.seller, *records)
        bill = settled(scene, *(stage.a_line(one.key, rate=rate) for one in records))
        covered = Settlement.objects.filter(bill=bill).aggregate(sum=Sum("covered"))["sum"] or 0
        papers = [read_back(bill, part) for part in invoice_parts(bill)]
        assert sum(one.totals.payable for one in papers) == major(covered, bill.unit)
