"""Providers' keys to the API."""

from datetime import datetime

from django.db import models
from django.db.models import Q

from common.tables import one_of
from providers.kinds import KeyKind
from providers.models.accreditation import Provider


class ApiKey(models.Model):
    """A provider's key to the API; only its digest is kept.

    With an application it is a client that gets short-lived tokens for its secret (OAuth 2.0),
    and the digest is the application's own.
    """

    provider = models.ForeignKey(Provider, models.PROTECT, related_name="api_keys")
    kind = models.CharField(max_length=4, choices=KeyKind.choices, default=KeyKind.LIVE)
    name = models.CharField(max_length=60)
    prefix = models.CharField(max_length=16, unique=True)
    digest = models.CharField(max_length=64, blank=True)
    application = models.OneToOneField(
        "oauth2_provider.Application", models.PROTECT, null=True, related_name="api_key"
    )
    # Networks as CIDR from which alone it may be used; none means from anywhere.
    networks = models.JSONField(default=list)
    created_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    used_from = models.GenericIPAddressField(null=True)
    # Set when it is rolled: from then on only the key that replaces it works.
    ends_at = models.DateTimeField(null=True)
    replaces = models.OneToOneField(
        "self", models.PROTECT, null=True, related_name="replaced_by"
    )
    revoked_at = models.DateTimeField(null=True)
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of("kind", KeyKind.values),
            models.CheckConstraint(
                condition=Q(application__isnull=True) ^ Q(digest=""),
                name="providers_apikey_has_one_secret",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.prefix}…"

    def is_in_force(self, at: datetime) -> bool:
        """Whether it opens anything at an instant."""
        return self.revoked_at is None and (self.ends_at is None or at < self.ends_at)
