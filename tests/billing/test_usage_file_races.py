"""Whoever clicks at the same moment: a usage file is kept, recorded and billed once."""

import pytest

from billing.models import Bill, UsageFile, UsageLine
from tests import cast
from tests.billing import stage
from tests.billing.test_usage_files import check, keep, send, text_of
from tests.ledger.book import at_once

pytestmark = pytest.mark.slow


def test_one_file_sent_by_many_at_once_is_recorded_and_billed_once(committed_db):
    scene = cast.make_scene(cast.M3)
    text = text_of(cast.a_hold(scene.voucher, scene.applicant, scene.seller), 10, 11)
    found = check(scene, keep(scene, text))

    same = at_once(6, lambda number: send(scene, found))
    others = at_once(6, lambda number: send(scene, found, key=f"click {number}"))
    kept = at_once(6, lambda number: keep(scene, text + "\n", key=f"click {number}"))

    assert len({bills[0].pk for _report, bills in same}) == 1
    assert {getattr(one, "code", one) for one in others} == {"nothing_to_bill"}
    assert len({one.pk for one in kept}) == 1
    assert (UsageLine.objects.count(), Bill.objects.count(), UsageFile.objects.count()) == (
        2,
        1,
        1,
    )
    stage.assert_in_step()
