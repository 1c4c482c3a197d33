"""Months of a programme that were closed: nothing is billed for them any more."""

from django.db import models

from common.tables import in_order


class ClosedPeriod(models.Model):
    """A month of a programme in which every bill is decided, and no other is taken."""

    programme = models.ForeignKey(
        "vouchers.Programme", models.PROTECT, related_name="closed_periods"
    )
    # From the first instant of the month to that of the next, in the programme's time zone.
    period_from = models.DateTimeField()
    period_until = models.DateTimeField()
    closed_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    closed_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "programme", "period_from", name="billing_closedperiod_once"
            ),
            in_order("period_from", "period_until"),
        ]

    def __str__(self) -> str:
        return f"{self.programme_id} {self.period_from:%Y-%m}"
