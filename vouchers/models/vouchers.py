"""Vouchers, and the orders under them."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

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

    code = models.CharField(max_length=16, unique=True)
    redemption_code = models.CharField(max_length=24, unique=True)
    decision = models.OneToOneField(Decision, models.PROTECT, related_name="voucher")
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

    class Meta:
        constraints = [
            one_of("status", ["ACTIVE", "SUSPENDED", "EXPIRED", "RETURNED"]),
            models.CheckConstraint(
                condition=Q(amount__gt=0), name="vouchers_voucher_has_amount"
            ),
            in_order("valid_from_on", "valid_until_on"),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def address(self) -> str:
        """How acts name this voucher."""
        return f"voucher:{self.code}"


class Order(models.Model):
    """A beneficiary's use of an offer under a voucher, with the hold that sets its value aside."""

    class Status(models.TextChoices):
        OPEN = "OPEN", "Open"
        CLOSED = "CLOSED", "Closed"
        RELEASED = "RELEASED", "Released"
        LAPSED = "LAPSED", "Lapsed"

    class PlacedBy(models.TextChoices):
        HOLDER = "HOLDER", _("The holder")
        PROVIDER = "PROVIDER", _("The provider, with the holder's code")

    code = models.CharField(max_length=16, unique=True)
    voucher = models.ForeignKey(Voucher, models.PROTECT, related_name="orders")
    offer = models.ForeignKey("providers.Offer", models.PROTECT, related_name="orders")
    price = models.ForeignKey("providers.Price", models.PROTECT, related_name="+", null=True)
    # The provider's own name for this order in its meter: an account, project or cluster.
    provider_reference = models.CharField(max_length=80)
    quantity_ms = models.BigIntegerField()
    # The whole price in minor units; the hold covers the voucher's share of it.
    price_total = models.BigIntegerField()
    hold_amount = models.BigIntegerField()
    hold = models.BigIntegerField(unique=True)
    working = models.JSONField()
    placed_by = models.CharField(max_length=8, choices=PlacedBy.choices)
    placed_by_user = models.ForeignKey(
        "parties.User", models.PROTECT, related_name="+", null=True
    )
    placed_at = models.DateTimeField()
    lapses_at = models.DateTimeField()
    status = models.CharField(max_length=8, choices=Status.choices)
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of("status", ["OPEN", "CLOSED", "RELEASED", "LAPSED"]),
            one_of("placed_by", ["HOLDER", "PROVIDER"]),
            not_negative("price_total", "quantity_ms"),
            models.CheckConstraint(
                condition=Q(hold_amount__gt=0), name="vouchers_order_holds_something"
            ),
            in_order("placed_at", "lapses_at"),
            # What a capture is of must never be a question.
            models.UniqueConstraint(
                "voucher",
                "offer",
                "provider_reference",
                condition=Q(status="OPEN"),
                name="vouchers_order_open_once",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def address(self) -> str:
        """How acts name this order."""
        return f"order:{self.code}"
