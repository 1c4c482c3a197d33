"""Organisations that are accredited to sell compute."""

from django.db import models

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
