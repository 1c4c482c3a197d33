"""Programmes under their law, applications and decisions, vouchers and orders under them."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.languages import in_language
from common.tables import in_order, not_negative, one_of


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


class Application(models.Model):
    """One request in a round; a draft until it is sent, then as it was sent."""

    class Status(models.TextChoices):
        DRAFT = "DRAFT", "Draft"
        SENT = "SENT", "Sent"
        REFERRED = "REFERRED", "Being checked"
        APPROVED = "APPROVED", "Approved"
        NOT_APPROVED = "NOT_APPROVED", "Not approved"
        WITHDRAWN = "WITHDRAWN", "Withdrawn"

    reference = models.CharField(max_length=16, unique=True)
    round = models.ForeignKey(Round, models.PROTECT, related_name="applications")
    organisation = models.ForeignKey(
        "parties.Organisation", models.PROTECT, related_name="applications"
    )
    # Codes and numbers as typed on the question pages; see vouchers.forms for the fields.
    answers = models.JSONField()
    status = models.CharField(max_length=12, choices=Status.choices)
    started_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    started_at = models.DateTimeField()
    saved_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+", null=True)
    # What it follows, in mode M8; nobody applied then.
    upstream_award = models.OneToOneField(
        "vouchers.UpstreamAward", models.PROTECT, related_name="application", null=True
    )

    class Meta:
        constraints = [
            one_of(
                "status",
                ["DRAFT", "SENT", "REFERRED", "APPROVED", "NOT_APPROVED", "WITHDRAWN"],
            ),
            models.CheckConstraint(
                condition=Q(status="DRAFT") | Q(status="WITHDRAWN") | Q(sent_at__isnull=False),
                name="vouchers_application_sent_has_instant",
            ),
            models.UniqueConstraint(
                "round",
                "organisation",
                # An organisation may have any number of awards that are followed.
                condition=~Q(status__in=["WITHDRAWN", "NOT_APPROVED"])
                & Q(upstream_award__isnull=True),
                name="vouchers_application_one_a_round",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def address(self) -> str:
        """How acts name this application."""
        return f"application:{self.reference}"


class Decision(models.Model):
    """What was decided on an application, with the facts, the working and the law in force."""

    class Outcome(models.TextChoices):
        PASS = "PASS", "Approved"
        FAIL = "FAIL", "Not approved"
        REFER = "REFER", "Being checked"

    application = models.ForeignKey(Application, models.PROTECT, related_name="decisions")
    outcome = models.CharField(max_length=5, choices=Outcome.choices)
    recommended = models.BigIntegerField()
    awarded = models.BigIntegerField()
    validity_days = models.IntegerField()
    facts = models.JSONField()
    working = models.JSONField()
    reasons = models.JSONField()
    note = models.TextField()
    policy_version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="+")
    # Nobody: decided by the rule for small amounts.
    decided_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+", null=True)
    decided_at = models.DateTimeField()
    undoes = models.OneToOneField("self", models.PROTECT, related_name="undone_by", null=True)
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of("outcome", ["PASS", "FAIL", "REFER"]),
            not_negative("recommended", "awarded", "validity_days"),
            models.CheckConstraint(
                condition=Q(outcome="PASS") | Q(awarded=0),
                name="vouchers_decision_award_passes",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.application_id} {self.outcome}"


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


class Standing(models.Model):
    """What past vouchers say about an organisation's next award, as scoring published it."""

    organisation = models.ForeignKey(
        "parties.Organisation", models.PROTECT, related_name="standings"
    )
    # Deviation from the peer group in its standard deviations, and the evidence behind it.
    z = models.DecimalField(max_digits=8, decimal_places=4)
    n = models.DecimalField(max_digits=8, decimal_places=4)
    score = models.DecimalField(max_digits=8, decimal_places=4)
    working = models.JSONField()
    published_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(score__gte=0) & Q(score__lte=1) & Q(n__gte=0),
                name="vouchers_standing_in_range",
            )
        ]

    def __str__(self) -> str:
        return f"{self.organisation_id}: {self.score}"


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


class UpstreamAward(models.Model):
    """What another programme awarded, which a programme that follows it matches."""

    programme = models.ForeignKey(Programme, models.PROTECT, related_name="upstream_awards")
    upstream = models.CharField(max_length=40)
    reference = models.CharField(max_length=60)
    organisation = models.ForeignKey(
        "parties.Organisation", models.PROTECT, related_name="upstream_awards"
    )
    # Minor units of the programme that follows: the fees that were counted, and the award.
    base_amount = models.BigIntegerField()
    award_amount = models.BigIntegerField()
    # As the tiers of the document name it; empty where nobody knows.
    facility = models.CharField(max_length=40, blank=True)
    awarded_on = models.DateField()
    recorded_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "programme", "upstream", "reference", name="vouchers_upstreamaward_once"
            ),
            models.CheckConstraint(
                condition=Q(base_amount__gt=0), name="vouchers_upstreamaward_has_base"
            ),
            not_negative("award_amount"),
            models.CheckConstraint(
                condition=Q(award_amount__lte=models.F("base_amount")),
                name="vouchers_upstreamaward_within_base",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.upstream} {self.reference}"
