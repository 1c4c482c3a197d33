"""Files of usage as they came, what looking one over found, and what columns mean."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.tables import not_negative, one_of


class KeptFile(models.Model):
    """A file of usage as a provider sent it, kept whole, whatever becomes of it."""

    provider = models.ForeignKey("providers.Provider", models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    # Bytes as they came.
    size = models.BigIntegerField()
    received_by = models.CharField(max_length=40)
    received_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint("provider", "sha256", name="billing_keptfile_once"),
            not_negative("size"),
        ]

    def __str__(self) -> str:
        return self.name


class KeptFilePart(models.Model):
    """A piece of a kept file, packed (zlib); in the order of their numbers they are the file."""

    # Its index is that of (file, number).
    file = models.ForeignKey(KeptFile, models.PROTECT, related_name="parts", db_index=False)
    number = models.IntegerField()
    content = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint("file", "number", name="billing_keptfilepart_once"),
            not_negative("number"),
        ]

    def __str__(self) -> str:
        return f"{self.file_id}/{self.number}"


class FileCheck(models.Model):
    """What a kept file was found to say, had it been recorded and billed at that moment."""

    file = models.ForeignKey(KeptFile, models.PROTECT, related_name="checks")
    format = models.CharField(max_length=16)
    # The sheet of a workbook that was read; "" of any other file.
    sheet = models.CharField(max_length=80, blank=True)
    source = models.CharField(max_length=80)
    # The one resource that counts, or "" where any does.
    resource = models.CharField(max_length=3, blank=True)
    # Our names of columns to the file's own, where somebody said so; else empty.
    columns = models.JSONField()
    unused_columns = models.JSONField()
    rows = models.IntegerField()
    recorded = models.IntegerField()
    known_before = models.IntegerField()
    skipped = models.JSONField()
    errors = models.JSONField()
    errors_total = models.IntegerField()
    # What an audit would ask about, and months without a bill, as code and values; nothing is
    # refused for it.
    warnings = models.JSONField()
    # The bills that its good lines would make: programme, month, lines, total, unit.
    bills = models.JSONField()
    checked_by = models.CharField(max_length=40)
    checked_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(resource__in=["", "GPU", "CPU"]),
                name="billing_filecheck_resource_known",
            ),
            not_negative("rows", "recorded", "known_before", "errors_total"),
        ]

    def __str__(self) -> str:
        return f"{self.file_id} {self.format}"


class FileTask(models.Model):
    """A check or a sending of a large file, done by the worker while its sender may go."""

    class Kind(models.TextChoices):
        CHECK = "CHECK", _("Check")
        SEND = "SEND", _("Sending")

    class Status(models.TextChoices):
        WAITING = "WAITING", _("Being read")
        DONE = "DONE", _("Done")
        REFUSED = "REFUSED", _("Not read")

    file = models.ForeignKey(KeptFile, models.PROTECT, related_name="tasks")
    kind = models.CharField(max_length=5, choices=Kind.choices)
    # How the file is to be read; the check to be sent and the invoice numbers of its bills.
    reading = models.JSONField(null=True)
    check_sent = models.ForeignKey(FileCheck, models.PROTECT, null=True, related_name="+")
    invoice_numbers = models.JSONField()
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.WAITING)
    # How far it has come, told while it runs; all of it counts at once, at its end.
    rows_read = models.IntegerField(default=0)
    # How often it failed for a reason that is not the file's.
    failures = models.IntegerField(default=0)
    asked_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    check_made = models.ForeignKey(FileCheck, models.PROTECT, null=True, related_name="+")
    usage_file = models.ForeignKey(
        "billing.UsageFile", models.PROTECT, null=True, related_name="+"
    )
    # The numbers of the bills that were sent.
    bills = models.JSONField(default=list)
    # Why it was refused, by language.
    refusal = models.JSONField(null=True)
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of("kind", ["CHECK", "SEND"]),
            one_of("status", ["WAITING", "DONE", "REFUSED"]),
            not_negative("rows_read", "failures"),
            models.CheckConstraint(
                condition=Q(kind="CHECK", reading__isnull=False)
                | Q(kind="SEND", check_sent__isnull=False),
                name="billing_filetask_says_what",
            ),
        ]
        indexes = [
            models.Index(
                fields=["id"], name="billing_filetask_waiting", condition=Q(status="WAITING")
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.file_id}"


class ColumnMapping(models.Model):
    """Which column of a provider's files is which of ours; the newest of a header counts."""

    provider = models.ForeignKey("providers.Provider", models.PROTECT, related_name="+")
    # Of the header's names, in any order and writing.
    fingerprint = models.CharField(max_length=64)
    header = models.JSONField()
    columns = models.JSONField()
    named_by = models.CharField(max_length=40)
    named_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["provider", "fingerprint", "-id"])]

    def __str__(self) -> str:
        return self.fingerprint
