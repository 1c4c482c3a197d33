"""A bill with lines of several holders: each sees its own lines' figures, and nobody else's."""

import csv
import io

import pytest
from django.urls import reverse

from billing import actions
from ledger.queries import transfers_of
from parties.roles import Role
from tests import cast
from tests.billing import stage
from tests.cast import M3, make_authority, with_role
from tests.doors.pages import words

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    return cast.make_scene(M3)


@pytest.fixture
def other():
    return cast.an_sme("Other Laboratory")


@pytest.fixture
def bill(scene, other):
    """100.00 of the scene's holder and 50.00 of another one; 60.00 and 30.00 are covered."""
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    voucher = cast.an_issued_voucher(scene.scheme, other)
    stage.use(scene.seller, order, hours=4, key="job-1")
    stage.use(scene.seller, cast.a_hold(voucher, other, scene.seller), hours=2, key="job-2")
    bill = stage.bill(scene)
    stage.settle(bill)
    return bill


def test_a_holder_sees_the_sum_of_its_own_lines_and_others_the_whole(
    browser, scene, other, bill
):
    seen = {
        other.person: ("¥50.00", "¥150.00"),
        scene.seller.person: ("¥150.00", "¥50.00"),
        scene.authority.finance[0]: ("¥150.00", "¥50.00"),
    }
    for person, (own, another) in seen.items():
        page = words(browser(person).get(reverse("bills")))
        assert own in page
        assert another not in page


def test_a_trace_tells_a_holder_its_own_part_of_the_bill(browser, scene, other, bill):
    def told(person):
        answer = browser(person).get(reverse("trace_csv", args=["bill", bill.number]))
        rows = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
        return [(row["amount"], row["how"]) for row in rows if row["step"] == "bill"]

    assert told(other.person) == [("50.00", "The sum of its lines that are yours to see.")]
    assert told(scene.seller.person) == [("150.00", "The sum of its lines.")]
    assert told(scene.authority.finance[0]) == [("150.00", "The sum of its lines.")]


def test_who_reads_another_programme_learns_nothing_of_other_holders(
    browser, scene, other, bill
):
    with_role(other.person, make_authority("Elsewhere").organisation, Role.OFFICER)
    page = words(browser(other.person).get(reverse("bill", args=[bill.number])))

    assert "Other Laboratory" in page
    assert scene.applicant.organisation.name not in page
    assert "¥100.00" not in page


def test_a_credit_note_is_of_the_holder_whose_value_came_back_alone(
    browser, scene, other, bill
):
    settlement = bill.settlements.get(voucher=scene.voucher)
    moved = transfers_of(settlement.act_id).get(hold_id=settlement.order.hold)
    actions.correct_transfer(
        transfer_id=moved.id,
        reason="Billed to the wrong order",
        actor=scene.authority.finance[0],
        at=stage.LATER,
        key="correct",
    )
    page, note = reverse("bill", args=[bill.number]), f"Credit note {bill.number}/2"
    address = reverse("bill_invoice", args=[bill.number, 2, "xml"])

    for person in (scene.applicant.person, scene.seller.person):
        assert note in words(browser(person).get(page))
        assert browser(person).get(address).status_code == 200
    shown = words(browser(other.person).get(page))
    assert "Credit note" not in shown
    assert f"Invoice {bill.number}" in shown
    assert browser(other.person).get(address).status_code == 404
