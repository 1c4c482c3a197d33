"""Letters to people about what was done."""

from django.db import models
from django.db.models import Q

from common.tables import not_negative


class Message(models.Model):
    """One letter to one person about one act, in the person's language."""

    user = models.ForeignKey("parties.User", models.PROTECT, related_name="messages")
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")
    # Which letter of the act it is: empty for the news itself, a name for a reminder.
    kind = models.CharField(max_length=24, blank=True, default="")
    subject = models.CharField(max_length=200)
    body = models.TextField()
    path = models.CharField(max_length=200)
    written_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    # When a sender took it in hand; it may be taken again if no e-mail followed.
    sending_at = models.DateTimeField(null=True)
    emailed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("user", "act", "kind", name="notices_message_once_a_kind")
        ]
        indexes = [
            models.Index(
                fields=["id"],
                condition=Q(emailed_at__isnull=True),
                name="notices_message_to_send",
            ),
            models.Index(fields=["user", "-written_at"], name="notices_message_inbox"),
        ]

    def __str__(self) -> str:
        return self.subject


class Told(models.Model):
    """An act that the outbox has dealt with, whether or not a letter followed."""

    act = models.OneToOneField("ledger.Act", models.PROTECT, related_name="+", primary_key=True)
    told_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.act_id)


class Horizon(models.Model):
    """The one row that says from which transaction on there may be acts that nobody was told."""

    id = models.SmallIntegerField(primary_key=True)
    txid = models.BigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="notices_horizon_is_one"),
            not_negative("txid"),
        ]

    def __str__(self) -> str:
        return str(self.txid)
