"""What providers sell, with every price that it ever had, and what prices are measured by."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.tables import not_negative, one_of
from providers.models.accreditation import Provider


class Offer(models.Model):
    """A catalogue entry: one class of accelerator or core, in one region."""

    class Resource(models.TextChoices):
        GPU = "GPU", "GPU"
        CPU = "CPU", _("CPU core")

    class Status(models.TextChoices):
        PUBLISHED = "PUBLISHED", "Published"
        WITHDRAWN = "WITHDRAWN", "Withdrawn"

    class ServiceLevel(models.TextChoices):
        ON_DEMAND = "ON_DEMAND", _("On demand: starts when asked, runs until stopped")
        RESERVED = "RESERVED", _("Reserved: the same accelerators for an agreed time")
        QUEUED = "QUEUED", _("Queued: jobs wait for their turn")
        INTERRUPTIBLE = "INTERRUPTIBLE", _("Interruptible: may be stopped for others")

    code = models.CharField(max_length=16, unique=True)
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="offers")
    # The provider's own number of what it sells, by which its price lists name it.
    sku = models.CharField(max_length=80, blank=True, default="")
    title = models.CharField(max_length=120)
    resource = models.CharField(max_length=3, choices=Resource.choices)
    resource_class = models.CharField(max_length=24)
    region = models.CharField(max_length=80)
    # Whether the accelerator is of a domestic make, which some laws pay a higher share of.
    is_domestic = models.BooleanField(default=False)
    service_level = models.CharField(
        max_length=13, choices=ServiceLevel.choices, default=ServiceLevel.ON_DEMAND
    )
    # How long a job typically waits before it starts, in hours; unknown where not stated.
    queue_hours = models.IntegerField(null=True)
    status = models.CharField(max_length=10, choices=Status.choices)
    published_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of("resource", ["GPU", "CPU"]),
            one_of("status", ["PUBLISHED", "WITHDRAWN"]),
            one_of("service_level", ["ON_DEMAND", "RESERVED", "QUEUED", "INTERRUPTIBLE"]),
            not_negative("queue_hours"),
            models.UniqueConstraint(
                "provider",
                "sku",
                condition=Q(status="PUBLISHED") & ~Q(sku=""),
                name="providers_offer_sku_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"


class Price(models.Model):
    """What an hour of one resource costs from an instant on; never changed, only followed."""

    offer = models.ForeignKey(Offer, models.PROTECT, related_name="prices")
    # Currency units (not minor ones) for one GPU-hour or core-hour.
    rate = models.DecimalField(max_digits=14, decimal_places=4)
    currency = models.CharField(max_length=3)
    from_at = models.DateTimeField()
    # How many prices from this instant were withdrawn before this one.
    turn = models.IntegerField(default=0)
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(rate__gte=0), name="providers_price_not_negative"
            ),
            models.UniqueConstraint(
                "offer", "currency", "from_at", "turn", name="providers_price_one_an_instant"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.offer_id}: {self.rate} {self.currency}"


class PriceList(models.Model):
    """A list of prices that a provider published as a whole, and what became of its rows."""

    provider = models.ForeignKey(Provider, models.PROTECT, related_name="price_lists")
    file_name = models.CharField(max_length=120)
    # Rows: new offers, prices of offers that were there, and prices that were so already.
    offers = models.IntegerField()
    prices = models.IntegerField()
    unchanged = models.IntegerField()
    published_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    published_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(offers__gte=0, prices__gte=0, unchanged__gte=0)
                & (Q(offers__gt=0) | Q(prices__gt=0)),
                name="providers_pricelist_says_something",
            )
        ]

    def __str__(self) -> str:
        return self.file_name


class PriceWithdrawal(models.Model):
    """A price was taken back before it began; it never counts."""

    price = models.OneToOneField(Price, models.PROTECT, related_name="withdrawal")
    at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"{self.price_id}"


class PriceCap(models.Model):
    """The most that an authority lets an hour of a class cost, from an instant on.

    A programme's own cap counts when something is ordered under it; the authority's also when
    a price is published. Without a rate the cap is lifted. The newest counts.
    """

    authority = models.ForeignKey(
        "parties.Organisation", models.PROTECT, related_name="price_caps"
    )
    programme_code = models.CharField(max_length=40, blank=True, default="")
    resource = models.CharField(max_length=3, choices=Offer.Resource.choices)
    resource_class = models.CharField(max_length=24)
    currency = models.CharField(max_length=3)
    # Currency units for one GPU-hour or core-hour.
    rate = models.DecimalField(max_digits=14, decimal_places=4, null=True)
    from_at = models.DateTimeField()
    reason = models.CharField(max_length=300)
    set_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [one_of("resource", ["GPU", "CPU"]), not_negative("rate")]

    def __str__(self) -> str:
        return f"{self.resource_class}: {self.rate} {self.currency}"


class Equivalent(models.Model):
    """How many H100 an accelerator of a class counts for in one precision, and who says so.

    For comparing offers only, never for money. A better figure is another row; the newest that
    has begun counts.
    """

    class Precision(models.TextChoices):
        FP64 = "FP64", "FP64"
        FP32 = "FP32", "FP32"
        TF32 = "TF32", "TF32"
        BF16 = "BF16", "BF16"
        FP16 = "FP16", "FP16"
        FP8 = "FP8", "FP8"
        INT8 = "INT8", "INT8"
        FP4 = "FP4", "FP4"

    resource_class = models.CharField(max_length=24)
    precision = models.CharField(max_length=4, choices=Precision.choices)
    # Peak figure without sparsity, in 10^12 operations a second.
    teraflops = models.DecimalField(max_digits=12, decimal_places=3)
    factor = models.DecimalField(max_digits=12, decimal_places=6)
    source = models.CharField(max_length=300)
    # The day on which the source was read.
    sourced_on = models.DateField()
    from_on = models.DateField()
    recorded_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of("precision", ["FP64", "FP32", "TF32", "BF16", "FP16", "FP8", "INT8", "FP4"]),
            models.CheckConstraint(
                condition=Q(factor__gt=0, teraflops__gt=0),
                name="providers_equivalent_is_something",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.resource_class} {self.precision}: {self.factor}"


class AcceptanceChoice(models.Model):
    """Whether a provider takes orders of holders at once, or accepts each; the newest counts."""

    provider = models.ForeignKey(Provider, models.PROTECT, related_name="acceptance_choices")
    is_at_once = models.BooleanField()
    chosen_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"{self.provider_id}: {self.is_at_once}"
