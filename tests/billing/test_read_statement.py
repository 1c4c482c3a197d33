"""The bank's answer confirms or returns a payment once; anything else changes nothing."""

import pytest
from django.db import transaction

from billing import actions
from billing.bank.xml import NotXml
from billing.models import BankLine, BankStatement, Batch, Payment
from billing.queries import payables_due
from billing.reasons import sentence
from ledger.actions import KeyReused
from ledger.queries import acts_about, balances
from parties.queries import NotAllowed
from tests import cast
from tests.billing import stage

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    """600.00 is due to the provider."""
    scene = cast.make_scene(cast.M3)
    stage.an_own_account(scene.authority)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    stage.use(scene.seller, order, hours=40)
    stage.settle(stage.bill(scene))
    return scene


@pytest.fixture
def sent(scene):
    return stage.sent(scene)


def net(scene, kind, more):
    address = scene.scheme.programme.account(kind, more)
    found = balances([address])
    return found[address].net if found else 0


def test_a_booked_payment_is_paid_and_its_batch_closed(scene, sent):
    batch, file = sent

    statement = stage.read(scene, stage.answer(file))

    assert stage.lines_of(statement) == [("PAID", 600_00, "")]
    payment = Payment.objects.get()
    assert (payment.status, payment.answered_at) == (Payment.Status.PAID, stage.LATER)
    batch.refresh_from_db()
    assert batch.status == Batch.Status.CLOSED
    assert net(scene, "clearing", batch.code) == 0
    assert net(scene, "paid", scene.seller.organisation.code) == 600_00
    assert [act.kind for act in acts_about(batch.address)][-1] == "confirm_payment"
    stage.assert_in_step()


def test_the_same_file_again_gives_the_first_reading(scene, sent):
    _batch, file = sent
    data = stage.answer(file)

    first = stage.read(scene, data)
    second = stage.read(scene, data, name="again.xml")

    assert first == second
    assert BankLine.objects.count() == 1


def test_another_statement_with_the_same_entry_changes_nothing(scene, sent):
    _batch, file = sent
    stage.read(scene, stage.answer(file))

    again = stage.read(scene, stage.answer(file, "ST-2"))

    assert stage.lines_of(again) == [("ANSWERED", 600_00, "bank_answered_before")]
    assert net(scene, "paid", scene.seller.organisation.code) == 600_00


def test_another_amount_matches_nothing_and_says_so(scene, sent):
    batch, file = sent
    wrong = stage.answer(file, amounts={f"{batch.code}-00001": 599_99})

    statement = stage.read(scene, wrong)

    assert stage.lines_of(statement) == [("UNMATCHED", 599_99, "bank_amount_differs")]
    line = statement.lines.get()
    assert sentence(line.reason, line.reason_values) == (
        f"The payment {batch.code}-00001 is of ¥600.00; the bank booked ¥599.99 CNY. "
        "Ask the bank why."
    )
    assert Payment.objects.get().status == Payment.Status.SENT
    assert net(scene, "clearing", batch.code) == 600_00


def test_an_unknown_id_matches_nothing(scene, sent):
    batch, file = sent
    foreign = stage.answer(file).replace(batch.code.encode(), b"B-XXXXXX")

    statement = stage.read(scene, foreign)

    assert stage.lines_of(statement) == [("UNMATCHED", 600_00, "bank_matches_nothing")]
    assert Payment.objects.get().status == Payment.Status.SENT


def test_an_entry_without_an_id_matches_nothing(scene, sent):
    batch, file = sent
    reference = Payment.objects.get().reference
    silent = stage.answer(file).replace(f"{batch.code}-00001".encode(), b"NOTPROVIDED")
    silent = silent.replace(reference.encode(), b"NONE")

    assert stage.lines_of(stage.read(scene, silent)) == [("UNMATCHED", 600_00, "bank_no_id")]


def test_a_payment_not_sent_yet_can_not_be_paid(scene, sent):
    batch, file = sent
    Payment.objects.update(status=Payment.Status.PREPARED)

    statement = stage.read(scene, stage.answer(file))

    assert stage.lines_of(statement) == [("UNMATCHED", 600_00, "bank_not_sent")]
    assert net(scene, "clearing", batch.code) == 600_00


def test_an_announced_entry_waits_until_it_is_booked(scene, sent):
    _batch, file = sent
    announced = stage.answer(file).replace(b"<Cd>BOOK</Cd>", b"<Cd>PDNG</Cd>")

    statement = stage.read(scene, announced)

    assert stage.lines_of(statement) == [("UNMATCHED", 600_00, "bank_not_booked")]
    assert stage.lines_of(stage.read(scene, stage.answer(file))) == [("PAID", 600_00, "")]


def test_a_returned_payment_is_due_again(scene, sent):
    batch, file = sent
    returned = stage.answer(file, returned={f"{batch.code}-00001": "AC04"})

    statement = stage.read(scene, returned)

    assert stage.lines_of(statement) == [("PAID", 600_00, ""), ("RETURNED", 600_00, "")]
    payment = Payment.objects.get()
    assert (payment.status, payment.answer_reason) == (Payment.Status.RETURNED, "AC04")
    assert [due.amount for due in payables_due(scene.scheme.programme)] == [600_00]
    batch.refresh_from_db()
    assert batch.status == Batch.Status.CLOSED
    assert stage.prepare(scene).total == 600_00
    stage.assert_in_step()


def test_a_payment_that_came_back_after_it_was_paid_is_due_again(scene, sent):
    batch, file = sent
    stage.read(scene, stage.answer(file))
    returned = stage.answer(file, "ST-2", returned={f"{batch.code}-00001": "AC04"})

    statement = stage.read(scene, returned)

    assert [line[0] for line in stage.lines_of(statement)] == ["ANSWERED", "RETURNED"]
    assert net(scene, "paid", scene.seller.organisation.code) == 0
    assert net(scene, "clearing", batch.code) == 0
    assert [due.amount for due in payables_due(scene.scheme.programme)] == [600_00]
    # A third statement with the same return changes nothing.
    again = stage.answer(file, "ST-3", returned={f"{batch.code}-00001": "AC04"})
    assert {line[0] for line in stage.lines_of(stage.read(scene, again))} == {"ANSWERED"}
    stage.assert_in_step()


def test_a_batch_stays_open_until_every_payment_is_answered(scene):
    other = cast.make_provider(scene.authority, "Other Compute")
    order = cast.a_hold(scene.voucher, scene.applicant, other)
    stage.use(other, order, hours=4)
    second = cast.Scene(scene.authority, other, scene.scheme, scene.applicant, scene.voucher)
    stage.settle(stage.bill(second))
    batch, file = stage.sent(scene)

    stage.read(scene, stage.answer(file, left_out=[f"{batch.code}-00002"]))
    batch.refresh_from_db()
    assert batch.status == Batch.Status.RELEASED

    stage.read(scene, stage.answer(file, "ST-2", batch_booked=True))
    batch.refresh_from_db()
    assert batch.status == Batch.Status.CLOSED


def test_a_statement_of_another_account_is_refused(scene, sent):
    _batch, file = sent
    foreign = stage.answer(file).replace(b"6222000099999999", b"6222000011111111")

    with pytest.raises(actions.StatementOfNobody):
        stage.read(scene, foreign)

    assert not BankStatement.objects.exists()


def test_only_finance_reads_statements_and_only_real_ones(scene, sent):
    _batch, file = sent

    with pytest.raises(NotAllowed):
        actions.read_statement(
            name="s.xml",
            data=stage.answer(file),
            actor=scene.authority.officer,
            at=stage.LATER,
            key="s",
        )
    with pytest.raises(NotXml):
        stage.read(scene, b"<Document")

    assert Payment.objects.get().status == Payment.Status.SENT


def test_a_key_of_a_known_file_is_refused_for_another_one(scene, sent):
    _batch, file = sent
    first = stage.read(scene, stage.answer(file, "ST-1"), key="first")
    other = stage.answer(file, "ST-2")
    stage.read(scene, other, key="other")

    with pytest.raises(KeyReused), transaction.atomic():
        stage.read(scene, other, key="first")

    assert stage.read(scene, stage.answer(file, "ST-1"), key="first") == first
    assert BankStatement.objects.count() == 2
    stage.assert_in_step()


def test_a_stranger_does_not_learn_that_a_file_is_known(scene, sent):
    _batch, file = sent
    data = stage.answer(file)
    stranger = cast.make_authority("Elsewhere").finance[0]

    def told():
        with pytest.raises(actions.StatementOfNobody) as refusal, transaction.atomic():
            actions.read_statement(
                name="x.xml", data=data, actor=stranger, at=stage.LATER, key="x"
            )
        return str(refusal.value)

    before = told()
    stage.read(scene, data)
    assert told() == before
