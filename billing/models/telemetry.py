"""Telemetry as evidence: the keys that meters sign with, what was sent, and its minutes.

Only minutes are kept, never samples: what a device did within a minute is enough to support or
contradict a usage line, and says nothing of what was computed.
"""

from django.db import models
from django.db.models import F, Q

from common.tables import not_negative


class MeterRank(models.IntegerChoices):
    """How far a meter is believed, the first before the others (docs/glossary.md)."""

    SIGNED = 1
    PUSHED = 2
    FILE = 3


class MeterKey(models.Model):
    """The public key (Ed25519) with which one of a provider's meters signs, from an instant on."""

    provider = models.ForeignKey("providers.Provider", models.PROTECT, related_name="+")
    source = models.CharField(max_length=80)
    # 32 bytes, in base64.
    public_key = models.CharField(max_length=44)
    registered_by = models.CharField(max_length=40)
    registered_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "provider", "source", "public_key", name="billing_meterkey_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.public_key[:8]}"


class TelemetryBatch(models.Model):
    """A page of telemetry that was sent once: whose, by which meter, how far it is believed.

    `digest` is that of the signed words (`billing.usage.signed`), which hold all that makes the
    batch: meter, number, instant and the page's own digest. With the signature and its key they
    can be proved at any later time, without the page.
    """

    provider = models.ForeignKey("providers.Provider", models.PROTECT, related_name="+")
    source = models.CharField(max_length=80)
    rank = models.SmallIntegerField(choices=MeterRank.choices)
    name = models.CharField(max_length=200, blank=True)
    taken_at = models.DateTimeField()
    page_sha256 = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    # Of a signed batch alone: its number, the signature in base64, and whose it is.
    sequence = models.BigIntegerField(null=True)
    signature = models.CharField(max_length=88, blank=True)
    signed_with = models.ForeignKey(MeterKey, models.PROTECT, related_name="+", null=True)
    samples = models.IntegerField()
    blank = models.IntegerField()
    unreadable = models.IntegerField()
    minutes = models.IntegerField()
    received_by = models.CharField(max_length=40)
    received_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "provider", "source", "digest", name="billing_telemetrybatch_once"
            ),
            models.UniqueConstraint(
                "provider", "source", "sequence", name="billing_telemetrybatch_number_once"
            ),
            models.CheckConstraint(
                condition=Q(rank=MeterRank.SIGNED)
                & Q(sequence__gte=1, signed_with__isnull=False)
                & ~Q(signature="")
                | Q(rank__in=[MeterRank.PUSHED, MeterRank.FILE])
                & Q(sequence__isnull=True, signed_with__isnull=True, signature=""),
                name="billing_telemetrybatch_rank_is_proved",
            ),
            not_negative("samples", "blank", "unreadable", "minutes"),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.taken_at}"


class TelemetryMinute(models.Model):
    """What one batch says of one device in one minute.

    `utilisation_total` is the sum of so many samples (`samples`), each in thousandths of full
    use; `power_total` the sum of so many (`power_samples`) in milliwatts. A minute of which
    nothing but blanks was sent has no row.
    """

    pk = models.CompositePrimaryKey("provider", "device", "minute", "batch")
    provider = models.ForeignKey(
        "providers.Provider", models.PROTECT, related_name="+", db_index=False
    )
    # The GPU's UUID, or UUID/slice; as usage lines name it, in small letters.
    device = models.CharField(max_length=120)
    minute = models.DateTimeField()
    batch = models.ForeignKey(
        TelemetryBatch, models.PROTECT, related_name="by_minute", db_index=False
    )
    rank = models.SmallIntegerField(choices=MeterRank.choices)
    samples = models.IntegerField()
    utilisation_total = models.BigIntegerField()
    power_samples = models.IntegerField()
    power_total = models.BigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(rank__in=MeterRank.values),
                name="billing_telemetryminute_rank_known",
            ),
            models.CheckConstraint(
                condition=Q(utilisation_total__lte=F("samples") * 1000),
                name="billing_telemetryminute_at_most_full",
            ),
            models.CheckConstraint(
                condition=Q(samples__gt=0) | Q(power_samples__gt=0),
                name="billing_telemetryminute_says_something",
            ),
            not_negative("samples", "utilisation_total", "power_samples", "power_total"),
        ]

    def __str__(self) -> str:
        return f"{self.device} {self.minute}"
