"""Vouchers, what became of their days, and what was found of targets."""

from django.db import models
from django.db.models import Q

from common.tables import in_order, not_negative, one_of
from vouchers.models.decisions import Decision
from vouchers.models.programmes import Programme


class Voucher(models.Model):
    """A commitment to one beneficiary; what it holds is the balance of its ledger account."""

    class Status(models.TextChoices):
        ACTIVE = "ACTIVE", "Active"
        SUSPENDED = "SUSPENDED", "On hold"
        EXPIRED = "EXPIRED", "Expired"
        RETURNED = "RETURNED", "Returned"
        REVOKED = "REVOKED", "Cancelled"

    code = models.CharField(max_length=16, unique=True)
    redemption_code = models.CharField(max_length=24, unique=True)
    # A part for a team of the holder has no decision of its own: it has the whole's.
    decision = models.OneToOneField(Decision, models.PROTECT, related_name="voucher", null=True)
    parent = models.ForeignKey("self", models.PROTECT, related_name="parts", null=True)
    label = models.CharField(max_length=80, blank=True, default="")
    programme = models.ForeignKey(Programme, models.PROTECT, related_name="vouchers")
    organisation = models.ForeignKey(
        "parties.Organisation", models.PROTECT, related_name="vouchers"
    )
    amount = models.BigIntegerField()
    unit = models.CharField(max_length=28)
    valid_from_on = models.DateField()
    valid_until_on = models.DateField()
    status = models.CharField(max_length=10, choices=Status.choices)
    issued_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")
    # The act that last gave it more days; until then the one that issued it set the last day.
    extended_act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+", null=True)

    class Meta:
        constraints = [
            one_of("status", ["ACTIVE", "SUSPENDED", "EXPIRED", "RETURNED", "REVOKED"]),
            models.CheckConstraint(
                condition=Q(amount__gt=0), name="vouchers_voucher_has_amount"
            ),
            in_order("valid_from_on", "valid_until_on"),
            models.CheckConstraint(
                condition=Q(decision__isnull=False, parent__isnull=True, label="")
                | (Q(decision__isnull=True, parent__isnull=False) & ~Q(label="")),
                name="vouchers_voucher_is_whole_or_part",
            ),
            models.UniqueConstraint(
                "parent",
                "label",
                condition=Q(parent__isnull=False),
                name="vouchers_voucher_part_once",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def award(self) -> Decision:
        """The decision that awarded it, or the voucher that it is a part of."""
        if self.decision is not None:
            return self.decision
        assert self.parent is not None
        return self.parent.award

    @property
    def address(self) -> str:
        """How acts name this voucher."""
        return f"voucher:{self.code}"


class Revocation(models.Model):
    """A voucher was ended by decision, and whether its holder may have another."""

    voucher = models.OneToOneField(Voucher, models.PROTECT, related_name="revocation")
    note = models.TextField()
    may_apply_again = models.BooleanField()
    revoked_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    revoked_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"{self.voucher_id}"


class Extension(models.Model):
    """A holder asks for more days."""

    voucher = models.ForeignKey(Voucher, models.PROTECT, related_name="extensions")
    days = models.IntegerField()
    reason = models.TextField()
    asked_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(days__gt=0), name="vouchers_extension_has_days")
        ]

    def __str__(self) -> str:
        return f"{self.voucher_id} +{self.days}"


class ExtensionVerdict(models.Model):
    """What became of a request for more days; nobody decided where the rule did."""

    class Outcome(models.TextChoices):
        GRANTED = "GRANTED", "Granted"
        REFUSED = "REFUSED", "Refused"

    extension = models.OneToOneField(Extension, models.PROTECT, related_name="verdict")
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    note = models.TextField()
    # The voucher's last day from here on.
    until_on = models.DateField()
    decided_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+", null=True)
    decided_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [one_of("outcome", ["GRANTED", "REFUSED"])]

    def __str__(self) -> str:
        return f"{self.extension_id} {self.outcome}"


class Assessment(models.Model):
    """What a third party found of a target; the newest counts, and none is ever changed."""

    voucher = models.ForeignKey(Voucher, models.PROTECT, related_name="assessments")
    assessor = models.CharField(max_length=200)
    # In the measure of the document's target, such as PFLOPS.
    figure = models.DecimalField(max_digits=18, decimal_places=6)
    evidence = models.TextField()
    assessed_on = models.DateField()
    recorded_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [not_negative("figure")]

    def __str__(self) -> str:
        return f"{self.voucher_id}: {self.figure}"
