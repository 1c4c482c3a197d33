"""A bill's own invoice is attached once, in order and to the cent; where the law asks, pay waits."""

import base64
import hashlib

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, transaction
from django.urls import reverse

from billing import actions
from billing.invoices.refusals import (
    InvoiceBringsDefinitions,
    InvoiceNotXml,
    InvoiceOfAnotherKind,
)
from billing.invoices.writing import written
from billing.models import ProviderInvoice
from billing.queries import payables_due, payables_held
from billing.queries.invoices import invoice_for, invoice_parts
from billing.queries.queues import queue_of
from ledger.actions import KeyReused
from ledger.queries import transfers_of
from parties.models import Organisation
from parties.queries import NotAllowed
from tests import cast
from tests.billing import stage
from tests.billing.invoices.samples import ubl
from tests.billing.own_invoices import NUMBER, attach, fapiao
from tests.doors.pages import key_on, words
from tests.doors.programs import Program

pytestmark = pytest.mark.django_db

REQUIRING = cast.policy_text(cast.M3).replace(
    "\n[settlement]\n", '\n[settlement]\ninvoice = "REQUIRED"\n'
)


def a_scene(text=""):
    authority = cast.make_authority()
    scheme = cast.make_programme(authority, text=text)
    seller, firm = cast.make_provider(authority), cast.an_sme()
    stage.an_own_account(authority)
    return cast.Scene(authority, seller, scheme, firm, cast.an_issued_voucher(scheme, firm))


def a_bill(scene, key="job-1", hours=10):
    order = cast.a_hold(
        scene.voucher, scene.applicant, scene.seller, hours=str(hours), provider_reference=key
    )
    stage.use(scene.seller, order, hours=hours, key=key)
    return stage.bill(scene, invoice=f"INV-{key}")


@pytest.fixture
def scene():
    return a_scene()


def refused(error, bill, data):
    with pytest.raises(error) as caught, transaction.atomic():
        attach(bill, data)
    assert not ProviderInvoice.objects.filter(bill=bill).exists()
    return caught.value


# --- what is attached --------------------------------------------------------------------------


def test_a_fapiao_that_fits_is_kept_byte_for_byte(scene):
    bill = a_bill(scene)
    data = fapiao(bill)

    made = attach(bill, data)

    made.refresh_from_db()
    assert (made.kind, made.number, made.series, made.amount) == ("FAPIAO", NUMBER, "", 250_00)
    assert bytes(made.content) == data
    assert made.sha256 == hashlib.sha256(data).hexdigest()
    with pytest.raises(DatabaseError), transaction.atomic():
        ProviderInvoice.objects.update(number="1")


def test_an_invoice_in_ubl_that_fits_is_kept_in_its_sellers_own_series():
    authority = cast.make_authority(country="DE")
    text = cast.policy_text(cast.M3).replace('"CNY"', '"EUR"')
    scheme = cast.make_programme(authority, text=text)
    seller = cast.make_provider(authority, currency="EUR", country="DE", rate="29.75")
    firm = cast.an_sme()
    scene = cast.Scene(authority, seller, scheme, firm, cast.an_issued_voucher(scheme, firm))
    Organisation.objects.filter(pk=seller.organisation.pk).update(identifier="DE136695976")
    bill = a_bill(scene, hours=4)
    assert bill.total == 119_00

    made = attach(type(bill).objects.get(pk=bill.pk), ubl())

    assert (made.kind, made.number, made.series) == ("UBL", "R-1", seller.organisation.code)


@pytest.mark.parametrize(
    ("changes", "place", "told"),
    [
        ({"total": "250.01"}, "BT-112", ("250.01", "250.00")),
        ({"seller": "91110000600037341L"}, "BT-31", ("91110000600037341L",)),
    ],
)
def test_what_is_not_the_bills_is_refused_by_its_place(scene, changes, place, told):
    bill = a_bill(scene)

    refusal = refused(actions.InvoiceDiffers, bill, fapiao(bill, **changes))

    assert refusal.values["place"] == place
    assert bill.number in str(refusal)
    for one in told:
        assert one in str(refusal)


def test_another_currency_is_refused(scene):
    bill = a_bill(scene)
    Organisation.objects.filter(pk=scene.seller.organisation.pk).update(
        identifier="DE136695976"
    )

    refusal = refused(actions.InvoiceDiffers, type(bill).objects.get(pk=bill.pk), ubl())

    assert (refusal.values["place"], refusal.values["found"]) == ("BT-5", "EUR")


def test_what_breaks_a_rule_is_refused_by_its_number(scene):
    bill = a_bill(scene)

    assert "BR-CO-16" in str(refused(actions.InvoiceNotInOrder, bill, ubl(payable="118.00")))
    wrong = fapiao(bill, net="249.00")
    assert "FP-07" in str(refused(actions.InvoiceNotInOrder, bill, wrong))


def test_a_credit_note_of_ours_is_no_invoice(scene):
    bill = a_bill(scene)
    stage.settle(bill)
    actions.correct_transfer(
        transfer_id=transfers_of(bill.settlements.get().act_id).get().id,
        reason="Wrong voucher.",
        actor=scene.authority.finance[0],
        at=stage.LATER,
        key="correct",
    )
    bill.refresh_from_db()
    note = written(invoice_for(bill, invoice_parts(bill)[1]))

    assert refused(actions.InvoiceDiffers, bill, note).values["place"] == "BT-3"


def test_a_hostile_file_is_refused_before_it_is_believed(scene):
    bill = a_bill(scene)

    refused(InvoiceNotXml, bill, b"%PDF-1.7")
    refused(InvoiceOfAnotherKind, bill, b"<html/>")
    bomb = b'<!DOCTYPE a [<!ENTITY b "b">]><EInvoice>&b;</EInvoice>'
    refused(InvoiceBringsDefinitions, bill, bomb)


def test_one_number_is_never_used_for_two_bills(scene):
    first, second = a_bill(scene), a_bill(scene, "job-2")
    attach(first)

    refusal = refused(actions.InvoiceNumberUsed, second, fapiao(second))

    assert NUMBER in str(refusal)
    assert first.number not in str(refusal)
    attach(second, fapiao(second, number="25442000000123456780"))


def test_asked_twice_it_is_attached_once_and_a_second_invoice_is_refused(scene):
    bill = a_bill(scene)
    other = fapiao(bill, number="25442000000123456780")

    assert attach(bill, key="once") == attach(bill, key="once")
    with pytest.raises(KeyReused):
        attach(bill, other, key="once")
    with pytest.raises(actions.InvoiceAttached, match=NUMBER):
        attach(bill, other)

    assert ProviderInvoice.objects.count() == 1


def test_only_the_providers_people_attach_it(scene):
    bill = a_bill(scene)

    for person in (scene.applicant.person, scene.authority.finance[0]):
        with pytest.raises(NotAllowed):
            attach(bill, actor=person)
    attach(bill, actor=scene.seller.person)


# --- what waits for it -------------------------------------------------------------------------


def due(scene):
    return sum(one.amount for one in payables_due(scene.scheme.programme))


def test_a_law_that_asks_for_it_keeps_a_bill_out_of_batches_until_it_is_there():
    scene = a_scene(REQUIRING)
    bill = a_bill(scene)
    stage.settle(bill)
    finance = scene.authority.finance[0]
    assert stage.payable(scene) == 150_00

    with pytest.raises(actions.NothingDue):
        prepare(scene)
    assert [one.amount for one in payables_held(scene.scheme.programme)] == [150_00]
    (row,) = queue_of(finance, "to-pay")
    assert (row.why, dict(row.why_values)) == ("invoice_missing", {"bill": bill.number})

    attach(bill)

    (row,) = queue_of(finance, "to-pay")
    assert row.why == ""
    assert prepare(scene).total == 150_00


def prepare(scene):
    return actions.prepare_batch(
        programme=scene.scheme.programme,
        actor=scene.authority.finance[0],
        at=stage.LATER,
        key=cast.a_key("batch"),
    )


def test_what_was_settled_first_is_paid_without_what_waits_behind_it():
    scene = a_scene(REQUIRING)
    bills = [a_bill(scene, f"job-{n}") for n in range(3)]
    for bill in bills:
        stage.settle(bill)
    attach(bills[0])

    assert due(scene) == 150_00
    attach(bills[2], fapiao(bills[2], number="25442000000123456780"))
    assert due(scene) == 150_00
    rows = queue_of(scene.authority.finance[0], "to-pay")
    assert [one.why for one in rows] == ["", "invoice_missing", "behind_invoice"]
    assert rows[2].why_values == {"bill": bills[1].number}
    attach(bills[1], fapiao(bills[1], number="25442000000123456781"))
    assert due(scene) == 450_00


def test_a_law_that_says_nothing_pays_without(scene):
    stage.settle(a_bill(scene))

    assert due(scene) == 150_00


# --- doors -------------------------------------------------------------------------------------


def signed_in(client, person):
    client.force_login(person, backend=settings.AUTHENTICATION_BACKENDS[0])
    return client


def test_the_page_of_the_bill_says_that_it_waits_takes_the_file_and_gives_it_back(client):
    scene = a_scene(REQUIRING)
    bill = a_bill(scene)
    page, address = (
        reverse(name, args=[bill.number]) for name in ("bill", "provider_invoice_new")
    )
    signed_in(client, scene.seller.person)
    assert "The bill is paid only once it is." in words(client.get(page))

    wrong = SimpleUploadedFile("w.xml", fapiao(bill, total="1.00"))
    answer = client.post(address, {"file": wrong, "key": key_on(client.get(address))})
    assert "is 1.00, and that of bill" in words(answer)
    right = SimpleUploadedFile("r.xml", fapiao(bill))
    client.post(address, {"file": right, "key": key_on(client.get(address))})

    assert NUMBER in words(client.get(page))
    file = client.get(reverse("provider_invoice", args=[bill.number]))
    assert file.content == fapiao(bill)
    assert file["X-Content-Type-Options"] == "nosniff"


def test_a_holder_does_not_get_the_file(client, scene):
    bill = a_bill(scene)
    attach(bill)

    signed_in(client, scene.applicant.person)

    assert client.get(reverse("provider_invoice", args=[bill.number])).status_code == 404
    assert client.get(reverse("provider_invoice_new", args=[bill.number])).status_code == 404


def test_a_program_attaches_it_and_takes_it_back(scene):
    bill = a_bill(scene)
    program, path = Program(scene.seller), f"bills/{bill.number}/invoice"
    content = base64.b64encode(fapiao(bill)).decode()
    assert program.get(path).status_code == 404

    bad = program.post(path, {"name": "a.xml", "content": "%"}, key="k-0")
    made = program.post(path, {"name": "a.xml", "content": content}, key="k-1")

    assert (bad.status_code, bad.json()["code"]) == (400, "content_not_base64")
    assert made.status_code == 201
    assert (made.json()["number"], made.json()["amount"]) == (NUMBER, 250_00)
    assert program.get(path).content == fapiao(bill)
    again = program.post(path, {"name": "a.xml", "content": content}, key="k-2")
    assert (again.status_code, again.json()["code"]) == (409, "invoice_attached")
