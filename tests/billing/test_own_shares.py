"""Where the law asks, nothing of a claim is payable before the holder has proven its own share."""

from datetime import UTC, date, datetime, timedelta

import pytest

from billing import actions
from billing.actions import own_shares
from billing.models import Bill, OwnShareDecision, OwnShareProof
from billing.queries import is_due, own_share_of, payables_due
from billing.reasons import sentence
from ledger.actions import KeyReused
from ledger.queries import extent
from parties.queries import NotAllowed
from tests import cast
from tests.billing import fees, stage
from tests.ledger.book import at_once
from vouchers.queries import vouchers_expired_by

OVER = stage.LATER + timedelta(days=15)


@pytest.fixture
def scene(db):
    """The provider is owed 200,000.00 for June; half of it is the holder's own."""
    scene = cast.a_fee()
    fees.use(scene)
    return scene


def refused(error, scene, ask):
    before = extent(), stage.nets(scene.scheme.programme), OwnShareProof.objects.count()
    with pytest.raises(error) as refusal:
        ask()
    assert (
        extent(),
        stage.nets(scene.scheme.programme),
        OwnShareProof.objects.count(),
    ) == before
    return str(refusal.value)


def figures(bill):
    own = own_share_of(Bill.objects.get(pk=bill.pk), stage.LATER)
    return own.due, own.proven, own.waiting


def test_a_claim_waits_for_proof_and_is_paid_once_an_officer_accepted_it(scene):
    bill = fees.claim(scene)
    assert figures(bill) == (100_000_00, 0, 0)
    assert not is_due(bill, OVER)

    proof = fees.prove(scene, bill)
    assert figures(bill) == (100_000_00, 0, 100_000_00)
    assert not is_due(bill, OVER)
    assert fees.owed(scene) == (0, 0)

    fees.decide(scene, proof)
    assert figures(bill) == (100_000_00, 100_000_00, 0)
    assert is_due(bill, OVER)
    assert not is_due(bill, stage.LATER)
    (settlement,) = stage.settle(bill)
    assert (settlement.covered, settlement.co_payment) == (100_000_00, 100_000_00)
    assert fees.owed(scene) == (100_000_00, 0)
    stage.assert_in_step()


def test_payments_add_up_and_a_cent_short_is_not_proven(scene):
    bill = fees.claim(scene)
    fees.proven(scene, bill, 60_000_00)
    fees.proven(scene, bill, 39_999_99, text="Transfer 2")
    assert figures(bill) == (100_000_00, 99_999_99, 0)
    assert not is_due(bill, OVER)
    fees.proven(scene, bill, 1, text="Transfer 3")
    assert is_due(bill, OVER)


def test_settled_by_hand_before_that_all_of_it_is_withheld_with_the_amounts(scene):
    bill = fees.claim(scene)
    fees.proven(scene, bill, 60_000_00)
    before = stage.nets(scene.scheme.programme)

    (settlement,) = stage.settle(bill, actor=scene.authority.finance[0])

    assert (settlement.covered, settlement.accepted, settlement.withheld) == (0, 0, 200_000_00)
    assert stage.nets(scene.scheme.programme) == before
    assert payables_due(scene.scheme.programme, scene.authority.organisation) == []
    assert stage.verdicts(bill) == [("WITHHELD", 0, 200_000_00, 0, "own_share_not_proven")]
    verdict = bill.lines.get().verdicts.get()
    assert verdict.reason_values == {
        "own_amount": 100_000_00,
        "proven_amount": 60_000_00,
        "unit": "CNY",
    }
    assert "¥100,000.00; ¥60,000.00 are proven" in sentence(
        verdict.reason, verdict.reason_values
    )

    # An officer can't give what was not proven; then it is paid to the cent.
    said = refused(actions.OwnShareNotProven, scene, lambda: fees.look(scene, bill))
    assert "¥60,000.00" in said
    fees.proven(scene, bill, 40_000_00, text="Transfer 2")
    fees.look(scene, bill, key="look")
    assert fees.look(scene, bill, key="look").covered == 100_000_00
    assert fees.owed(scene) == (100_000_00, 0)
    assert stage.verdicts(bill) == [
        ("ACCEPTED", 200_000_00, 0, 100_000_00, "accepted_after_look")
    ]
    stage.assert_in_step()


def test_what_is_never_proven_can_be_declined(scene):
    bill = fees.claim(scene)
    stage.settle(bill)
    fees.look(scene, bill, accept=False)
    assert stage.verdicts(bill) == [("DECLINED", 0, 200_000_00, 0, "not_accepted")]
    assert fees.owed(scene) == (0, 0)
    said = refused(actions.OwnShareDecided, scene, lambda: fees.prove(scene, bill))
    assert bill.number in said


def test_a_refused_proof_counts_for_nothing_and_may_come_again(scene):
    bill = fees.claim(scene)
    decision = fees.decide(scene, fees.prove(scene, bill), accept=False)
    assert (decision.is_proof, decision.note) == (False, "Another payee")
    assert figures(bill) == (100_000_00, 0, 0)
    fees.proven(scene, bill)
    assert figures(bill) == (100_000_00, 100_000_00, 0)


def test_what_is_left_out_is_part_of_the_own_share(db):
    left_out = 'kind = "PAID"\nleave_out = ["storage"]\n'
    scene = cast.a_fee(cast.cost_share_law().replace('kind = "PAID"\n', left_out))
    fees.use(scene)
    bill = fees.claim(scene, excluded=50_000_00)
    # Half of the 150,000.00 for compute is covered.
    assert figures(bill) == (125_000_00, 0, 0)
    fees.proven(scene, bill, 125_000_00)
    stage.settle(bill)
    assert fees.owed(scene) == (75_000_00, 0)


def test_of_less_that_is_accepted_less_is_one_own(scene):
    bill = fees.claim(scene, amount=300_000_00)
    # Of the whole invoice 100,000.00 would be covered, all that the voucher has.
    assert figures(bill) == (200_000_00, 0, 0)
    fees.proven(scene, bill, 100_000_00)
    assert not is_due(bill, OVER)

    # The meter shows 200,000.00, of which 100,000.00 are the holder's own.
    stage.settle(bill)
    assert stage.verdicts(bill) == [
        ("REDUCED", 200_000_00, 100_000_00, 100_000_00, "fee_above_meter")
    ]
    assert figures(bill) == (100_000_00, 100_000_00, 0)
    # The voucher has nothing left, so that the rest is owed by the holder and paid by nobody.
    rest = fees.look(scene, bill)
    assert (rest.covered, rest.accepted) == (100_000_00, 300_000_00)
    stage.assert_in_step()


def test_a_holder_that_is_paid_itself_proves_it_too(db):
    scene = cast.a_fee(cast.cost_share_law("BENEFICIARY"))
    fees.use(scene)
    bill = fees.claim(scene, actor=scene.applicant.person)
    assert not is_due(bill, stage.LATER)
    fees.proven(scene, bill)
    assert is_due(bill, stage.LATER)
    stage.settle(bill)
    assert fees.owed(scene) == (0, 100_000_00)


def test_a_match_is_paid_when_the_part_that_is_not_matched_is_proven(db):
    scene = cast.a_matched_fee()
    fees.use(scene)
    bill = fees.claim(scene)
    assert figures(bill) == (170_000_00, 0, 0)
    fees.proven(scene, bill, 170_000_00)
    stage.settle(bill)
    assert fees.owed(scene) == (30_000_00, 0)


def test_the_holder_alone_proves_and_officers_alone_decide(scene):
    bill = fees.claim(scene)
    for person in (
        scene.seller.person,
        scene.authority.officer,
        cast.an_sme("Stranger").person,
    ):
        refused(NotAllowed, scene, lambda one=person: fees.prove(scene, bill, actor=one))
    proof = fees.prove(scene, bill)
    for person in (
        scene.applicant.person,
        scene.seller.person,
        cast.make_authority("Elsewhere").officer,
    ):
        refused(NotAllowed, scene, lambda one=person: fees.decide(scene, proof, actor=one))
    refused(actions.NoteMissing, scene, lambda: fees.decide(scene, proof, note=" "))
    fees.decide(scene, proof, actor=scene.authority.officer)
    refused(actions.OwnShareDecided, scene, lambda: fees.decide(scene, proof, accept=False))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"amount": 0}, "The amount paid"),
        ({"amount": -1}, "The amount paid"),
        ({"paid_on": date(2025, 7, 3)}, "2025-07-03"),
        ({"paid_to": "  "}, "Who was paid"),
        ({"paid_to": "x" * 201}, "Who was paid"),
    ],
)
def test_a_proof_that_can_not_be_is_refused_by_its_field(scene, wrong, said):
    bill = fees.claim(scene)
    asked = {"amount": 1_00, **wrong}
    assert said in refused(
        actions.ProofInvalid, scene, lambda: fees.prove(scene, bill, **asked)
    )


def test_where_no_law_asks_no_proof_is_taken_and_none_is_waited_for(db):
    scene = cast.a_fee(cast.cost_share_law(is_proven=False))
    fees.use(scene)
    bill = fees.claim(scene)
    assert own_share_of(bill, stage.LATER) is None
    assert is_due(bill, OVER)
    refused(actions.OwnShareNotAsked, scene, lambda: fees.prove(scene, bill))
    other = cast.make_scene(cast.M3)
    order = cast.a_hold(other.voucher, other.applicant, other.seller)
    stage.use(other.seller, order, hours=8)
    of_orders = stage.bill(other)
    refused(actions.OwnShareNotAsked, other, lambda: fees.prove(scene, of_orders))


def test_one_document_counts_once_whatever_the_claim(scene, monkeypatch):
    fees.use(scene, "job-2", started=stage.START + timedelta(days=1))
    first, second = fees.claim(scene), fees.claim(scene, invoice="F-2")
    fees.proven(scene, first, 50_000_00)
    for bill in (first, second):
        said = refused(actions.ProofGivenBefore, scene, lambda one=bill: fees.prove(scene, one))
        assert first.number in said
    # Two that came in at one moment: the second is not accepted.
    monkeypatch.setattr(own_shares, "_require_new", lambda *_of: None)
    proof = fees.prove(scene, second)
    refused(actions.ProofGivenBefore, scene, lambda: fees.decide(scene, proof))
    assert figures(second)[1] == 0
    fees.decide(scene, proof, accept=False)


def test_asked_twice_it_is_one_proof_and_one_decision(scene):
    bill = fees.claim(scene)
    proof = fees.prove(scene, bill, key="p")
    assert fees.prove(scene, bill, key="p") == proof
    refused(KeyReused, scene, lambda: fees.prove(scene, bill, 1_00, key="p"))
    decision = fees.decide(scene, proof, key="d")
    assert fees.decide(scene, proof, key="d") == decision
    refused(KeyReused, scene, lambda: fees.decide(scene, proof, accept=False, key="d"))
    assert (OwnShareProof.objects.count(), OwnShareDecision.objects.count()) == (1, 1)


def test_a_voucher_does_not_expire_while_its_claim_waits_for_proof(scene):
    bill = fees.claim(scene)
    far = datetime(2027, 1, 1, tzinfo=UTC)
    assert scene.voucher not in vouchers_expired_by(far)
    stage.settle(bill)
    assert scene.voucher not in vouchers_expired_by(far)
    fees.look(scene, bill, accept=False)
    assert scene.voucher in vouchers_expired_by(far)


@pytest.mark.slow
def test_whoever_decides_at_once_one_word_counts_and_it_is_paid_once(committed_db):
    scene = cast.a_fee()
    fees.use(scene)
    bill = fees.claim(scene)
    proof = fees.prove(scene, bill)

    answers = at_once(
        12, lambda number: fees.decide(scene, proof, accept=number % 2 == 0, key=f"d{number}")
    )

    taken = [one for one in answers if isinstance(one, OwnShareDecision)]
    assert len(taken) == 1
    assert {type(one) for one in answers if not isinstance(one, OwnShareDecision)} == {
        actions.OwnShareDecided
    }


@pytest.mark.slow
def test_settled_while_it_is_accepted_it_is_paid_once_or_withheld(committed_db):
    scene = cast.a_fee()
    fees.use(scene)
    bill = fees.claim(scene)
    proof = fees.prove(scene, bill)

    def ask(number):
        if number == 0:
            return fees.decide(scene, proof)
        return stage.settle(bill, key=f"s{number}")

    answers = at_once(12, ask)

    assert isinstance(answers[0], OwnShareDecision)
    assert sum(isinstance(one, list) for one in answers) == 1
    if stage.verdicts(bill)[0][0] == "WITHHELD":
        assert fees.owed(scene) == (0, 0)
        fees.look(scene, bill)
    assert fees.owed(scene) == (100_000_00, 0)
    stage.assert_in_step()
