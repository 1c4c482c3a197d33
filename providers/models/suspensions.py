"""What a suspension of a provider stops, from when, until when; and its end by decision."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.tables import one_of
from providers.models.accreditation import Provider


class Suspension(models.Model):
    """An authority stops some of what a provider may do, for a time and with a reason."""

    class Holds(models.TextChoices):
        STAY = "STAY", _("Open orders go on, and their holds stay")
        RELEASE = "RELEASE", _("Holds of orders without use go back to their vouchers")

    class Bills(models.TextChoices):
        CONTINUE = "CONTINUE", _("Bills are taken and settled")
        WAIT = "WAIT", _("Bills are taken, and their settlement waits")

    provider = models.ForeignKey(Provider, models.PROTECT, related_name="suspensions")
    # Which authority suspended it, and alone may lift that. Null: the portal's own keeper, or
    # from before it was written down by whom.
    authority = models.ForeignKey(
        "parties.Organisation", models.PROTECT, related_name="+", null=True
    )
    stops_orders = models.BooleanField()
    holds = models.CharField(max_length=8, choices=Holds.choices)
    bills = models.CharField(max_length=8, choices=Bills.choices)
    reason = models.TextField()
    from_at = models.DateTimeField()
    # The instant at which it ends by itself; null: when it is lifted.
    until_at = models.DateTimeField(null=True)
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of("holds", ["STAY", "RELEASE"]),
            one_of("bills", ["CONTINUE", "WAIT"]),
            models.CheckConstraint(
                condition=Q(until_at__isnull=True) | Q(until_at__gt=models.F("from_at")),
                name="providers_suspension_instants_in_order",
            ),
            models.CheckConstraint(
                condition=Q(stops_orders=True) | Q(holds="RELEASE") | Q(bills="WAIT"),
                name="providers_suspension_stops_something",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider_id} from {self.from_at}"


class SuspensionLift(models.Model):
    """A suspension ended by decision, before its time or for want of one."""

    suspension = models.OneToOneField(Suspension, models.PROTECT, related_name="lift")
    note = models.TextField(blank=True, default="")
    lifted_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"{self.suspension_id} lifted"
