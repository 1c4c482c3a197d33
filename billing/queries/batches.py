"""What is in a batch, who had which part in it, and what became of it since its list was locked."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Q, QuerySet

from billing.models import Batch, BatchJob, BatchStep, Payment, RefusedAttempt
from billing.queries.payments import bank_details_in_force, payments_of
from parties.models import BankDetail, User
from parties.queries import roles_of
from parties.roles import Role
from vouchers.queries import programme_scope

_Kind = BatchStep.Kind
# Which duty of `policy.duties` a step is; the others are nobody's part.
DUTIES = {
    _Kind.OPENED: "prepare_batch",
    _Kind.REMOVED: "prepare_batch",
    _Kind.ADDED: "prepare_batch",
    _Kind.LOCKED: "prepare_batch",
    _Kind.APPROVED: "approve_batch",
    _Kind.AUTHORISED: "authorise_batch",
    _Kind.RELEASED: "release_batch",
}
UNRELEASED = (
    Batch.Status.OPEN,
    Batch.Status.LOCKED,
    Batch.Status.APPROVED,
    Batch.Status.AUTHORISED,
)


# A file of 10,000 payments is written in seconds; what takes so long has lost its worker.
STUCK_AFTER = timedelta(minutes=10)


class Listed(NamedTuple):
    """One payment of a batch's list: what would be paid, in minor units, to whom and where."""

    end_to_end_id: str
    payee: str
    payable: str
    amount: int
    unit: str
    holder: str
    number: str
    agent: str


class Difference(NamedTuple):
    """One payment that is not as it was: either side is None where it is not in that list."""

    before: Listed | None
    after: Listed | None


def steps_of(batch: Batch) -> QuerySet[BatchStep]:
    """Return what was done to a batch, the first first, each with who did it."""
    return (
        BatchStep.objects.filter(batch=batch)
        .select_related("doer", "stands_for", "payment__payee")
        .order_by("pk")
    )


def doers_of_batch(batch: Batch) -> dict[str, list[str]]:
    """Return who had a part in a batch, by the names of the duties.

    Whom a deputy stood in for is among them. Steps of batches from before there were rows of
    them stand in the batch itself.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for step in BatchStep.objects.filter(batch=batch, kind__in=DUTIES).order_by("pk"):
        doers = {step.doer_id, step.stands_for_id} - {None}
        found[DUTIES[_Kind(step.kind)]] += [User(pk=one).address for one in doers]
    columns = {
        "prepare_batch": batch.prepared_by_id,
        "approve_batch": batch.approved_by_id,
        "authorise_batch": batch.authorised_by_id,
        "release_batch": batch.released_by_id,
    }
    for duty, doer in columns.items():
        if doer is not None:
            found[duty].append(User(pk=doer).address)
    return {duty: list(dict.fromkeys(doers)) for duty, doers in found.items()}


def list_of(batch: Batch, at: datetime) -> list[Listed]:
    """Return the payments of a batch as they would go to the bank at an instant, by their id.

    Once it is released, as they went.
    """
    payments = payments_of(batch).exclude(
        status__in=[Payment.Status.REMOVED, Payment.Status.CANCELLED]
    )
    details: dict[int, BankDetail] = {}
    if batch.status in UNRELEASED:
        details = bank_details_in_force([one.payee_id for one in payments], at)
    return [_listed(one, details.get(one.payee_id, one.bank_detail)) for one in payments]


def _listed(payment: Payment, detail: BankDetail) -> Listed:
    return Listed(
        payment.end_to_end_id,
        payment.payee.code,
        payment.payable,
        payment.amount,
        payment.unit,
        detail.holder,
        detail.number,
        detail.agent,
    )


def list_sha256(payments: Sequence[Listed]) -> str:
    """Return the fingerprint of a list: SHA-256 of its rows as JSON, in their order."""
    text = json.dumps(payments, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def lists_locked(batch: Batch) -> list[tuple[BatchStep, list[Listed]]]:
    """Return the lists that were locked, the newest first; one for each time it was."""
    locked = steps_of(batch).filter(kind=_Kind.LOCKED).order_by("-pk")
    return [(step, [Listed(*row) for row in step.list or []]) for step in locked]


def differences(before: Sequence[Listed], after: Sequence[Listed]) -> list[Difference]:
    """Return what differs between two lists, payment by payment, by their ids."""
    old = {one.end_to_end_id: one for one in before}
    new = {one.end_to_end_id: one for one in after}
    return [
        Difference(old.get(one), new.get(one))
        for one in sorted(old.keys() | new.keys())
        if old.get(one) != new.get(one)
    ]


def attempts_visible_to(person: User) -> QuerySet[RefusedAttempt]:
    """Return who was refused a step of a batch, of the programmes that a person watches over.

    Newest first. A regulator watches over all programmes.
    """
    scope = programme_scope(person, roles=(Role.INVESTIGATOR, Role.ADMIN))
    if Role.REGULATOR in roles_of(person):
        scope = ~Q(pk__in=[])
    return (
        RefusedAttempt.objects.filter(scope)
        .select_related("programme", "asked_by")
        .order_by("-pk")
    )


def batch_jobs_waiting() -> QuerySet[BatchJob]:
    """Return the files that are to be written, the oldest first; those begun and not ended too."""
    return BatchJob.objects.filter(ended_at__isnull=True).order_by("pk")


def newest_job_of(batch: Batch) -> BatchJob | None:
    """Return how far the writing of a batch's file is, or None where nobody asked for it."""
    return (
        BatchJob.objects.filter(batch=batch).select_related("asked_by").order_by("-pk").first()
    )


def batch_jobs_stuck(person: User, at: datetime) -> QuerySet[BatchJob]:
    """Return the files of a person's programmes that should long be written at an instant."""
    return (
        batch_jobs_waiting()
        .filter(programme_scope(person, "batch__programme"), asked_at__lt=at - STUCK_AFTER)
        .select_related("batch")
    )


def job_state(job: BatchJob, at: datetime) -> str:
    """Return the word of `statuses.BATCH_JOB` for a job at an instant."""
    is_late = job.ended_at is None and job.asked_at < at - STUCK_AFTER
    return "STUCK" if is_late else job.status
