"""Each correction of a settled bill has a note with a number of its own, without a gap."""

import hashlib

import pytest
from django.conf import settings
from django.db import DatabaseError, transaction
from django.urls import reverse

from billing import actions
from billing.actions.corrections import TransferNotCorrectable
from billing.invoices.reading import read_invoice
from billing.invoices.writing import written
from billing.models import CorrectionNote
from billing.queries.invoices import invoice_for, invoice_parts
from ledger.actions import NotReversible
from ledger.queries import transfers_of
from parties.models import Organisation
from tests import cast
from tests.billing import stage
from tests.doors.pages import words
from tests.doors.programs import Program

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    return cast.make_scene(cast.M3)


def settled(scene, *lines, key="job-1", order=None):
    order = order or cast.a_hold(
        scene.voucher, scene.applicant, scene.seller, hours="50", provider_reference=key
    )
    stage.use(scene.seller, order, hours=10, key=key)
    bill = stage.bill(scene, *lines, invoice=f"INV-{key}")
    stage.settle(bill)
    bill.refresh_from_db()
    return bill


def correct(scene, bill, *, key=None):
    transfer = transfers_of(bill.settlements.earliest("pk").act_id).get()
    return actions.correct_transfer(
        transfer_id=transfer.id,
        reason="Billed to the wrong voucher.",
        actor=scene.authority.finance[0],
        at=stage.LATER,
        key=key or cast.a_key("correct"),
    )


def accept_rest(scene, bill, *, key=None):
    return actions.decide_line(
        line=bill.lines.get(),
        accept=True,
        note="The meter was mended.",
        actor=scene.authority.finance[0],
        at=stage.LATER,
        key=key or cast.a_key("decide"),
    )


def half_withheld(scene, key="job-1"):
    """Return a bill of which a part is withheld: it bills more hours than are metered."""
    bill = settled(scene, stage.a_line(key, hours="14"), key=key)
    assert bill.lines.get().verdicts.get().withheld > 0
    return bill


def digest(bill, part):
    return hashlib.sha256(written(invoice_for(bill, part))).hexdigest()


def test_a_correction_downwards_is_a_credit_note_and_one_upwards_a_debit_note(scene):
    code = scene.authority.organisation.code
    down, up = settled(scene), half_withheld(scene, "job-2")

    correct(scene, down)
    accept_rest(scene, up)

    credit, debit = CorrectionNote.objects.get(bill=down), CorrectionNote.objects.get(bill=up)
    assert (credit.kind, credit.number) == ("CREDIT", f"CN-{code}-000001")
    assert (debit.kind, debit.number) == ("DEBIT", f"DN-{code}-000001")
    assert credit.amount == down.settlements.get().covered == 150_00
    assert debit.amount == up.settlements.latest("pk").covered
    assert credit.issuer == debit.issuer == scene.authority.organisation


def test_numbers_run_on_without_a_gap_also_where_a_correction_is_refused(scene):
    bills = [settled(scene, key=f"job-{n}") for n in range(3)]

    for bill in bills:
        correct(scene, bill)
        with pytest.raises(NotReversible):
            correct(scene, bill)

    assert [one.sequence for one in CorrectionNote.objects.order_by("pk")] == [1, 2, 3]


def test_asked_twice_a_correction_has_one_note(scene):
    bill = half_withheld(scene)

    assert accept_rest(scene, bill, key="once") == accept_rest(scene, bill, key="once")
    assert correct(scene, bill, key="back") == correct(scene, bill, key="back")

    assert CorrectionNote.objects.count() == 2


def test_what_can_not_be_corrected_gets_no_note(scene):
    bill = settled(scene)
    hold = bill.settlements.get().order.hold

    with pytest.raises((TransferNotCorrectable, NotReversible)):
        actions.correct_transfer(
            transfer_id=hold,
            reason="No.",
            actor=scene.authority.finance[0],
            at=stage.LATER,
            key="no",
        )

    assert CorrectionNote.objects.count() == 0


def test_what_is_taken_back_of_a_debit_note_names_the_debit_note(scene):
    bill = half_withheld(scene)
    accept_rest(scene, bill)
    debit = CorrectionNote.objects.get()
    transfer = transfers_of(debit.act_id).get()

    actions.correct_transfer(
        transfer_id=transfer.id,
        reason="The meter was wrong after all.",
        actor=scene.authority.finance[0],
        at=stage.LATER,
        key="undo",
    )

    *_before, part = invoice_parts(bill)
    document = read_invoice(written(invoice_for(bill, part))).document
    assert (part.paper, part.original) == ("CreditNote", debit.number)
    assert document.preceding == (bill.invoice_number, debit.number)


def test_a_note_stays_and_says_the_same_after_its_seller_has_another_name(scene):
    bill = settled(scene)
    correct(scene, bill)
    *_first, part = invoice_parts(bill)
    before = digest(bill, part)

    Organisation.objects.filter(pk=scene.seller.organisation.pk).update(name="Another Name")
    *_first, part = invoice_parts(type(bill).objects.get(pk=bill.pk))

    assert digest(type(bill).objects.get(pk=bill.pk), part) == before
    with pytest.raises(DatabaseError), transaction.atomic():
        CorrectionNote.objects.update(amount=1)
    with pytest.raises(DatabaseError), transaction.atomic():
        CorrectionNote.objects.all().delete()


def test_the_page_of_the_bill_lists_its_notes_and_gives_them_as_files(client, scene):
    bill = settled(scene)
    correct(scene, bill)
    number = CorrectionNote.objects.get().number
    client.force_login(scene.seller.person, backend=settings.AUTHENTICATION_BACKENDS[0])

    page = words(client.get(reverse("bill", args=[bill.number])))
    xml = client.get(reverse("bill_invoice", args=[bill.number, 2, "xml"]))
    pdf = client.get(reverse("bill_invoice", args=[bill.number, 2, "pdf"]))

    assert "Credit and debit notes" in page
    assert f"Credit note {number}" in page
    assert number.encode() in xml.content
    assert pdf.content.startswith(b"%PDF")
    assert number in pdf["Content-Disposition"]


def test_a_program_lists_the_papers_and_takes_them_away(scene):
    bill = settled(scene)
    correct(scene, bill)
    note = CorrectionNote.objects.get()
    program = Program(scene.seller)

    listed = program.get(f"bills/{bill.number}/papers").json()["results"]
    xml = program.get(f"bills/{bill.number}/papers/2.xml")
    pdf = program.get(f"bills/{bill.number}/papers/2.pdf")

    assert [(one["paper"], one["type_code"], one["number"]) for one in listed] == [
        ("INVOICE", "389", bill.number),
        ("CREDIT_NOTE", "261", note.number),
    ]
    assert [one["corrects"] for one in listed] == ["", bill.number]
    assert [one["amount"] for one in listed] == [150_00, 150_00]
    assert read_invoice(xml.content).is_in_order
    assert pdf.content.startswith(b"%PDF")
    assert program.get(f"bills/{bill.number}/papers/3.xml").status_code == 404
    assert program.get(f"bills/{bill.number}/papers/1.exe").status_code == 404
