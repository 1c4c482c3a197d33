"""Whoever archives at the same moment: a month goes once and whole."""

import os
from datetime import UTC, date, datetime

import pytest

from billing import actions
from billing.models import UsageArchive, UsageLine
from tests import cast
from tests.billing import stage
from tests.ledger.book import at_once

pytestmark = pytest.mark.slow

AT = datetime(2028, 7, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.USAGE_ARCHIVE_FOLDER = str(tmp_path / "archive")
    return tmp_path / "archive"


def archive():
    return actions.archive_month(month=date(2025, 6, 1), at=AT)


def test_who_archives_at_once_makes_one_file(committed_db, folder):
    scene = cast.make_scene(cast.M3)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    stage.use(scene.seller, order, hours=10)
    stage.settle(stage.bill(scene))

    made = at_once(4, lambda _number: archive())

    assert [one.lines for one in made if one is not None] == [1]
    assert UsageArchive.objects.get().lines == 1
    assert not UsageLine.objects.exists()
    assert os.listdir(folder) == [UsageArchive.objects.get().file]
