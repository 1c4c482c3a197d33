"""Who looks at an application, who may not, and what reviewers made of it."""

from django.db import models
from django.db.models import F, Q

from common.tables import one_of
from vouchers.models.applications import Application
from vouchers.models.decisions import Decision


class Assignment(models.Model):
    """An application is given to a person: to decide it, or to review it by a day."""

    class Task(models.TextChoices):
        DECIDE = "DECIDE", "To decide"
        REVIEW = "REVIEW", "To review"

    application = models.ForeignKey(Application, models.PROTECT, related_name="assignments")
    user = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    task = models.CharField(max_length=8, choices=Task.choices)
    due_on = models.DateField(null=True)
    assigned_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    assigned_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [one_of("task", ["DECIDE", "REVIEW"])]
        indexes = [models.Index(fields=["user", "task"])]

    def __str__(self) -> str:
        return f"{self.application_id} {self.task} {self.user_id}"


class Conflict(models.Model):
    """A person is too close to an applicant to judge it."""

    application = models.ForeignKey(Application, models.PROTECT, related_name="conflicts")
    user = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    reason = models.TextField()
    declared_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint("application", "user", name="vouchers_conflict_once")
        ]

    def __str__(self) -> str:
        return f"{self.application_id} {self.user_id}"


class Review(models.Model):
    """The points that one person gave an application, by the criteria of its law."""

    application = models.ForeignKey(Application, models.PROTECT, related_name="reviews")
    reviewer = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    # Whole points by the criterion's name.
    points = models.JSONField()
    comment = models.TextField()
    reviewed_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint("application", "reviewer", name="vouchers_review_once")
        ]

    def __str__(self) -> str:
        return f"{self.application_id} {self.reviewer_id}"


class Deputy(models.Model):
    """Who looks after a person's cases, or takes their steps in payments, on some days."""

    class For(models.TextChoices):
        OFFICER = "OFFICER", "Applications"
        FINANCE = "FINANCE", "Payments"

    user = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    deputy = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    role = models.CharField(max_length=7, choices=For.choices, default=For.OFFICER)
    from_on = models.DateField()
    until_on = models.DateField()
    named_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of("role", ["OFFICER", "FINANCE"]),
            models.CheckConstraint(
                condition=Q(until_on__gte=F("from_on")), name="vouchers_deputy_days_in_order"
            ),
            models.CheckConstraint(
                condition=~Q(deputy=F("user")), name="vouchers_deputy_is_another"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.deputy_id} for {self.user_id}"


class Confirmation(models.Model):
    """One more person stands for an award that needs more than two."""

    decision = models.ForeignKey(Decision, models.PROTECT, related_name="confirmations")
    user = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    confirmed_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint("decision", "user", name="vouchers_confirmation_once")
        ]

    def __str__(self) -> str:
        return f"{self.decision_id} {self.user_id}"


class Admission(models.Model):
    """An officer settled in an applicant's favour what its law leaves to a person."""

    application = models.OneToOneField(Application, models.PROTECT, related_name="admission")
    note = models.TextField()
    admitted_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    admitted_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"{self.application_id}"


class Appeal(models.Model):
    """An applicant asks for a decision to be looked at by somebody else."""

    decision = models.OneToOneField(Decision, models.PROTECT, related_name="appeal")
    grounds = models.TextField()
    sent_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    sent_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"{self.decision_id}"


class AppealVerdict(models.Model):
    """What became of an appeal, decided by a person who had no part in the decision."""

    class Outcome(models.TextChoices):
        UPHELD = "UPHELD", "Upheld"
        DISMISSED = "DISMISSED", "Dismissed"

    appeal = models.OneToOneField(Appeal, models.PROTECT, related_name="verdict")
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    note = models.TextField()
    decided_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [one_of("outcome", ["UPHELD", "DISMISSED"])]

    def __str__(self) -> str:
        return f"{self.appeal_id} {self.outcome}"
