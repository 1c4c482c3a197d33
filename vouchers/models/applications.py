"""Applications from the draft to what became of them, with what was asked and attached."""

from django.db import models
from django.db.models import Q

from common.tables import one_of
from vouchers.models.matches import UpstreamAward
from vouchers.models.programmes import Round


class Application(models.Model):
    """One request in a round; a draft until it is sent, then as it was sent."""

    class Status(models.TextChoices):
        DRAFT = "DRAFT", "Draft"
        SENT = "SENT", "Sent"
        REFERRED = "REFERRED", "Being checked"
        INFO_NEEDED = "INFO_NEEDED", "We need something from you"
        WAITING = "WAITING", "On the waiting list"
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
    # What it follows, in mode M8; nobody applied then.
    upstream_award = models.OneToOneField(
        UpstreamAward, models.PROTECT, related_name="application", null=True
    )

    class Meta:
        constraints = [
            one_of(
                "status",
                [
                    "DRAFT",
                    "SENT",
                    "REFERRED",
                    "INFO_NEEDED",
                    "WAITING",
                    "APPROVED",
                    "NOT_APPROVED",
                    "WITHDRAWN",
                ],
            ),
            models.CheckConstraint(
                condition=Q(status="DRAFT") | Q(status="WITHDRAWN") | Q(sent_at__isnull=False),
                name="vouchers_application_sent_has_instant",
            ),
            models.UniqueConstraint(
                "round",
                "organisation",
                # An organisation may have any number of awards that are followed.
                condition=~Q(status__in=["WITHDRAWN", "NOT_APPROVED"])
                & Q(upstream_award__isnull=True),
                name="vouchers_application_one_a_round",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def address(self) -> str:
        """How acts name this application."""
        return f"application:{self.reference}"


class InformationRequest(models.Model):
    """An officer needs something from an applicant, by a day."""

    application = models.ForeignKey(Application, models.PROTECT, related_name="requests")
    # The answer that it is about, by its name; empty: about the application as a whole.
    answer_name = models.CharField(max_length=40, blank=True, default="")
    question = models.TextField()
    asked_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    due_on = models.DateField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"{self.application_id}: {self.question[:40]}"


class InformationAnswer(models.Model):
    """What an applicant answered to a request for information."""

    request = models.OneToOneField(InformationRequest, models.PROTECT, related_name="answer")
    text = models.TextField()
    answered_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    answered_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"{self.request_id}: {self.text[:40]}"


class Attachment(models.Model):
    """A file that an applicant sent along, kept as it came."""

    application = models.ForeignKey(Application, models.PROTECT, related_name="attachments")
    # Sent with an answer to a request; otherwise with the application.
    answer = models.ForeignKey(
        InformationAnswer, models.PROTECT, related_name="attachments", null=True
    )
    name = models.CharField(max_length=120)
    media_type = models.CharField(max_length=40)
    content = models.BinaryField()
    size = models.IntegerField()
    sha256 = models.CharField(max_length=64)
    attached_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    attached_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint("application", "sha256", name="vouchers_attachment_once"),
            models.CheckConstraint(
                condition=Q(size__gt=0), name="vouchers_attachment_not_empty"
            ),
        ]

    def __str__(self) -> str:
        return self.name
