"""Whoever races, a case is decided once, and no more is got back than is owed."""

import pytest

from billing.models import Collection, Recovery
from common.errors import Refused
from tests.billing import stage
from tests.billing.recovering import (
    a_scene,
    decided,
    offset,
    opened,
    paid,
    proposed,
    recorded,
    settled,
    upheld,
)
from tests.ledger.book import at_once

pytestmark = pytest.mark.slow


def owed(scene):
    """Return what the ledger says the scene's provider owes."""
    address = f"receivable:{scene.seller.organisation.code}"
    return -stage.nets(scene.scheme.programme).get(address, 0)


def test_whoever_races_no_more_is_got_back_than_is_owed(committed_db):
    scene = a_scene()
    order, line = paid(scene)
    case = upheld(scene, line)
    settled(scene, order, hours=10, key="job-2")
    proposals = [proposed(scene, case, "REPAYMENT", 60_00) for _turn in range(3)]
    given_up = [proposed(scene, case, "WRITE_OFF", 60_00) for _turn in range(2)]

    def one(number):
        try:
            if number < 3:
                return recorded(scene, proposals[number])
            if number < 5:
                return recorded(scene, given_up[number - 3])
            return offset(scene, case)
        except Refused as refusal:
            return refusal

    done = at_once(8, one)

    assert not [each for each in done if not isinstance(each, Collection | Refused)], done
    taken = [each for each in done if isinstance(each, Collection)]
    case.refresh_from_db()
    assert case.upheld_amount == 200_00
    assert sum(each.amount for each in taken) == 200_00 - case.left
    assert case.left >= 0
    assert owed(scene) == case.left
    stage.assert_in_step()


def test_one_case_is_decided_once_and_all_cases_take_back_no_more_than_was_paid(committed_db):
    scene = a_scene()
    line = paid(scene)[1]

    def one(_number):
        try:
            return opened(scene, line, amount=250_00)
        except Refused as refusal:
            return refusal

    cases = [each for each in at_once(6, one) if isinstance(each, Recovery)]
    assert len(cases) == 2

    def other(_number):
        try:
            return decided(scene, cases[0], amount=100_00)
        except Refused as refusal:
            return refusal

    done = [each for each in at_once(4, other) if isinstance(each, Recovery)]

    assert len(done) == 1
    assert owed(scene) == 100_00
    stage.assert_in_step()
