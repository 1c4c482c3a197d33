"""The sweep of billing: settle what was sent."""

import logging

from celery import shared_task
from django.utils import timezone

from billing import actions
from billing.queries import bills_to_settle
from common.errors import Refused
from ledger.actions import SYSTEM

logger = logging.getLogger(__name__)


@shared_task(name="billing.tasks.settle_submitted_bills")
def settle_submitted_bills() -> None:
    """Settle each bill that was sent, one transaction a bill; a refused one waits."""
    for bill in bills_to_settle():
        try:
            actions.settle_bill(
                bill=bill, actor=SYSTEM, at=timezone.now(), key=f"settle:{bill.number}"
            )
        except Refused as refused:
            logger.warning("Bill %s is not settled yet: %s", bill.number, refused)
