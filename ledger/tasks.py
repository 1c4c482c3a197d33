"""The ledger's sweep: seal what is done."""

from celery import shared_task
from django.utils import timezone

from ledger import actions


@shared_task(name="ledger.tasks.seal_ledger")
def seal_ledger() -> None:
    """Seal all ended acts into the next block."""
    actions.seal(at=timezone.now())
