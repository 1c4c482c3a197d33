"""Batches of payments, the file that went to the bank, and what the bank answered."""

from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Replace

from common.tables import one_of
from parties.models import Organisation

# Each stage of a batch, in order; the last is for one that was called off.
STAGES = [
    "OPEN",
    "LOCKED",
    "APPROVED",
    "AUTHORISED",
    "RELEASED",
    "SENT",
    "CLOSED",
    "CANCELLED",
]


class Batch(models.Model):
    """Payments that one person prepares, another approves and yet another releases.

    Above an amount that the law says, one more authorises what was approved.
    """

    class Status(models.TextChoices):
        OPEN = "OPEN", "Open"
        LOCKED = "LOCKED", "Waiting for second approval"
        APPROVED = "APPROVED", "Approved"
        AUTHORISED = "AUTHORISED", "Authorised"
        RELEASED = "RELEASED", "Released"
        SENT = "SENT", "Sent to bank"
        CLOSED = "CLOSED", "Paid"
        CANCELLED = "CANCELLED", "Cancelled"

    code = models.CharField(max_length=16, unique=True)
    programme = models.ForeignKey("vouchers.Programme", models.PROTECT, related_name="batches")
    # Whose account pays; the programme's authority where nobody else bears a part of it.
    payer = models.ForeignKey(
        "parties.Organisation", models.PROTECT, related_name="batches_paid", null=True
    )
    # The earlier batch whose returned payments this one pays.
    follows = models.ForeignKey("self", models.PROTECT, related_name="followers", null=True)
    # Of the payments that are in it, without those removed.
    total = models.BigIntegerField()
    status = models.CharField(max_length=10, choices=Status.choices)
    # Told by the law of the day on which the list was locked.
    needs_authorisation = models.BooleanField(default=False)
    prepared_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    prepared_at = models.DateTimeField()
    approved_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+", null=True)
    approved_at = models.DateTimeField(null=True)
    authorised_by = models.ForeignKey(
        "parties.User", models.PROTECT, related_name="+", null=True
    )
    authorised_at = models.DateTimeField(null=True)
    released_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+", null=True)
    released_at = models.DateTimeField(null=True)
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of("status", STAGES),
            models.CheckConstraint(
                condition=Q(total__gt=0) | Q(total=0, status__in=["OPEN", "CANCELLED"]),
                name="billing_batch_has_total",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["OPEN", "LOCKED", "CANCELLED"])
                | Q(approved_by__isnull=False),
                name="billing_batch_approved_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["OPEN", "LOCKED", "APPROVED", "CANCELLED"])
                | Q(needs_authorisation=False)
                | Q(authorised_by__isnull=False),
                name="billing_batch_authorised_by_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["RELEASED", "SENT", "CLOSED"])
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
        REMOVED = "REMOVED", "Removed"
        SENT = "SENT", "Sent to bank"
        PAID = "PAID", "Paid"
        RETURNED = "RETURNED", "Returned"
        CANCELLED = "CANCELLED", "Cancelled"
        PART = "PART", "Paid in part"

    batch = models.ForeignKey(Batch, models.PROTECT, related_name="payments")
    payee = models.ForeignKey("parties.Organisation", models.PROTECT, related_name="payments")
    # The ledger account that the payment empties.
    payable = models.CharField(max_length=120)
    bank_detail = models.ForeignKey("parties.BankDetail", models.PROTECT, related_name="+")
    amount = models.BigIntegerField()
    unit = models.CharField(max_length=28)
    end_to_end_id = models.CharField(max_length=35, unique=True)
    # The returned payment that this one pays anew.
    follows = models.ForeignKey("self", models.PROTECT, related_name="followers", null=True)
    # What the payee's bank shows beside it, by ISO 11649; empty of payments of earlier years.
    reference = models.CharField(max_length=25, blank=True, default="")
    status = models.CharField(max_length=9, choices=Status.choices)
    answered_at = models.DateTimeField(null=True)
    answer_reason = models.CharField(max_length=140, blank=True, default="")
    # What the bank paid of a payment in part; the rest is due again.
    paid_amount = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            one_of(
                "status",
                ["PREPARED", "REMOVED", "SENT", "PAID", "RETURNED", "CANCELLED", "PART"],
            ),
            models.CheckConstraint(
                condition=Q(amount__gt=0), name="billing_payment_has_amount"
            ),
            models.CheckConstraint(
                condition=Q(paid_amount__gt=0, paid_amount__lt=F("amount"))
                | Q(paid_amount__isnull=True) & ~Q(status="PART"),
                name="billing_payment_part_is_less",
            ),
            models.UniqueConstraint("batch", "payable", name="billing_payment_once_a_batch"),
            models.UniqueConstraint(
                fields=["follows"],
                condition=~Q(status__in=["REMOVED", "CANCELLED"]),
                name="billing_payment_followed_once",
            ),
            models.UniqueConstraint(
                fields=["reference"],
                condition=~Q(reference=""),
                name="billing_payment_reference_once",
            ),
        ]
        indexes = [
            # How a structured reference is found: it has an id's letters and digits alone.
            models.Index(
                Replace("end_to_end_id", Value("-"), Value("")),
                name="billing_payment_reference",
            ),
        ]

    def __str__(self) -> str:
        return self.end_to_end_id

    @property
    def answered_amount(self) -> int:
        """How much of it the bank has paid, if it has paid any; minor units."""
        return self.amount if self.paid_amount is None else self.paid_amount


# Payments that the bank never heard of.
NEVER_SENT = (Payment.Status.PREPARED, Payment.Status.REMOVED, Payment.Status.CANCELLED)


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
