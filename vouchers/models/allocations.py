"""How a round was shared out: the lot that was committed to, and the decision that drew it."""

from django.db import models

from common.tables import not_negative, one_of
from policy.process_rules import METHODS
from vouchers.models.programmes import PolicyVersion, Round


class Lot(models.Model):
    """The seed of a round's lottery; its commitment is public before the round closes."""

    round = models.OneToOneField(Round, models.PROTECT, related_name="lot")
    seed = models.BinaryField()
    commitment = models.CharField(max_length=64)
    committed_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    committed_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"{self.round_id} {self.commitment[:12]}"


class RoundDecision(models.Model):
    """A round was decided as a whole, by the method that its law names."""

    round = models.OneToOneField(Round, models.PROTECT, related_name="decision")
    method = models.CharField(max_length=12, choices=[(one, one) for one in METHODS])
    # What was there to give, and what was given, in the programme's unit.
    budget = models.BigIntegerField()
    awarded_total = models.BigIntegerField()
    waits_until_on = models.DateField(null=True)
    policy_version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="+")
    # What the lottery was drawn by, from the lot's seed and the references of its band.
    draw_key = models.CharField(max_length=64, blank=True, default="")
    decided_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of("method", list(METHODS)),
            not_negative("budget", "awarded_total"),
        ]

    def __str__(self) -> str:
        return f"{self.round_id} {self.method}"
