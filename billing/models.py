"""Metered usage, bills and claims, the verdict on each line, and the way to the bank and back."""

from django.db import models
from django.db.models import F, Q

from common.tables import in_order, not_negative, one_of


class UsageFile(models.Model):
    """A file of metered usage as it came, known by its fingerprint."""

    provider = models.ForeignKey(
        "providers.Provider", models.PROTECT, related_name="usage_files"
    )
    name = models.CharField(max_length=200)
    format = models.CharField(max_length=16)
    sha256 = models.CharField(max_length=64)
    rows = models.IntegerField()
    recorded = models.IntegerField()
    known_before = models.IntegerField()
    skipped = models.JSONField()
    errors = models.JSONField()
    errors_total = models.IntegerField()
    received_by = models.CharField(max_length=40)
    received_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint("provider", "sha256", name="billing_usagefile_once"),
            not_negative("rows", "recorded", "known_before", "errors_total"),
        ]

    def __str__(self) -> str:
        return self.name


class UsageLine(models.Model):
    """One metered interval of one resource, exactly as the meter said."""

    provider = models.ForeignKey(
        "providers.Provider", models.PROTECT, related_name="usage_lines"
    )
    file = models.ForeignKey(UsageFile, models.PROTECT, related_name="lines", null=True)
    # The order it was used under; in modes without a hold, the voucher alone.
    order = models.ForeignKey("vouchers.Order", models.PROTECT, related_name="usage", null=True)
    voucher = models.ForeignKey("vouchers.Voucher", models.PROTECT, related_name="usage")
    source = models.CharField(max_length=80)
    key = models.CharField(max_length=160)
    resource = models.CharField(max_length=3)
    resource_class = models.CharField(max_length=24)
    count_thousandths = models.BigIntegerField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    quantity_ms = models.BigIntegerField()
    state = models.CharField(max_length=24)
    # Priced once, when it is recorded: the order's rate in currency units an hour (none in
    # kind), and what the whole line costs at it; neither where use is claimed afterwards.
    rate = models.DecimalField(max_digits=14, decimal_places=4, null=True)
    amount = models.BigIntegerField(null=True)
    recorded_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of("resource", ["GPU", "CPU"]),
            models.UniqueConstraint("provider", "source", "key", name="billing_usageline_once"),
            not_negative("count_thousandths", "quantity_ms"),
            in_order("started_at", "ended_at"),
        ]
        indexes = [
            models.Index(fields=["voucher", "started_at"]),
            models.Index(fields=["order", "started_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.source}/{self.key}"


class Bill(models.Model):
    """A provider's usage lines for a period with amounts, or a beneficiary's claim after use."""

    class Kind(models.TextChoices):
        BILL = "BILL", "Bill"
        CLAIM = "CLAIM", "Claim"

    class Status(models.TextChoices):
        SENT = "SENT", "Sent"
        SETTLED = "SETTLED", "Settled"

    number = models.CharField(max_length=16, unique=True)
    kind = models.CharField(max_length=5, choices=Kind.choices)
    programme = models.ForeignKey("vouchers.Programme", models.PROTECT, related_name="bills")
    provider = models.ForeignKey("providers.Provider", models.PROTECT, related_name="bills")
    # Who is to be paid: the provider's organisation, or the beneficiary of a claim.
    payee = models.ForeignKey("parties.Organisation", models.PROTECT, related_name="bills")
    invoice_number = models.CharField(max_length=60)
    period_from = models.DateTimeField()
    period_until = models.DateTimeField()
    unit = models.CharField(max_length=28)
    total = models.BigIntegerField()
    # A claim's own facts: contract days and fee lines by resource class.
    facts = models.JSONField()
    status = models.CharField(max_length=8, choices=Status.choices)
    sent_by = models.CharField(max_length=40)
    sent_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of("kind", ["BILL", "CLAIM"]),
            one_of("status", ["SENT", "SETTLED"]),
            not_negative("total"),
            in_order("period_from", "period_until"),
            models.CheckConstraint(
                condition=Q(status="SENT") | Q(settled_at__isnull=False),
                name="billing_bill_settled_has_instant",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def address(self) -> str:
        """How acts name this bill."""
        return f"bill:{self.number}"


class BillLine(models.Model):
    """One line as it was billed; what the meter said is the usage line that it names."""

    # Its index is that of (bill, row).
    bill = models.ForeignKey(Bill, models.PROTECT, related_name="lines", db_index=False)
    row = models.IntegerField()
    # Nobody's where no meter knows the line; else the usage line's, and checked a statement at
    # a time instead of a row at a time (docs/decisions/0012).
    voucher = models.ForeignKey(
        "vouchers.Voucher",
        models.PROTECT,
        related_name="bill_lines",
        null=True,
        db_constraint=False,
    )
    order = models.ForeignKey(
        "vouchers.Order",
        models.PROTECT,
        related_name="bill_lines",
        null=True,
        db_constraint=False,
    )
    usage_line = models.ForeignKey(UsageLine, models.PROTECT, related_name="+", null=True)
    source = models.CharField(max_length=80)
    key = models.CharField(max_length=160)
    quantity_ms = models.BigIntegerField()
    rate = models.DecimalField(max_digits=14, decimal_places=4)
    # Minor units, or GPU-milliseconds in kind.
    amount = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint("bill", "row", name="billing_billline_row_once"),
            not_negative("quantity_ms", "amount", "rate"),
        ]

    def __str__(self) -> str:
        return f"{self.bill_id}/{self.row}"


class Verdict(models.Model):
    """What was decided on one line, and why; a later look adds another verdict."""

    class Outcome(models.TextChoices):
        ACCEPTED = "ACCEPTED", "Accepted"
        REDUCED = "REDUCED", "Part withheld"
        WITHHELD = "WITHHELD", "Withheld"
        DECLINED = "DECLINED", "Not accepted"

    # Its index is that of (line, id). What it and `act` name is checked a statement at a time.
    line = models.ForeignKey(
        BillLine,
        models.PROTECT,
        related_name="verdicts",
        db_index=False,
        db_constraint=False,
    )
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    # accepted + withheld = the line's amount; covered is what the voucher pays of accepted.
    accepted = models.BigIntegerField()
    withheld = models.BigIntegerField()
    covered = models.BigIntegerField()
    co_payment = models.BigIntegerField()
    # One code of billing.reasons and its values; "" when accepted whole.
    reason = models.CharField(max_length=40, blank=True)
    reason_values = models.JSONField()
    # What may be accepted once only: a usage line, for a period that begins at an instant.
    usage_line = models.ForeignKey(
        UsageLine,
        models.PROTECT,
        related_name="+",
        null=True,
        db_index=False,
        db_constraint=False,
    )
    usage_from = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=40)
    decided_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+", db_constraint=False)

    class Meta:
        constraints = [
            one_of("outcome", ["ACCEPTED", "REDUCED", "WITHHELD", "DECLINED"]),
            not_negative("accepted", "withheld", "covered", "co_payment"),
            models.CheckConstraint(
                condition=Q(covered__lte=F("accepted")), name="billing_verdict_covers_accepted"
            ),
            models.UniqueConstraint(
                "usage_line", "usage_from", name="billing_verdict_usage_accepted_once"
            ),
            models.CheckConstraint(
                condition=Q(usage_line__isnull=True, usage_from__isnull=True)
                | Q(usage_line__isnull=False, usage_from__isnull=False),
                name="billing_verdict_usage_has_period",
            ),
        ]
        indexes = [models.Index(fields=["line", "id"])]

    def __str__(self) -> str:
        return f"{self.line_id} {self.outcome}"


class Settlement(models.Model):
    """A bill's lines turned into a payable for one voucher or order, with the working."""

    bill = models.ForeignKey(Bill, models.PROTECT, related_name="settlements")
    voucher = models.ForeignKey("vouchers.Voucher", models.PROTECT, related_name="settlements")
    order = models.ForeignKey(
        "vouchers.Order", models.PROTECT, related_name="settlements", null=True
    )
    billed = models.BigIntegerField()
    accepted = models.BigIntegerField()
    withheld = models.BigIntegerField()
    covered = models.BigIntegerField()
    co_payment = models.BigIntegerField()
    beyond_hold = models.BigIntegerField()
    working = models.JSONField()
    policy_version = models.ForeignKey(
        "vouchers.PolicyVersion", models.PROTECT, related_name="+"
    )
    at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            not_negative(
                "billed", "accepted", "withheld", "covered", "co_payment", "beyond_hold"
            ),
            models.CheckConstraint(
                condition=Q(billed=F("accepted") + F("withheld")),
                name="billing_settlement_billed_is_accounted",
            ),
            models.CheckConstraint(
                condition=Q(accepted=F("covered") + F("co_payment") + F("beyond_hold")),
                name="billing_settlement_accepted_is_accounted",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.bill_id} {self.covered}"


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
