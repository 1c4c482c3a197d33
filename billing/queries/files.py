"""Usage files as they came, what looks over them found, and what columns were said to mean."""

import zlib
from datetime import date, timedelta
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from django.db.models import QuerySet

from billing.models import ColumnMapping, FileCheck, FileTask, KeptFile, UsageFile
from common.days import start_of
from common.errors import NotFound
from parties.models import User
from parties.queries import organisations_of
from parties.roles import Role
from providers.models import Provider
from vouchers.models import Order, Voucher

KEPT_IN_MEMORY = 8 << 20


def kept_file_of(person: User, number: int) -> KeptFile:
    """Return a file that was sent for one of a person's own providers.

    :raises NotFound: if there is none, or it is not this person's to see.
    """
    own = KeptFile.objects.select_related("provider__organisation")
    file = own.filter(
        pk=number, provider__organisation__in=organisations_of(person, Role.PROVIDER)
    ).first()
    if file is None:
        raise NotFound(what=number)
    return file


def file_check_of(person: User, number: int) -> FileCheck:
    """Return what was found of a file that was sent for one of a person's own providers.

    :raises NotFound: if there is none, or it is not this person's to see.
    """
    check = FileCheck.objects.select_related("file").filter(pk=number).first()
    if check is None:
        raise NotFound(what=number)
    check.file = kept_file_of(person, check.file_id)
    return check


def file_tasks_waiting() -> QuerySet[FileTask]:
    """Return the file tasks that are to be done, the oldest first."""
    return FileTask.objects.filter(status=FileTask.Status.WAITING).order_by("pk")


def file_task_of(person: User, number: int) -> FileTask:
    """Return a file task of one of a person's own providers.

    :raises NotFound: if there is none, or it is not this person's to see.
    """
    task = FileTask.objects.select_related("usage_file", "check_made").filter(pk=number).first()
    if task is None:
        raise NotFound(what=number)
    task.file = kept_file_of(person, task.file_id)
    return task


def file_tasks_open_to(person: User) -> QuerySet[FileTask]:
    """Return what is asked of large files of a person's providers and not done, newest first."""
    return (
        FileTask.objects.filter(
            file__provider__organisation__in=organisations_of(person, Role.PROVIDER)
        )
        .exclude(status=FileTask.Status.DONE)
        .select_related("file")
        .order_by("-pk")
    )


def content_of(file: KeptFile) -> BinaryIO:
    """Return a kept file as it came, in memory while it is small, at its beginning."""
    # Closed, and gone, with the last that reads it.
    content = cast(BinaryIO, SpooledTemporaryFile(max_size=KEPT_IN_MEMORY))  # noqa: SIM115
    parts = file.parts.order_by("number").values_list("content", flat=True)
    for part in parts.iterator(chunk_size=4):
        content.write(zlib.decompress(bytes(part)))
    content.seek(0)
    return content


def kept_as(file: UsageFile) -> FileCheck | None:
    """Return the last look over the same bytes as a recorded file, if they were kept."""
    found = FileCheck.objects.filter(file__provider=file.provider_id, file__sha256=file.sha256)
    return found.select_related("file").order_by("-pk").first()


def recorded_as(file: KeptFile) -> UsageFile | None:
    """Return the recorded file of the same bytes from the same provider, if there is one."""
    return UsageFile.objects.filter(provider=file.provider_id, sha256=file.sha256).first()


def columns_named(provider: Provider, fingerprint: str) -> ColumnMapping | None:
    """Return what a provider last said of a header's columns, if it ever did."""
    found = ColumnMapping.objects.filter(provider=provider, fingerprint=fingerprint)
    return found.order_by("-pk").first()


def order_used_on(person: User, day: date) -> Order | None:
    """Return the newest order that a provider's GPUs may be used under on a day and the next."""
    begins, ends = start_of(day), start_of(day + timedelta(days=2))
    return (
        Order.objects.filter(
            offer__provider__organisation__in=organisations_of(person, Role.PROVIDER),
            offer__resource="GPU",
            status=Order.Status.OPEN,
            placed_at__lte=begins,
            lapses_at__gte=ends,
            voucher__status=Voucher.Status.ACTIVE,
            voucher__valid_from_on__lt=day,
            voucher__valid_until_on__gt=day + timedelta(days=1),
        )
        .select_related("offer")
        .order_by("-placed_at", "-pk")
        .first()
    )
