"""Providers, their offers with every price they ever had, and their keys to the API."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.tables import one_of


class Provider(models.Model):
    """An organisation accredited to sell compute."""

    class Status(models.TextChoices):
        ACCREDITED = "ACCREDITED", "Accredited"
        SUSPENDED = "SUSPENDED", "Suspended"

    organisation = models.OneToOneField(
        "parties.Organisation", models.PROTECT, related_name="provider"
    )
    status = models.CharField(max_length=12, choices=Status.choices)
    accredited_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [one_of("status", ["ACCREDITED", "SUSPENDED"])]

    def __str__(self) -> str:
        return str(self.organisation)

    @property
    def address(self) -> str:
        """How acts name this provider."""
        return f"provider:{self.organisation.code}"


class Offer(models.Model):
    """A catalogue entry: one class of accelerator or core, in one region."""

    class Resource(models.TextChoices):
        GPU = "GPU", "GPU"
        CPU = "CPU", _("CPU core")

    class Status(models.TextChoices):
        PUBLISHED = "PUBLISHED", "Published"
        WITHDRAWN = "WITHDRAWN", "Withdrawn"

    code = models.CharField(max_length=16, unique=True)
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="offers")
    title = models.CharField(max_length=120)
    resource = models.CharField(max_length=3, choices=Resource.choices)
    resource_class = models.CharField(max_length=24)
    region = models.CharField(max_length=80)
    status = models.CharField(max_length=10, choices=Status.choices)
    published_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of("resource", ["GPU", "CPU"]),
            one_of("status", ["PUBLISHED", "WITHDRAWN"]),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"


class Price(models.Model):
    """What an hour of one resource costs from an instant on; never changed, only followed."""

    offer = models.ForeignKey(Offer, models.PROTECT, related_name="prices")
    # Currency units (not minor ones) for one GPU-hour or core-hour.
    rate = models.DecimalField(max_digits=14, decimal_places=4)
    currency = models.CharField(max_length=3)
    from_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(rate__gte=0), name="providers_price_not_negative"
            ),
            models.UniqueConstraint(
                "offer", "currency", "from_at", name="providers_price_one_an_instant"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.offer_id}: {self.rate} {self.currency}"


class ApiKey(models.Model):
    """A provider's key to the API; only its digest is kept."""

    provider = models.ForeignKey(Provider, models.PROTECT, related_name="api_keys")
    name = models.CharField(max_length=60)
    prefix = models.CharField(max_length=16, unique=True)
    digest = models.CharField(max_length=64)
    created_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"{self.prefix}…"
