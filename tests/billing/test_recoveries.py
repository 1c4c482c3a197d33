"""What was paid and not owed is taken back: the debtor is heard, two people decide, sums stay."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from billing import actions
from billing.models import Collection, CollectionProposal, Payment, Recovery, Settlement
from billing.queries.recoveries import set_off_before
from ledger.queries import transfers_of
from parties.queries import NotAllowed, SamePerson
from tests import cast
from tests.billing import closing, stage
from tests.billing.recovering import (
    DECIDED,
    LATER,
    OPENED,
    a_scene,
    decided,
    offset,
    opened,
    paid,
    proposed,
    recorded,
    replied,
    settled,
    upheld,
)

pytestmark = pytest.mark.django_db

REPAYMENT, WRITE_OFF = CollectionProposal.Kind.REPAYMENT, CollectionProposal.Kind.WRITE_OFF


@pytest.fixture
def scene():
    return a_scene()


@pytest.fixture
def line(scene):
    return paid(scene)[1]


def nets(scene):
    """Return what stands in the accounts that a recovery moves."""
    seller, found = scene.seller.organisation.code, stage.nets(scene.scheme.programme)
    names = {
        "payable": f"provider_payable:{seller}",
        "paid": f"paid:{seller}",
        "owed": f"receivable:{seller}",
        "recovered": "recovered",
        "voucher": f"voucher:{scene.voucher.code}",
        "available": "available",
    }
    return {name: found.get(address, 0) for name, address in names.items()}


def changes(scene, before):
    return {
        name: net - before[name] for name, net in nets(scene).items() if net != before[name]
    }


def test_opening_a_case_moves_nothing_and_says_until_when_the_debtor_may_reply(scene, line):
    before = nets(scene)

    case = opened(scene, line)

    assert changes(scene, before) == {}
    assert (case.status, case.amount, case.left) == ("OPEN", 200_00, 0)
    assert case.debtor == scene.seller.organisation
    assert (case.voucher, case.returns_to) == (scene.voucher, "VOUCHER")
    assert case.reply_until == date(2025, 8, 16)


def test_what_is_upheld_is_owed_and_returns_to_nobody_yet(scene, line):
    case = opened(scene, line)
    before = nets(scene)

    case = decided(scene, case, amount=150_00)

    assert (case.status, case.upheld_amount, case.left) == ("UPHELD", 150_00, 150_00)
    assert case.due_on == date(2025, 9, 20)
    assert changes(scene, before) == {"owed": -150_00, "recovered": 150_00}
    stage.assert_in_step()


def test_a_dropped_case_moves_nothing(scene, line):
    case, before = opened(scene, line), nets(scene)

    case = decided(scene, case, amount=0)

    assert (case.status, changes(scene, before)) == ("DROPPED", {})
    with pytest.raises(actions.RecoveryDecided):
        decided(scene, case)


def test_nobody_decides_before_the_debtor_was_heard(scene, line):
    case = opened(scene, line)
    with pytest.raises(actions.ReplyAwaited) as refusal:
        decided(scene, case, at=OPENED + timedelta(days=15))
    assert "16 August 2025" in str(refusal.value)

    replied(scene, case)

    assert decided(scene, case, at=OPENED + timedelta(days=1)).status == "UPHELD"


def test_a_reply_comes_from_the_debtor_in_time_and_before_the_decision(scene, line):
    case = opened(scene, line)

    with pytest.raises(NotAllowed):
        replied(scene, case, actor=scene.applicant.person)
    with pytest.raises(actions.ReplyTooLate):
        replied(scene, case, at=DECIDED)
    first = replied(scene, case, key="reply")
    assert replied(scene, case, key="reply") == first
    decided(scene, case)
    with pytest.raises(actions.RecoveryDecided):
        replied(scene, case)

    assert case.replies.count() == 1


def test_one_person_does_not_open_and_decide(scene, line):
    case = opened(scene, line)

    with pytest.raises(SamePerson):
        decided(scene, case, actor=scene.authority.finance[0])
    with pytest.raises(IntegrityError, match="names one person"), transaction.atomic():
        Recovery.objects.filter(pk=case.pk).update(
            decided_by=scene.authority.finance[0], status="DROPPED"
        )

    case.refresh_from_db()
    assert case.status == "OPEN"


def test_no_more_than_was_paid_is_taken_back_by_all_cases_together(scene, line):
    opened(scene, line, amount=500_00)

    with pytest.raises(actions.RecoveryTooMuch) as refusal:
        opened(scene, line, amount=100_01)
    assert "¥100.00" in str(refusal.value)
    with pytest.raises(actions.RecoveryTooMuch):
        opened(scene, line, amount=0)

    assert opened(scene, line, amount=100_00).amount == 100_00


def test_what_a_case_did_not_uphold_can_be_asked_for_again(scene, line):
    decided(scene, opened(scene, line, amount=600_00), amount=100_00)

    assert opened(scene, line, amount=500_00).amount == 500_00


def test_a_payment_is_an_origin_too_once_the_bank_has_confirmed_it(scene, line):
    payment = Payment.objects.get()

    case = opened(scene, payment, amount=600_00)

    assert (case.voucher, case.debtor) == (None, scene.seller.organisation)
    Payment.objects.update(status="SENT")
    with pytest.raises(actions.OriginNotPaid):
        opened(scene, Payment.objects.get(), amount=1)


def test_a_law_that_says_nothing_lets_nothing_be_recovered():
    scene = cast.make_scene(cast.M3)
    stage.an_own_account(scene.authority)
    line = paid(scene)[1]

    with pytest.raises(actions.RecoveryNotInLaw, match="no section"):
        opened(scene, line)

    assert not Recovery.objects.exists()


def test_officers_and_finance_of_the_programme_alone_open_and_decide(scene, line):
    stranger = cast.make_authority("Other Bureau").finance[0]

    for person in (stranger, scene.seller.person, scene.applicant.person):
        with pytest.raises(NotAllowed):
            opened(scene, line, actor=person)
    case = opened(scene, line)
    for person in (stranger, scene.seller.person):
        with pytest.raises(NotAllowed):
            decided(scene, case, actor=person)

    assert decided(scene, case, actor=scene.authority.officer).status == "UPHELD"


# --- getting it back ------------------------------------------------------------------------


def test_what_is_owed_is_set_off_against_what_is_due_and_returns_to_the_voucher(scene):
    order, line = paid(scene)
    case = upheld(scene, line)
    settled(scene, order, hours=10, key="job-2")
    before = nets(scene)

    first = offset(scene, case, key="offset")

    assert (first.amount, offset(scene, case, key="offset").pk) == (150_00, first.pk)
    assert changes(scene, before) == {
        "payable": -150_00,
        "owed": 150_00,
        "recovered": -150_00,
        "voucher": 150_00,
    }
    case.refresh_from_db()
    assert (case.status, case.left) == ("UPHELD", 50_00)
    with pytest.raises(actions.NothingToSetOff):
        offset(scene, case)
    stage.assert_in_step()


def test_what_waits_in_a_batch_is_not_set_off(scene):
    order, line = paid(scene)
    case = upheld(scene, line)
    settled(scene, order, hours=10, key="job-2")
    batch = stage.prepare(scene)

    with pytest.raises(actions.NothingToSetOff):
        offset(scene, case)

    stage.release(scene, stage.approve(scene, batch))
    stage.assert_in_step()


def test_the_next_batch_pays_less_where_the_law_sets_off_by_itself():
    scene = a_scene(offset="true", home="BUDGET")
    order, line = paid(scene)
    case = upheld(scene, line)
    settled(scene, order, hours=30, key="job-2")
    before = nets(scene)

    batch = stage.prepare(scene, key="batch")

    assert (batch.total, batch.payments.get().amount) == (250_00, 250_00)
    assert changes(scene, before) == {
        "payable": -200_00,
        "owed": 200_00,
        "recovered": -200_00,
        "available": 200_00,
    }
    case.refresh_from_db()
    assert (case.status, case.left) == ("CLOSED", 0)
    assert stage.prepare(scene, key="batch") == batch
    ((taken, amount),) = set_off_before(batch)
    assert (taken.kind, taken.amount, taken.recorded_by) == ("OFFSET", 200_00, None)
    assert amount == 200_00
    stage.assert_in_step()


def test_what_is_paid_back_takes_two_people_and_too_much_is_due_again(scene, line):
    case = upheld(scene, line)
    before = nets(scene)
    proposal = proposed(scene, case, REPAYMENT, 230_00)
    assert changes(scene, before) == {}
    with pytest.raises(SamePerson):
        recorded(scene, proposal, actor=scene.authority.finance[0])

    first = recorded(scene, proposal, key="record")

    assert recorded(scene, proposal, key="record") == first
    assert (first.amount, first.refund_amount) == (200_00, 30_00)
    assert changes(scene, before) == {
        "paid": -230_00,
        "payable": 30_00,
        "owed": 200_00,
        "recovered": -200_00,
        "voucher": 200_00,
    }
    with pytest.raises(actions.CollectionRecorded):
        recorded(scene, proposal)
    case.refresh_from_db()
    assert case.status == "CLOSED"
    stage.assert_in_step()


def test_what_was_paid_back_once_is_not_due_again_by_a_second_record(scene, line):
    case = upheld(scene, line)
    first, second = (proposed(scene, case, REPAYMENT, 200_00) for _ in range(2))
    recorded(scene, first)
    before = nets(scene)

    with pytest.raises(actions.NothingOwed):
        recorded(scene, second)

    assert changes(scene, before) == {}


def test_a_line_and_its_payment_are_one_money(scene, line):
    upheld(scene, line, amount=600_00)

    with pytest.raises(actions.RecoveryTooMuch, match="can be recovered"):
        opened(scene, Payment.objects.get(), amount=1)

    assert Recovery.objects.count() == 1


def test_what_a_case_takes_back_is_not_undone_too(scene):
    order, line = paid(scene)
    settled(scene, order, hours=40, key="job-2")
    upheld(scene, line)
    before = nets(scene)
    settlement = Settlement.objects.get(bill=line.bill)

    with pytest.raises(actions.RecoveryStands):
        actions.correct_transfer(
            transfer_id=transfers_of(settlement.act_id).get().id,
            reason="again",
            actor=scene.authority.finance[0],
            at=LATER,
            key="correct",
        )

    assert changes(scene, before) == {}


def test_value_returns_to_the_budget_once_its_voucher_has_ended(scene, line):
    case = upheld(scene, line)
    before = nets(scene)
    last = scene.voucher.valid_until_on
    proposal = proposed(scene, case, REPAYMENT, 200_00)

    recorded(scene, proposal, at=LATER.replace(year=last.year + 1))

    assert changes(scene, before) == {
        "paid": -200_00,
        "owed": 200_00,
        "recovered": -200_00,
        "available": 200_00,
    }


def test_what_is_given_up_returns_to_nobody(scene, line):
    case = upheld(scene, line)
    before = nets(scene)
    with pytest.raises(actions.WriteOffTooMuch, match="200"):
        proposed(scene, case, WRITE_OFF, 200_01)

    recorded(scene, proposed(scene, case, WRITE_OFF, 200_00))

    assert changes(scene, before) == {"owed": 200_00, "recovered": -200_00}
    case.refresh_from_db()
    assert (case.status, case.written_off_amount, case.left) == ("CLOSED", 200_00, 0)
    with pytest.raises(actions.NothingOwed):
        proposed(scene, case, WRITE_OFF, 1)
    stage.assert_in_step()


def test_more_is_not_given_up_than_is_still_owed_when_it_is_confirmed(scene, line):
    case = upheld(scene, line)
    waiting = proposed(scene, case, WRITE_OFF, 200_00)
    recorded(scene, proposed(scene, case, REPAYMENT, 50_00))
    before = nets(scene)

    with pytest.raises(actions.WriteOffTooMuch):
        recorded(scene, waiting)

    assert changes(scene, before) == {}


def test_finance_alone_gets_back_and_gives_up(scene, line):
    case = upheld(scene, line)
    proposal = proposed(scene, case, REPAYMENT, 1_00)

    for person in (scene.authority.officer, scene.seller.person):
        with pytest.raises(NotAllowed):
            proposed(scene, case, WRITE_OFF, 1_00, actor=person)
        with pytest.raises(NotAllowed):
            recorded(scene, proposal, actor=person)

    assert not Collection.objects.exists()


def test_a_case_of_a_closed_month_is_a_correction_of_that_month(scene, line):
    month = closing.closed(scene)

    case = upheld(scene, line)

    assert [one.amount for one in month.corrections.all()] == [-200_00]
    assert month.corrections.get().at == case.decided_at
    stage.assert_in_step()
