"""What holders say of the lines of a bill before it is settled: confirmed, or disputed."""

from django.db import models
from django.db.models import Q

from billing.models.bills import BillLine


class LineConfirmation(models.Model):
    """A holder says that a line is right, or takes that back; the newest of a line counts."""

    # Its index is that of (line, id). What it and `act` name is checked a statement at a time.
    line = models.ForeignKey(
        BillLine,
        models.PROTECT,
        related_name="confirmations",
        db_index=False,
        db_constraint=False,
    )
    is_confirmed = models.BooleanField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+", db_constraint=False)

    class Meta:
        indexes = [models.Index(fields=["line", "-id"], name="billing_confirmation_newest")]

    def __str__(self) -> str:
        return f"{self.line_id} {self.is_confirmed}"


class Objection(models.Model):
    """A holder disputes a line: all of it is withheld when its bill is settled."""

    line = models.ForeignKey(BillLine, models.PROTECT, related_name="objections")
    text = models.CharField(max_length=500)
    raised_by = models.CharField(max_length=40)
    raised_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="billing_objection_has_words")
        ]

    def __str__(self) -> str:
        return f"{self.line_id}: {self.text}"
