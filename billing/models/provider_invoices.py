"""A provider's own invoice, attached to the bill that it is for and kept as it came."""

from django.db import models
from django.db.models import Q

from billing.models.bills import Bill
from common.tables import one_of


class ProviderInvoice(models.Model):
    """An invoice in UBL or a fapiao that was found in order and of its bill's own amount."""

    class Kind(models.TextChoices):
        UBL = "UBL", "UBL 2.1"
        FAPIAO = "FAPIAO", "Fapiao"

    bill = models.OneToOneField(Bill, models.PROTECT, related_name="provider_invoice")
    kind = models.CharField(max_length=6, choices=Kind.choices)
    # Whose numbers it is one of: a seller's code, or nobody's where a country has one series.
    series = models.CharField(max_length=16, blank=True)
    number = models.CharField(max_length=100)
    issued_on = models.DateField(null=True)
    # With tax, in minor units of the bill's currency.
    amount = models.BigIntegerField()
    name = models.CharField(max_length=120)
    content = models.BinaryField()
    size = models.IntegerField()
    sha256 = models.CharField(max_length=64)
    attached_by = models.CharField(max_length=40)
    attached_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of("kind", ["UBL", "FAPIAO"]),
            models.UniqueConstraint(
                "kind", "series", "number", name="billing_providerinvoice_number_once"
            ),
            models.CheckConstraint(
                condition=~Q(number=""), name="billing_providerinvoice_has_number"
            ),
        ]

    def __str__(self) -> str:
        return self.number
