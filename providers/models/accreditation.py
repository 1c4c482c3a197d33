"""Organisations that sell compute: who asked to be accredited, and for what they were."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.tables import one_of
from providers.models.items import ServiceItem


class Provider(models.Model):
    """An organisation that was accredited to sell compute, now or once."""

    organisation = models.OneToOneField(
        "parties.Organisation", models.PROTECT, related_name="provider"
    )
    # For the first time.
    accredited_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return str(self.organisation)

    @property
    def address(self) -> str:
        """How acts name this provider."""
        return f"provider:{self.organisation.code}"


class AccreditationApplication(models.Model):
    """An organisation asks an authority to be accredited; kept as it was sent."""

    code = models.CharField(max_length=16, unique=True)
    organisation = models.ForeignKey(
        "parties.Organisation", models.PROTECT, related_name="accreditation_applications"
    )
    authority = models.ForeignKey("parties.Organisation", models.PROTECT, related_name="+")
    items = ArrayField(models.CharField(max_length=16))
    regions = models.CharField(max_length=200)
    description = models.TextField()
    contact_name = models.CharField(max_length=120)
    contact_email = models.EmailField()
    sent_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    sent_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(items__contained_by=ServiceItem.values) & ~Q(items=[]),
                name="providers_accreditationapplication_items_known",
            )
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def address(self) -> str:
        """How acts name this application."""
        return f"accreditation:{self.code}"


class AccreditationDocument(models.Model):
    """A file that came with an application for accreditation, kept as it came."""

    application = models.ForeignKey(
        AccreditationApplication, models.PROTECT, related_name="documents"
    )
    name = models.CharField(max_length=120)
    media_type = models.CharField(max_length=40)
    content = models.BinaryField()
    size = models.IntegerField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "application", "sha256", name="providers_accreditationdocument_once"
            )
        ]

    def __str__(self) -> str:
        return self.name


class AccreditationDecision(models.Model):
    """What an officer decided on an application for accreditation, and why."""

    class Outcome(models.TextChoices):
        GRANTED = "GRANTED", _("Granted")
        REFUSED = "REFUSED", _("Refused")

    application = models.OneToOneField(
        AccreditationApplication, models.PROTECT, related_name="decision"
    )
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    # Needed where something was refused; the applicant reads it.
    reasons = models.TextField(blank=True, default="")
    decided_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of("outcome", ["GRANTED", "REFUSED"]),
            models.CheckConstraint(
                condition=Q(outcome="GRANTED") | ~Q(reasons=""),
                name="providers_accreditationdecision_refused_with_reasons",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.application_id}: {self.outcome}"


class Accreditation(models.Model):
    """A provider may sell one service item from a day until a day, by one published batch."""

    provider = models.ForeignKey(Provider, models.PROTECT, related_name="accreditations")
    # Null: accredited before it was written down by whom.
    authority = models.ForeignKey(
        "parties.Organisation", models.PROTECT, related_name="+", null=True
    )
    # As the authority names it, such as “2025, first batch”; empty: outside of any batch.
    batch = models.CharField(max_length=40, blank=True, default="")
    item = models.CharField(max_length=16, choices=ServiceItem.choices)
    from_on = models.DateField()
    # The last day; null: until further notice.
    until_on = models.DateField(null=True)
    application = models.ForeignKey(
        AccreditationApplication, models.PROTECT, related_name="accreditations", null=True
    )
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of("item", ServiceItem.values),
            models.CheckConstraint(
                condition=Q(until_on__isnull=True) | Q(until_on__gte=models.F("from_on")),
                name="providers_accreditation_days_in_order",
            ),
            models.UniqueConstraint(
                "provider",
                "authority",
                "batch",
                "item",
                "from_on",
                name="providers_accreditation_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["item", "from_on", "until_on"], name="providers_accreditation_days"
            )
        ]

    def __str__(self) -> str:
        return f"{self.provider_id} {self.item} {self.batch}"
