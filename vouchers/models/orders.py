"""Orders under vouchers: what is set aside for them, how they changed, who may use them."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from common.tables import in_order, not_negative, one_of
from vouchers.models.vouchers import Voucher


class Order(models.Model):
    """A beneficiary's use of an offer under a voucher, with the hold that sets its value aside."""

    class Status(models.TextChoices):
        OPEN = "OPEN", "Open"
        CLOSED = "CLOSED", "Closed"
        RELEASED = "RELEASED", "Released"
        LAPSED = "LAPSED", "Lapsed"
        PLACED = "PLACED", "Waiting for the provider"
        DECLINED = "DECLINED", "Declined"
        CANCELLED = "CANCELLED", "Cancelled"

    # Value is held for these.
    HOLDING = (Status.PLACED, Status.OPEN)

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
    # All that was set aside for it: what its hold has left, and what was captured so far.
    hold_amount = models.BigIntegerField()
    hold = models.BigIntegerField(unique=True)
    working = models.JSONField()
    placed_by = models.CharField(max_length=8, choices=PlacedBy.choices)
    placed_by_user = models.ForeignKey(
        "parties.User", models.PROTECT, related_name="+", null=True
    )
    placed_at = models.DateTimeField()
    lapses_at = models.DateTimeField()
    # Until when the provider may accept it; nothing where it accepts at once, or placed it.
    accept_by = models.DateTimeField(null=True)
    # Why it was declined or cancelled, as the other side reads it.
    end_note = models.CharField(max_length=500, blank=True, default="")
    status = models.CharField(max_length=9, choices=Status.choices)
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of(
                "status",
                ["OPEN", "CLOSED", "RELEASED", "LAPSED", "PLACED", "DECLINED", "CANCELLED"],
            ),
            models.CheckConstraint(
                condition=~Q(status="PLACED") | Q(accept_by__isnull=False),
                name="vouchers_order_placed_waits_until",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["DECLINED", "CANCELLED"]) | ~Q(end_note=""),
                name="vouchers_order_end_has_reason",
            ),
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
                condition=Q(status__in=["PLACED", "OPEN"]),
                name="vouchers_order_open_once",
            ),
        ]
        # A meter's account is looked up by it, in whatever case the batch system writes it.
        indexes = [models.Index(Lower("provider_reference"), name="vouchers_order_reference")]

    def __str__(self) -> str:
        return self.code

    @property
    def address(self) -> str:
        """How acts name this order."""
        return f"order:{self.code}"


class OrderChange(models.Model):
    """An order got more or fewer hours; its hold was released and another placed in its stead."""

    order = models.ForeignKey(Order, models.PROTECT, related_name="changes")
    quantity_ms_before = models.BigIntegerField()
    quantity_ms = models.BigIntegerField()
    hold_amount_before = models.BigIntegerField()
    hold_amount = models.BigIntegerField()
    # What was captured of it before belongs to this order.
    hold_before = models.BigIntegerField(unique=True)
    reason = models.CharField(max_length=500)
    changed_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            not_negative("quantity_ms_before", "quantity_ms", "hold_amount_before"),
            models.CheckConstraint(
                condition=Q(hold_amount__gt=0), name="vouchers_orderchange_holds_something"
            ),
            models.CheckConstraint(
                condition=~Q(quantity_ms=F("quantity_ms_before")),
                name="vouchers_orderchange_changes",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order_id}: {self.quantity_ms_before} -> {self.quantity_ms}"


class OrderUser(models.Model):
    """Somebody of the holder's teams who may use an order, as its provider knows them."""

    order = models.ForeignKey(Order, models.PROTECT, related_name="users")
    name = models.CharField(max_length=80)
    # At least one of these: where to write to, or the account at the provider.
    email = models.EmailField(max_length=200, blank=True)
    login = models.CharField(max_length=80, blank=True)
    named_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True)
    ended_act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+", null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(email="") | ~Q(login=""), name="vouchers_orderuser_can_be_found"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_act__isnull=True)
                | Q(ended_at__isnull=False, ended_act__isnull=False),
                name="vouchers_orderuser_end_has_act",
            ),
            models.UniqueConstraint(
                "order",
                "email",
                "login",
                condition=Q(ended_at__isnull=True),
                name="vouchers_orderuser_named_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order_id}: {self.name}"


class UseQuestion(models.Model):
    """What a holder asks about a line of use that a meter recorded under an order."""

    order = models.ForeignKey(Order, models.PROTECT, related_name="questions")
    # As the meter names the line; billing, whose row it is, stands above this app.
    source = models.CharField(max_length=80)
    key = models.CharField(max_length=160)
    text = models.CharField(max_length=500)
    asked_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"{self.order_id}: {self.source}/{self.key}"

    @property
    def line(self) -> str:
        """How the line of use is named on every page."""
        return f"{self.source}/{self.key}"


class UseAnswer(models.Model):
    """What the provider says to a question about use; it settles nothing."""

    question = models.OneToOneField(UseQuestion, models.PROTECT, related_name="answer")
    text = models.CharField(max_length=500)
    answered_by = models.CharField(max_length=40)
    answered_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"{self.question_id}"
