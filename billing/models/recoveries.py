"""What was paid and not owed: the case, what its debtor says, and what is got back of it."""

from django.db import models
from django.db.models import F, Q

from common.tables import not_negative, one_of


class Recovery(models.Model):
    """A case to take back what was paid and not owed; its debtor is heard before it is decided."""

    class Status(models.TextChoices):
        OPEN = "OPEN", "Waiting for a decision"
        UPHELD = "UPHELD", "Owed"
        DROPPED = "DROPPED", "Dropped"
        CLOSED = "CLOSED", "Nothing left"

    class Home(models.TextChoices):
        VOUCHER = "VOUCHER", "The voucher while it is valid"
        BUDGET = "BUDGET", "The budget"

    code = models.CharField(max_length=16, unique=True)
    programme = models.ForeignKey(
        "vouchers.Programme", models.PROTECT, related_name="recoveries"
    )
    debtor = models.ForeignKey(
        "parties.Organisation", models.PROTECT, related_name="recoveries"
    )
    # What it comes from: a payment, or a line of a settled bill.
    payment = models.ForeignKey(
        "billing.Payment", models.PROTECT, related_name="recoveries", null=True
    )
    line = models.ForeignKey(
        "billing.BillLine", models.PROTECT, related_name="recoveries", null=True
    )
    # Whose value it was, where the origin says so.
    voucher = models.ForeignKey(
        "vouchers.Voucher", models.PROTECT, related_name="recoveries", null=True
    )
    amount = models.BigIntegerField()
    legal_basis = models.CharField(max_length=200)
    reason = models.CharField(max_length=500)
    policy_version = models.ForeignKey(
        "vouchers.PolicyVersion", models.PROTECT, related_name="+"
    )
    returns_to = models.CharField(max_length=7, choices=Home.choices)
    is_offset = models.BooleanField()
    reply_until = models.DateField()
    status = models.CharField(max_length=7, choices=Status.choices)
    opened_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    decided_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+", null=True)
    decided_at = models.DateTimeField(null=True)
    due_on = models.DateField(null=True)
    # Minor units: owed by decision, got back, and given up; the rest is still owed.
    upheld_amount = models.BigIntegerField(default=0)
    recovered_amount = models.BigIntegerField(default=0)
    written_off_amount = models.BigIntegerField(default=0)
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of("status", ["OPEN", "UPHELD", "DROPPED", "CLOSED"]),
            one_of("returns_to", ["VOUCHER", "BUDGET"]),
            not_negative("upheld_amount", "recovered_amount", "written_off_amount"),
            models.CheckConstraint(
                condition=Q(amount__gt=0) & Q(upheld_amount__lte=F("amount")),
                name="billing_recovery_within_amount",
            ),
            models.CheckConstraint(
                condition=Q(upheld_amount__gte=F("recovered_amount") + F("written_off_amount")),
                name="billing_recovery_never_more_than_owed",
            ),
            models.CheckConstraint(
                condition=Q(payment__isnull=False, line__isnull=True)
                | Q(payment__isnull=True, line__isnull=False),
                name="billing_recovery_has_one_origin",
            ),
            models.CheckConstraint(
                condition=Q(status="OPEN", decided_by__isnull=True)
                | (~Q(status="OPEN") & Q(decided_by__isnull=False)),
                name="billing_recovery_decided_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def address(self) -> str:
        """How acts name this case."""
        return f"recovery:{self.code}"

    @property
    def left(self) -> int:
        """What is still owed, in minor units."""
        return self.upheld_amount - self.recovered_amount - self.written_off_amount


class RecoveryPart(models.Model):
    """What a case takes back for one payer of what was paid; its parts add up to it (a trigger)."""

    recovery = models.ForeignKey(Recovery, models.PROTECT, related_name="parts")
    payer = models.ForeignKey("parties.Organisation", models.PROTECT, related_name="+")
    # The ledger account from which this payer pays the debtor: what is owed is set off against it.
    payable = models.CharField(max_length=120)
    # Minor units, as those of the case.
    amount = models.BigIntegerField()
    upheld_amount = models.BigIntegerField(default=0)
    recovered_amount = models.BigIntegerField(default=0)
    written_off_amount = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint("recovery", "payer", name="billing_recoverypart_once"),
            not_negative("upheld_amount", "recovered_amount", "written_off_amount"),
            models.CheckConstraint(
                condition=Q(amount__gt=0) & Q(upheld_amount__lte=F("amount")),
                name="billing_recoverypart_within_amount",
            ),
            models.CheckConstraint(
                condition=Q(upheld_amount__gte=F("recovered_amount") + F("written_off_amount")),
                name="billing_recoverypart_never_more_than_owed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.recovery_id} {self.payable} {self.amount}"

    @property
    def left(self) -> int:
        """What is still owed of it, in minor units."""
        return self.upheld_amount - self.recovered_amount - self.written_off_amount

    @property
    def paid(self) -> str:
        """The ledger account of what this payer paid the debtor."""
        return ":".join(["paid", *self.payable.split(":")[1:]])


class RecoveryReply(models.Model):
    """What a debtor says of a case before it is decided."""

    recovery = models.ForeignKey(Recovery, models.PROTECT, related_name="replies")
    text = models.CharField(max_length=2000)
    replied_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    replied_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"{self.recovery_id} {self.replied_at:%Y-%m-%d}"


class CollectionProposal(models.Model):
    """What one person found at the bank or would give up, for another one to confirm."""

    class Kind(models.TextChoices):
        REPAYMENT = "REPAYMENT", "Paid back"
        WRITE_OFF = "WRITE_OFF", "Written off"

    recovery = models.ForeignKey(Recovery, models.PROTECT, related_name="proposals")
    kind = models.CharField(max_length=9, choices=Kind.choices)
    amount = models.BigIntegerField()
    # Why it is given up; or by what the bank's entry is known.
    note = models.CharField(max_length=500)
    proposed_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of("kind", ["REPAYMENT", "WRITE_OFF"]),
            models.CheckConstraint(
                condition=Q(amount__gt=0), name="billing_collectionproposal_has_amount"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.recovery_id} {self.kind} {self.amount}"


class Collection(models.Model):
    """What one act took off what is owed: set off, paid back, or given up."""

    class Kind(models.TextChoices):
        OFFSET = "OFFSET", "Set off"
        REPAYMENT = "REPAYMENT", "Paid back"
        WRITE_OFF = "WRITE_OFF", "Written off"

    recovery = models.ForeignKey(Recovery, models.PROTECT, related_name="collections")
    kind = models.CharField(max_length=9, choices=Kind.choices)
    amount = models.BigIntegerField()
    # What was paid beyond what was owed; it is due to the debtor again.
    refund_amount = models.BigIntegerField(default=0)
    proposal = models.ForeignKey(
        CollectionProposal, models.PROTECT, related_name="collections", null=True
    )
    # The entry of the bank that a repayment is, where the bank's file was read.
    bank_line = models.OneToOneField(
        "billing.BankLine", models.PROTECT, related_name="collection", null=True
    )
    proposed_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+", null=True)
    recorded_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+", null=True)
    at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of("kind", ["OFFSET", "REPAYMENT", "WRITE_OFF"]),
            not_negative("amount", "refund_amount"),
            models.CheckConstraint(
                condition=Q(amount__gt=0) | Q(refund_amount__gt=0),
                name="billing_collection_has_amount",
            ),
            models.CheckConstraint(
                condition=Q(kind="OFFSET", proposal__isnull=True)
                | (
                    ~Q(kind="OFFSET")
                    & Q(
                        proposal__isnull=False,
                        proposed_by__isnull=False,
                        recorded_by__isnull=False,
                    )
                ),
                name="billing_collection_by_two_people",
            ),
            models.UniqueConstraint("proposal", name="billing_collection_proposal_once"),
            models.CheckConstraint(
                condition=Q(bank_line__isnull=True) | Q(kind="REPAYMENT"),
                name="billing_collection_bank_line_of_repayment",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.recovery_id} {self.kind} {self.amount}"
