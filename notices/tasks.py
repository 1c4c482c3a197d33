"""The sweep of letters: written from what was done, then e-mailed."""

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
