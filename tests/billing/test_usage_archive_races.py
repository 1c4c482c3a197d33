"""Whoever archives or records at the same moment: a month goes once and whole, or stays."""

import os
from datetime import UTC, date, datetime

import pytest

from billing import actions
from billing.actions import archive as archiving
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


def test_a_line_that_comes_while_a_month_is_written_keeps_it_here(committed_db, monkeypatch):
    scene = cast.make_scene(cast.M3)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    stage.use(scene.seller, order, hours=10)
    stage.settle(stage.bill(scene))
    true = archiving.fingerprint

    def late(path):
        elsewhere(lambda: stage.use(scene.seller, order, hours=1, key="late"))
        return true(path)

    with monkeypatch.context() as patched:
        patched.setattr(archiving, "fingerprint", late)
        assert actions.archive_usage(at=AT) == []
    assert UsageLine.objects.count() == 2
    assert not UsageArchive.objects.exists()

    with pytest.raises(actions.MonthNotDecided):
        archive()


def elsewhere(do):
    """Do something on a connection of its own, and wait for it."""
    (done,) = at_once(1, lambda _number: do())
    assert done is None, done
