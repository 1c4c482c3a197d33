"""The sweeps of billing: settle what was sent, decide what the law decides by silence."""

import logging

from celery import shared_task
from django.utils import timezone

from billing import actions
from billing.models import Bill
from billing.queries import (
    SettlementRules,
    batch_jobs_waiting,
    bills_to_settle,
    file_tasks_waiting,
    is_due,
    objections_to_decide,
    undecided_of,
)
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


@shared_task(name="billing.tasks.decide_silent_lines")
def decide_silent_lines() -> None:
    """Decide the disputed lines on which a side let its days pass, where the law says what follows.

    Each line is a transaction of its own, and none stops those behind it. What can't be decided
    so waits for an officer, and is late in the work queue.
    """
    now, rules = timezone.now(), SettlementRules()
    for objection in objections_to_decide():
        line = objection.line
        try:
            if undecided_of(objection, rules).default_at(now):
                key = f"silence:{objection.pk}"
                actions.decide_by_silence(line=line, at=now, key=key)
        except Refused as refused:
            logger.warning("Line %s is not decided by silence: %s", line, refused)
        except Exception:
            logger.exception("Line %s could not be decided by silence", line)


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
