"""What other programmes awarded, which programmes here follow."""

from django.db import models
from django.db.models import Q

from common.tables import not_negative
from vouchers.models.programmes import Programme


class UpstreamAward(models.Model):
    """What another programme awarded, which a programme that follows it matches."""

    programme = models.ForeignKey(Programme, models.PROTECT, related_name="upstream_awards")
    upstream = models.CharField(max_length=40)
    reference = models.CharField(max_length=60)
    organisation = models.ForeignKey(
        "parties.Organisation", models.PROTECT, related_name="upstream_awards"
    )
    # Minor units of the programme that follows: the fees that were counted, and the award.
    base_amount = models.BigIntegerField()
    award_amount = models.BigIntegerField()
    # As the tiers of the document name it; empty where nobody knows.
    facility = models.CharField(max_length=40, blank=True)
    awarded_on = models.DateField()
    recorded_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "programme", "upstream", "reference", name="vouchers_upstreamaward_once"
            ),
            models.CheckConstraint(
                condition=Q(base_amount__gt=0), name="vouchers_upstreamaward_has_base"
            ),
            not_negative("award_amount"),
            models.CheckConstraint(
                condition=Q(award_amount__lte=models.F("base_amount")),
                name="vouchers_upstreamaward_within_base",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.upstream} {self.reference}"
