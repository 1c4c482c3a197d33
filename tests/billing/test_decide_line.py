"""What is withheld waits for a person, who is not the one who had a hand in it."""

import pytest

from billing import actions
from billing.models import Settlement, Verdict
from billing.queries import lines_withheld
from billing.reasons import sentence
from parties.queries import NotAllowed, SamePerson
from safeguards.models import Alert
from tests import cast
from tests.billing import stage

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    return cast.make_scene(cast.M3)


@pytest.fixture
def order(scene):
    return cast.a_hold(scene.voucher, scene.applicant, scene.seller)


@pytest.fixture
def reduced(scene, order):
    """8 hours metered, 10 billed: 50.00 of 250.00 withheld."""
    stage.use(scene.seller, order, hours=8)
    bill = stage.bill(scene, stage.a_line(hours=10))
    stage.settle(bill)
    return bill


def decide(scene, bill, *, accept=True, row=1, key="look", actor=None, note="Looked at it"):
    return actions.decide_line(
        line=bill.lines.get(row=row),
        accept=accept,
        note=note,
        actor=actor or scene.authority.finance[0],
        at=stage.LATER,
        key=key,
    )


def test_accepting_pays_the_withheld_part_from_the_hold(scene, order, reduced):
    assert stage.payable(scene) == 120_00

    decide(scene, reduced)

    assert stage.verdicts(reduced) == [("ACCEPTED", 250_00, 0, 150_00, "accepted_after_look")]
    assert stage.payable(scene) == 150_00
    assert stage.held(order) == 1_350_00
    assert sum(Settlement.objects.values_list("covered", flat=True)) == 150_00
    assert not lines_withheld(scene.authority.finance[0]).exists()
    stage.assert_in_step()


def test_declining_pays_nothing_and_ends_the_wait(scene, order, reduced):
    assert lines_withheld(scene.authority.finance[0]).get() == reduced.lines.get()

    decide(scene, reduced, accept=False)

    assert stage.verdicts(reduced) == [("DECLINED", 200_00, 50_00, 120_00, "not_accepted")]
    assert stage.payable(scene) == 120_00
    assert not lines_withheld(scene.authority.finance[0]).exists()
    with pytest.raises(actions.LineNotWithheld):
        decide(scene, reduced, key="again")


def test_asked_twice_it_is_decided_once(scene, order, reduced):
    assert decide(scene, reduced) == decide(scene, reduced)
    assert stage.payable(scene) == 150_00


def test_a_line_without_a_meter_can_not_be_accepted(scene, order):
    stage.use(scene.seller, order, hours=8)
    bill = stage.bill(scene, stage.a_line("ghost", hours=1, rate="25"))
    stage.settle(bill)

    with pytest.raises(actions.UsageMissing):
        decide(scene, bill)

    assert stage.payable(scene) == 0
    assert Verdict.objects.count() == 1


def test_a_repeated_line_can_not_be_accepted(scene, order):
    stage.use(scene.seller, order, hours=8)
    bill = stage.bill(scene, stage.a_line(), stage.a_line())
    stage.settle(bill)

    with pytest.raises(actions.LineAcceptedBefore):
        decide(scene, bill, row=2)

    assert stage.payable(scene) == 120_00


def test_an_invoice_number_used_twice_by_mistake_can_be_accepted(scene, order):
    stage.use(scene.seller, order, hours=8)
    stage.settle(stage.bill(scene))
    stage.use(scene.seller, order, hours=2, key="job-2")
    bill = stage.bill(scene)
    stage.settle(bill)

    decide(scene, bill)

    assert stage.verdicts(bill) == [("ACCEPTED", 50_00, 0, 30_00, "accepted_after_look")]
    assert stage.payable(scene) == 150_00


def test_an_objection_can_be_overruled(scene, order):
    stage.use(scene.seller, order, hours=8)
    bill = stage.bill(scene)
    objection = actions.object_to_line(
        line=bill.lines.get(),
        note="Not ours",
        actor=scene.applicant.person,
        at=stage.LATER,
        key="object",
    )
    assert objection.text == "Not ours"
    assert stage.verdicts(bill) == []
    with pytest.raises(actions.BillNotSettled):
        decide(scene, bill)
    stage.settle(bill)

    decide(scene, bill)

    assert stage.payable(scene) == 120_00


def test_what_an_objected_line_bills_above_the_meter_stays_withheld(scene, order):
    stage.use(scene.seller, order, hours=8)
    bill = stage.bill(scene, stage.a_line(hours=100, amount=9_999_00))
    actions.object_to_line(
        line=bill.lines.get(),
        note="Far too many",
        actor=scene.applicant.person,
        at=stage.LATER,
        key="object",
    )
    stage.settle(bill)
    assert stage.verdicts(bill) == [("WITHHELD", 0, 9_999_00, 0, "objected")]
    alert = Alert.objects.get()
    assert (alert.rule.code, alert.value) == ("billed_above_meter", 9_799_00)

    overruled = decide(scene, bill)

    assert stage.verdicts(bill) == [("REDUCED", 200_00, 9_799_00, 120_00, "billed_above_meter")]
    assert sentence(overruled.reason, overruled.reason_values).startswith("Billed: 100")
    assert stage.payable(scene) == 120_00
    assert Alert.objects.get() == alert
    # What is left waits for a decision of its own.
    decide(scene, bill, accept=False, key="second look")
    assert stage.verdicts(bill) == [("DECLINED", 200_00, 9_799_00, 120_00, "not_accepted")]
    assert stage.payable(scene) == 120_00
    stage.assert_in_step()


def test_an_objected_line_above_the_orders_price_is_accepted_at_it(scene, order):
    stage.use(scene.seller, order, hours=8)
    bill = stage.bill(scene, stage.a_line(rate="100"))
    actions.object_to_line(
        line=bill.lines.get(),
        note="Too dear",
        actor=scene.applicant.person,
        at=stage.LATER,
        key="object",
    )
    stage.settle(bill)

    decide(scene, bill)

    assert stage.verdicts(bill) == [
        ("REDUCED", 200_00, 600_00, 120_00, "price_above_catalogue")
    ]


def test_an_objection_comes_before_settlement_from_the_holder_with_words(scene, order):
    stage.use(scene.seller, order, hours=8)
    bill = stage.bill(scene)
    asked = {"line": bill.lines.get(), "at": stage.LATER, "key": "object"}

    with pytest.raises(NotAllowed):
        actions.object_to_line(**asked, note="No", actor=scene.seller.person)
    with pytest.raises(actions.NoteMissing):
        actions.object_to_line(**asked, note=" ", actor=scene.applicant.person)
    stage.settle(bill)
    with pytest.raises(actions.BillSettled):
        actions.object_to_line(**asked, note="No", actor=scene.applicant.person)

    assert stage.verdicts(bill) == [("ACCEPTED", 200_00, 0, 120_00, "")]


def test_a_decision_needs_words_and_another_person(scene, order, reduced):
    with pytest.raises(actions.NoteMissing):
        decide(scene, reduced, note="")
    with pytest.raises(SamePerson):
        decide(scene, reduced, actor=scene.authority.officer)
    with pytest.raises(NotAllowed):
        decide(scene, reduced, actor=scene.authority.investigator)

    assert stage.payable(scene) == 120_00
