"""A target is claimed once, by the one side that is paid, for what the newest assessment earns."""

from datetime import UTC, datetime
from random import Random

import pytest

from billing import actions
from billing.models import Bill
from billing.queries import bills_to_settle, is_due
from common.errors import Refused
from ledger.actions import SYSTEM
from ledger.queries import extent
from parties.queries import NotAllowed, SamePerson
from tests import cast
from tests.billing import stage
from tests.ledger.book import at_once
from vouchers import actions as vouchers
from vouchers.models import Voucher

AT = datetime(2026, 1, 12, 9, tzinfo=UTC)
AWARD = cast.TARGET_AWARD
SIDES = pytest.mark.parametrize(
    "text", [cast.PAYS_SUPPLY, cast.PAYS_DEMAND], ids=["supply", "demand"]
)


def sides(scene):
    """Return who is paid and who is not."""
    pays_supply = 'payee = "PROVIDER"' in scene.voucher.decision.policy_version.text
    both = (scene.seller, scene.applicant)
    return both if pays_supply else both[::-1]


def claim(scene, person=None, *, key=None, at=AT):
    return actions.claim_target(
        voucher=Voucher.objects.get(pk=scene.voucher.pk),
        actor=person or sides(scene)[0].person,
        at=at,
        key=key or cast.a_key("claim"),
    )


def settle(bill, *, actor=SYSTEM, key=None):
    return stage.settle(bill, actor=actor, at=AT, key=key or cast.a_key("settle"))


def decide(scene, bill, accept, *, key=None, actor=None):
    return actions.decide_line(
        line=bill.lines.get(),
        accept=accept,
        note="The newest assessment",
        actor=actor or scene.authority.finance[0],
        at=AT,
        key=key or cast.a_key("decide"),
    )


def paid(scene):
    """Return what is owed to the supply side and to the demand side."""
    found = stage.nets(scene.scheme.programme)
    return tuple(
        found.get(f"{side}_payable:{one.organisation.code}", 0)
        for side, one in (("provider", scene.seller), ("beneficiary", scene.applicant))
    )


def refused(error, scene, ask):
    before = extent(), stage.nets(scene.scheme.programme), Bill.objects.count()
    with pytest.raises(error) as refusal:
        ask()
    assert (extent(), stage.nets(scene.scheme.programme), Bill.objects.count()) == before
    return str(refusal.value)


@pytest.mark.django_db
@SIDES
def test_asked_twice_it_is_one_claim_and_paid_once(text):
    scene = cast.a_target(text)
    cast.an_assessment(scene)
    bill = claim(scene, key="k")
    assert claim(scene, key="k") == bill
    first = settle(bill, key="s")
    assert settle(bill, key="s") == first
    assert sum(paid(scene)) == 800_000_00
    said = refused(actions.TargetClaimed, scene, lambda: claim(scene))
    assert bill.number in said
    refused(actions.BillSettled, scene, lambda: settle(bill))
    stage.assert_in_step()


@pytest.mark.django_db
@SIDES
def test_the_other_side_and_strangers_claim_nothing(text):
    scene = cast.a_target(text)
    cast.an_assessment(scene)
    payee, other = sides(scene)
    said = refused(vouchers.OtherSideIsPaid, scene, lambda: claim(scene, other.person))
    assert payee.organisation.name in said
    for stranger in (
        cast.an_sme("Stranger").person,
        cast.make_provider(scene.authority, "Another Compute").person,
        scene.authority.officer,
    ):
        refused(NotAllowed, scene, lambda one=stranger: claim(scene, one))


@pytest.mark.django_db
def test_nothing_is_claimed_before_an_assessment_or_of_a_voucher_on_hold():
    scene = cast.a_target()
    refused(actions.NotAssessed, scene, lambda: claim(scene))
    cast.an_assessment(scene)
    vouchers.suspend_voucher(
        voucher=scene.voucher,
        note="A look",
        actor=scene.authority.officer,
        at=AT,
        key="suspend",
    )
    refused(actions.VoucherNotActive, scene, lambda: claim(scene))


@pytest.mark.django_db
def test_a_fee_is_not_claimed_on_a_target_nor_a_target_elsewhere():
    scene, other = cast.a_target(), cast.make_scene(cast.M1)
    cast.an_assessment(scene)

    def fee():
        actions.submit_claim(
            voucher=scene.voucher,
            provider=scene.seller.provider,
            invoice_number="F-1",
            amount_paid=1_00,
            fee_excluded=0,
            contract_from_on=cast.TODAY,
            contract_until_on=cast.TODAY,
            period_from=stage.JUNE,
            period_until=stage.JULY,
            actor=scene.applicant.person,
            at=AT,
            key="fee",
        )

    refused(actions.ClaimByTarget, scene, fee)
    refused(actions.BillNotForMode, other, lambda: claim_of(other))


def claim_of(scene):
    return actions.claim_target(
        voucher=scene.voucher, actor=scene.applicant.person, at=AT, key="target"
    )


@pytest.mark.django_db
@SIDES
def test_below_the_least_nothing_is_paid_until_a_newer_assessment(text):
    scene = cast.a_target(text)
    cast.an_assessment(scene, "2499.9")
    bill = claim(scene)
    (settlement,) = settle(bill)

    assert stage.verdicts(bill) == [("WITHHELD", 0, AWARD, 0, "target_missed")]
    assert [line["amount"] for line in settlement.working][1:4] == [
        "2499.9000 PFLOPS",
        "0.0000 CNY",
        "0.0000 CNY",
    ]
    assert paid(scene) == (0, 0)
    # An officer can't give what was not assessed; a newer assessment can.
    refused(actions.NothingMoreEarned, scene, lambda: decide(scene, bill, accept=True))
    refused(actions.TargetClaimed, scene, lambda: claim(scene))
    cast.an_assessment(scene, "3000")
    decide(scene, bill, accept=True, key="d")
    assert decide(scene, bill, accept=True, key="d").accepted == 600_000_00
    assert sum(paid(scene)) == 600_000_00
    assert stage.verdicts(bill) == [
        ("REDUCED", 600_000_00, 400_000_00, 600_000_00, "target_part_met")
    ]
    # And one more for the rest; then nothing is left to decide.
    cast.an_assessment(scene, "5000")
    decide(scene, bill, accept=True)
    assert sum(paid(scene)) == AWARD
    refused(actions.LineNotWithheld, scene, lambda: decide(scene, bill, accept=True))
    stage.assert_in_step()


@pytest.mark.django_db
def test_a_claim_that_was_declined_whole_stands_in_nobodys_way():
    scene = cast.a_target()
    cast.an_assessment(scene, "100")
    bill = claim(scene)
    settle(bill)
    decide(scene, bill, accept=False)
    cast.an_assessment(scene, "5000")

    settle(claim(scene))

    assert paid(scene) == (AWARD, 0)


@pytest.mark.django_db
def test_settlement_counts_the_newest_assessment_and_not_the_one_of_the_claim():
    scene = cast.a_target()
    cast.an_assessment(scene, "5000")
    bill = claim(scene)
    cast.an_assessment(scene, "2500")

    settle(bill)

    assert paid(scene) == (500_000_00, 0)


@pytest.mark.django_db
def test_a_smaller_figure_after_the_payment_takes_nothing_back_by_itself():
    scene = cast.a_target()
    cast.an_assessment(scene, "4000")
    bill = claim(scene)
    settle(bill)
    cast.an_assessment(scene, "3000")

    refused(actions.NothingMoreEarned, scene, lambda: decide(scene, bill, accept=True))
    assert paid(scene) == (800_000_00, 0)


@pytest.mark.django_db
def test_who_recorded_the_assessment_does_not_settle_it():
    scene = cast.a_target()
    cast.an_assessment(scene)
    bill = claim(scene)
    recorder, decider = scene.authority.second_officer, scene.authority.officer
    refused(SamePerson, scene, lambda: settle(bill, actor=recorder))
    refused(SamePerson, scene, lambda: settle(bill, actor=decider))
    settle(bill, actor=scene.authority.finance[0])
    assert paid(scene) == (800_000_00, 0)


@pytest.mark.django_db
def test_the_demand_side_may_object_to_what_the_supply_side_claims():
    scene = cast.a_target()
    cast.an_assessment(scene)
    bill = claim(scene)
    (waiting,) = bills_to_settle()
    assert not is_due(waiting, AT)
    actions.object_to_line(
        line=bill.lines.get(),
        note="The figure counts another plant",
        actor=scene.applicant.person,
        at=AT,
        key="object",
    )
    settle(bill)
    assert stage.verdicts(bill) == [("WITHHELD", 0, AWARD, 0, "objected")]
    assert paid(scene) == (0, 0)
    decide(scene, bill, accept=True)
    assert paid(scene) == (800_000_00, 0)
    stage.assert_in_step()


@pytest.mark.django_db
def test_the_demand_side_is_paid_no_more_than_it_kept_of_its_voucher():
    scene = cast.a_target(cast.PAYS_DEMAND)
    cast.an_assessment(scene, "5000")
    vouchers.return_voucher(
        voucher=scene.voucher,
        amount=300_000_00,
        actor=scene.applicant.person,
        at=AT,
        key="return",
    )
    bill = claim(scene)
    assert is_due(bills_to_settle().get(), AT)
    (settlement,) = settle(bill)
    assert (settlement.covered, settlement.beyond_hold) == (700_000_00, 300_000_00)
    assert paid(scene) == (0, 700_000_00)
    stage.assert_in_step()


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_done_in_whatever_order_both_sides_are_never_paid(seed):
    chance = Random(seed)
    scene = cast.a_target(chance.choice([cast.PAYS_SUPPLY, cast.PAYS_DEMAND]))
    payee, _other = sides(scene)
    bills, figures, most = [], [], 0

    def assess():
        figure = chance.choice(["0", "2499", "2500", "3600", "4999", "5000", "9000"])
        cast.an_assessment(scene, figure)
        figures.append(float(figure))

    def ask():
        person = chance.choice([scene.seller.person, scene.applicant.person])
        bills.append(claim(scene, person))

    def step():
        kind = chance.choice([assess, ask, ask, "settle", "accept", "decline", "object"])
        if callable(kind):
            kind()
        elif bills:
            bill = chance.choice(bills)
            if kind == "settle":
                settle(bill)
            elif kind == "object":
                actions.object_to_line(
                    line=bill.lines.get(),
                    note="No",
                    actor=scene.applicant.person,
                    at=AT,
                    key=cast.a_key("object"),
                )
            else:
                decide(scene, bill, accept=kind == "accept")

    for _number in range(40):
        before = paid(scene)
        try:
            step()
        except Refused:
            assert paid(scene) == before
        supply, demand = paid(scene)
        most = max(
            [
                most,
                *(AWARD if f >= 5000 else int(f * AWARD / 5000) for f in figures if f >= 2500),
            ]
        )
        assert min(supply, demand) == 0
        assert before <= (supply, demand)
        assert supply + demand <= most
        assert (supply if payee is scene.applicant else demand) == 0
    stage.assert_in_step()


@pytest.mark.slow
@SIDES
def test_both_sides_race_for_one_target_and_one_claim_is_taken(committed_db, text):
    scene = cast.a_target(text)
    cast.an_assessment(scene)
    people = [scene.seller.person, scene.applicant.person]

    answers = at_once(20, lambda number: claim(scene, people[number % 2], key=f"c{number}"))

    taken = [one for one in answers if isinstance(one, Bill)]
    kinds = {type(one) for one in answers if not isinstance(one, Bill)}
    assert len(taken) == 1
    assert kinds == {actions.TargetClaimed, vouchers.OtherSideIsPaid}
    settled = at_once(20, lambda number: settle(taken[0], key=f"s{number}"))
    assert sum(isinstance(one, list) for one in settled) == 1
    assert sum(paid(scene)) == 800_000_00
    stage.assert_in_step()


@pytest.mark.slow
def test_one_key_asked_twenty_times_is_one_claim(committed_db):
    scene = cast.a_target()
    cast.an_assessment(scene)

    answers = at_once(20, lambda _number: claim(scene, key="the one key"))

    assert {one.pk for one in answers} == {Bill.objects.get().pk}


@pytest.mark.slow
def test_what_is_withheld_is_accepted_once_whoever_races(committed_db):
    scene = cast.a_target()
    cast.an_assessment(scene, "2500")
    bill = claim(scene)
    settle(bill)
    cast.an_assessment(scene, "4000")

    answers = at_once(10, lambda number: decide(scene, bill, accept=True, key=f"d{number}"))

    assert sum(not isinstance(one, Exception) for one in answers) == 1
    assert paid(scene) == (800_000_00, 0)
    stage.assert_in_step()
