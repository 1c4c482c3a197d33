"""What providers sell, with every price that it ever had."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.tables import one_of
from providers.models.accreditation import Provider


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
