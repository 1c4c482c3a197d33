"""Letters to people, and events for programs, about what was done."""

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


class WebhookMessage(models.Model):
    """One event for one address of a provider: the same bytes in every attempt."""

    endpoint = models.ForeignKey(
        "providers.WebhookEndpoint", models.PROTECT, related_name="messages"
    )
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")
    type = models.CharField(max_length=40)
    # What tells two events of one act apart.
    subject = models.CharField(max_length=60, blank=True, default="")
    number = models.CharField(max_length=40, unique=True)
    body = models.TextField()
    written_at = models.DateTimeField()
    # Empty once it was taken, or given up.
    next_attempt_at = models.DateTimeField(null=True)
    attempts_count = models.IntegerField(default=0)
    taken_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "endpoint", "act", "type", "subject", name="notices_webhookmessage_once"
            ),
            not_negative("attempts_count"),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(next_attempt_at__isnull=False),
                name="notices_webhookmessage_due",
            ),
            models.Index(fields=["endpoint", "-id"], name="notices_webhookmessage_newest"),
        ]

    def __str__(self) -> str:
        return self.number


class WebhookAttempt(models.Model):
    """One time that an event was sent, and what its receiver answered."""

    message = models.ForeignKey(WebhookMessage, models.PROTECT, related_name="attempts")
    number = models.IntegerField()
    at = models.DateTimeField()
    status = models.SmallIntegerField(null=True)
    # Why there is no status: private_address, tls, timeout, unreachable.
    problem = models.CharField(max_length=20, blank=True, default="")
    answer = models.CharField(max_length=500, blank=True, default="")
    took_ms = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint("message", "number", name="notices_webhookattempt_once"),
            not_negative("took_ms"),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} {self.number}"
