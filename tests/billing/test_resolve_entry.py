"""What the bank's odd entries are is said by people; value moves only when two of them agree."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from billing import actions
from billing.models import BankResolution, Batch, Payment
from billing.queries import oddities, payables_due
from common.errors import NotFound
from ledger.queries import acts_about
from parties.queries import NotAllowed, SamePerson
from tests import cast
from tests.billing import bank_scene as bank
from tests.billing import stage
from tests.billing.bank_files import a_csv

pytestmark = pytest.mark.django_db

Kind, Step = BankResolution.Kind, BankResolution.Step


@pytest.fixture
def scene_and_batch():
    return bank.make()


@pytest.fixture
def scene(scene_and_batch):
    return scene_and_batch[0]


@pytest.fixture
def batch(scene_and_batch):
    return scene_and_batch[1]


def payment():
    return Payment.objects.get()


def nets(scene, batch):
    """Return what is at the bank, paid, and due."""
    found = stage.nets(scene.scheme.programme)
    seller = scene.seller.organisation.code
    kinds = (f"clearing:{batch.code}", f"paid:{seller}", f"provider_payable:{seller}")
    return tuple(found.get(kind, 0) for kind in kinds)


def test_it_is_this_payment_once_a_second_person_agrees(scene, batch):
    line = bank.odd_line(scene)

    proposed = bank.resolve(scene, line, Kind.THIS_PAYMENT, payment())

    assert (proposed.step, proposed.payment) == (Step.PROPOSED, payment())
    assert payment().status == Payment.Status.SENT
    assert nets(scene, batch) == (600_00, 0, 0)

    done = bank.agree(scene, line)

    assert (done.step, done.number) == (Step.DONE, 2)
    assert done.made_by == scene.authority.finance[0]
    assert done.seconded_by == scene.authority.finance[1]
    assert (payment().status, payment().answered_at) == (Payment.Status.PAID, stage.LATER)
    assert nets(scene, batch) == (0, 600_00, 0)
    batch.refresh_from_db()
    assert batch.status == Batch.Status.CLOSED
    assert [act.kind for act in acts_about(batch.address)][-1] == "confirm_payment"
    stage.assert_in_step()


def test_who_proposed_it_does_not_agree(scene, batch):
    line = bank.odd_line(scene)
    bank.resolve(scene, line, Kind.THIS_PAYMENT, payment())

    with pytest.raises(SamePerson):
        bank.agree(scene, line, person=0)

    assert payment().status == Payment.Status.SENT
    assert nets(scene, batch) == (600_00, 0, 0)


def test_the_database_refuses_one_person_for_both(scene, batch):
    line = bank.odd_line(scene)
    said = bank.resolve(scene, line, Kind.THIS_PAYMENT, payment())
    row = {
        "line": line,
        "number": 2,
        "kind": Kind.THIS_PAYMENT,
        "step": Step.DONE,
        "payment": payment(),
        "note": "alone",
        "made_by": said.made_by,
        "made_at": stage.LATER,
        "act_id": said.act_id,
    }

    with pytest.raises(DatabaseError, match="two_for_value"), transaction.atomic():
        BankResolution.objects.create(**row)
    with pytest.raises(DatabaseError, match="names one person"), transaction.atomic():
        BankResolution.objects.create(**row, seconded_by=said.made_by)
    with pytest.raises(DatabaseError), transaction.atomic():
        BankResolution.objects.update(note="rewritten")


def test_paid_in_part_confirms_what_came_and_the_rest_is_due_again(scene, batch):
    line = bank.odd_line(scene, "-450.00", f"{batch.code}-00001")
    assert line.oddity == "PARTIAL"
    bank.resolve(scene, line, Kind.PAID_IN_PART, payment())
    assert nets(scene, batch) == (600_00, 0, 0)

    bank.agree(scene, line)

    one = payment()
    assert (one.status, one.paid_amount) == (Payment.Status.PART, 450_00)
    assert nets(scene, batch) == (0, 450_00, 150_00)
    told = {act.kind: act.details.get("parts") for act in acts_about(batch.address)}
    assert told["confirm_payment"] == {one.end_to_end_id: 450_00}
    assert told["return_payment"] == {one.end_to_end_id: 150_00}
    assert [due.amount for due in payables_due(scene.scheme.programme)] == [150_00]
    assert stage.prepare(scene).total == 150_00
    stage.assert_in_step()


def test_a_payment_in_part_that_comes_back_is_due_again_whole(scene, batch):
    name = f"{batch.code}-00001"
    line = bank.odd_line(scene, "-450.00", name)
    bank.resolve(scene, line, Kind.PAID_IN_PART, payment())
    bank.agree(scene, line)

    back = stage.read(scene, a_csv(bank.OWN, [(name, "450.00", "R2", "", "AC04")]))

    assert back.lines.get().match == "RETURNED"
    assert nets(scene, batch) == (0, 0, 600_00)
    stage.assert_in_step()


@pytest.mark.parametrize(
    ("amount", "kind"),
    [
        ("-599.99", Kind.THIS_PAYMENT),
        ("-600.01", Kind.THIS_PAYMENT),
        ("600.00", Kind.THIS_PAYMENT),
        ("-600.00", Kind.PAID_IN_PART),
        ("-600.01", Kind.PAID_IN_PART),
        ("0", Kind.PAID_IN_PART),
        ("450.00", Kind.PAID_IN_PART),
    ],
)
def test_a_payment_that_does_not_fit_is_refused(scene, batch, amount, kind):
    line = bank.odd_line(scene, amount)

    with pytest.raises(actions.PaymentUnfit):
        bank.resolve(scene, line, kind, payment())

    assert not BankResolution.objects.exists()
    assert nets(scene, batch) == (600_00, 0, 0)


def test_another_currency_and_no_payment_are_refused(scene, batch):
    data = a_csv(bank.OWN, [("", "-600.00", "R1")]).replace(b"CNY", b"EUR")
    line = stage.read(scene, data).lines.get()

    for given in (payment(), None):
        with pytest.raises(actions.PaymentUnfit):
            bank.resolve(scene, line, Kind.THIS_PAYMENT, given)

    assert nets(scene, batch) == (600_00, 0, 0)


def test_a_payment_answered_meanwhile_is_not_confirmed_again(scene, batch):
    line = bank.odd_line(scene)
    bank.resolve(scene, line, Kind.THIS_PAYMENT, payment())
    stage.read(scene, a_csv(bank.OWN, [(f"{batch.code}-00001", "-600.00", "R9")]))

    with pytest.raises(actions.PaymentUnfit):
        bank.agree(scene, line)

    assert nets(scene, batch) == (0, 600_00, 0)
    stage.assert_in_step()


def test_the_banks_own_word_after_two_people_changes_nothing(scene, batch):
    line = bank.odd_line(scene)
    bank.resolve(scene, line, Kind.THIS_PAYMENT, payment())
    bank.agree(scene, line)

    again = stage.read(scene, a_csv(bank.OWN, [(f"{batch.code}-00001", "-600.00", "R1")]))

    assert stage.lines_of(again) == [("ANSWERED", 600_00, "bank_answered_before")]
    assert nets(scene, batch) == (0, 600_00, 0)


@pytest.mark.parametrize("kind", [Kind.NOT_OURS, Kind.DUPLICATE, Kind.DEALT_WITH])
def test_words_alone_resolve_and_move_nothing(scene, batch, kind):
    line = bank.odd_line(scene)

    said = bank.resolve(scene, line, kind, payment())

    assert (said.step, said.payment, said.note) == (Step.DONE, None, "The bank told us.")
    assert nets(scene, batch) == (600_00, 0, 0)
    person = scene.authority.finance[0]
    assert list(oddities.odd_lines(person)) == []
    assert list(oddities.odd_lines(person, "DONE")) == [line]
    with pytest.raises(actions.EntryResolved):
        bank.resolve(scene, line, Kind.NOT_OURS)


def test_asking_the_bank_leaves_it_waiting(scene, batch):
    line = bank.odd_line(scene)
    bank.resolve(scene, line, Kind.ASKED_BANK)

    person = scene.authority.finance[0]
    assert list(oddities.odd_lines(person)) == [line]
    assert list(oddities.odd_lines(person, "ASKED")) == [line]
    assert list(oddities.odd_lines(person, "OPEN")) == []

    bank.resolve(scene, line, Kind.THIS_PAYMENT, payment())
    bank.agree(scene, line)
    assert nets(scene, batch) == (0, 600_00, 0)


def test_undoing_brings_the_value_back_to_the_bank(scene, batch):
    line = bank.odd_line(scene)
    bank.resolve(scene, line, Kind.THIS_PAYMENT, payment())
    bank.agree(scene, line)

    undone = bank.undo(scene, line)

    assert (undone.step, undone.number) == (Step.UNDONE, 3)
    assert (payment().status, payment().answered_at) == (Payment.Status.SENT, None)
    assert nets(scene, batch) == (600_00, 0, 0)
    batch.refresh_from_db()
    assert batch.status == Batch.Status.SENT
    assert list(oddities.odd_lines(scene.authority.finance[0], "OPEN")) == [line]
    stage.assert_in_step()
    # And it can be said anew.
    bank.resolve(scene, line, Kind.THIS_PAYMENT, payment())
    bank.agree(scene, line)
    assert nets(scene, batch) == (0, 600_00, 0)
    stage.assert_in_step()


def test_undoing_a_payment_in_part(scene, batch):
    line = bank.odd_line(scene, "-450.00")
    bank.resolve(scene, line, Kind.PAID_IN_PART, payment())
    bank.agree(scene, line)

    bank.undo(scene, line)

    assert (payment().status, payment().paid_amount) == (Payment.Status.SENT, None)
    assert nets(scene, batch) == (600_00, 0, 0)
    stage.assert_in_step()


def test_what_the_bank_has_taken_back_since_is_not_undone(scene, batch):
    line = bank.odd_line(scene)
    bank.resolve(scene, line, Kind.THIS_PAYMENT, payment())
    bank.agree(scene, line)
    back = [(f"{batch.code}-00001", "600.00", "R2", "", "AC04")]
    stage.read(scene, a_csv(bank.OWN, back))

    with pytest.raises(actions.PaymentMoved):
        bank.undo(scene, line)

    assert nets(scene, batch) == (0, 0, 600_00)
    stage.assert_in_step()


def test_a_second_person_may_turn_a_proposal_down(scene, batch):
    line = bank.odd_line(scene)
    bank.resolve(scene, line, Kind.THIS_PAYMENT, payment())

    bank.undo(scene, line, person=1)

    with pytest.raises(actions.NothingProposed):
        bank.agree(scene, line)
    assert nets(scene, batch) == (600_00, 0, 0)


def test_asked_twice_each_answers_the_first_times_answer(scene, batch):
    line = bank.odd_line(scene)

    first = bank.resolve(scene, line, Kind.THIS_PAYMENT, payment(), key="r")
    assert bank.resolve(scene, line, Kind.THIS_PAYMENT, payment(), key="r") == first
    done = bank.agree(scene, line, key="a")
    assert bank.agree(scene, line, key="a") == done
    assert nets(scene, batch) == (0, 600_00, 0)
    undone = bank.undo(scene, line, key="u")
    assert bank.undo(scene, line, key="u") == undone

    assert BankResolution.objects.count() == 3
    assert nets(scene, batch) == (600_00, 0, 0)


def test_only_finance_of_the_account_says_anything(scene, batch):
    line = bank.odd_line(scene)
    stranger = cast.make_authority("Elsewhere Bureau")

    for actor, refusal in (
        (scene.authority.officer, NotAllowed),
        (stranger.finance[0], NotFound),
    ):
        with pytest.raises(refusal):
            actions.resolve_entry(
                line=line,
                kind=Kind.NOT_OURS,
                note="mine",
                payment=None,
                actor=actor,
                at=stage.LATER,
                key=cast.a_key("strange"),
            )

    assert not BankResolution.objects.exists()


def test_what_was_matched_needs_no_word(scene, batch):
    line = stage.read(
        scene, a_csv(bank.OWN, [(f"{batch.code}-00001", "-600.00", "R1")])
    ).lines.get()

    with pytest.raises(actions.EntryNotOdd):
        bank.resolve(scene, line, Kind.NOT_OURS)


def test_a_like_payment_is_suggested_and_nothing_more(scene, batch):
    account = payment().bank_detail.number
    head = b"account,booking date,amount,currency,counterparty account\n"
    rows = f"{bank.OWN},2025-07-02,-600.00,CNY,{account}".encode()
    line = stage.read(scene, head + rows).lines.get()
    authority = scene.authority.organisation.pk

    assert oddities.suggestions_for(line, [authority]) == [payment()]
    assert payment().status == Payment.Status.SENT
    line.amount = 599_99
    assert oddities.suggestions_for(line, [authority]) == []
    line.amount, line.booked_on = 600_00, stage.LATER.date() + timedelta(days=30)
    assert oddities.suggestions_for(line, [authority]) == []
    assert oddities.suggestions_for(bank.odd_line(scene), [authority]) == []


def test_each_entry_has_a_clock(scene, batch):
    line = bank.odd_line(scene)

    clock = oddities.clock_of(line, stage.LATER + timedelta(days=6))

    assert (clock.age_days, clock.is_late) == (6, True)
    assert clock.due_at == stage.LATER + timedelta(days=5)
    assert not oddities.clock_of(line, stage.LATER + timedelta(days=5)).is_late
