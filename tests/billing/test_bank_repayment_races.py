"""Many people at one entry that repays: it is taken off the case once."""

import pytest

from billing.models import BankResolution, Collection
from tests.billing import stage
from tests.billing.recovering import a_scene, paid, upheld
from tests.billing.test_bank_repayments import agree, entry, owed, resolve
from tests.ledger.book import at_once

pytestmark = pytest.mark.slow


def test_one_entry_is_taken_off_once_whoever_agrees_at_once(committed_db):
    scene = a_scene()
    case = upheld(scene, paid(scene)[1])
    line = entry(scene, "120.00")

    proposed = at_once(4, lambda number: resolve(scene, line, case))
    agreed = at_once(4, lambda number: agree(scene, line, person=1 + number % 2))

    for answers in (proposed, agreed):
        done = [one for one in answers if isinstance(one, BankResolution)]
        assert len(done) == 1, answers
    assert Collection.objects.get().amount == 120_00
    assert owed(scene) == 80_00
    stage.assert_in_step()
