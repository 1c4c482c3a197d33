"""Take usage files in: kept as they came, looked over, and sent when their sender says so."""

import contextlib
import hashlib
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, BinaryIO, cast
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models.functions import TruncMonth
from django.utils.translation import gettext_lazy as _

from billing.actions.bills import AmountTooLarge, NothingToBill, PeriodFarOff, submit_bill
from billing.actions.open_periods import PeriodClosed
from billing.actions.usage import UsageReport, record_usage_file
from billing.models import Bill, ColumnMapping, FileCheck, KeptFile, KeptFilePart, UsageLine
from billing.queries.files import content_of
from billing.reasons import stored_row_error
from billing.usage.intake import CHUNK_BYTES
from billing.usage.recognise import ASKED, NEEDED, Looked
from billing.usage.record import Resource
from common.days import start_of
from common.errors import Refused
from ledger.actions import begin
from ledger.kinds import ActKind
from parties.models import User
from parties.queries import address_of
from providers.models import Provider
from vouchers.models import Programme


class ColumnsNotNamed(Refused):
    """A mapping that leaves out what no usage line can be without."""

    code = "columns_not_named"
    sentence = _(
        "Say which column is which for: %(missing)s. Each column can be one of them only."
    )


@transaction.atomic
def keep_usage_file(
    *,
    provider: Provider,
    name: str,
    stream: BinaryIO,
    actor: User | str,
    at: datetime,
    key: str,
) -> KeptFile:
    """Keep a file as it came, packed piece by piece; nothing of it is recorded by that.

    The same bytes from the same provider are kept once, under the name they first had.

    :raises KeyReused: if the key was used for another file.
    """
    sha256, size = _fingerprint(stream)
    act = begin(
        kind=ActKind.KEEP_USAGE_FILE,
        key=key,
        actor=address_of(actor),
        about=provider.address,
        at=at,
        payload={"sha256": sha256},
    )
    # One provider's files queue here, so that two of the same bytes are kept as one.
    Provider.objects.select_for_update(no_key=True).get(pk=provider.pk)
    kept = KeptFile.objects.filter(provider=provider, sha256=sha256).first()
    if kept is not None:
        return kept
    file = KeptFile.objects.create(
        provider=provider,
        name=name[:200],
        sha256=sha256,
        size=size,
        received_by=address_of(actor),
        received_at=at,
        act_id=act.id,
    )
    for number, piece in enumerate(_pieces(stream)):
        KeptFilePart.objects.create(file=file, number=number, content=zlib.compress(piece, 1))
    return file


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    stream.seek(0)
    while piece := stream.read(CHUNK_BYTES):
        yield piece


def _fingerprint(stream: BinaryIO) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    for piece in _pieces(stream):
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size


@transaction.atomic
def name_columns(
    *,
    provider: Provider,
    looked: Looked,
    columns: Mapping[str, str],
    actor: User | str,
    at: datetime,
    key: str,
) -> ColumnMapping:
    """Remember which columns of a header are which of ours, for this file and all to come.

    `columns` are our names to the header's; what is left out is not in the file. The newest
    mapping of a header counts, whatever the order and writing of its names.

    :raises ColumnsNotNamed: if job, account, count, start, or both end and duration are left
        out, or two of ours are one column, or a column is none of the header's.
    :raises KeyReused: if the key was used for another mapping.
    """
    named = {ours: columns[ours] for ours in ASKED if columns.get(ours)}
    _check_columns(looked, named)
    act = begin(
        kind=ActKind.NAME_COLUMNS,
        key=key,
        actor=address_of(actor),
        about=provider.address,
        at=at,
        payload={"fingerprint": looked.fingerprint, "columns": named},
    )
    if act.is_replay:
        return ColumnMapping.objects.get(act_id=act.id)
    return ColumnMapping.objects.create(
        provider=provider,
        fingerprint=looked.fingerprint,
        header=list(looked.header),
        columns=named,
        named_by=address_of(actor),
        named_at=at,
        act_id=act.id,
    )


def _check_columns(looked: Looked, named: Mapping[str, str]) -> None:
    missing = [ours for ours in NEEDED if ours not in named]
    if "end" not in named and "duration" not in named:
        missing.append("end")
    theirs = list(named.values())
    missing += [
        ours
        for ours, name in named.items()
        if name not in looked.header or theirs.count(name) > 1
    ]
    if missing:
        raise ColumnsNotNamed(missing=", ".join(missing))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a kept file is to be read."""

    format: str
    source: str
    resource: Resource | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    sheet: str = ""
    unused_columns: Sequence[str] = ()
    warnings: Sequence[Mapping[str, Any]] = ()


@transaction.atomic
def check_usage_file(
    *,
    file: KeptFile,
    reading: Reading,
    actor: User | str,
    at: datetime,
    key: str,
) -> FileCheck:
    """Look a kept file over: what would be recorded, what is to be fixed, what it would bill.

    It is recorded and billed in full, the numbers are read off, and all of it is taken back;
    so they are those that sending it gives, as long as nothing else was sent meanwhile.

    :raises FileUnreadable: in one of its kinds, if the file can't be read as a whole.
    :raises KeyReused: if the key was used for another check.
    """
    act = begin(
        kind=ActKind.CHECK_USAGE_FILE,
        key=key,
        actor=address_of(actor),
        about=file.provider.address,
        at=at,
        payload={
            "file": file.pk,
            "format": reading.format,
            "source": reading.source,
            "resource": reading.resource,
            "columns": dict(reading.columns),
        },
    )
    if act.is_replay:
        return FileCheck.objects.get(act_id=act.id)
    with transaction.atomic():
        report = _record(file, reading, actor, at, f"check:{key}")
        bills, unbilled = _rehearsed(file.provider, report, actor, at, f"check:{key}")
        transaction.set_rollback(True)
    return FileCheck.objects.create(
        file=file,
        format=reading.format,
        sheet=reading.sheet[:80],
        source=reading.source,
        resource=reading.resource or "",
        columns=dict(reading.columns),
        unused_columns=list(reading.unused_columns),
        rows=report.rows,
        recorded=report.recorded,
        known_before=report.known_before,
        skipped=report.skipped,
        errors=[stored_row_error(error) for error in report.errors],
        errors_total=report.errors_total,
        warnings=[*reading.warnings, *unbilled],
        bills=bills,
        checked_by=address_of(actor),
        checked_at=at,
        act_id=act.id,
    )


def _record(
    file: KeptFile, reading: Reading, actor: User | str, at: datetime, key: str
) -> UsageReport:
    return record_usage_file(
        provider=file.provider,
        name=file.name,
        format=reading.format,
        stream=content_of(file),
        source=reading.source,
        resource=reading.resource,
        is_dry_run=False,
        actor=address_of(actor),
        at=at,
        key=key,
        columns=reading.columns or None,
    )


def months_of(report: UsageReport) -> list[tuple[Programme, date]]:
    """Return the programmes and months in which lines of a recorded file begin, to be billed.

    A line that runs past the end of its month is billed in two months, the rest of it with
    what begins in the second. Programmes that pay after use have no bills.
    """
    if report.file is None:
        return []
    lines = UsageLine.objects.filter(file=report.file, order__isnull=False)
    programmes = Programme.objects.filter(pk__in=lines.values("voucher__programme")).exclude(
        mode__in=Programme.AFTER_USE
    )
    return [
        (programme, month.date())
        for programme in programmes.order_by("code")
        for month in lines.filter(voucher__programme=programme)
        .annotate(month=TruncMonth("started_at", tzinfo=ZoneInfo(programme.zone)))
        .order_by("month")
        .values_list("month", flat=True)
        .distinct()
    ]


def _rehearsed(
    provider: Provider, report: UsageReport, actor: User | str, at: datetime, key: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the bills of a file's months, and as warnings the months that can have none."""
    bills, unbilled = [], []
    for number, (programme, month) in enumerate(months_of(report)):
        told: dict[str, Any] = {"programme": programme.code, "month": f"{month:%Y-%m}"}
        # Where all of a month was billed before, nothing is left to say.
        with contextlib.suppress(NothingToBill):
            try:
                with transaction.atomic():
                    bill = _bill(provider, programme, month, "-", actor, at, f"{key}:{number}")
            except (AmountTooLarge, PeriodFarOff, PeriodClosed) as refused:
                unbilled.append({"code": refused.code, "values": told})
            else:
                sums = {"lines": bill.lines.count(), "total": bill.total, "unit": bill.unit}
                bills.append({**told, **sums})
    return bills, unbilled


def _bill(
    provider: Provider,
    programme: Programme,
    month: date,
    invoice_number: str,
    actor: User | str,
    at: datetime,
    key: str,
) -> Bill:
    after = (month + timedelta(days=32)).replace(day=1)
    return submit_bill(
        provider=provider,
        programme=programme,
        invoice_number=invoice_number,
        period_from=start_of(month, programme.zone),
        period_until=start_of(after, programme.zone),
        lines=None,
        actor=actor,
        at=at,
        key=key,
    )


def reading_of(check: FileCheck) -> Reading:
    """Return how a file was read when it was looked over."""
    return Reading(
        format=check.format,
        source=check.source,
        resource=cast(Resource | None, check.resource or None),
        columns=check.columns,
        sheet=check.sheet,
    )


@transaction.atomic
def send_checked_file(
    *,
    check: FileCheck,
    invoice_numbers: Mapping[str, str],
    actor: User | str,
    at: datetime,
    key: str,
) -> tuple[UsageReport, list[Bill]]:
    """Record the good lines of a file that was looked over, and send the bills asked for.

    `invoice_numbers` names the bills by programme and month, `CODE/2026-11`; each bills what
    was metered in that month and not billed before. Without any, lines are recorded alone.

    :raises InvoiceNumberMissing: if a bill has none, or one that is too long.
    :raises NothingToBill: if all of a month was billed meanwhile; then nothing is recorded.
    :raises KeyReused: if the key was used for another file or other bills.
    """
    report = _record(check.file, reading_of(check), actor, at, f"{key}:usage")
    bills = []
    for told in check.bills:
        name = f"{told['programme']}/{told['month']}"
        if name in invoice_numbers:
            programme = Programme.objects.get(code=told["programme"])
            month = date.fromisoformat(f"{told['month']}-01")
            number = invoice_numbers[name]
            bill_key = f"{key}:{name}"
            bills.append(
                _bill(check.file.provider, programme, month, number, actor, at, bill_key)
            )
    return report, bills
