"""A debtor is reminded of what it owes once before the day and once after it."""

from datetime import timedelta

import pytest

from common.days import end_of
from notices import actions
from notices.models import Message
from tests.billing.recovering import DECIDED, a_scene, opened, paid, upheld

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def reminders(scene, kind):
    return list(Message.objects.filter(user=scene.seller.person, kind=kind))


def test_once_before_and_once_after_the_day(scene_and_case):
    scene, case = scene_and_case
    end = end_of(case.due_on, scene.scheme.programme.zone)

    def told(at):
        actions.write_reminders(at=at)
        return tuple(len(reminders(scene, kind)) for kind in ("recovery_due", "recovery_late"))

    assert told(end - timedelta(days=8) - HOUR) == (0, 0)
    assert told(end - timedelta(days=7)) == (1, 0)
    assert told(end - HOUR) == (1, 0)
    assert told(end + HOUR) == (1, 1)
    assert told(end + timedelta(days=40)) == (1, 1)
    (first,), (second,) = reminders(scene, "recovery_due"), reminders(scene, "recovery_late")
    assert "pay back ¥200.00 until 20 September 2025" in first.subject
    assert second.subject.startswith("Overdue: ¥200.00")
    assert case.code in second.subject
    assert "Measures, Article 21" in first.body


@pytest.fixture
def scene_and_case():
    scene = a_scene()
    return scene, upheld(scene, paid(scene)[1])


def test_nobody_is_reminded_of_what_is_not_decided():
    scene = a_scene()
    opened(scene, paid(scene)[1])

    actions.write_reminders(at=DECIDED + timedelta(days=400))

    assert reminders(scene, "recovery_due") == reminders(scene, "recovery_late") == []
