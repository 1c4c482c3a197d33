"""The sweep of billing: settle what was sent."""

import logging

from celery import shared_task
from django.utils import timezone

from billing import actions
from billing.models import Bill
from billing.queries import batch_jobs_waiting, bills_to_settle, file_tasks_waiting, is_due
from common.errors import Refused
from ledger.actions import SYSTEM

logger = logging.getLogger(__name__)


@shared_task(name="billing.tasks.settle_submitted_bills")
def settle_submitted_bills() -> None:
    """Settle each bill whose days for an objection are over; a refused one waits.

    Each bill is a transaction of its own, and none stops those behind it. A finance officer may
    settle a bill earlier.
    """
    for bill in bills_to_settle():
        try:
            _settle_if_due(bill)
        except Refused as refused:
            logger.warning("Bill %s is not settled yet: %s", bill.number, refused)
        except Exception:
            logger.exception("Bill %s could not be settled", bill.number)


def _settle_if_due(bill: Bill) -> None:
    now = timezone.now()
    if is_due(bill, now):
        actions.settle_bill(bill=bill, actor=SYSTEM, at=now, key=f"settle:{bill.number}")


@shared_task(name="billing.tasks.archive_usage")
def archive_usage() -> None:
    """Put the usage lines of months that are kept no longer into files of the archive."""
    for archive in actions.archive_usage(at=timezone.now()):
        logger.info("%s usage lines were archived in %s", archive.lines, archive.file)


@shared_task(name="billing.tasks.do_file_tasks")
def do_file_tasks() -> None:
    """Check and send the large files that were asked for, the oldest first."""
    for task in file_tasks_waiting():
        actions.do_file_task(task=task, at=timezone.now())


@shared_task(name="billing.tasks.do_batch_jobs")
def do_batch_jobs() -> None:
    """Release the batches whose files were asked for, the oldest first; none stops those behind."""
    for job in batch_jobs_waiting():
        actions.do_batch_job(job=job, at=timezone.now())


@shared_task(name="billing.tasks.keep_usage_months")
def keep_usage_months() -> None:
    """Make the partitions of usage lines ahead of the months that they are for."""
    made = actions.keep_usage_months(at=timezone.now())
    if made:
        logger.info("%s months of usage lines were made ahead", made)
