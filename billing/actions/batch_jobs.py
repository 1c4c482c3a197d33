"""Have a batch's file written by the worker: asked at once, done apart from the batch's stage.

What is asked for is a row, so that it outlives every process. The release is one transaction:
a worker that is killed leaves the batch where it was, and the next one begins the job again.
"""

import logging
from datetime import datetime

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from billing.actions.attempts import attempts_kept
from billing.actions.batch_approvals import seen_as_it_is
from billing.actions.batch_release import releasable, release_batch
from billing.actions.batch_steps import require_finance, require_part
from billing.models import Batch, BatchJob
from common.errors import Refused
from ledger.actions import begin
from ledger.kinds import ActKind
from parties.models import User

logger = logging.getLogger(__name__)

RUNS_MAX = 5
# The first of the two keys of the lock that a job's worker holds: "BJOB".
_LOCK = 0x424A4F42
_Status = BatchJob.Status


class ReleaseAsked(Refused):
    """The file is being written already."""

    code = "release_asked"
    sentence = _("The file of batch %(batch)s is being written already. Wait until it is done.")


class ReleaseGivenUp(Refused):
    """A file that could not be written again and again, for a reason that is not its own."""

    code = "release_given_up"
    sentence = _(
        "Something is wrong on our side, and nothing of the batch was released. Ask for it again "
        "later; if it fails again, write to those who run the portal."
    )


@attempts_kept(ActKind.ASK_RELEASE)
@transaction.atomic
def ask_to_release(
    *, batch: Batch, actor: User, at: datetime, key: str, seen: str = ""
) -> BatchJob:
    """Let the worker release a batch, as `release_batch` does; return what is asked.

    Whoever may not release it is told so at once. A job that failed is followed by another one.

    :param seen: the fingerprint of the list that the person was shown.
    :raises NotAllowed: if the person is no finance officer of the programme.
    :raises SamePerson: if the person prepared, approved or authorised it.
    :raises ApprovedByPreparer: if the accounts of those were joined since.
    :raises BatchNotReady: if it is not approved, or still to be authorised, or released before.
    :raises ListChanged: if it is not what the person was shown.
    :raises ReleaseAsked: if somebody asked before, and it is not done.
    :raises KeyReused: if the key was used for another batch.
    """
    officers = require_finance(batch.programme, actor, at)
    act = begin(
        kind=ActKind.ASK_RELEASE,
        key=key,
        actor=actor.address,
        about=batch.address,
        at=at,
        payload={"seen": seen},
    )
    if act.is_replay:
        return BatchJob.objects.get(act_id=act.id)
    batch = releasable(batch)
    require_part("release_batch", batch, actor, at, officers)
    now = seen_as_it_is(batch, seen, at)
    if BatchJob.objects.filter(batch=batch, ended_at__isnull=True).exists():
        raise ReleaseAsked(batch=batch.code)
    return BatchJob.objects.create(
        batch=batch, asked_by=actor, asked_at=at, seen=now, act_id=act.id
    )


def do_batch_job(*, job: BatchJob, at: datetime) -> BatchJob:
    """Release the batch that a job is about, unless it is done or another worker is about it.

    A refusal is the job's result, in every language, and leaves the batch where it was. After
    any other failure the job is begun again, at most `RUNS_MAX` times. A database that went away
    is no failure of the job.
    """
    with transaction.atomic():
        row = _locked(job)
        if row is None or row.ended_at is not None:
            return row or BatchJob.objects.get(pk=job.pk)
        if row.runs >= RUNS_MAX:
            return _failed(row, ReleaseGivenUp(), at)
        row.status, row.begun_at, row.runs = _Status.RUNNING, at, row.runs + 1
        row.save(update_fields=["status", "begun_at", "runs"])
    try:
        with transaction.atomic():
            return _done_once(row, at)
    except (InterfaceError, OperationalError):
        raise
    except Exception:
        logger.exception("The release of batch %s failed", row.batch_id)
        return BatchJob.objects.get(pk=job.pk)


def _locked(job: BatchJob) -> BatchJob | None:
    """Return the job as it is, if no other worker is about it until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock(%s, %s)", [_LOCK, job.pk])
        (is_ours,) = cursor.fetchone()
    if not is_ours:
        return None
    return BatchJob.objects.select_related("batch__programme__authority", "asked_by").get(
        pk=job.pk
    )


def _done_once(job: BatchJob, at: datetime) -> BatchJob:
    row = _locked(job)
    if row is None or row.status != _Status.RUNNING:
        return row or job
    try:
        release_batch(
            batch=row.batch, actor=row.asked_by, at=at, key=f"job:{row.pk}", seen=row.seen
        )
    except Refused as refused:
        return _failed(row, refused, at)
    row.status, row.ended_at = _Status.DONE, at
    row.save(update_fields=["status", "ended_at"])
    return row


def _failed(row: BatchJob, refused: Refused, at: datetime) -> BatchJob:
    row.status, row.ended_at, row.refusal = _Status.FAILED, at, {}
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            row.refusal[code] = str(refused)
    row.save(update_fields=["status", "ended_at", "refusal"])
    return row
