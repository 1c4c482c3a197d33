"""Credit and debit notes: a number of its own for each correction of a bill that was settled."""

from django.db import models
from django.db.models import Q

from billing.models.bills import Bill
from common.tables import one_of


class CorrectionNote(models.Model):
    """One correction of a settled bill on paper; what it says follows from the act's verdicts."""

    class Kind(models.TextChoices):
        CREDIT = "CREDIT", "Credit note"
        DEBIT = "DEBIT", "Debit note"

    # Who writes it, and whose series it stands in: the buyer, for the seller.
    issuer = models.ForeignKey("parties.Organisation", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=6, choices=Kind.choices)
    # From 1, without a gap, in the series of an issuer and a kind.
    sequence = models.BigIntegerField()
    number = models.CharField(max_length=40, unique=True)
    bill = models.ForeignKey(Bill, models.PROTECT, related_name="notes")
    # Minor units, above 0: what is taken back by a credit note, or added by a debit note.
    amount = models.BigIntegerField()
    # The parties as they were called then, so that the paper stays what it was.
    seller = models.JSONField()
    buyer = models.JSONField()
    issued_at = models.DateTimeField()
    # The correction itself: one note an act and bill.
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of("kind", ["CREDIT", "DEBIT"]),
            models.UniqueConstraint(
                "issuer", "kind", "sequence", name="billing_correctionnote_in_series_once"
            ),
            models.UniqueConstraint("bill", "act", name="billing_correctionnote_act_once"),
            models.CheckConstraint(
                condition=Q(amount__gt=0, sequence__gt=0),
                name="billing_correctionnote_has_amount_and_place",
            ),
        ]

    def __str__(self) -> str:
        return self.number
