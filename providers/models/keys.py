"""Providers' keys to the API."""

from django.db import models

from providers.models.accreditation import Provider


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
