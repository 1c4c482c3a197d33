"""Holders are asked to confirm a bill, and reminded before silence counts."""

from datetime import timedelta

import pytest

from billing import actions as billing
from notices import actions
from notices.models import Message
from tests import cast
from tests.billing import stage
from tests.billing.test_confirm_lines import STRICT, a_bill_of, a_scene

pytestmark = pytest.mark.django_db


def told(person, path, kind=""):
    found = Message.objects.filter(user=person, path=path, kind=kind)
    return [(one.subject, one.body) for one in found]


@pytest.fixture
def bill():
    scene = a_scene(STRICT)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    return scene, a_bill_of(scene, order)


def test_a_holder_is_asked_with_the_day_and_the_meaning_of_silence(bill):
    scene, bill = bill

    actions.write_letters(at=stage.LATER)

    path = f"/bills/{bill.number}/confirm/"
    assert told(scene.applicant.person, path) == [
        (
            f"Action needed: confirm the lines of bill {bill.number}",
            "Acme Compute billed you for 3 lines, ¥300.00 in all.\n\n"
            "Confirm them, or object to a line, until 9 July 2025, 17:00 (UTC+8).\n\n"
            "A line that you say nothing of is withheld then, until an officer has looked.",
        )
    ]


def test_a_silent_holder_is_reminded_once_two_days_before(bill):
    scene, bill = bill
    until = bill.sent_at + timedelta(days=7)
    path = f"/bills/{bill.number}/confirm/"

    def reminded(before):
        actions.write_reminders(at=until - before)
        return len(told(scene.applicant.person, path, "unconfirmed"))

    assert reminded(timedelta(days=2, seconds=1)) == 0
    assert reminded(timedelta(days=2)) == 1
    assert reminded(timedelta(hours=1)) == 1


def test_who_has_spoken_of_every_line_is_not_reminded(bill):
    scene, bill = bill
    billing.confirm_lines(
        bill=bill, rows=None, actor=scene.applicant.person, at=stage.LATER, key="confirm"
    )

    assert actions.write_reminders(at=bill.sent_at + timedelta(days=6)) == 0
