"""Metered usage: the files it came in, one line a metered interval, and what they sum to.

Lines lie in one partition a month (docs/decisions/0022-usage-by-month.md): a line's number
begins with the month in which it started, so that the number alone says where it is.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from common.tables import in_order, not_negative, one_of

if TYPE_CHECKING:
    from billing.models.archive import UsageArchive


class UsageFile(models.Model):
    """A file of metered usage as it came, known by its fingerprint."""

    provider = models.ForeignKey(
        "providers.Provider", models.PROTECT, related_name="usage_files"
    )
    name = models.CharField(max_length=200)
    format = models.CharField(max_length=16)
    sha256 = models.CharField(max_length=64)
    rows = models.IntegerField()
    recorded = models.IntegerField()
    known_before = models.IntegerField()
    skipped = models.JSONField()
    errors = models.JSONField()
    errors_total = models.IntegerField()
    received_by = models.CharField(max_length=40)
    received_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint("provider", "sha256", name="billing_usagefile_once"),
            not_negative("rows", "recorded", "known_before", "errors_total"),
        ]

    def __str__(self) -> str:
        return self.name


# How a line's number is made: its month, then so many bits of a number of its own.
MONTH_BITS = 48


def first_line_of_month(at: datetime) -> int:
    """Return the number that no line of an instant's month (in UTC) is below."""
    day = at.astimezone(UTC)
    return ((day.year - 1970) * 12 + day.month - 1) << MONTH_BITS


class UsageLine(models.Model):
    """One metered interval of one resource, exactly as the meter said."""

    # The file of the archive that it was read from; none while the line lies in the database.
    archive: "UsageArchive | None" = None

    id = models.BigIntegerField(primary_key=True)
    # The indexes of provider, order and voucher are those with the start. What lines name is
    # compared as a set by a trigger, but for the file, which is written after its lines.
    provider = models.ForeignKey(
        "providers.Provider",
        models.PROTECT,
        related_name="usage_lines",
        db_index=False,
        db_constraint=False,
    )
    file = models.ForeignKey(UsageFile, models.PROTECT, related_name="lines", null=True)
    # The order it was used under; in modes without a hold, the voucher alone.
    order = models.ForeignKey(
        "vouchers.Order",
        models.PROTECT,
        related_name="usage",
        null=True,
        db_index=False,
        db_constraint=False,
    )
    voucher = models.ForeignKey(
        "vouchers.Voucher",
        models.PROTECT,
        related_name="usage",
        db_index=False,
        db_constraint=False,
    )
    source = models.CharField(max_length=80)
    key = models.CharField(max_length=160)
    resource = models.CharField(max_length=3)
    resource_class = models.CharField(max_length=24)
    count_thousandths = models.BigIntegerField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    quantity_ms = models.BigIntegerField()
    state = models.CharField(max_length=24)
    # The GPUs by their UUIDs, where the meter knows them, separated by spaces.
    device = models.CharField(max_length=400, blank=True, default="")
    # Priced once, when it is recorded: the order's rate in currency units an hour (none in
    # kind), and what the whole line costs at it; neither where use is claimed afterwards.
    rate = models.DecimalField(max_digits=14, decimal_places=4, null=True)
    amount = models.BigIntegerField(null=True)
    recorded_at = models.DateTimeField()
    act = models.ForeignKey(
        "ledger.Act", models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    # The line that this one takes back, as its exact opposite; both stay as they are.
    corrects = models.ForeignKey(
        "self",
        models.PROTECT,
        related_name="+",
        null=True,
        db_index=False,
        db_constraint=False,
    )

    class Meta:
        constraints = [
            one_of("resource", ["GPU", "CPU"]),
            models.CheckConstraint(
                condition=Q(corrects__isnull=True, count_thousandths__gte=0, quantity_ms__gte=0)
                | Q(corrects__isnull=False, count_thousandths__lte=0, quantity_ms__lte=0),
                name="billing_usageline_only_opposites_negative",
            ),
            in_order("started_at", "ended_at"),
        ]
        indexes = [
            models.Index(fields=["voucher", "started_at"]),
            models.Index(fields=["order", "started_at"]),
            models.Index(
                fields=["provider", "started_at"], name="billing_usa_provide_start_idx"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source}/{self.key}"


class UsageCorrection(models.Model):
    """That a line was taken back, once; written by a trigger of the line that does it."""

    line = models.OneToOneField(
        UsageLine,
        models.PROTECT,
        primary_key=True,
        related_name="correction",
        db_constraint=False,
    )
    opposite = models.OneToOneField(
        UsageLine, models.PROTECT, related_name="+", db_constraint=False
    )

    def __str__(self) -> str:
        return f"{self.line_id}"


class UsageKey(models.Model):
    """What names a line, once for all months; written by the trigger that lines have."""

    pk = models.CompositePrimaryKey("provider", "source", "key")
    provider = models.ForeignKey(
        "providers.Provider",
        models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    source = models.CharField(max_length=80)
    key = models.CharField(max_length=160)
    line = models.ForeignKey(
        UsageLine, models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )

    def __str__(self) -> str:
        return f"{self.source}/{self.key}"


class UsageSum(models.Model):
    """What the lines of a voucher's month come to; written by the trigger that lines have.

    `month` is the first day of that in which the lines began, in the programme's time zone.
    """

    pk = models.CompositePrimaryKey(
        "voucher", "provider", "resource", "resource_class", "month"
    )
    voucher = models.ForeignKey(
        "vouchers.Voucher", models.PROTECT, related_name="usage_sums", db_index=False
    )
    provider = models.ForeignKey(
        "providers.Provider", models.PROTECT, related_name="usage_sums"
    )
    resource = models.CharField(max_length=3)
    resource_class = models.CharField(max_length=24)
    month = models.DateField()
    lines = models.BigIntegerField()
    quantity_ms = models.BigIntegerField()
    amount = models.BigIntegerField()
    recorded_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.voucher_id} {self.month:%Y-%m} {self.resource_class}"


class UsageDevice(models.Model):
    """When one GPU, or a slice of one, was in use; written by the trigger that lines have.

    No two uses of a device overlap: the trigger refuses them.
    """

    pk = models.CompositePrimaryKey("provider", "device", "started_at", "line")
    provider = models.ForeignKey(
        "providers.Provider",
        models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    device = models.CharField(max_length=120)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    line = models.ForeignKey(
        UsageLine, models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )

    def __str__(self) -> str:
        return f"{self.device} {self.started_at}"


class UsageHour(models.Model):
    """What was metered of a provider's GPUs of one class in one hour, beside what it has."""

    pk = models.CompositePrimaryKey("provider", "resource_class", "hour")
    provider = models.ForeignKey(
        "providers.Provider", models.PROTECT, related_name="+", db_index=False
    )
    resource_class = models.CharField(max_length=24)
    hour = models.DateTimeField()
    quantity_ms = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.resource_class} {self.hour}"
