"""Whoever corrects at once, the notes of an issuer are numbered without a gap and none twice."""

import pytest

from billing import actions
from billing.models import CorrectionNote
from ledger.queries import transfers_of
from tests import cast
from tests.billing import stage
from tests.ledger.book import at_once

pytestmark = pytest.mark.slow


def test_racing_corrections_leave_no_gap_and_no_number_twice(committed_db):
    scene = cast.make_scene(cast.M3)
    transfers = []
    for number in range(4):
        order = cast.a_hold(
            scene.voucher,
            scene.applicant,
            scene.seller,
            hours="10",
            provider_reference=f"job-{number}",
        )
        stage.use(scene.seller, order, hours=2, key=f"job-{number}")
        bill = stage.bill(scene, invoice=f"INV-{number}")
        stage.settle(bill)
        transfers.append(transfers_of(bill.settlements.get().act_id).get().id)

    def correct(number):
        # Each transfer is asked for by two people at once; one of them is refused.
        return actions.correct_transfer(
            transfer_id=transfers[number // 2],
            reason="Billed twice.",
            actor=scene.authority.finance[number % 2],
            at=stage.LATER,
            key=f"correct-{number}",
        )

    done = at_once(8, correct)

    assert len([one for one in done if isinstance(one, int)]) == 4, done
    assert sorted(CorrectionNote.objects.values_list("sequence", flat=True)) == [1, 2, 3, 4]
    assert CorrectionNote.objects.values("bill").distinct().count() == 4
    stage.assert_in_step()
