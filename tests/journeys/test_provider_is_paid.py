"""Shared costs and a match that pay the provider: claimed, own share proven, settled, paid."""

from datetime import timedelta

import pytest

from billing import actions as billing
from billing import tasks
from billing.models import Bill
from tests import cast
from tests.billing import fees, stage

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("mode", "scene_of", "budget", "awarded", "covered"),
    [
        # Half of 200,000.00; and 15 % of it, of the 800,000.00 that was counted above.
        ("M6", cast.a_fee, cast.FEE_BUDGET, 100_000_00, 100_000_00),
        ("M8", cast.a_matched_fee, cast.MATCH_BUDGET, 120_000_00, 30_000_00),
    ],
)
def test_the_provider_claims_the_holder_proves_its_share_and_the_provider_is_paid(
    mode, scene_of, budget, awarded, covered, monkeypatch
):
    scene = scene_of()
    programme, voucher, seller = scene.scheme.programme, scene.voucher, scene.seller
    own, payable = f"voucher:{voucher.code}", f"provider_payable:{seller.organisation.code}"
    own_share = cast.FEE - covered
    left = {"appropriation:2025": -budget, "available": budget - awarded}
    rest = {own: awarded - covered} if awarded > covered else {}
    issued = {**left, own: awarded}

    # The award is committed; 8,000 GPU-hours at 25.00 are metered under the voucher's code.
    assert (programme.mode, voucher.amount) == (mode, awarded)
    assert stage.nets(programme) == issued
    fees.use(scene)

    # The holder can't claim; the provider does, and the holder finds it right.
    with pytest.raises(billing.ProviderIsPaid, match=seller.organisation.name):
        fees.claim(scene, actor=scene.applicant.person)
    bill = fees.agree(scene, fees.claim(scene))
    monkeypatch.setattr("django.utils.timezone.now", lambda: stage.LATER + timedelta(days=30))
    tasks.settle_submitted_bills()
    assert Bill.objects.get().status == Bill.Status.SENT
    assert stage.nets(programme) == issued
    with pytest.raises(billing.NothingDue):
        stage.open_batch(scene)

    # Two payments, of which one is proven only at the second time, make the holder's own share.
    fees.proven(scene, bill, own_share - 40_000_00)
    fees.decide(scene, fees.prove(scene, bill, 40_000_00, text="Not ours"), accept=False)
    tasks.settle_submitted_bills()
    assert stage.nets(programme) == issued
    fees.proven(scene, bill, 40_000_00, text="Transfer 2")
    tasks.settle_submitted_bills()
    assert stage.verdicts(bill) == [("ACCEPTED", cast.FEE, 0, covered, "")]
    settlement = bill.settlements.get()
    assert (settlement.co_payment, settlement.beyond_hold) == (own_share, 0)
    assert all(line["clause"] for line in settlement.working)
    assert stage.nets(programme) == {**left, **rest, payable: covered}

    # Three people and the bank; the provider has a bank detail since it was accredited.
    stage.an_own_account(scene.authority)
    batch, file = stage.sent(scene)
    assert stage.nets(programme) == {**left, **rest, f"clearing:{batch.code}": covered}
    stage.read(scene, stage.answer(file))
    assert stage.nets(programme) == {
        **left,
        **rest,
        f"paid:{seller.organisation.code}": covered,
    }
    stage.assert_in_step()
