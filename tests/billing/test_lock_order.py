"""Whoever gets back, ends a voucher, corrects or settles at once: nobody waits for ever."""

import pytest

from billing.actions import offset_recovery
from billing.models import Collection, FunderShare, Recovery
from billing.queries.funding import borne
from common.errors import Refused
from ledger.actions import SYSTEM
from tests import cast
from tests.billing import recovering, sharing, stage
from tests.billing.test_several_funders import correct
from tests.ledger.book import at_once
from vouchers import actions as vouchers

pytestmark = pytest.mark.slow

TURNS = 4


def refused(ask):
    """Return what an action answers, a refusal too; whatever else is raised fails the test."""
    try:
        return ask()
    except Refused as refusal:
        return refusal


def is_refusal(one):
    return isinstance(one, Refused)


def assert_answered(done):
    failed = [one for one in done if one is None or isinstance(one, Exception)]
    assert not [one for one in failed if not is_refusal(one)], done


def test_cases_set_off_by_a_batch_are_paid_back_while_their_vouchers_end(committed_db):
    scene = recovering.a_scene(offset="true")
    other = cast.an_sme("Other Robotics")
    voucher = cast.an_issued_voucher(scene.scheme, other)
    order, first = recovering.paid(scene, hours=80)
    second = recovering.paid(
        scene, order=cast.a_hold(voucher, other, scene.seller), hours=80, key="job-2"
    )[1]
    cases = [recovering.upheld(scene, line, amount=400_00) for line in (first, second)]

    for turn in range(TURNS):
        recovering.settled(scene, order, hours=1, key=f"more-{turn}")
        paid_back = [recovering.proposed(scene, case, "REPAYMENT", 1_00) for case in cases]

        def one(number, turn=turn, paid_back=paid_back):
            if number < 2:
                return refused(lambda: recovering.recorded(scene, paid_back[number]))
            if number == 2:
                return refused(lambda: stage.open_batch(scene, key=f"batch-{turn}"))
            held, holder = (voucher, other) if turn % 2 else (scene.voucher, scene.applicant)
            return refused(
                lambda: vouchers.return_voucher(
                    voucher=held,
                    amount=1_00,
                    actor=holder.person,
                    at=recovering.LATER,
                    key=f"return-{turn}",
                )
            )

        assert_answered(at_once(4, one))

    taken = sum(one.amount for one in Collection.objects.all())
    assert sum(one.left for one in Recovery.objects.all()) == 800_00 - taken
    stage.assert_in_step()


def test_a_settlement_of_several_payers_is_corrected_once_while_others_settle(committed_db):
    scene, province = sharing.a_scene()
    _order, line = sharing.paid(scene, province)
    case = recovering.upheld(scene, line, amount=300_00)

    for turn in range(TURNS):
        keys = (f"wrong-{turn}", f"right-{turn}")
        holds = [
            cast.a_hold(scene.voucher, scene.applicant, scene.seller, provider_reference=key)
            for key in keys
        ]
        stage.use(scene.seller, holds[0], hours=1, key=keys[0])
        (wrong,) = stage.settle(stage.bill(scene, invoice=keys[0]))
        stage.use(scene.seller, holds[1], hours=1, key=keys[1])
        right = stage.bill(scene, invoice=keys[1])

        def one(number, turn=turn, wrong=wrong, right=right):
            if number < 2:
                key = f"correct-{turn}-{number}"
                return refused(lambda: correct(scene, wrong, key=key))
            if number == 2:
                return refused(lambda: stage.settle(right))
            return refused(
                lambda: offset_recovery(
                    recovery=case, actor=SYSTEM, at=recovering.LATER, key=f"offset-{turn}"
                )
            )

        done = at_once(4, one)

        assert_answered(done)
        # Set off first, it is not there to be taken back; else it is taken back once.
        corrected = [each for each in done[:2] if not is_refusal(each)]
        assert len(corrected) <= 1
        assert borne(wrong) == [] or not corrected
        assert FunderShare.objects.filter(settlement=wrong, amount__lt=0).count() in (0, 2)
    stage.assert_in_step()
