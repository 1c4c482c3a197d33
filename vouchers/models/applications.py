"""Applications, from the draft to what became of them."""

from django.db import models
from django.db.models import Q

from common.tables import one_of
from vouchers.models.programmes import Round


class Application(models.Model):
    """One request in a round; a draft until it is sent, then as it was sent."""

    class Status(models.TextChoices):
        DRAFT = "DRAFT", "Draft"
        SENT = "SENT", "Sent"
        REFERRED = "REFERRED", "Being checked"
        APPROVED = "APPROVED", "Approved"
        NOT_APPROVED = "NOT_APPROVED", "Not approved"
        WITHDRAWN = "WITHDRAWN", "Withdrawn"

    reference = models.CharField(max_length=16, unique=True)
    round = models.ForeignKey(Round, models.PROTECT, related_name="applications")
    organisation = models.ForeignKey(
        "parties.Organisation", models.PROTECT, related_name="applications"
    )
    # Codes and numbers as typed on the question pages; see vouchers.forms for the fields.
    answers = models.JSONField()
    status = models.CharField(max_length=12, choices=Status.choices)
    started_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    started_at = models.DateTimeField()
    saved_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+", null=True)

    class Meta:
        constraints = [
            one_of(
                "status",
                ["DRAFT", "SENT", "REFERRED", "APPROVED", "NOT_APPROVED", "WITHDRAWN"],
            ),
            models.CheckConstraint(
                condition=Q(status="DRAFT") | Q(status="WITHDRAWN") | Q(sent_at__isnull=False),
                name="vouchers_application_sent_has_instant",
            ),
            models.UniqueConstraint(
                "round",
                "organisation",
                condition=~Q(status__in=["WITHDRAWN", "NOT_APPROVED"]),
                name="vouchers_application_one_a_round",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def address(self) -> str:
        """How acts name this application."""
        return f"application:{self.reference}"
