"""Holders say of each line that it is right, or wrong; silence means what the law says."""

from datetime import timedelta

import pytest

from billing import actions, queries
from billing.models import Bill, LineConfirmation, Objection
from billing.tasks import settle_submitted_bills
from common.errors import NotFound
from parties.queries import NotAllowed
from tests import cast
from tests.billing import stage

pytestmark = pytest.mark.django_db

DAYS = timedelta(days=7)  # of the programme's document
STRICT = cast.policy_text(cast.M3).replace(
    "\n[settlement]\n", '\n[settlement]\nsilence = "WITHHOLDS"\n'
)


def a_scene(text=""):
    authority = cast.make_authority()
    scheme = cast.make_programme(authority, text=text)
    seller, firm = cast.make_provider(authority), cast.an_sme()
    return cast.Scene(authority, seller, scheme, firm, cast.an_issued_voucher(scheme, firm))


@pytest.fixture
def scene():
    return a_scene()


@pytest.fixture
def order(scene):
    return cast.a_hold(scene.voucher, scene.applicant, scene.seller)


def a_bill_of(scene, order, jobs=3):
    """Return a bill with lines of 4 hours each: 100.00, of which 60.00 is the voucher's."""
    records = [stage.a_record(order.code, f"job-{n}", hours=4) for n in range(1, jobs + 1)]
    assert stage.record(scene.seller, *records).recorded == jobs
    return stage.bill(scene)


@pytest.fixture
def bill(scene, order):
    return a_bill_of(scene, order)


def confirm(scene, bill, rows=None, *, key="confirm", actor=None, at=stage.LATER):
    return actions.confirm_lines(
        bill=bill, rows=rows, actor=actor or scene.applicant.person, at=at, key=key
    )


def take_back(scene, bill, rows=None, *, key="back", at=stage.LATER):
    return actions.take_back_confirmation(
        bill=bill, rows=rows, actor=scene.applicant.person, at=at, key=key
    )


def object_to(scene, bill, row, *, key="object", actor=None, at=stage.LATER):
    return actions.object_to_line(
        line=bill.lines.get(row=row),
        note="Not ours",
        actor=actor or scene.applicant.person,
        at=at,
        key=key,
    )


def due(bill, at=stage.LATER):
    return queries.is_due(Bill.objects.get(pk=bill.pk), at)


def said(scene, bill):
    lines = queries.lines_to_confirm(scene.applicant.person, bill)
    return ["C" if one.confirmed else "D" if one.disputed else "-" for one in lines]


# --- saying it --------------------------------------------------------------------------------


def test_confirming_all_lets_the_bill_settle_at_once(scene, order, bill, monkeypatch):
    assert not due(bill)

    assert confirm(scene, bill) == 3

    assert said(scene, bill) == ["C", "C", "C"]
    assert due(bill)
    monkeypatch.setattr("django.utils.timezone.now", lambda: stage.LATER)
    settle_submitted_bills()
    assert stage.payable(scene) == 180_00
    assert stage.held(order) == 1_320_00


def test_some_lines_are_confirmed_and_the_bill_waits_for_the_rest(scene, bill):
    assert confirm(scene, bill, [1, 3]) == 2
    assert said(scene, bill) == ["C", "-", "C"]
    assert not due(bill)
    # What was said stays said; only what is new counts.
    assert confirm(scene, bill, [1, 2], key="again") == 1
    assert due(bill)


def test_disputed_and_confirmed_together_leave_nobody_to_wait_for(scene, bill):
    confirm(scene, bill, [1, 3])

    object_to(scene, bill, 2)

    assert due(bill)
    stage.settle(bill)
    assert stage.verdicts(bill) == [
        ("ACCEPTED", 100_00, 0, 60_00, ""),
        ("WITHHELD", 0, 100_00, 0, "objected"),
        ("ACCEPTED", 100_00, 0, 60_00, ""),
    ]


def test_a_confirmation_is_taken_back_until_the_bill_is_settled(scene, bill):
    confirm(scene, bill)

    assert take_back(scene, bill, [2]) == 1

    assert said(scene, bill) == ["C", "-", "C"]
    assert not due(bill)
    object_to(scene, bill, 2)
    assert due(bill)
    stage.settle(bill)
    with pytest.raises(actions.BillSettled):
        take_back(scene, bill, [1], key="too late")
    assert said(scene, bill) == ["C", "D", "C"]


def test_a_confirmed_line_is_not_objected_to(scene, bill):
    confirm(scene, bill, [1])

    with pytest.raises(actions.LineConfirmed, match="Line 1 of bill"):
        object_to(scene, bill, 1)
    with pytest.raises(actions.LineConfirmed):
        actions.object_to_lines(
            bill=bill,
            notes={1: "Not ours", 2: "Nor this"},
            actor=scene.applicant.person,
            at=stage.LATER,
            key="both",
        )

    assert not Objection.objects.exists()


def test_a_disputed_line_is_not_confirmed(scene, bill):
    object_to(scene, bill, 2)

    with pytest.raises(actions.LineDisputed, match="line 2 of bill"):
        confirm(scene, bill, [1, 2])
    assert said(scene, bill) == ["-", "D", "-"]
    # All that is left goes round what is disputed.
    assert confirm(scene, bill) == 2
    assert said(scene, bill) == ["C", "D", "C"]


def test_many_lines_are_disputed_at_once_or_none(scene, bill):
    asked = {"bill": bill, "actor": scene.applicant.person, "at": stage.LATER}

    with pytest.raises(actions.NoteMissing):
        actions.object_to_lines(**asked, notes={1: "Not ours", 2: " "}, key="some")
    with pytest.raises(NotFound):
        actions.object_to_lines(**asked, notes={1: "Not ours", 9: "Nor this"}, key="none")
    assert not Objection.objects.exists()

    made = actions.object_to_lines(**asked, notes={3: "Nor this", 1: "Not ours"}, key="all")

    assert [(one.line.row, one.text) for one in made] == [(1, "Not ours"), (3, "Nor this")]
    assert made == actions.object_to_lines(
        **asked, notes={3: "Nor this", 1: "Not ours"}, key="all"
    )
    with pytest.raises(actions.LineDisputed):
        actions.object_to_lines(**asked, notes={2: "This", 3: "That"}, key="more")
    assert Objection.objects.count() == 2


# --- who, and until when ----------------------------------------------------------------------


def test_each_holder_speaks_of_its_own_lines(scene, order):
    other = cast.an_sme("Other Model Ltd")
    voucher = cast.an_issued_voucher(scene.scheme, other)
    stage.use(scene.seller, order, hours=8)
    stage.use(scene.seller, cast.a_hold(voucher, other, scene.seller), hours=2, key="job-2")
    bill = stage.bill(scene)
    rows = {line.voucher_id: line.row for line in bill.lines.all()}

    assert confirm(scene, bill) == 1
    with pytest.raises(NotFound):
        confirm(scene, bill, [rows[voucher.pk]], key="theirs")
    assert not due(bill)
    assert {one.holder.name: one.confirmed for one in queries.said_by_holders(bill)} == {
        "Other Model Ltd": 0,
        "Small Model Ltd": 1,
    }

    assert confirm(scene, bill, actor=other.person, key="ours") == 1
    assert due(bill)


def test_nobody_else_confirms(scene, bill):
    for stranger in (scene.seller.person, scene.authority.finance[0]):
        with pytest.raises(NotAllowed):
            confirm(scene, bill, actor=stranger)
    with pytest.raises(actions.NothingToConfirm):
        confirm(scene, bill, actor=cast.an_sme("Other Model Ltd").person)

    assert not LineConfirmation.objects.exists()


def test_the_programmes_days_end_what_can_be_said(scene, bill):
    last = bill.sent_at + DAYS

    with pytest.raises(actions.DaysOver, match="9 July 2025, 17:00"):
        confirm(scene, bill, at=last)
    with pytest.raises(actions.DaysOver):
        object_to(scene, bill, 1, at=last)
    assert due(bill, last)

    assert confirm(scene, bill, at=last - timedelta(seconds=1)) == 3


def test_asked_twice_lines_are_confirmed_once(scene, bill):
    assert [confirm(scene, bill), confirm(scene, bill)] == [3, 3]
    assert LineConfirmation.objects.count() == 3
    assert [take_back(scene, bill), take_back(scene, bill)] == [3, 3]
    assert LineConfirmation.objects.count() == 6

    with pytest.raises(actions.NothingToConfirm):
        take_back(scene, bill, key="nothing")


# --- silence ----------------------------------------------------------------------------------


def test_silence_accepts_where_the_law_says_nothing(scene, bill):
    stage.settle(bill, at=bill.sent_at + DAYS)

    assert stage.verdicts(bill) == [("ACCEPTED", 100_00, 0, 60_00, "")] * 3


def test_silence_withholds_where_the_law_says_so_and_the_hold_stays():
    scene = a_scene(STRICT)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    bill = a_bill_of(scene, order)
    confirm(scene, bill, [2])

    (settlement,) = stage.settle(bill, at=bill.sent_at + DAYS)

    assert (settlement.billed, settlement.accepted, settlement.withheld) == (
        300_00,
        100_00,
        200_00,
    )
    assert stage.verdicts(bill) == [
        ("WITHHELD", 0, 100_00, 0, "not_confirmed"),
        ("ACCEPTED", 100_00, 0, 60_00, ""),
        ("WITHHELD", 0, 100_00, 0, "not_confirmed"),
    ]
    assert stage.held(order) == 1_440_00
    stage.assert_in_step()

    # What nobody confirmed waits for an officer, and is paid from the hold.
    actions.decide_line(
        line=bill.lines.get(row=1),
        accept=True,
        note="The meter is right",
        actor=scene.authority.finance[0],
        at=bill.sent_at + DAYS,
        key="decide",
    )
    assert stage.payable(scene) == 120_00
    assert stage.held(order) == 1_380_00
    stage.assert_in_step()


def test_a_silent_line_that_a_rule_speaks_against_stays_open_for_both():
    scene = a_scene(STRICT)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    stage.use(scene.seller, order, hours=8)
    bill = stage.bill(scene, stage.a_line(hours=10), stage.a_line("ghost", hours=1, rate="25"))

    stage.settle(bill, at=bill.sent_at + DAYS)

    # No meter knows the second line, so nobody could have confirmed it.
    assert [one[-1] for one in stage.verdicts(bill)] == ["not_confirmed", "no_meter"]
    actions.decide_line(
        line=bill.lines.get(row=1),
        accept=True,
        note="It ran",
        actor=scene.authority.finance[0],
        at=bill.sent_at + DAYS,
        key="decide",
    )
    assert stage.verdicts(bill)[0] == ("REDUCED", 200_00, 50_00, 120_00, "billed_above_meter")


def test_a_large_silent_bill_is_settled_with_as_many_statements(django_assert_max_num_queries):
    scene = a_scene(STRICT)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    bill = a_bill_of(scene, order, jobs=400)
    confirm(scene, bill, range(1, 201))

    with django_assert_max_num_queries(45):
        (settlement,) = stage.settle(bill, at=bill.sent_at + DAYS)

    assert (settlement.accepted, settlement.withheld) == (20_000_00, 20_000_00)
    assert sum(one[3] for one in stage.verdicts(bill)) == 1_500_00
    stage.assert_in_step()
