"""Rules with their versions, what each answered, and what asks for a look."""

from django.db import models

from common.tables import one_of


class RuleVersion(models.Model):
    """The parameters of a rule from an instant on, proposed by one person, released by another."""

    code = models.CharField(max_length=40)
    number = models.IntegerField()
    parameters = models.JSONField()
    from_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+", null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("code", "number", name="safeguards_ruleversion_once")
        ]

    def __str__(self) -> str:
        return f"{self.code}/{self.number}"


class RuleResult(models.Model):
    """What a rule answered about a thing, inside the transaction that would have paid it."""

    rule = models.ForeignKey(RuleVersion, models.PROTECT, related_name="results")
    about = models.CharField(max_length=120)
    # Minor units or GPU-milliseconds kept back.
    withheld = models.BigIntegerField()
    facts = models.JSONField()
    at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["about"])]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.about}"


class Alert(models.Model):
    """A rule asks for a look; it never decides."""

    class Status(models.TextChoices):
        OPEN = "OPEN", "Open"
        CLOSED = "CLOSED", "Closed"

    rule = models.ForeignKey(RuleVersion, models.PROTECT, related_name="alerts")
    about = models.CharField(max_length=120)
    value = models.BigIntegerField()
    unit = models.CharField(max_length=28)
    facts = models.JSONField()
    status = models.CharField(max_length=8, choices=Status.choices)
    raised_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of("status", ["OPEN", "CLOSED"]),
            models.UniqueConstraint("rule", "about", name="safeguards_alert_once"),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.about}"
