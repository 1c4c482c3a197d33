"""Metered usage: the files it came in, and one line a metered interval."""

from django.db import models

from common.tables import in_order, not_negative, one_of


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


class UsageLine(models.Model):
    """One metered interval of one resource, exactly as the meter said."""

    provider = models.ForeignKey(
        "providers.Provider", models.PROTECT, related_name="usage_lines"
    )
    file = models.ForeignKey(UsageFile, models.PROTECT, related_name="lines", null=True)
    # The order it was used under; in modes without a hold, the voucher alone.
    order = models.ForeignKey("vouchers.Order", models.PROTECT, related_name="usage", null=True)
    voucher = models.ForeignKey("vouchers.Voucher", models.PROTECT, related_name="usage")
    source = models.CharField(max_length=80)
    key = models.CharField(max_length=160)
    resource = models.CharField(max_length=3)
    resource_class = models.CharField(max_length=24)
    count_thousandths = models.BigIntegerField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    quantity_ms = models.BigIntegerField()
    state = models.CharField(max_length=24)
    # Priced once, when it is recorded: the order's rate in currency units an hour (none in
    # kind), and what the whole line costs at it; neither where use is claimed afterwards.
    rate = models.DecimalField(max_digits=14, decimal_places=4, null=True)
    amount = models.BigIntegerField(null=True)
    recorded_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of("resource", ["GPU", "CPU"]),
            models.UniqueConstraint("provider", "source", "key", name="billing_usageline_once"),
            not_negative("count_thousandths", "quantity_ms"),
            in_order("started_at", "ended_at"),
        ]
        indexes = [
            models.Index(fields=["voucher", "started_at"]),
            models.Index(fields=["order", "started_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.source}/{self.key}"
