"""Letters to people about what was done."""

from django.db import models


class Message(models.Model):
    """One letter to one person about one act, in the person's language."""

    user = models.ForeignKey("parties.User", models.PROTECT, related_name="messages")
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")
    subject = models.CharField(max_length=200)
    body = models.TextField()
    path = models.CharField(max_length=200)
    written_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    emailed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("user", "act", name="notices_message_once_an_act")
        ]

    def __str__(self) -> str:
        return self.subject


class Told(models.Model):
    """An act that the outbox has dealt with, whether or not a letter followed."""

    act = models.OneToOneField("ledger.Act", models.PROTECT, related_name="+", primary_key=True)
    told_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.act_id)
