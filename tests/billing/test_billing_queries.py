"""Each side sees its own bills, usage and payments; strangers see nothing."""

from datetime import timedelta

import pytest
from django.db import transaction

from billing import queries
from billing.models import Bill
from billing.tasks import settle_submitted_bills
from common.errors import NotFound
from ledger import actions as ledger
from ledger.kinds import ActKind
from parties import actions as parties
from parties.roles import Role
from tests import cast
from tests.billing import stage

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    scene = cast.make_scene(cast.M3)
    stage.an_own_account(scene.authority)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    stage.use(scene.seller, order, hours=8)
    return scene


def test_provider_holder_and_authority_see_a_bill(scene):
    bill = stage.bill(scene)
    other = cast.make_scene(cast.M5)

    for person in (
        scene.seller.person,
        scene.applicant.person,
        scene.authority.officer,
        scene.authority.regulator,
        other.authority.regulator,
    ):
        assert queries.bill_of(person, bill.number) == bill
        assert queries.usage_visible_to(person).count() == 1
    for person in (other.seller.person, other.applicant.person, other.authority.finance[0]):
        with pytest.raises(NotFound):
            queries.bill_of(person, bill.number)
        assert not queries.usage_visible_to(person).exists()


def test_a_holder_sees_the_lines_of_its_own_vouchers(scene):
    other = cast.an_sme("Other Model Ltd")
    voucher = cast.an_issued_voucher(scene.scheme, other)
    stage.use(scene.seller, cast.a_hold(voucher, other, scene.seller), hours=2, key="job-2")
    bill = stage.bill(scene)

    assert queries.lines_visible_to(scene.seller.person, bill).count() == 2
    (line,) = queries.lines_visible_to(other.person, bill)
    assert line.key == "job-2"
    assert queries.line_of(other.person, bill.number, line.row) == line
    stage.settle(bill)
    assert queries.lines_visible_to(other.person, bill).get().outcome == "ACCEPTED"


def test_a_role_in_one_programme_shows_that_programme_only(scene):
    bill = stage.bill(scene)
    person = cast.with_role(
        cast.a_person("Nina Narrow"), scene.authority.organisation, Role.OFFICER, "elsewhere"
    )

    with pytest.raises(NotFound):
        queries.bill_of(person, bill.number)


def test_batches_statements_and_payments_are_shown_to_whom_they_concern(scene):
    stage.settle(stage.bill(scene))
    batch, file = stage.sent(scene)
    statement = stage.read(scene, stage.answer(file))
    finance, stranger = scene.authority.investigator, cast.make_authority("Other").finance[0]

    assert queries.batch_of(finance, batch.code) == batch
    assert queries.statement_of(finance, statement.pk) == statement
    assert [one.amount for one in queries.payments_of(batch)] == [120_00]
    assert [one.amount for one in queries.payments_to(scene.seller.person)] == [120_00]
    with pytest.raises(NotFound):
        queries.batch_of(stranger, batch.code)
    with pytest.raises(NotFound):
        queries.statement_of(stranger, statement.pk)
    assert not queries.payments_to(scene.applicant.person).exists()


def test_the_sweep_settles_what_was_sent_and_goes_on_after_a_refusal(scene):
    first = stage.bill(scene)
    stage.use(scene.seller, scene.voucher.orders.get(), hours=1, key="job-2")
    second = stage.bill(scene, invoice="INV-2")
    with transaction.atomic():
        ledger.begin(
            kind=ActKind.SETTLE_BILL,
            key=f"settle:{first.number}",
            actor=ledger.SYSTEM,
            about="bill:another",
            at=stage.LATER,
            payload={},
        )

    settle_submitted_bills()

    assert list(queries.bills_to_settle()) == [first]
    second.refresh_from_db()
    assert second.status == "SETTLED"


def test_the_sweep_leaves_a_bill_alone_while_the_holder_may_object(scene):
    bill = stage.bill(scene)
    last = bill.sent_at + timedelta(days=7)  # of the programme's document

    assert not queries.is_due(bill, last - timedelta(seconds=1))
    assert queries.is_due(bill, last)


def test_a_programme_without_a_policy_does_not_stop_the_sweep(scene):
    first = stage.bill(scene)
    stage.use(scene.seller, scene.voucher.orders.get(), hours=1, key="job-2")
    second = stage.bill(scene, invoice="INV-2")
    # Sent before any policy was released: nothing says how long the holder may object.
    Bill.objects.filter(pk=first.pk).update(sent_at=cast.NOON - timedelta(days=4_000))

    settle_submitted_bills()

    assert list(queries.bills_to_settle()) == [first]
    second.refresh_from_db()
    assert second.status == "SETTLED"


def test_an_account_that_was_only_proposed_opens_no_statement(scene):
    stage.settle(stage.bill(scene))
    _batch, file = stage.sent(scene)
    statement = stage.read(scene, stage.answer(file))
    other = cast.make_authority("Other Bureau")
    parties.propose_bank_detail(
        organisation=other.organisation,
        scheme="OTHER",
        number=statement.account,
        agent="BKCHCNBJ",
        holder=other.organisation.name,
        actor=other.finance[0],
        at=stage.LATER,
        key="proposed",
    )
    scheme = cast.make_programme(other, cast.M5)

    assert scheme.programme in queries.programmes_overseen(other.finance[0])
    assert not queries.statements_visible_to(other.finance[0]).exists()
    assert queries.statements_visible_to(scene.authority.finance[0]).get() == statement
