"""An event is sent again until it is taken, and then no more."""

from datetime import timedelta

import pytest

from notices import actions
from notices.actions.events import WAITS
from notices.models import Message, WebhookAttempt, WebhookMessage
from providers import actions as providers
from tests.cast import NOON, a_hold
from tests.notices.events.sending import LATER, add, sweep
from vouchers import actions as vouchers


def test_what_is_not_taken_is_sent_again_ten_times_within_three_days(scene, receiver):
    add(scene, receiver.url)
    a_hold(scene.voucher, scene.applicant, scene.seller)
    receiver.status, receiver.answer = 503, b"busy"
    at = LATER
    sweep(at)
    for wait in WAITS:
        assert actions.deliver_events(at=at + wait - timedelta(milliseconds=1)) == 0
        at += wait
        actions.deliver_events(at=at)

    attempts = list(WebhookAttempt.objects.order_by("number"))
    assert [one.number for one in attempts] == list(range(1, 11))
    assert {(one.status, one.answer) for one in attempts} == {(503, "busy")}
    assert at - LATER <= timedelta(days=3)
    message = WebhookMessage.objects.get()
    assert (message.next_attempt_at, message.taken_at) == (None, None)
    assert len({one.headers["webhook-id"] for one in receiver.received}) == 1
    assert len({one.body for one in receiver.received}) == 1


def test_a_redirect_is_not_followed(scene, receiver):
    add(scene, receiver.url)
    a_hold(scene.voucher, scene.applicant, scene.seller)
    receiver.status, receiver.location = 307, receiver.url

    assert sweep() == 0
    assert len(receiver.received) == 1


def test_an_event_is_sent_once_more_when_its_provider_asks(scene, receiver):
    add(scene, receiver.url)
    a_hold(scene.voucher, scene.applicant, scene.seller)
    sweep()
    message = WebhookMessage.objects.get()

    actions.resend_event(message=message, at=LATER)
    with pytest.raises(actions.events.EventUnderway):
        actions.resend_event(message=message, at=LATER)
    sweep()

    assert len(receiver.received) == 2
    assert receiver.received[0].body == receiver.received[1].body


def test_after_days_of_failure_an_address_is_left_alone_and_its_provider_written_to(
    scene, receiver
):
    endpoint, _secret = add(scene, receiver.url)
    receiver.status = 500
    order = None
    for day in (0, 4, 5):
        if order is None:
            order = a_hold(scene.voucher, scene.applicant, scene.seller)
        else:
            vouchers.release_hold(
                order=order, actor=scene.applicant.person, at=NOON, key=f"release-{day}"
            )
            order = None
        sweep(LATER + timedelta(days=day))
        endpoint.refresh_from_db()
        assert endpoint.status == ("ACTIVE" if day < 5 else "DISABLED")

    sent = len(receiver.received)
    sweep(LATER + timedelta(days=6))
    assert len(receiver.received) == sent
    letter = Message.objects.get(subject__startswith="Action needed: events")
    assert letter.user == scene.seller.person
    assert receiver.url in letter.body

    receiver.status = 200
    providers.enable_webhook(
        endpoint=endpoint, actor=scene.seller.person, at=LATER + timedelta(days=6), key="e"
    )
    assert actions.deliver_events(at=LATER + timedelta(days=6)) > 0
    endpoint.refresh_from_db()
    assert endpoint.failing_since is None


def test_one_success_forgives_the_failures_before(scene, receiver):
    endpoint, _secret = add(scene, receiver.url)
    a_hold(scene.voucher, scene.applicant, scene.seller)
    receiver.status = 500
    sweep()
    endpoint.refresh_from_db()
    assert endpoint.failing_since == LATER

    receiver.status = 200
    actions.deliver_events(at=LATER + timedelta(seconds=5))

    endpoint.refresh_from_db()
    assert endpoint.failing_since is None


def test_a_receiver_that_says_gone_is_left_alone_at_once(scene, receiver):
    endpoint, _secret = add(scene, receiver.url)
    a_hold(scene.voucher, scene.applicant, scene.seller)
    receiver.status = 410

    sweep()

    endpoint.refresh_from_db()
    assert endpoint.status == "DISABLED"


def test_events_are_kept_for_thirty_days(scene, receiver):
    add(scene, receiver.url)
    a_hold(scene.voucher, scene.applicant, scene.seller)
    sweep()

    assert actions.forget_old_events(at=LATER + timedelta(days=30)) == 0
    assert actions.forget_old_events(at=LATER + timedelta(days=31)) == 1
    assert not WebhookAttempt.objects.exists()
