"""Who pays a funder's part of a programme, and what each funder bears of a settlement."""

from django.db import models
from django.db.models import Q


class Funder(models.Model):
    """That an organisation pays the part of a funder whom the law names; the newest counts."""

    programme = models.ForeignKey("vouchers.Programme", models.PROTECT, related_name="funders")
    # As the law's [[funders]] say it.
    name = models.TextField()
    payer = models.ForeignKey("parties.Organisation", models.PROTECT, related_name="funds")
    named_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    named_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"{self.programme_id} {self.name}"


class FunderShare(models.Model):
    """What a funder bears of a settlement, in the programme's unit; a correction is below 0.

    The shares that a settlement began with add up to what it covers (a trigger).
    """

    settlement = models.ForeignKey("billing.Settlement", models.PROTECT, related_name="shares")
    name = models.TextField()
    payer = models.ForeignKey("parties.Organisation", models.PROTECT, related_name="+")
    amount = models.BigIntegerField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "settlement", "name", "act", name="billing_fundershare_once_an_act"
            ),
            models.CheckConstraint(
                condition=~Q(amount=0), name="billing_fundershare_has_amount"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.settlement_id} {self.name} {self.amount}"
