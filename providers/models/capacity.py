"""What compute a provider has registered: whole lists, one version after another."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.tables import one_of
from providers.models.accreditation import Provider


class CapacityVersion(models.Model):
    """The whole of a provider's register as it was entered once; the newest one counts."""

    class Source(models.TextChoices):
        PAGE = "PAGE", _("Typed")
        FILE = "FILE", _("File")

    provider = models.ForeignKey(Provider, models.PROTECT, related_name="capacity_versions")
    number = models.IntegerField()
    source = models.CharField(max_length=4, choices=Source.choices)
    file_name = models.CharField(max_length=120, blank=True, default="")
    # Entries and GPUs of all of them, whenever they are in force.
    entries = models.IntegerField()
    gpus = models.BigIntegerField()
    recorded_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of("source", ["PAGE", "FILE"]),
            models.UniqueConstraint(
                "provider", "number", name="providers_capacityversion_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider_id}/{self.number}"


class CapacityNode(models.Model):
    """A node with so many GPUs of one class, from an instant until another."""

    version = models.ForeignKey(CapacityVersion, models.PROTECT, related_name="nodes")
    node = models.CharField(max_length=80)
    # The GPU model, in capitals, as offers name their class.
    resource_class = models.CharField(max_length=24)
    gpus = models.IntegerField()
    region = models.CharField(max_length=80)
    from_at = models.DateTimeField()
    # The first instant at which it is no longer there; null: until further notice.
    until_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(gpus__gt=0), name="providers_capacitynode_has_gpus"
            ),
            models.CheckConstraint(
                condition=Q(until_at__isnull=True) | Q(until_at__gt=F("from_at")),
                name="providers_capacitynode_instants_in_order",
            ),
            models.UniqueConstraint(
                "version", "node", "from_at", name="providers_capacitynode_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["version", "resource_class"], name="providers_capacitynode_class"
            )
        ]

    def __str__(self) -> str:
        return f"{self.node}: {self.gpus} {self.resource_class}"
