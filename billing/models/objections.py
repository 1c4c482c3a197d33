"""What holders say of the lines of a bill before it is settled: confirmed, or disputed."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.models.bills import BillLine
from common.tables import one_of


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


class ObjectionWithdrawal(models.Model):
    """The holder no longer disputes a line, before its bill was settled."""

    objection = models.OneToOneField(Objection, models.PROTECT, related_name="withdrawal")
    withdrawn_by = models.CharField(max_length=40)
    withdrawn_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"{self.objection_id}"


class ObjectionReply(models.Model):
    """What the holder, the provider or the authority writes about an objection."""

    class Side(models.TextChoices):
        HOLDER = "HOLDER", _("Holder")
        PROVIDER = "PROVIDER", _("Provider")
        AUTHORITY = "AUTHORITY", _("Authority")

    objection = models.ForeignKey(Objection, models.PROTECT, related_name="replies")
    side = models.CharField(max_length=9, choices=Side.choices)
    text = models.CharField(max_length=500)
    written_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    written_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of("side", ["HOLDER", "PROVIDER", "AUTHORITY"]),
            models.CheckConstraint(
                condition=~Q(text=""), name="billing_objectionreply_has_words"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.objection_id}: {self.text}"


class ObjectionFile(models.Model):
    """Evidence that came with a reply, kept as it came."""

    reply = models.ForeignKey(ObjectionReply, models.PROTECT, related_name="files")
    name = models.CharField(max_length=120)
    media_type = models.CharField(max_length=40)
    content = models.BinaryField()
    size = models.IntegerField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint("reply", "sha256", name="billing_objectionfile_once")
        ]

    def __str__(self) -> str:
        return self.name
