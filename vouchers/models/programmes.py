"""Programmes under their law, and the rounds that take applications to them."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.languages import in_language
from common.tables import in_order, one_of


class Programme(models.Model):
    """A scheme under one policy, in one currency or in GPU-hours of a class."""

    class Mode(models.TextChoices):
        M1 = "M1", _("Paid to the user after use")
        M2 = "M2", _("Claimed with the contract, paid after use")
        M3 = "M3", _("Offset at the point of sale")
        M4 = "M4", _("Paid in full by the user, then claimed by both sides")
        M5 = "M5", _("GPU-hours in kind")
        M6 = "M6", _("A share of costs, claimed after use")
        M7 = "M7", _("A target, paid to one side by its assessment")
        M8 = "M8", _("Follows another programme’s award, paid after use")

    code = models.CharField(max_length=40, unique=True)
    title = models.CharField(max_length=200)
    title_zh = models.CharField(max_length=200)
    authority = models.ForeignKey(
        "parties.Organisation", models.PROTECT, related_name="programmes"
    )
    mode = models.CharField(max_length=2, choices=Mode.choices)
    unit = models.CharField(max_length=28)
    zone = models.CharField(max_length=40)
    created_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [one_of("mode", ["M1", "M2", "M3", "M4", "M5", "M6", "M7", "M8"])]

    # Modes in which is claimed when use is over; the others place holds.
    AFTER_USE = (Mode.M1, Mode.M2, Mode.M4, Mode.M6, Mode.M7, Mode.M8)

    def __str__(self) -> str:
        return self.title

    @property
    def is_claimed_after_use(self) -> bool:
        """Say whether use is paid for first and claimed then, instead of ordered by a hold."""
        return self.mode in self.AFTER_USE

    def account(self, kind: str, *more: str) -> str:
        """Return the address of one of this programme's ledger accounts."""
        return ":".join([kind, self.code, *more])

    @property
    def title_here(self) -> str:
        """The title in the language that is spoken here and now."""
        return in_language(self.title, self.title_zh)

    @property
    def address(self) -> str:
        """How acts name this programme."""
        return f"programme:{self.code}"


class PolicyVersion(models.Model):
    """The text of a programme's law as one person proposed it."""

    programme = models.ForeignKey(Programme, models.PROTECT, related_name="policy_versions")
    number = models.IntegerField()
    text = models.TextField()
    sha256 = models.CharField(max_length=64)
    note = models.TextField()
    proposed_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint("programme", "number", name="vouchers_policyversion_once")
        ]

    def __str__(self) -> str:
        return f"{self.programme_id}/{self.number}"


class PolicyRelease(models.Model):
    """A second person put a version in force from a day."""

    version = models.OneToOneField(PolicyVersion, models.PROTECT, related_name="release")
    effective_from_on = models.DateField()
    released_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    released_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"{self.version_id} from {self.effective_from_on}"


class Round(models.Model):
    """One intake of a programme with its dates and budget."""

    programme = models.ForeignKey(Programme, models.PROTECT, related_name="rounds")
    code = models.CharField(max_length=24)
    fiscal_year = models.IntegerField()
    # The programme's unit: minor units of its currency, or GPU-milliseconds.
    budget = models.BigIntegerField()
    opens_on = models.DateField()
    closes_on = models.DateField()
    opened_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint("programme", "code", name="vouchers_round_once"),
            models.CheckConstraint(condition=Q(budget__gt=0), name="vouchers_round_has_budget"),
            in_order("opens_on", "closes_on"),
        ]

    def __str__(self) -> str:
        return f"{self.programme} {self.code}"
