"""A disputed line is written about with evidence, until it is withdrawn or decided."""

import hashlib

import pytest

from billing import actions, queries
from billing.models import Bill, Objection, ObjectionFile, ObjectionReply
from common.files import checked_file
from parties.queries import NotAllowed
from tests import cast
from tests.billing import stage
from tests.billing.test_confirm_lines import a_bill_of, confirm, due, object_to, said

pytestmark = pytest.mark.django_db

LOG = b"job-1 ran on node 7\n"


@pytest.fixture
def scene():
    return cast.make_scene(cast.M3)


@pytest.fixture
def order(scene):
    return cast.a_hold(scene.voucher, scene.applicant, scene.seller)


@pytest.fixture
def bill(scene, order):
    """Three lines of 100.00, the first of them disputed."""
    bill = a_bill_of(scene, order)
    object_to(scene, bill, 1)
    return bill


def reply(bill, actor, *, row=1, key="reply", text="See the log", files=()):
    return actions.reply_to_objection(
        line=bill.lines.get(row=row),
        text=text,
        files=files,
        actor=actor,
        at=stage.LATER,
        key=key,
    )


def withdraw(scene, bill, *, key="withdraw", actor=None):
    return actions.withdraw_objection(
        line=bill.lines.get(row=1),
        actor=actor or scene.applicant.person,
        at=stage.LATER,
        key=key,
    )


def test_all_three_sides_write_and_evidence_is_kept_as_it_came(scene, bill):
    evidence = checked_file("log.txt", LOG)

    reply(bill, scene.seller.person, files=[evidence, evidence])
    reply(bill, scene.applicant.person, key="again", text="That node is another's")
    reply(bill, scene.authority.finance[0], key="officer", text="Whose key is it?")

    (objection,) = queries.objections_of(bill.lines.get(row=1))
    assert [(one.side, one.text) for one in objection.replies.order_by("pk")] == [
        ("PROVIDER", "See the log"),
        ("HOLDER", "That node is another's"),
        ("AUTHORITY", "Whose key is it?"),
    ]
    kept = ObjectionFile.objects.get()
    assert (bytes(kept.content), kept.size, kept.media_type) == (LOG, 20, "text/plain")
    assert kept.sha256 == hashlib.sha256(LOG).hexdigest()
    assert Objection.objects.count() == 1


def test_nobody_else_writes_and_nothing_without_words_or_an_objection(scene, bill):
    with pytest.raises(NotAllowed):
        reply(bill, cast.an_sme("Other Model Ltd").person)
    with pytest.raises(actions.NoteMissing):
        reply(bill, scene.seller.person, text=" ")
    with pytest.raises(actions.ObjectionOver, match="line 2 of bill"):
        reply(bill, scene.seller.person, row=2)

    assert not ObjectionReply.objects.exists()


def test_asked_twice_a_reply_and_a_withdrawal_are_one(scene, bill):
    evidence = [checked_file("log.txt", LOG)]
    first = reply(bill, scene.seller.person, files=evidence)

    assert reply(bill, scene.seller.person, files=evidence) == first
    assert withdraw(scene, bill) == withdraw(scene, bill)
    assert ObjectionFile.objects.count() == 1


def test_writing_goes_on_while_the_line_is_withheld_and_ends_with_the_verdict(
    scene, order, bill
):
    stage.settle(bill)
    assert stage.held(order) == 1_380_00
    reply(bill, scene.seller.person)

    actions.decide_line(
        line=bill.lines.get(row=1),
        accept=True,
        note="The log shows it",
        actor=scene.authority.finance[0],
        at=stage.LATER,
        key="decide",
    )

    assert stage.held(order) == 1_320_00
    assert stage.payable(scene) == 180_00
    with pytest.raises(actions.ObjectionOver):
        reply(bill, scene.applicant.person, key="late")
    stage.assert_in_step()


def test_a_withdrawn_objection_withholds_nothing(scene, bill):
    confirm(scene, bill)
    assert due(bill)

    withdraw(scene, bill)

    assert said(scene, bill) == ["-", "C", "C"]
    assert not due(bill)
    stage.settle(bill)
    assert stage.verdicts(bill) == [("ACCEPTED", 100_00, 0, 60_00, "")] * 3
    with pytest.raises(actions.BillSettled):
        withdraw(scene, bill, key="late")


def test_after_withdrawing_a_line_is_confirmed_or_disputed_again(scene, bill):
    withdraw(scene, bill)
    object_to(scene, bill, 1, key="second")
    stage.settle(bill)

    assert stage.verdicts(bill)[0] == ("WITHHELD", 0, 100_00, 0, "objected")


def test_only_the_holder_withdraws_and_only_once(scene, bill):
    for stranger in (scene.seller.person, scene.authority.finance[0]):
        with pytest.raises(NotAllowed):
            withdraw(scene, bill, actor=stranger)
    withdraw(scene, bill)
    with pytest.raises(actions.ObjectionOver):
        withdraw(scene, bill, key="again")

    assert Bill.objects.get().agreed_at is None


def test_a_withdrawal_does_not_let_another_bill_be_refused(scene, order, bill):
    withdraw(scene, bill)
    other = stage.bill(scene, stage.a_line("job-1"), invoice="INV-2")

    stage.settle(bill)
    stage.settle(other)

    assert stage.verdicts(bill)[0][0] == "ACCEPTED"
    assert stage.verdicts(other) == [("WITHHELD", 0, 100_00, 0, "line_billed_before")]
    assert stage.payable(scene) == 180_00
