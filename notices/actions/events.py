"""Programs are told what was done: once an event and address, again until it is taken."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import uuid4

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from common.errors import Refused
from notices import webhooks
from notices.events import Event
from notices.letters import Deed
from notices.models import WebhookAttempt, WebhookMessage
from notices.queries import events_to_send
from providers import actions as providers
from providers.models import WebhookEndpoint
from providers.queries import endpoints_for, secrets_of

# After the attempt of this number, how long until the next; about three days in all, as
# Standard Webhooks proposes.
WAITS = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 72_000)
)
DISABLED_AFTER = timedelta(days=5)
KEPT_FOR = timedelta(days=30)
# Whose sender died is taken in hand again after this long.
SENDING_LASTS = timedelta(minutes=5)
AT_ONCE = 8
CHUNK = 40


class EventUnderway(Refused):
    """The event is being sent, or is about to be."""

    code = "event_underway"
    sentence = _("This event is being sent already. Open the page again in a minute.")


def write_events(events: Sequence[Event], deed: Deed, at: datetime) -> int:
    """Write an act's events for every address that wants them, and return how many."""
    written = []
    for event in events:
        body = json.dumps(
            {"type": event.type, "timestamp": deed.at.isoformat(), "data": dict(event.data)},
            ensure_ascii=False,
        )
        for endpoint in endpoints_for([event.provider], event.type, deed.at):
            written.append(
                WebhookMessage(
                    endpoint=endpoint,
                    act_id=deed.id,
                    type=event.type,
                    subject=event.subject,
                    number=f"msg_{uuid4().hex}",
                    body=body,
                    written_at=at,
                    next_attempt_at=at,
                )
            )
    return len(WebhookMessage.objects.bulk_create(written, ignore_conflicts=True))


def deliver_events(*, at: datetime) -> int:
    """Send the events that are due, and return how many were taken.

    Each is taken in hand first, so that two senders never send one twice; nothing is sent inside
    a transaction. A slow receiver holds up seven others at most, and those for ten seconds.
    """
    taken = 0
    while ours := _in_hand(at):
        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = list(pool.map(lambda one: _send(one, at), ours))
        for message, sent in zip(ours, answers, strict=True):
            taken += _note(message, sent, at)
    return taken


def _in_hand(at: datetime) -> list[WebhookMessage]:
    """Take the next events in hand: whoever moves an event's next attempt first sends it."""
    ours = []
    for message in events_to_send(at)[:CHUNK]:
        due = WebhookMessage.objects.filter(
            pk=message.pk, next_attempt_at=message.next_attempt_at
        )
        if due.update(next_attempt_at=at + SENDING_LASTS):
            ours.append(message)
    return ours


def _send(message: WebhookMessage, at: datetime) -> webhooks.Sent:
    endpoint = message.endpoint
    headers = webhooks.signed_headers(
        number=message.number, at=at, body=message.body, secrets=secrets_of(endpoint, at)
    )
    return webhooks.send(endpoint.url, headers, message.body)


@transaction.atomic
def _note(message: WebhookMessage, sent: webhooks.Sent, at: datetime) -> bool:
    """Note an attempt, and say when the next one is due, if any."""
    number = message.attempts_count + 1
    WebhookAttempt.objects.create(
        message=message,
        number=number,
        at=at,
        status=sent.status,
        problem=sent.problem,
        answer=sent.answer,
        took_ms=sent.took_ms,
    )
    wait = WAITS[number - 1] if number <= len(WAITS) else None
    is_over = sent.is_taken or sent.is_gone or wait is None
    WebhookMessage.objects.filter(pk=message.pk).update(
        attempts_count=F("attempts_count") + 1,
        next_attempt_at=None if is_over or wait is None else at + wait,
        taken_at=at if sent.is_taken else message.taken_at,
    )
    _judge(message.endpoint_id, sent, at)
    return sent.is_taken


def _judge(endpoint_id: int, sent: webhooks.Sent, at: datetime) -> None:
    """Remember since when an address takes nothing; after days of that, leave it alone."""
    endpoint = WebhookEndpoint.objects.select_for_update().get(pk=endpoint_id)
    if sent.is_taken:
        if endpoint.failing_since is not None:
            WebhookEndpoint.objects.filter(pk=endpoint.pk).update(failing_since=None)
        return
    since = endpoint.failing_since or at
    if endpoint.failing_since is None:
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(failing_since=at)
    is_lost = sent.is_gone or at - since >= DISABLED_AFTER
    if is_lost and endpoint.status == WebhookEndpoint.Status.ACTIVE:
        providers.disable_webhook(
            endpoint=endpoint, at=at, key=f"webhook:{endpoint.pk}:{at.isoformat()}"
        )


@transaction.atomic
def resend_event(*, message: WebhookMessage, at: datetime) -> WebhookMessage:
    """Send an event once more, whether or not it was taken; it keeps its number.

    :raises EventUnderway: if an attempt is due within the next seconds, or under way.
    """
    row = WebhookMessage.objects.select_for_update(of=("self",)).get(pk=message.pk)
    if row.next_attempt_at is not None and row.next_attempt_at <= at + SENDING_LASTS:
        raise EventUnderway()
    row.next_attempt_at = at
    row.save(update_fields=["next_attempt_at"])
    return row


@transaction.atomic
def forget_old_events(*, at: datetime) -> int:
    """Take away events that were written longer ago than they are kept, and return how many."""
    old = WebhookMessage.objects.filter(written_at__lt=at - KEPT_FOR)
    WebhookAttempt.objects.filter(message__in=old).delete()
    count, _by_kind = old.delete()
    return count
