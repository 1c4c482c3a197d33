"""Months of usage lines that lie in files (docs/decisions/0024-usage-archive.md)."""

from django.db import models


class UsageArchive(models.Model):
    """A file with the lines of a month, by a name in the folder of the archive.

    Lines that came after their month was archived make another part of it. `month` is that of
    the lines' numbers, in UTC; `digest` is what `billing_usage_seal` says of their content.
    """

    month = models.DateField()
    part = models.IntegerField()
    file = models.CharField(max_length=80, unique=True)
    bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    lines = models.BigIntegerField()
    quantity_ms = models.BigIntegerField()
    amount = models.BigIntegerField()
    digest = models.DecimalField(max_digits=40, decimal_places=0)
    archived_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint("month", "part", name="billing_usagearchive_part_once")
        ]

    def __str__(self) -> str:
        return self.file


class ArchivedSum(models.Model):
    """What lines in the archive come to that were recorded at one instant.

    `month` is the programme's own, `started_at` that of the first of them.
    """

    archive = models.ForeignKey(UsageArchive, models.PROTECT, related_name="sums")
    voucher = models.ForeignKey(
        "vouchers.Voucher", models.PROTECT, related_name="archived_sums"
    )
    order = models.ForeignKey(
        "vouchers.Order", models.PROTECT, related_name="archived_sums", null=True
    )
    provider = models.ForeignKey(
        "providers.Provider", models.PROTECT, related_name="+", db_index=False
    )
    resource = models.CharField(max_length=3)
    resource_class = models.CharField(max_length=24)
    month = models.DateField()
    recorded_at = models.DateTimeField()
    # Whether they take others back; and when they were taken back themselves.
    is_opposite = models.BooleanField()
    taken_back_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField()
    lines = models.BigIntegerField()
    quantity_ms = models.BigIntegerField()
    amount = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.archive_id} {self.voucher_id} {self.month:%Y-%m}"


class MeteredUse(models.Model):
    """What was metered, wherever its lines lie: one line, or one sum of the archive. A view."""

    id = models.BigIntegerField(primary_key=True)
    voucher = models.ForeignKey(
        "vouchers.Voucher", models.PROTECT, related_name="+", db_constraint=False
    )
    order = models.ForeignKey(
        "vouchers.Order", models.PROTECT, related_name="+", null=True, db_constraint=False
    )
    provider = models.ForeignKey(
        "providers.Provider", models.PROTECT, related_name="+", db_constraint=False
    )
    resource = models.CharField(max_length=3)
    resource_class = models.CharField(max_length=24)
    started_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    quantity_ms = models.BigIntegerField()
    is_opposite = models.BooleanField()
    taken_back_at = models.DateTimeField(null=True)

    class Meta:
        managed = False

    def __str__(self) -> str:
        return f"{self.voucher_id} {self.started_at:%Y-%m-%d}"
