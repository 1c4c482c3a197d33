"""What each person did to a batch, what was refused to whom, and the writing of its file."""

from django.db import models
from django.db.models import F, Q

from common.tables import not_negative, one_of


class BatchStep(models.Model):
    """One thing that one person did to a batch; all of them together say who had which part."""

    class Kind(models.TextChoices):
        OPENED = "OPENED", "Opened"
        REMOVED = "REMOVED", "Payment removed"
        ADDED = "ADDED", "Payment added again"
        LOCKED = "LOCKED", "Locked"
        APPROVED = "APPROVED", "Approved"
        AUTHORISED = "AUTHORISED", "Authorised"
        RELEASED = "RELEASED", "Released"
        SENT_BACK = "SENT_BACK", "Sent back"
        SENT = "SENT", "Sent to bank"
        CANCELLED = "CANCELLED", "Cancelled"

    batch = models.ForeignKey("billing.Batch", models.PROTECT, related_name="steps")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    doer = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    # Whose deputy the doer was; that person counts as having acted too.
    stands_for = models.ForeignKey("parties.User", models.PROTECT, related_name="+", null=True)
    at = models.DateTimeField()
    note = models.CharField(max_length=500, blank=True, default="")
    payment = models.ForeignKey("billing.Payment", models.PROTECT, related_name="+", null=True)
    # The payments as they were when the list was locked, and their SHA-256 at every step since.
    list = models.JSONField(null=True)
    list_sha256 = models.CharField(max_length=64, blank=True, default="")
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of(
                "kind",
                [
                    "OPENED",
                    "REMOVED",
                    "ADDED",
                    "LOCKED",
                    "APPROVED",
                    "AUTHORISED",
                    "RELEASED",
                    "SENT_BACK",
                    "SENT",
                    "CANCELLED",
                ],
            ),
            models.CheckConstraint(
                condition=Q(stands_for__isnull=True) | ~Q(stands_for=F("doer")),
                name="billing_batchstep_stands_for_another",
            ),
            models.CheckConstraint(
                condition=~Q(kind="LOCKED") | (Q(list__isnull=False) & ~Q(list_sha256="")),
                name="billing_batchstep_keeps_the_list",
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=["REMOVED", "ADDED"]) | Q(payment__isnull=False),
                name="billing_batchstep_says_which_payment",
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=["REMOVED", "SENT_BACK", "CANCELLED"]) | ~Q(note=""),
                name="billing_batchstep_says_why",
            ),
            models.UniqueConstraint(fields=["act"], name="billing_batchstep_once_an_act"),
        ]
        indexes = [models.Index(fields=["batch", "id"], name="billing_batchstep_of_batch")]

    def __str__(self) -> str:
        return f"{self.batch_id} {self.kind}"


class DuplicateAnswer(models.Model):
    """Why two payments that look like one are both right, by who approved the later of them."""

    payment = models.ForeignKey("billing.Payment", models.PROTECT, related_name="+")
    twin = models.ForeignKey("billing.Payment", models.PROTECT, related_name="+")
    reason = models.CharField(max_length=500)
    answered_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["payment", "twin"], name="billing_duplicateanswer_once"
            ),
            models.CheckConstraint(
                condition=~Q(payment=F("twin")), name="billing_duplicateanswer_of_two"
            ),
            models.CheckConstraint(
                condition=~Q(reason=""), name="billing_duplicateanswer_has_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.payment_id} and {self.twin_id}"


class RefusedAttempt(models.Model):
    """A step that somebody asked for and was refused, because it is another person's to do."""

    programme = models.ForeignKey("vouchers.Programme", models.PROTECT, related_name="+")
    # What the act would have been, about what, and who asked.
    kind = models.CharField(max_length=40)
    about = models.CharField(max_length=120)
    asked_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    at = models.DateTimeField()
    code = models.CharField(max_length=40)
    # The refusal's words, by language.
    words = models.JSONField()

    class Meta:
        indexes = [
            models.Index(fields=["programme", "-id"], name="billing_refusedattempt_newest")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.about}"


class BatchJob(models.Model):
    """The writing of a batch's file, as the worker does it: its state is not the batch's.

    A batch stays at its stage until its job is done; one that failed is asked for again.
    """

    class Status(models.TextChoices):
        WAITING = "WAITING", "Waiting"
        RUNNING = "RUNNING", "Running"
        DONE = "DONE", "Done"
        FAILED = "FAILED", "Failed"

    batch = models.ForeignKey("billing.Batch", models.PROTECT, related_name="jobs")
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.WAITING)
    asked_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    # The fingerprint of the list that the person was shown.
    seen = models.CharField(max_length=64, blank=True)
    begun_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    # How often it was begun; more than once where a worker was killed meanwhile.
    runs = models.IntegerField(default=0)
    # Why it failed, by language.
    refusal = models.JSONField(null=True)
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of("status", ["WAITING", "RUNNING", "DONE", "FAILED"]),
            not_negative("runs"),
            models.CheckConstraint(
                condition=Q(status__in=["DONE", "FAILED"]) ^ Q(ended_at__isnull=True),
                name="billing_batchjob_ends_once",
            ),
            models.CheckConstraint(
                condition=~Q(status="FAILED") | Q(refusal__isnull=False),
                name="billing_batchjob_says_why",
            ),
            models.UniqueConstraint(
                fields=["batch"],
                condition=Q(status__in=["WAITING", "RUNNING"]),
                name="billing_batchjob_one_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id} {self.status}"
