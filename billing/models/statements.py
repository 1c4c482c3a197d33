"""What the bank answered, entry by entry, and what people said of the entries that are odd."""

from django.db import models
from django.db.models import Q

from billing.models.payments import Payment
from common.tables import one_of


class BankStatement(models.Model):
    """One statement, notice or report of a file as the bank sent it, known by its fingerprint."""

    class Format(models.TextChoices):
        STATEMENT = "STATEMENT", "camt.053"
        NOTICE = "NOTICE", "camt.054"
        REPORT = "REPORT", "pain.002"
        MT940 = "MT940", "MT940"
        CSV = "CSV", "CSV"

    sha256 = models.CharField(max_length=64)
    # Its place in the file, from 1; the bytes of the file are kept with the first.
    number = models.IntegerField(default=1)
    format = models.CharField(max_length=9, choices=Format.choices, default=Format.STATEMENT)
    # The message and version, such as camt.053.001.08, as it was recognised.
    message = models.CharField(max_length=20, blank=True, default="")
    # What the bank calls it.
    statement_id = models.CharField(max_length=70, blank=True, default="")
    name = models.CharField(max_length=200)
    account = models.CharField(max_length=40)
    unit = models.CharField(max_length=3)
    content = models.BinaryField()
    warnings = models.JSONField()
    read_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    read_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of("format", ["STATEMENT", "NOTICE", "REPORT", "MT940", "CSV"]),
            models.UniqueConstraint("sha256", "number", name="billing_bankstatement_once"),
        ]

    def __str__(self) -> str:
        return self.name


class BankLine(models.Model):
    """One entry of a statement and what it was matched to."""

    class Match(models.TextChoices):
        PAID = "PAID", "Payment confirmed"
        RETURNED = "RETURNED", "Payment returned"
        UNMATCHED = "UNMATCHED", "Matches nothing"
        ANSWERED = "ANSWERED", "Payment was answered before"
        TAKEN = "TAKEN", "Bank took the order"

    class Found(models.TextChoices):
        END_TO_END_ID = "END_TO_END_ID", "End-to-end id"
        BANK_REFERENCE = "BANK_REFERENCE", "Bank's reference"
        RF_REFERENCE = "RF_REFERENCE", "RF reference"
        PAYMENT_FILE = "PAYMENT_FILE", "Payment file"

    class Oddity(models.TextChoices):
        """Why a person has to look at an entry."""

        PARTIAL = "PARTIAL", "Less than the payment"
        RETURNED = "RETURNED", "Payment came back"
        UNMATCHED = "UNMATCHED", "Matches nothing"
        DUPLICATE = "DUPLICATE", "Booked twice"
        FOREIGN = "FOREIGN", "Not of this account"

    statement = models.ForeignKey(BankStatement, models.PROTECT, related_name="lines")
    position = models.IntegerField()
    # Where in the file it stands, in words.
    place = models.CharField(max_length=120, blank=True, default="")
    end_to_end_id = models.CharField(max_length=35, blank=True)
    reference = models.CharField(max_length=70, blank=True, default="")
    creditor_reference = models.CharField(max_length=35, blank=True, default="")
    amount = models.BigIntegerField()
    unit = models.CharField(max_length=3)
    is_credit = models.BooleanField()
    booked_on = models.DateField()
    counterparty = models.CharField(max_length=140, blank=True)
    counterparty_account = models.CharField(max_length=40, blank=True, default="")
    remittance = models.CharField(max_length=280, blank=True, default="")
    # What the bank gave as its reason, where money came back.
    bank_code = models.CharField(max_length=35, blank=True, default="")
    match = models.CharField(max_length=9, choices=Match.choices)
    found_by = models.CharField(max_length=14, choices=Found.choices, blank=True, default="")
    oddity = models.CharField(max_length=9, choices=Oddity.choices, blank=True, default="")
    # Why it matches nothing, as a code of billing.reasons and its values.
    reason = models.CharField(max_length=40, blank=True)
    reason_values = models.JSONField()
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="bank_lines", null=True)

    class Meta:
        constraints = [
            one_of("match", ["PAID", "RETURNED", "UNMATCHED", "ANSWERED", "TAKEN"]),
            one_of(
                "found_by",
                ["", "END_TO_END_ID", "BANK_REFERENCE", "RF_REFERENCE", "PAYMENT_FILE"],
            ),
            one_of("oddity", ["", "PARTIAL", "RETURNED", "UNMATCHED", "DUPLICATE", "FOREIGN"]),
            models.UniqueConstraint("statement", "position", name="billing_bankline_once"),
        ]
        indexes = [
            models.Index(
                fields=["reference"],
                condition=~Q(reference="") & Q(payment__isnull=False),
                name="billing_bankline_reference",
            ),
            models.Index(
                fields=["statement"], condition=~Q(oddity=""), name="billing_bankline_odd"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.statement_id}/{self.position}"


class BankResolution(models.Model):
    """What a person said of an entry that was odd; the newest of an entry counts.

    A kind that moves value is proposed by one person and done by another; the others are done at
    once. What was said is undone by a later row.
    """

    class Kind(models.TextChoices):
        THIS_PAYMENT = "THIS_PAYMENT", "It is this payment"
        PAID_IN_PART = "PAID_IN_PART", "Paid in part"
        NOT_OURS = "NOT_OURS", "Not ours"
        ASKED_BANK = "ASKED_BANK", "The bank was asked"
        DUPLICATE = "DUPLICATE", "Booked twice"
        DEALT_WITH = "DEALT_WITH", "Dealt with"
        REPAYMENT = "REPAYMENT", "Repayment of a recovery"

    class Step(models.TextChoices):
        PROPOSED = "PROPOSED", "Waiting for a second person"
        DONE = "DONE", "Resolved"
        UNDONE = "UNDONE", "Undone"

    # Kinds that move value, each of which names a payment, or the case that it repays.
    OF_PAYMENT = (Kind.THIS_PAYMENT, Kind.PAID_IN_PART)
    OF_VALUE = (*OF_PAYMENT, Kind.REPAYMENT)

    line = models.ForeignKey(BankLine, models.PROTECT, related_name="resolutions")
    # From 1: two people at once can't both write the next.
    number = models.IntegerField()
    kind = models.CharField(max_length=12, choices=Kind.choices)
    step = models.CharField(max_length=8, choices=Step.choices)
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="resolutions", null=True)
    recovery = models.ForeignKey(
        "billing.Recovery", models.PROTECT, related_name="resolutions", null=True
    )
    note = models.CharField(max_length=1000)
    made_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    # Who agreed with the one who proposed it.
    seconded_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+", null=True)
    made_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of(
                "kind",
                [
                    "THIS_PAYMENT",
                    "PAID_IN_PART",
                    "NOT_OURS",
                    "ASKED_BANK",
                    "DUPLICATE",
                    "DEALT_WITH",
                    "REPAYMENT",
                ],
            ),
            one_of("step", ["PROPOSED", "DONE", "UNDONE"]),
            models.CheckConstraint(
                condition=~Q(kind__in=["THIS_PAYMENT", "PAID_IN_PART"])
                | Q(payment__isnull=False) & (~Q(step="DONE") | Q(seconded_by__isnull=False)),
                name="billing_bankresolution_two_for_value",
            ),
            models.CheckConstraint(
                condition=~Q(kind="REPAYMENT")
                | Q(recovery__isnull=False) & (~Q(step="DONE") | Q(seconded_by__isnull=False)),
                name="billing_bankresolution_two_for_repayment",
            ),
            models.UniqueConstraint("line", "number", name="billing_bankresolution_once"),
        ]

    def __str__(self) -> str:
        return f"{self.line_id}/{self.number}"
