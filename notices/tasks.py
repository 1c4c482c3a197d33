"""The sweeps of letters and events: written from what was done, then sent."""

from celery import shared_task
from django.utils import timezone

from notices import actions


@shared_task(name="notices.tasks.send_due_letters")
def send_due_letters() -> None:
    """Write every letter and reminder that is due, and e-mail what was not e-mailed yet."""
    at = timezone.now()
    actions.write_letters(at=at)
    actions.write_reminders(at=at)
    actions.send_messages(at=at)


@shared_task(name="notices.tasks.deliver_due_events")
def deliver_due_events() -> None:
    """Send providers the events that are due, and forget those of more than thirty days."""
    at = timezone.now()
    actions.deliver_events(at=at)
    actions.forget_old_events(at=at)
