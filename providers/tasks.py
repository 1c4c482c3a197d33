"""The sweep of what programs asked: first answers, the log and tokens are kept for a time."""

from celery import shared_task
from django.utils import timezone
from oauth2_provider.models import clear_expired

from providers import actions


@shared_task(name="providers.tasks.forget_old_requests")
def forget_old_requests() -> None:
    """Take away first answers after two days, the log after thirty, and tokens that ended."""
    at = timezone.now()
    actions.forget_old_answers(at=at)
    actions.forget_old_calls(at=at)
    clear_expired()
