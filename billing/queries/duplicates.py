"""Payments that look like another one: to the same party or account, of the same amount."""

from collections import defaultdict
from datetime import timedelta
from typing import NamedTuple

from billing.models import Batch, DuplicateAnswer, Payment
from billing.queries.payments import payments_of

_Status = Payment.Status
# A payment that came back, was removed or called off is no twin of the one in its place.
_COUNTED = (_Status.PREPARED, _Status.SENT, _Status.PAID)


class Duplicate(NamedTuple):
    """A payment of a batch, an earlier one that looks like it, and the reason given, if any."""

    payment: Payment
    twin: Payment
    reason: str


def duplicates_in(batch: Batch, days: int) -> list[Duplicate]:
    """Return the payments of a batch that look like earlier ones, in it or in another batch.

    Of the same amount and currency, to the same party or the same account number, and prepared
    not more than so many days before it. Of two in one batch the later one is named. A fixed
    number of queries, however many payments there are.
    """
    mine = list(payments_of(batch).filter(status__in=_COUNTED).order_by("pk"))
    alike: dict[tuple[int, str], list[Payment]] = defaultdict(list)
    for twin in (
        Payment.objects.filter(
            status__in=_COUNTED,
            amount__in={one.amount for one in mine},
            batch__prepared_at__gte=batch.prepared_at - timedelta(days=days),
            batch__prepared_at__lte=batch.prepared_at,
        )
        .select_related("payee", "bank_detail", "batch__programme")
        .order_by("pk")
    ):
        alike[twin.amount, twin.unit].append(twin)
    answered = {
        (one.payment_id, one.twin_id): one.reason
        for one in DuplicateAnswer.objects.filter(payment__batch=batch)
    }
    return [
        Duplicate(one, twin, answered.get((one.pk, twin.pk), ""))
        for one in mine
        for twin in alike[one.amount, one.unit]
        if twin.pk < one.pk and _is_one_payee(one, twin)
    ]


def _is_one_payee(one: Payment, twin: Payment) -> bool:
    return one.payee_id == twin.payee_id or one.bank_detail.number == twin.bank_detail.number


def reasons_said(batch: Batch) -> dict[str, str]:
    """Return what was said of payments of a batch that look like earlier ones, by their ids."""
    found = DuplicateAnswer.objects.filter(payment__batch=batch).order_by("pk")
    return dict(found.values_list("payment__end_to_end_id", "reason"))
