"""The ledger's tables as Django sees them: read by queries, written by SQL functions alone."""

from django.db import models


class Account(models.Model):
    """Where value can be: an address, its kind and its one unit."""

    id = models.BigIntegerField(primary_key=True)
    address = models.TextField(unique=True)
    kind = models.SmallIntegerField()
    unit = models.TextField()
    act_id = models.BigIntegerField()
    digest = models.BinaryField()

    class Meta:
        managed = False
        db_table = "ledger_account"

    def __str__(self) -> str:
        return self.address


class Act(models.Model):
    """One thing that somebody did: the audit trail's row."""

    id = models.BigIntegerField(primary_key=True)
    kind = models.TextField()
    actor = models.TextField()
    about = models.TextField()
    at = models.DateTimeField()
    reason = models.TextField()
    details = models.JSONField()
    openings = models.IntegerField()
    moves = models.IntegerField()
    total = models.DecimalField(max_digits=38, decimal_places=0)
    recorded_at = models.DateTimeField()
    txid = models.BigIntegerField()
    digest = models.BinaryField()

    class Meta:
        managed = False
        db_table = "ledger_act"

    def __str__(self) -> str:
        return f"{self.kind} {self.about}"


class Transfer(models.Model):
    """One append-only move of value from a debited to a credited account."""

    id = models.BigIntegerField(primary_key=True)
    act = models.ForeignKey(Act, models.PROTECT, related_name="transfers")
    position = models.IntegerField()
    kind = models.SmallIntegerField()
    flow = models.SmallIntegerField()
    debit = models.ForeignKey(Account, models.PROTECT, related_name="+")
    credit = models.ForeignKey(Account, models.PROTECT, related_name="+")
    amount = models.BigIntegerField()
    hold_id = models.BigIntegerField(null=True)
    reverses_id = models.BigIntegerField(null=True)
    expires_at = models.DateTimeField(null=True)
    at = models.DateTimeField()
    ref = models.TextField()
    txid = models.BigIntegerField()
    digest = models.BinaryField()

    class Meta:
        managed = False
        db_table = "ledger_transfer"

    def __str__(self) -> str:
        return f"{self.id}: {self.amount}"


class Period(models.Model):
    """A time of a programme that was closed, with what was in it."""

    act = models.OneToOneField(Act, models.PROTECT, primary_key=True, related_name="period")
    programme = models.TextField()
    begins = models.DateTimeField()
    ends = models.DateTimeField()
    transfers = models.BigIntegerField()
    total = models.DecimalField(max_digits=38, decimal_places=0)
    digest = models.BinaryField()

    class Meta:
        managed = False
        db_table = "ledger_period"

    def __str__(self) -> str:
        return f"{self.programme} {self.begins} to {self.ends}"
