"""The sweep of scoring: what ended or was reported on is scored, and standings follow."""

import logging

from celery import shared_task
from django.utils import timezone

from common.errors import Refused
from scoring import actions, queries

log = logging.getLogger(__name__)


@shared_task(name="scoring.tasks.score_due_vouchers")
def score_due_vouchers() -> None:
    """Score every voucher that is due, then publish every standing that is out of date."""
    at = timezone.now()
    for due in queries.vouchers_due(at):
        try:
            actions.score_voucher(voucher=due.voucher, at=at, key=due.key)
        except Refused as refusal:
            log.warning("Not scored: %s", refusal)
        except Exception:
            # One broken row must not keep the others from their turn; each is a transaction.
            log.exception("Voucher %s was not scored", due.voucher.code)
    for organisation, score in queries.standings_due(at):
        try:
            actions.publish_standing(
                organisation=organisation, at=at, key=f"{organisation.code}:{score.pk}"
            )
        except Exception:
            log.exception("The standing of %s was not published", organisation.code)
