"""What vouchers led to, and how that was scored."""

from django.db import models
from django.db.models import Q

from common.tables import one_of


class Outcome(models.Model):
    """Something the compute led to, with evidence, reported by the beneficiary."""

    class Kind(models.TextChoices):
        MODEL = "MODEL", "Model released"
        DATASET = "DATASET", "Dataset published"
        PAPER = "PAPER", "Paper that names the programme"
        PATENT = "PATENT", "Patent filed"
        PRODUCT = "PRODUCT", "Product in use"
        MILESTONE = "MILESTONE", "Milestone of the application"
        NONE = "NONE", "Nothing to report"

    voucher = models.ForeignKey("vouchers.Voucher", models.PROTECT, related_name="outcomes")
    kind = models.CharField(max_length=9, choices=Kind.choices)
    title = models.CharField(max_length=200)
    evidence_url = models.URLField(blank=True)
    happened_on = models.DateField()
    reported_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    reported_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of(
                "kind",
                ["MODEL", "DATASET", "PAPER", "PATENT", "PRODUCT", "MILESTONE", "NONE"],
            ),
            models.CheckConstraint(
                condition=Q(kind="NONE") | ~Q(evidence_url=""),
                name="scoring_outcome_has_evidence",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.voucher_id} {self.kind}"


class Score(models.Model):
    """How well one voucher was used, component by component, under a version of the formula."""

    voucher = models.ForeignKey("vouchers.Voucher", models.PROTECT, related_name="scores")
    x = models.DecimalField(max_digits=8, decimal_places=4)
    observed_weight = models.DecimalField(max_digits=8, decimal_places=4)
    components = models.JSONField()
    inputs = models.JSONField()
    formula_version = models.CharField(max_length=24)
    scored_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(x__gte=0) & Q(x__lte=1), name="scoring_score_in_range"
            )
        ]

    def __str__(self) -> str:
        return f"{self.voucher_id}: {self.x}"
