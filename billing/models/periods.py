"""Months of a programme that are closed, what was not paid by then, and what came after all."""

from django.db import models

from common.tables import in_order, not_negative, one_of


class PeriodProposal(models.Model):
    """A month of a programme that somebody looked through and proposes to close."""

    programme = models.ForeignKey(
        "vouchers.Programme", models.PROTECT, related_name="period_proposals"
    )
    period_from = models.DateTimeField()
    proposed_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    note = models.CharField(max_length=500, blank=True, default="")
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "programme", "period_from", name="billing_periodproposal_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.programme_id} {self.period_from:%Y-%m}"


class ClosedPeriod(models.Model):
    """A month of a programme in which every bill is settled, and no other is taken."""

    programme = models.ForeignKey(
        "vouchers.Programme", models.PROTECT, related_name="closed_periods"
    )
    # From the first instant of the month to that of the next, in the programme's time zone.
    period_from = models.DateTimeField()
    period_until = models.DateTimeField()
    # Who proposed it is nobody where it was closed before two people were needed.
    proposed_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+", null=True)
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


class PeriodAccrual(models.Model):
    """What of one party was on its way and not paid when a month ended, in the programme's unit."""

    class Stage(models.TextChoices):
        METERED = "METERED", "Metered and not billed"
        BILLED = "BILLED", "Billed and not settled"
        SETTLED = "SETTLED", "Settled and not paid"

    period = models.ForeignKey(ClosedPeriod, models.PROTECT, related_name="accruals")
    stage = models.CharField(max_length=7, choices=Stage.choices)
    payee = models.ForeignKey("parties.Organisation", models.PROTECT, related_name="+")
    amount = models.BigIntegerField()

    class Meta:
        constraints = [
            one_of("stage", ["METERED", "BILLED", "SETTLED"]),
            not_negative("amount"),
            models.UniqueConstraint(
                "period", "stage", "payee", name="billing_periodaccrual_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.period_id} {self.stage} {self.amount}"


class PeriodCorrection(models.Model):
    """A later fact that belongs to a closed month, by the act that is dated in an open one."""

    period = models.ForeignKey(ClosedPeriod, models.PROTECT, related_name="corrections")
    # What it adds to what was settled or paid in the month; below nothing where it takes away.
    amount = models.BigIntegerField()
    at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint("period", "act", name="billing_periodcorrection_once"),
        ]

    def __str__(self) -> str:
        return f"{self.period_id} {self.amount}"
