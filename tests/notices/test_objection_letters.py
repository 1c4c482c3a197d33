"""Providers are told until when they reply, and reminded; both sides are told of the verdict."""

from datetime import timedelta

import pytest

from billing import actions as billing
from notices import actions
from notices.models import Message
from tests import cast
from tests.billing import stage
from tests.billing.test_confirm_lines import a_bill_of, a_scene, confirm

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
LAW = cast.policy_text(cast.M3).replace(
    "\n[settlement]\n", '\n[settlement]\nreply_days = 10\nreply_silence = "DECLINES"\n'
)


@pytest.fixture
def disputed():
    """A scene and a bill of three lines, two of them disputed at once."""
    scene = a_scene(LAW)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    bill = a_bill_of(scene, order)
    billing.object_to_lines(
        bill=bill,
        notes={1: "Not ours", 2: "Nor this"},
        actor=scene.applicant.person,
        at=stage.LATER,
        key="object",
    )
    confirm(scene, bill)
    return scene, bill


def told(person, kind="", about="objection"):
    found = Message.objects.filter(user=person, kind=kind, subject__contains=about)
    return [(one.subject, one.body) for one in found.order_by("pk")]


def test_the_provider_is_told_until_when_it_replies_and_what_its_silence_means(disputed):
    scene, bill = disputed

    actions.write_letters(at=stage.LATER)

    ((subject, body),) = told(scene.seller.person, about="disputed")
    assert subject == f"Action needed: 2 lines of bill {bill.number} disputed"
    assert body.endswith(
        "Without a reply until 12 July 2025, 17:00 (UTC+8) it is not accepted."
    )


def test_a_silent_provider_is_reminded_once_two_days_before_of_all_its_lines(disputed):
    scene, bill = disputed
    until = stage.LATER + 10 * DAY

    actions.write_reminders(at=until - 2 * DAY - timedelta(seconds=1))
    assert told(scene.seller.person, "unreplied") == []
    for _ in range(2):
        actions.write_reminders(at=until - 2 * DAY)

    ((subject, body),) = told(scene.seller.person, "unreplied")
    assert subject == (f"Action needed: reply to the objection to line 1 of bill {bill.number}")
    assert "“Not ours”" in body
    assert "“Nor this”" in body


def test_who_has_replied_is_not_reminded(disputed):
    scene, bill = disputed
    for row in (1, 2):
        billing.reply_to_objection(
            line=bill.lines.get(row=row),
            text="See the log",
            actor=scene.seller.person,
            at=stage.LATER,
            key=f"reply {row}",
        )

    actions.write_reminders(at=stage.LATER + 9 * DAY)

    assert told(scene.seller.person, "unreplied") == []


def test_both_sides_are_told_what_silence_decided_and_why(disputed):
    scene, bill = disputed
    stage.settle(bill)
    billing.decide_by_silence(
        line=bill.lines.get(row=1), at=stage.LATER + 10 * DAY, key="silence"
    )

    actions.write_letters(at=stage.LATER + 10 * DAY)

    for person in (scene.seller.person, scene.applicant.person):
        ((subject, body),) = told(person, about="is decided")
        assert subject == f"Line 1 of bill {bill.number}: the objection is decided"
        assert "The provider did not reply to the objection within 10 days." in body
        assert "Of ¥100.00, ¥0.00 is accepted; the voucher pays ¥0.00." in body


def test_a_part_is_told_with_its_amounts(disputed):
    scene, bill = disputed
    stage.settle(bill)
    billing.reply_to_objection(
        line=bill.lines.get(row=2),
        text="Half of it is right",
        actor=scene.seller.person,
        at=stage.LATER,
        key="reply",
    )
    billing.decide_line(
        line=bill.lines.get(row=2),
        accept=True,
        amount=50_00,
        note="Half of it",
        actor=scene.authority.finance[0],
        at=stage.LATER,
        key="part",
    )

    actions.write_letters(at=stage.LATER)

    ((_subject, body),) = told(scene.applicant.person, about="is decided")
    assert "Of ¥100.00, ¥50.00 is accepted; the voucher pays ¥30.00." in body
