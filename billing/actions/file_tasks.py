"""Check or send a large usage file in the background: asked for now, done by the worker.

What is asked for is a row, so that it outlives every process; it is done in one transaction, in
which the file counts as a whole or not at all. Whoever is killed meanwhile leaves nothing
behind, and the next worker begins the file again.
"""

import logging
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from billing.actions.files import Reading, check_usage_file, send_checked_file
from billing.actions.progress import telling_progress_to
from billing.models import FileCheck, FileTask, KeptFile
from common.errors import Refused
from ledger.actions import begin
from ledger.kinds import ActKind
from parties.models import User

logger = logging.getLogger(__name__)

FAILURES_MAX = 5


@transaction.atomic
def ask_to_check(
    *, file: KeptFile, reading: Reading, actor: User, at: datetime, key: str
) -> FileTask:
    """Let the worker look a kept file over, as `check_usage_file` does; return what is asked.

    :raises KeyReused: if the key was used for another check.
    """
    told = asdict(reading) | {
        "columns": dict(reading.columns),
        "unused_columns": list(reading.unused_columns),
        "warnings": [dict(one) for one in reading.warnings],
    }
    payload = {"file": file.pk, "reading": told}
    return _ask(FileTask.Kind.CHECK, file, payload, actor, at, key, reading=told)


@transaction.atomic
def ask_to_send(
    *,
    check: FileCheck,
    invoice_numbers: Mapping[str, str],
    actor: User,
    at: datetime,
    key: str,
) -> FileTask:
    """Let the worker send a checked file, as `send_checked_file` does; return what is asked.

    :raises KeyReused: if the key was used for another file or other bills.
    """
    numbers = dict(invoice_numbers)
    payload = {"check": check.pk, "invoice_numbers": numbers}
    return _ask(
        FileTask.Kind.SEND,
        check.file,
        payload,
        actor,
        at,
        key,
        check_sent=check,
        invoice_numbers=numbers,
    )


def _ask(
    kind: FileTask.Kind,
    file: KeptFile,
    payload: Mapping[str, Any],
    actor: User,
    at: datetime,
    key: str,
    **told: Any,
) -> FileTask:
    act = begin(
        kind=ActKind.ASK_FILE_TASK,
        key=f"task:{key}",
        actor=actor.address,
        about=file.provider.address,
        at=at,
        payload=payload,
    )
    if act.is_replay:
        return FileTask.objects.get(act_id=act.id)
    return FileTask.objects.create(
        file=file,
        kind=kind,
        asked_by=actor,
        asked_at=at,
        act_id=act.id,
        **{"invoice_numbers": {}, **told},
    )


def do_file_task(*, task: FileTask, at: datetime) -> FileTask:
    """Do what was asked for, unless it is done or another worker is about it.

    The result is kept with the task in the same transaction. A refusal is its result too, in
    every language. Any other failure takes everything back; after `FAILURES_MAX` of them the
    task is given up, in words. A database that went away is no failure of the task.
    """
    try:
        with transaction.atomic():
            return _do_once(task, at)
    except (InterfaceError, OperationalError):
        raise
    except Exception:
        logger.exception("File task %s failed", task.pk)
        with transaction.atomic():
            row = FileTask.objects.select_for_update(no_key=True).get(pk=task.pk)
            row.failures += 1
            if row.status == FileTask.Status.WAITING and row.failures >= FAILURES_MAX:
                _refuse(row, GivenUp(), at)
            row.save()
        return row


class GivenUp(Refused):
    """A file that failed again and again for a reason that is not its own."""

    code = "file_task_given_up"
    sentence = _(
        "Something is wrong on our side with this file, and nothing of it is recorded. "
        "Send it again later; if it fails again, write to the authority."
    )


def _do_once(task: FileTask, at: datetime) -> FileTask:
    with connection.cursor() as cursor:
        # No row lock: how far the task has come is written beside it meanwhile.
        cursor.execute("select pg_try_advisory_xact_lock(%s, %s)", [_LOCK, task.pk])
        (is_ours,) = cursor.fetchone()
    row = FileTask.objects.select_related(
        "asked_by", "check_sent__file__provider", "file__provider__organisation"
    ).get(pk=task.pk)
    if not is_ours or row.status != FileTask.Status.WAITING:
        return row
    try:
        with transaction.atomic(), telling_progress_to(row.pk):
            _do(row, at)
    except Refused as refused:
        _refuse(row, refused, at)
    else:
        row.status, row.ended_at = FileTask.Status.DONE, at
    row.save(
        update_fields=["status", "ended_at", "check_made", "usage_file", "bills", "refusal"]
    )
    return row


def _do(row: FileTask, at: datetime) -> None:
    key = f"task:{row.pk}"
    if row.check_sent is None:
        reading = Reading(**(row.reading or {}))
        row.check_made = check_usage_file(
            file=row.file, reading=reading, actor=row.asked_by, at=at, key=key
        )
        return
    report, bills = send_checked_file(
        check=row.check_sent,
        invoice_numbers=row.invoice_numbers,
        actor=row.asked_by,
        at=at,
        key=key,
    )
    row.usage_file = report.file
    row.bills = [bill.number for bill in bills]


def _refuse(row: FileTask, refused: Refused, at: datetime) -> None:
    row.status, row.ended_at = FileTask.Status.REFUSED, at
    row.check_made, row.usage_file, row.bills = None, None, []
    row.refusal = {}
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            row.refusal[code] = str(refused)


_LOCK = 0x46494C45
