"""The sweeps over vouchers: free what has lapsed or expired, one thing at a time."""

import logging

from celery import shared_task
from django.utils import timezone

from common.errors import Refused
from ledger.actions import SYSTEM
from vouchers import actions, queries

log = logging.getLogger(__name__)


@shared_task(name="vouchers.tasks.release_lapsed_holds")
def release_lapsed_holds() -> None:
    """Give back what is left of each hold whose time has passed."""
    now = timezone.now()
    for order in queries.orders_lapsed_by(now):
        try:
            actions.lapse_hold(order=order, at=now, key=f"lapse:{order.code}")
        except Refused as refusal:
            # Settled or released since it was listed: there is nothing to give back.
            log.info("%s", refusal)
        except Exception:
            # One broken row must not keep the others from their turn; each is a transaction.
            log.exception("Order %s did not lapse", order.code)


@shared_task(name="vouchers.tasks.release_suspended_holds")
def release_suspended_holds() -> None:
    """Give back holds of orders without use at providers whose suspension says so."""
    now = timezone.now()
    for order in queries.orders_of_suspended(now):
        try:
            actions.release_hold(
                order=order, actor=SYSTEM, at=now, key=f"suspended:{order.code}"
            )
        except Refused as refusal:
            # Used or billed: the hold stays for the provider's bill.
            log.info("%s", refusal)
        except Exception:
            log.exception("Order %s was not released", order.code)


@shared_task(name="vouchers.tasks.follow_upstream_awards")
def follow_upstream_awards() -> None:
    """Go on with what follows awards above: where nobody decided, or the budget was short."""
    now = timezone.now()
    for application in queries.matches_to_follow():
        try:
            actions.follow_upstream_award(
                application=application, at=now, key=f"match:{application.reference}"
            )
        except Refused as refusal:
            log.info("%s", refusal)
        except Exception:
            log.exception("Application %s was not followed", application.reference)


@shared_task(name="vouchers.tasks.expire_due_vouchers")
def expire_due_vouchers() -> None:
    """End each voucher whose last day is over, and give back what is free on it."""
    now = timezone.now()
    for voucher in queries.vouchers_expired_by(now):
        try:
            # What was taken so far names the state: asked twice in one state, it is done once.
            taken = queries.voucher_balance(voucher).debit
            actions.expire_voucher(
                voucher=voucher, at=now, key=f"expire:{voucher.code}:{taken}"
            )
        except Refused as refusal:
            log.info("%s", refusal)
        except Exception:
            log.exception("Voucher %s did not expire", voucher.code)


@shared_task(name="vouchers.tasks.issue_automatic_awards")
def issue_automatic_awards() -> None:
    """Issue the voucher of each award that nobody had to decide, once its public notice is over."""
    now = timezone.now()
    for decision in queries.awards_automatic(now):
        try:
            actions.issue_voucher(
                decision=decision, actor=SYSTEM, at=now, key=f"issue:{decision.pk}"
            )
        except Refused as refusal:
            log.info("%s", refusal)
        except Exception:
            log.exception("Award %s was not issued", decision.pk)


@shared_task(name="vouchers.tasks.award_waiting_lists")
def award_waiting_lists() -> None:
    """Award what became free again to those who wait for it, in their order."""
    now = timezone.now()
    for programme in queries.programmes_with_waiting():
        for application in queries.waiting_list(programme):
            try:
                turn = application.decisions.count()
                actions.award_waiting(
                    application=application,
                    at=now,
                    key=f"waiting:{application.reference}:{turn}",
                )
            except Refused as refusal:
                # Too little is free for this one; a smaller one after it may still fit.
                log.info("%s", refusal)
            except Exception:
                log.exception("Application %s was not looked at", application.reference)
