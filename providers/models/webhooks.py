"""Where providers want to be told what happened."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.tables import one_of
from providers.models.accreditation import Provider


class WebhookEndpoint(models.Model):
    """An address of a provider to which events are sent, signed with a secret of its own.

    The secret itself is kept nowhere: it is worked out of the seed and the portal's own secret.
    """

    class Status(models.TextChoices):
        ACTIVE = "ACTIVE", _("Active")
        DISABLED = "DISABLED", _("Disabled")
        REMOVED = "REMOVED", _("Removed")

    provider = models.ForeignKey(Provider, models.PROTECT, related_name="webhook_endpoints")
    url = models.CharField(max_length=500)
    # Types of events; none means all of them.
    events = models.JSONField(default=list)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.ACTIVE)
    seed = models.CharField(max_length=64)
    # Before it was rolled; signs beside the new one until then.
    old_seed = models.CharField(max_length=64, blank=True, default="")
    old_ends_at = models.DateTimeField(null=True)
    # Since when nothing but failures; empty after a success.
    failing_since = models.DateTimeField(null=True)
    created_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of("status", ["ACTIVE", "DISABLED", "REMOVED"]),
            models.CheckConstraint(
                condition=Q(old_seed="", old_ends_at__isnull=True)
                | (~Q(old_seed="") & Q(old_ends_at__isnull=False)),
                name="providers_webhookendpoint_old_seed_ends",
            ),
        ]

    def __str__(self) -> str:
        return self.url
