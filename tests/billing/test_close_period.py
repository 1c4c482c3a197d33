"""A month is closed once all in it is decided; from then on nothing more is billed for it."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from billing import actions
from billing.models import Bill, ClosedPeriod, PeriodProposal, UsageLine
from billing.queries.periods import billing_period_rows, periods_of
from common.errors import Refused
from ledger.actions import PeriodLocked
from ledger.models import Act
from ledger.queries import acts_about, balances_as_of, periods_closed, statement
from parties.queries import NotAllowed, SamePerson
from tests import cast
from tests.billing import stage
from tests.billing.closing import AUGUST, close, closed, propose
from tests.ledger.book import at_once

JUNE_29 = datetime(2025, 6, 29, 9, tzinfo=UTC)


@pytest.fixture
def scene(db):
    return cast.make_scene(cast.M3)


@pytest.fixture
def order(scene):
    return cast.a_hold(scene.voucher, scene.applicant, scene.seller, hours="100")


def billed(scene, order, key="job-1"):
    stage.use(scene.seller, order, hours=10, key=key)
    return stage.bill(scene)


def test_a_month_whose_bills_are_decided_is_closed_for_good(scene, order):
    stage.settle(billed(scene, order))

    month = closed(scene)

    assert (month.period_from, month.period_until) == (stage.JUNE, stage.JULY)
    assert month.proposed_by == scene.authority.finance[1]
    assert month.closed_by == scene.authority.finance[0]
    assert periods_closed(scene.scheme.programme.code) == [(stage.JUNE, stage.JULY)]
    assert acts_about(scene.scheme.programme.address).filter(kind="close_period").count() == 1


def test_nothing_more_is_billed_for_a_closed_month_and_nothing_moves(scene, order):
    stage.settle(billed(scene, order))
    closed(scene)
    stage.use(scene.seller, order, hours=1, key="late")
    before = Bill.objects.count()

    with pytest.raises(actions.PeriodClosed) as refusal:
        stage.bill(scene)

    assert refusal.value.values["month"] == "2025-06"
    assert "Bill from the next month on" in str(refusal.value)
    assert Bill.objects.count() == before
    assert UsageLine.objects.count() == 2
    stage.assert_in_step()


def test_another_month_and_another_programme_stay_open(scene, order):
    stage.settle(billed(scene, order))
    closed(scene, month=date(2025, 5, 1))

    stage.use(scene.seller, order, hours=1, key="late")

    assert stage.bill(scene).lines.count() == 1


def test_a_month_that_runs_is_not_closed(scene, order):
    for step in (propose, close):
        with pytest.raises(actions.PeriodNotOver):
            step(scene, at=datetime(2025, 6, 30, 15, 59, 59, tzinfo=UTC))

    assert not ClosedPeriod.objects.exists()


def test_what_is_undecided_is_named(scene, order):
    bill = billed(scene, order)

    with pytest.raises(actions.PeriodUndecided) as refusal:
        propose(scene)

    assert refusal.value.values["bills"] == bill.number
    assert not PeriodProposal.objects.exists()


def test_a_bill_that_comes_after_the_proposal_keeps_the_month_open(scene, order):
    propose(scene)
    billed(scene, order)

    with pytest.raises(actions.PeriodUndecided):
        close(scene)

    assert not ClosedPeriod.objects.exists()
    assert periods_closed(scene.scheme.programme.code) == []
    stage.assert_in_step()


def test_a_withheld_line_is_kept_as_accrued_and_its_late_verdict_as_a_correction(scene, order):
    stage.use(scene.seller, order, hours=10)
    # Twice what the meter knows is billed: half of it waits for a person.
    bill = stage.bill(scene, stage.a_line(hours=20, rate="25", amount=50000), at=JUNE_29)
    stage.settle(bill, at=JUNE_29)
    line = bill.lines.get()
    before = (stage.verdicts(bill), stage.payable(scene))

    waiting = [one.undecided for one in periods_of(scene.scheme.programme)]
    month = closed(scene)
    verdict = actions.decide_line(
        line=line,
        accept=True,
        note="The meter was down",
        actor=scene.authority.finance[0],
        at=AUGUST,
        key="late",
    )

    assert before == ([("REDUCED", 25000, 25000, 15000, "billed_above_meter")], 15000)
    assert waiting == [1]
    assert accruals(month) == {("BILLED", 25000), ("SETTLED", 15000)}
    assert (verdict.covered, stage.payable(scene)) == (30000, 30000)
    (late,) = month.corrections.all()
    assert (late.amount, late.at, late.act_id) == (15000, AUGUST, verdict.act_id)
    assert Act.objects.get(pk=late.act_id).at >= month.period_until
    stage.assert_in_step()


def test_what_is_declined_later_is_a_correction_of_nothing(scene, order):
    stage.use(scene.seller, order, hours=10)
    bill = stage.bill(scene, stage.a_line(hours=20, rate="25", amount=50000))
    stage.settle(bill)
    month = closed(scene)

    actions.decide_line(
        line=bill.lines.get(),
        accept=False,
        note="Nobody used it",
        actor=scene.authority.finance[0],
        at=AUGUST,
        key="late",
    )

    assert [one.amount for one in month.corrections.all()] == [0]


def test_a_settlement_undone_later_is_a_correction_of_the_bills_month(scene, order):
    stage.settle(billed(scene, order))
    month = closed(scene)
    address = scene.scheme.programme.account("provider_payable", scene.seller.organisation.code)
    transfer = statement(address)[0].transfer_id

    for _turn in range(2):
        actions.correct_transfer(
            transfer_id=transfer,
            reason="Billed to the wrong order",
            actor=scene.authority.finance[0],
            at=AUGUST,
            key="correct",
        )

    assert [one.amount for one in month.corrections.all()] == [-15000]
    assert stage.payable(scene) == 0
    stage.assert_in_step()


def test_a_payment_that_comes_back_later_corrects_the_month_it_was_sent_in(scene, order):
    stage.an_own_account(scene.authority)
    stage.settle(billed(scene, order))
    _batch, file = stage.sent(scene)
    month = closed(scene, month=date(2025, 7, 1))
    paid = stage.answer(file)

    actions.read_statement(
        name="paid.xml", data=paid, actor=scene.authority.finance[0], at=AUGUST, key="paid"
    )
    assert accruals(month) == {("SETTLED", 15000)}
    actions.read_statement(
        name="back.xml",
        data=stage.answer(file, "ST-2", returned={f"{_batch.code}-00001": "AC04"}),
        actor=scene.authority.finance[0],
        at=AUGUST,
        key="back",
    )

    assert [one.amount for one in month.corrections.all()] == [-15000]
    stage.assert_in_step()


def test_the_accruals_are_the_ledgers_and_the_usages_to_the_unit(scene, order):
    programme = scene.scheme.programme
    stage.an_own_account(scene.authority)
    for key, at in (("a", JUNE_29), ("b", JUNE_29), ("c", AUGUST)):
        stage.use(scene.seller, order, hours=10, key=key)
        if key != "c":
            stage.settle(stage.bill(scene, invoice=key, at=at), at=at)
    month = closed(scene)

    assert accruals(month) == {("METERED", 25000), ("SETTLED", 30000)}
    end = month.period_until - timedelta(microseconds=1)
    owed = balances_as_of(
        [programme.account("provider_payable", ""), programme.account("clearing", "")], end
    )
    assert sum(one.net for one in owed.values()) == 30000
    unbilled = UsageLine.objects.filter(key="c").get()
    assert unbilled.amount == 25000


def accruals(month):
    return {(one.stage, one.amount) for one in month.accruals.all()}


def test_only_finance_of_the_programme_closes(scene, order):
    stage.settle(billed(scene, order))

    propose(scene)

    for person in (scene.seller.person, scene.applicant.person, scene.authority.officer):
        for step in (propose, close):
            with pytest.raises(NotAllowed):
                step(scene, actor=person)

    assert not ClosedPeriod.objects.exists()


def test_nobody_closes_what_nobody_or_they_themselves_proposed(scene, order):
    with pytest.raises(actions.PeriodNotProposed):
        close(scene)
    propose(scene, actor=scene.authority.finance[0])

    with pytest.raises(SamePerson) as refusal:
        close(scene)

    assert "another person" in str(refusal.value)
    assert not ClosedPeriod.objects.exists()
    assert periods_closed(scene.scheme.programme.code) == []


def test_the_database_refuses_one_person_as_both(scene, order):
    month = closed(scene)

    with pytest.raises(IntegrityError, match="names one person"), transaction.atomic():
        ClosedPeriod.objects.create(
            programme=month.programme,
            period_from=stage.JULY,
            period_until=stage.JULY + timedelta(days=31),
            proposed_by=month.closed_by,
            closed_by=month.closed_by,
            closed_at=AUGUST,
            act_id=month.act_id,
        )


def test_the_ledger_refuses_whatever_is_dated_in_a_closed_month(scene, order):
    closed(scene)
    before = stage.nets(scene.scheme.programme)

    with pytest.raises(PeriodLocked) as refusal:
        cast.a_hold(
            scene.voucher,
            scene.applicant,
            scene.seller,
            hours="1",
            provider_reference="late",
            at=JUNE_29,
        )

    assert "Date it in an open month" in str(refusal.value)
    assert stage.nets(scene.scheme.programme) == before
    stage.assert_in_step()


def test_asked_twice_a_month_is_closed_once(scene, order):
    stage.settle(billed(scene, order))

    asked = [propose(scene, key=key) for key in ("ask", "ask", "again")]
    first = close(scene, key="once")

    assert len({one.pk for one in asked}) == 1
    assert close(scene, key="once") == first
    assert close(scene, key="again", actor=scene.authority.finance[1]) == first
    assert ClosedPeriod.objects.count() == 1


def test_what_was_closed_stays(scene, order):
    stage.settle(billed(scene, order))
    closed(scene)

    with (
        connection.cursor() as cursor,
        pytest.raises(ProgrammingError, match="permission denied"),
    ):
        cursor.execute("delete from billing_closedperiod")


def test_a_period_in_focus_is_open_until_it_is_closed(scene, order):
    bill = billed(scene, order)
    stage.settle(bill)
    bill.refresh_from_db()

    (before,) = billing_period_rows(scene.scheme.programme)
    closed(scene)
    (after,) = billing_period_rows(scene.scheme.programme)

    assert before == {
        "BillingPeriodCreated": f"{bill.sent_at:%Y-%m-%dT%H:%M:%SZ}",
        "BillingPeriodLastUpdated": f"{bill.settled_at:%Y-%m-%dT%H:%M:%SZ}",
        "BillingPeriodStart": "2025-05-31T16:00:00Z",
        "BillingPeriodEnd": "2025-06-30T16:00:00Z",
        "BillingPeriodStatus": "Open",
        "InvoiceIssuerName": scene.seller.organisation.name,
    }
    assert after == {
        **before,
        "BillingPeriodStatus": "Closed",
        "BillingPeriodLastUpdated": "2025-08-02T00:00:00Z",
    }


@pytest.mark.slow
def test_a_bill_and_the_closing_of_its_month_at_once_are_one_after_the_other(committed_db):
    scene = cast.make_scene(cast.M3)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller, hours="100")
    stage.use(scene.seller, order, hours=10)
    propose(scene)

    def one(number):
        try:
            return close(scene) if number % 2 else stage.bill(scene)
        except Refused as refusal:
            return refusal

    found = at_once(6, one)

    bills = [each for each in found if isinstance(each, Bill)]
    shut = [each for each in found if isinstance(each, ClosedPeriod)]
    # Either the bill came first, and the month waits for it, or no bill came.
    assert bool(bills) is not bool(shut), found
    assert Bill.objects.count() == len(bills) <= 1
