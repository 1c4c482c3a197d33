"""Whoever archives, records or corrects at the same moment: a month goes once and whole, or stays."""

import os
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import OperationalError

from billing import actions
from billing.actions import archive as archiving
from billing.models import UsageArchive, UsageCorrection, UsageLine
from billing.queries.archive import archived_lines
from tests import cast
from tests.billing import stage
from tests.billing.closing import closed
from tests.ledger.book import at_once

pytestmark = pytest.mark.slow

AT = datetime(2028, 7, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.USAGE_ARCHIVE_FOLDER = str(tmp_path / "archive")
    return tmp_path / "archive"


def archive(month=date(2025, 6, 1)):
    return actions.archive_month(month=month, at=AT)


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
    true, came = archiving.fingerprint, []

    def late(path):
        if not came:
            came.append(path)
            elsewhere(lambda: stage.use(scene.seller, order, hours=1, key="late"))
        return true(path)

    with monkeypatch.context() as patched:
        patched.setattr(archiving, "fingerprint", late)
        assert actions.archive_usage(at=AT) == []
    assert len(came) == 1
    assert UsageLine.objects.count() == 2
    assert not UsageArchive.objects.exists()

    with pytest.raises(actions.MonthNotDecided):
        archive()


def test_a_line_is_taken_back_or_archived_and_its_opposite_lies_where_it_does(committed_db):
    """Of a closed period a line is neither billed nor on a bill: it may be corrected, or go."""
    scene = cast.make_scene(cast.M3)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    for turn in range(3):
        started = stage.START + timedelta(days=31 * turn)
        month = date(2025, 6 + turn, 1)
        stage.use(scene.seller, order, hours=10, key=f"job {turn}", started=started)
        closed(scene, month=month, at=started + timedelta(days=40), key=f"close {turn}")
        line = UsageLine.objects.get(key=f"job {turn}")

        def act(number, line=line, month=month, turn=turn):
            if number % 2:
                return archive(month)
            return actions.correct_usage(
                line=line,
                reason="The node was down",
                right=None,
                actor=scene.seller.person,
                at=stage.LATER,
                key=f"correct {turn} {number}",
            )

        done = at_once(4, act)

        refused = [one for one in done if isinstance(one, Exception)]
        # The database itself says that a line came while it waited for the month.
        codes = {one.code for one in refused if not isinstance(one, OperationalError)}
        assert codes <= {"usage_archived", "usage_corrected", "lines_came_meanwhile"}, done
        taken = UsageCorrection.objects.filter(line_id=line.pk).first()
        numbers = {line.pk, *([taken.opposite_id] if taken else [])}
        here = set(UsageLine.objects.filter(pk__in=numbers).values_list("pk", flat=True))
        assert here in (numbers, set())
        assert set(archived_lines(numbers)) == numbers - here
        assert taken or not here


def elsewhere(do):
    """Do something on a connection of its own, and wait for it."""
    (done,) = at_once(1, lambda _number: do())
    assert done is None, done
