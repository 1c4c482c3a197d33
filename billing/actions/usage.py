"""Record metered usage: a file or a batch, each row once, in flat memory."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from django.db import connection, transaction

from billing.actions.desks import Desks
from billing.actions.few_rows import FEW
from billing.actions.known_rows import Tally
from billing.actions.recording import NotAllNew, record, record_few
from billing.models import UsageFile
from billing.reasons import stored_row_error
from billing.usage.intake import CHUNK_BYTES, read_usage
from billing.usage.record import Parsed, Resource, RowError, UsageRecord
from common.statements import quick_rows
from ledger.actions import Act, Request, begin_as
from ledger.kinds import ActKind
from providers.models import Provider


@dataclass(frozen=True, slots=True)
class UsageReport:
    """What became of each row: recorded now, known before, skipped by reason, or in error.

    `errors` are the first of `errors_total`. `file` is None for a batch and for a dry run.
    """

    rows: int
    recorded: int
    known_before: int
    skipped: dict[str, int]
    errors: tuple[RowError, ...]
    errors_total: int
    file: UsageFile | None


@transaction.atomic
def record_usage_file(
    *,
    provider: Provider,
    name: str,
    format: str,
    stream: BinaryIO,
    source: str,
    resource: Resource | None,
    is_dry_run: bool,
    actor: str,
    at: datetime,
    key: str,
    zone: str = "UTC",
    columns: Mapping[str, str] | None = None,
) -> UsageReport:
    """Record a file of metered usage, `sacct` or `csv`, plain or .gz; good rows count.

    Each row finds its order by its account: an order's code, the provider's own reference, or
    a voucher's code. A row that was recorded before with the same content is known; with other
    content it is an error of that row. The same file again records only what is new in it. A
    dry run reports all that and keeps nothing. `zone` is that of times without an offset;
    `columns` names the file's own columns for ours.

    :raises FileUnreadable: in one of its kinds, if the file can't be read as a whole.
    :raises KeyReused: if the key was used for another file.
    """
    sha256 = _fingerprint(stream)

    def read() -> Parsed:
        return read_usage(
            stream, format.upper(), source=source, zone=zone, resource=resource, columns=columns
        )

    payload = {"sha256": sha256, "format": format, "source": source, "resource": resource}
    own_key = f"dry:{key}" if is_dry_run else key
    request = _request(provider, actor, at, own_key, {**payload, "zone": zone})
    with transaction.atomic():
        act = _begin(provider, request)
        file = UsageFile.objects.filter(provider=provider, sha256=sha256).first()
        file_id = file.pk if file else _next_file_id()
        parsed, tally = record(provider, file_id, read, act, is_file=True, is_new=file is None)
        if is_dry_run:
            transaction.set_rollback(True)
    if file is None and not is_dry_run:
        file = _keep_file(file_id, provider, name, format, sha256, parsed, tally, actor, act)
    return UsageReport(
        rows=parsed.rows,
        recorded=tally.recorded,
        known_before=tally.known_before,
        skipped=dict(parsed.skipped),
        errors=tuple(tally.errors),
        errors_total=tally.errors_total,
        file=None if is_dry_run else file,
    )


def record_usage(
    *,
    provider: Provider,
    source: str,
    records: Sequence[UsageRecord],
    actor: str,
    at: datetime,
    key: str,
) -> UsageReport:
    """Record a batch of metered usage, with an answer a row; good rows count.

    Rows find their orders and are known again as those of a file. Asking again with the same
    key gives the same answer. A batch that is all new, as most are, is written at once; any
    other is taken back as a whole and told apart row by row.

    :raises KeyReused: if the key was used for another batch.
    """
    content = [
        (r.key, r.account, r.resource, r.count_thousandths, str(r.started_at), str(r.ended_at))
        + ((r.state, r.device) if r.device else (r.state,))
        for r in records
    ]
    request = _request(provider, actor, at, key, {"source": source, "records": content})
    if len(records) <= FEW:
        # Before others of the provider have to wait for this one.
        desks = Desks(provider, at)
        desks.look_up(desks.new_in(records))
        with suppress(NotAllNew), transaction.atomic():
            return _told(*record_few(provider, desks, records, request, source))
    with transaction.atomic():
        act = _begin(provider, request)
        many = len(records) > FEW
        return _told(
            *record(
                provider,
                None,
                lambda: Parsed(iter(records)),
                act,
                source=source,
                is_new=many,
            )
        )


def _told(parsed: Parsed, tally: Tally) -> UsageReport:
    return UsageReport(
        rows=parsed.rows,
        recorded=tally.recorded,
        known_before=tally.known_before,
        skipped={},
        errors=tuple(tally.errors),
        errors_total=tally.errors_total,
        file=None,
    )


_QUEUE = "select id from providers_provider where id = %s for no key update"


def _request(
    provider: Provider, actor: str, at: datetime, key: str, payload: Mapping[str, Any]
) -> Request:
    return Request(
        kind=ActKind.RECORD_USAGE,
        key=key,
        actor=actor,
        about=provider.address,
        at=at,
        payload=payload,
    )


def _begin(provider: Provider, request: Request) -> Act:
    # One provider's files and batches queue here, so that two with the same rows can't wait
    # for each other's rows in different orders.
    quick_rows(_QUEUE, [provider.pk])
    return begin_as(request)


def _fingerprint(stream: BinaryIO) -> str:
    digest = hashlib.sha256()
    stream.seek(0)
    while chunk := stream.read(CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def _next_file_id() -> int:
    # Lines name their file before its counts are known, and a file's row is never changed.
    with connection.cursor() as cursor:
        cursor.execute("select nextval(pg_get_serial_sequence('billing_usagefile', 'id'))")
        return int(cursor.fetchone()[0])


def _keep_file(
    file_id: int,
    provider: Provider,
    name: str,
    format: str,
    sha256: str,
    parsed: Parsed,
    tally: Tally,
    actor: str,
    act: Act,
) -> UsageFile:
    return UsageFile.objects.create(
        pk=file_id,
        provider=provider,
        name=name[:200],
        format=format.upper(),
        sha256=sha256,
        rows=parsed.rows,
        recorded=tally.recorded,
        known_before=tally.known_before,
        skipped=dict(parsed.skipped),
        errors=[stored_row_error(error) for error in tally.errors],
        errors_total=tally.errors_total,
        received_by=actor,
        received_at=act.at,
        act_id=act.id,
    )
