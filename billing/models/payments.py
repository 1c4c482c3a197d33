"""Batches of payments, the file that went to the bank, and what the bank answered."""

from django.db import models
from django.db.models import F, Q

from common.tables import one_of
from parties.models import Organisation


class Batch(models.Model):
    """Payments prepared, approved and released by three people."""

    class Status(models.TextChoices):
        PREPARED = "PREPARED", "Waiting for second approval"
        APPROVED = "APPROVED", "Approved"
        RELEASED = "RELEASED", "Sent to bank"
        CLOSED = "CLOSED", "Paid"
        CANCELLED = "CANCELLED", "Cancelled"

    code = models.CharField(max_length=16, unique=True)
    programme = models.ForeignKey("vouchers.Programme", models.PROTECT, related_name="batches")
    # Whose account pays; the programme's authority where nobody else bears a part of it.
    payer = models.ForeignKey(
        "parties.Organisation", models.PROTECT, related_name="batches_paid", null=True
    )
    total = models.BigIntegerField()
    status = models.CharField(max_length=9, choices=Status.choices)
    prepared_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    prepared_at = models.DateTimeField()
    approved_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+", null=True)
    approved_at = models.DateTimeField(null=True)
    released_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+", null=True)
    released_at = models.DateTimeField(null=True)
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of("status", ["PREPARED", "APPROVED", "RELEASED", "CLOSED", "CANCELLED"]),
            models.CheckConstraint(condition=Q(total__gt=0), name="billing_batch_has_total"),
            models.CheckConstraint(
                condition=(Q(approved_by__isnull=True) | ~Q(approved_by=F("prepared_by")))
                & (
                    Q(released_by__isnull=True)
                    | (~Q(released_by=F("prepared_by")) & ~Q(released_by=F("approved_by")))
                ),
                name="billing_batch_three_people",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["PREPARED", "APPROVED", "CANCELLED"])
                | Q(released_by__isnull=False),
                name="billing_batch_released_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def debtor(self) -> Organisation:
        """Whose account pays this batch."""
        return self.payer or self.programme.authority

    @property
    def address(self) -> str:
        """How acts name this batch."""
        return f"batch:{self.code}"


class Payment(models.Model):
    """One transfer of a batch to one party."""

    class Status(models.TextChoices):
        PREPARED = "PREPARED", "Prepared"
        SENT = "SENT", "Sent to bank"
        PAID = "PAID", "Paid"
        RETURNED = "RETURNED", "Returned"
        CANCELLED = "CANCELLED", "Cancelled"

    batch = models.ForeignKey(Batch, models.PROTECT, related_name="payments")
    payee = models.ForeignKey("parties.Organisation", models.PROTECT, related_name="payments")
    # The ledger account that the payment empties.
    payable = models.CharField(max_length=120)
    bank_detail = models.ForeignKey("parties.BankDetail", models.PROTECT, related_name="+")
    amount = models.BigIntegerField()
    unit = models.CharField(max_length=28)
    end_to_end_id = models.CharField(max_length=35, unique=True)
    status = models.CharField(max_length=9, choices=Status.choices)
    answered_at = models.DateTimeField(null=True)
    answer_reason = models.CharField(max_length=140, blank=True, default="")

    class Meta:
        constraints = [
            one_of("status", ["PREPARED", "SENT", "PAID", "RETURNED", "CANCELLED"]),
            models.CheckConstraint(
                condition=Q(amount__gt=0), name="billing_payment_has_amount"
            ),
            models.UniqueConstraint("batch", "payable", name="billing_payment_once_a_batch"),
        ]

    def __str__(self) -> str:
        return self.end_to_end_id


class PaymentFile(models.Model):
    """The file that went to the bank, byte for byte."""

    batch = models.OneToOneField(Batch, models.PROTECT, related_name="file")
    name = models.CharField(max_length=80)
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField()
    written_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return self.name


class BankStatement(models.Model):
    """A statement as the bank sent it, known by its fingerprint."""

    sha256 = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=200)
    account = models.CharField(max_length=40)
    unit = models.CharField(max_length=3)
    content = models.BinaryField()
    warnings = models.JSONField()
    read_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    read_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return self.name


class BankLine(models.Model):
    """One entry of a statement and what it was matched to."""

    class Match(models.TextChoices):
        PAID = "PAID", "Payment confirmed"
        RETURNED = "RETURNED", "Payment returned"
        UNMATCHED = "UNMATCHED", "Matches nothing"
        ANSWERED = "ANSWERED", "Payment was answered before"

    statement = models.ForeignKey(BankStatement, models.PROTECT, related_name="lines")
    position = models.IntegerField()
    end_to_end_id = models.CharField(max_length=35, blank=True)
    amount = models.BigIntegerField()
    unit = models.CharField(max_length=3)
    is_credit = models.BooleanField()
    booked_on = models.DateField()
    counterparty = models.CharField(max_length=140, blank=True)
    match = models.CharField(max_length=9, choices=Match.choices)
    # Why it matches nothing, as a code of billing.reasons and its values.
    reason = models.CharField(max_length=40, blank=True)
    reason_values = models.JSONField()
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="bank_lines", null=True)

    class Meta:
        constraints = [
            one_of("match", ["PAID", "RETURNED", "UNMATCHED", "ANSWERED"]),
            models.UniqueConstraint("statement", "position", name="billing_bankline_once"),
        ]

    def __str__(self) -> str:
        return f"{self.statement_id}/{self.position}"
