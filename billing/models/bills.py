"""Bills and claims, their lines, the verdict on each, and what an order is settled for."""

from django.db import models
from django.db.models import F, Q

from billing.models.usage import UsageLine
from common.tables import in_order, not_negative, one_of


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
    # Since when every line of every holder is confirmed or disputed; None while one is not.
    agreed_at = models.DateTimeField(null=True)
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
    usage_line = models.ForeignKey(
        UsageLine, models.PROTECT, related_name="+", null=True, db_constraint=False
    )
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
