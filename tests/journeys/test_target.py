"""A target letter from issue to the bank's confirmation: assessed, and paid to one side alone."""

from datetime import UTC, datetime

import pytest

from billing import actions as billing
from tests import cast
from tests.billing import stage
from vouchers import actions

pytestmark = pytest.mark.django_db

CLAIMED_AT = datetime(2026, 1, 12, 9, tzinfo=UTC)
BUDGET, AWARD = cast.TARGET_BUDGET, cast.TARGET_AWARD


@pytest.mark.parametrize("text", [cast.PAYS_SUPPLY, cast.PAYS_DEMAND], ids=["supply", "demand"])
@pytest.mark.parametrize(
    ("figure", "paid"), [("4000", 800_000_00), ("5000", AWARD), ("6200.5", AWARD)]
)
def test_a_target_is_agreed_assessed_claimed_and_paid_to_one_side(text, figure, paid):
    scene = cast.a_target(text)
    programme, is_supply = scene.scheme.programme, text == cast.PAYS_SUPPLY
    voucher, own = scene.voucher, f"voucher:{scene.voucher.code}"
    payee = scene.seller if is_supply else scene.applicant
    other = scene.applicant if is_supply else scene.seller
    side = "provider_payable" if is_supply else "beneficiary_payable"
    payable = f"{side}:{payee.organisation.code}"
    left = {
        "appropriation:2025": -BUDGET,
        "available": BUDGET - AWARD,
        **({own: AWARD - paid} if paid < AWARD else {}),
    }

    # The letter commits the award, and nothing is held.
    assert (programme.mode, voucher.amount) == ("M7", AWARD)
    assert stage.nets(programme) == {
        "appropriation:2025": -BUDGET,
        "available": BUDGET - AWARD,
        own: AWARD,
    }

    # Before the assessment nothing can be claimed; the other side can't claim at all.
    with pytest.raises(billing.NotAssessed, match=voucher.code):
        billing.claim_target(voucher=voucher, actor=payee.person, at=CLAIMED_AT, key="early")
    cast.an_assessment(scene, figure)
    with pytest.raises(actions.OtherSideIsPaid, match="never both"):
        billing.claim_target(voucher=voucher, actor=other.person, at=CLAIMED_AT, key="other")
    bill = billing.claim_target(voucher=voucher, actor=payee.person, at=CLAIMED_AT, key="claim")
    (settlement,) = stage.settle(bill, at=CLAIMED_AT)
    assert (bill.payee, bill.total) == (payee.organisation, AWARD)
    assert (settlement.covered, settlement.co_payment) == (paid, 0)
    assert [line["name"] for line in settlement.working] == [
        "award",
        "assessed",
        "target",
        "round",
        "covered",
    ]
    assert all(line["clause"] for line in settlement.working)
    assert stage.nets(programme) == {**left, payable: paid}

    # Three people and the bank.
    first, second, third = scene.authority.finance
    cast.a_bank_detail(scene.authority.organisation, second, scene.authority)
    if not is_supply:
        cast.a_bank_detail(payee.organisation, payee.person, scene.authority)
    at = CLAIMED_AT
    batch = billing.prepare_batch(programme=programme, actor=first, at=at, key="prepare")
    billing.lock_batch(batch=batch, actor=first, at=at, key="lock")
    billing.approve_batch(batch=batch, actor=second, at=at, key="approve")
    file = billing.release_batch(batch=batch, actor=third, at=at, key="release")
    assert stage.nets(programme) == {**left, f"clearing:{batch.code}": paid}
    statement = stage.answer(bytes(file.content))
    billing.read_statement(name="s.xml", data=statement, actor=first, at=at, key="statement")
    assert stage.nets(programme) == {**left, f"paid:{payee.organisation.code}": paid}
    stage.assert_in_step()
