"""What was decided on applications, and the standing of who applies."""

from django.db import models
from django.db.models import Q

from common.tables import not_negative, one_of
from vouchers.models.applications import Application
from vouchers.models.programmes import PolicyVersion


class Decision(models.Model):
    """What was decided on an application, with the facts, the working and the law in force."""

    class Outcome(models.TextChoices):
        PASS = "PASS", "Approved"
        FAIL = "FAIL", "Not approved"
        REFER = "REFER", "Being checked"
        WAIT = "WAIT", "On the waiting list"

    application = models.ForeignKey(Application, models.PROTECT, related_name="decisions")
    outcome = models.CharField(max_length=5, choices=Outcome.choices)
    recommended = models.BigIntegerField()
    awarded = models.BigIntegerField()
    validity_days = models.IntegerField()
    facts = models.JSONField()
    working = models.JSONField()
    reasons = models.JSONField()
    note = models.TextField()
    policy_version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="+")
    # Nobody: decided by the rule for small amounts.
    decided_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+", null=True)
    decided_at = models.DateTimeField()
    # Where the round was decided as a whole: the place in its order, the reviewers' score, and
    # the chance that a lottery gave, as a fraction such as 3/8.
    place = models.IntegerField(null=True)
    score = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    probability = models.CharField(max_length=24, blank=True, default="")
    undoes = models.OneToOneField("self", models.PROTECT, related_name="undone_by", null=True)
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of("outcome", ["PASS", "FAIL", "REFER", "WAIT"]),
            not_negative("recommended", "awarded", "validity_days"),
            models.CheckConstraint(
                condition=Q(outcome="PASS") | Q(awarded=0),
                name="vouchers_decision_award_passes",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.application_id} {self.outcome}"


class Standing(models.Model):
    """What past vouchers say about an organisation's next award, as scoring published it."""

    organisation = models.ForeignKey(
        "parties.Organisation", models.PROTECT, related_name="standings"
    )
    # Deviation from the peer group in its standard deviations, and the evidence behind it.
    z = models.DecimalField(max_digits=8, decimal_places=4)
    n = models.DecimalField(max_digits=8, decimal_places=4)
    score = models.DecimalField(max_digits=8, decimal_places=4)
    working = models.JSONField()
    published_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(score__gte=0) & Q(score__lte=1) & Q(n__gte=0),
                name="vouchers_standing_in_range",
            )
        ]

    def __str__(self) -> str:
        return f"{self.organisation_id}: {self.score}"
