"""People, organisations, who is what where, what registers said, and where one is paid."""

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.languages import in_language
from common.tables import one_of
from parties.kinds import Control, Register
from parties.roles import OrganisationKind, Role


class Person(models.Model):
    """A natural person: one wherever two are asked for, with however many accounts.

    Nothing of the person stands here but since when one is known; what joins accounts is their
    mailbox, an identity number or an act. A person whose accounts were all joined to another
    has none left and stays.
    """

    known_since = models.DateTimeField()

    def __str__(self) -> str:
        return self.address

    @property
    def address(self) -> str:
        """How acts name this person."""
        return f"person:{self.pk}"


class User(AbstractBaseUser):
    """One account of a person, who signs in with its e-mail address."""

    class Language(models.TextChoices):
        EN = "en", "English"
        ZH_HANS = "zh-hans", "简体中文"

    email = models.EmailField(unique=True)
    # What `identities.mailbox_of` makes of the address: where its letters really arrive.
    mailbox = models.CharField(max_length=254, db_index=True)
    person = models.ForeignKey(Person, models.PROTECT, related_name="accounts")
    name = models.CharField(max_length=120)
    language = models.CharField(max_length=10, choices=Language.choices, default=Language.EN)
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField()

    objects = BaseUserManager()
    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        constraints = [
            one_of("language", ["en", "zh-hans"]),
        ]

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"

    @property
    def address(self) -> str:
        """How acts name this account."""
        return f"user:{self.pk}"


class IdentityNumber(models.Model):
    """That an account's person has a number of a register; which number can't be read here."""

    class Scheme(models.TextChoices):
        CN_ID = "CN_ID", _("Chinese identity card")
        PASSPORT = "PASSPORT", _("Passport")
        STAFF = "STAFF", _("Staff register")
        OTHER = "OTHER", _("Other register")

    user = models.ForeignKey(User, models.PROTECT, related_name="identity_numbers")
    scheme = models.CharField(max_length=8, choices=Scheme.choices)
    # HMAC-SHA-256 under the portal's secret, in hexadecimal; the number itself is kept nowhere.
    digest = models.CharField(max_length=64)
    given_at = models.DateTimeField()

    class Meta:
        constraints = [
            one_of("scheme", ["CN_ID", "PASSPORT", "STAFF", "OTHER"]),
            models.UniqueConstraint(
                "scheme", "digest", name="parties_identitynumber_one_person"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scheme} {self.digest[:8]}…"


class PersonChange(models.Model):
    """An account came under another person, by an act that says who did it and why."""

    user = models.ForeignKey(User, models.PROTECT, related_name="person_changes")
    former = models.ForeignKey(Person, models.PROTECT, related_name="+")
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint("act", "user", name="parties_personchange_once"),
            models.CheckConstraint(
                condition=~Q(former=F("person")), name="parties_personchange_changes"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.former_id} to {self.person_id}"


class Organisation(models.Model):
    """An SME, a laboratory, a university, a provider or an authority."""

    class IdentifierScheme(models.TextChoices):
        CN_USCC = "CN_USCC", "统一社会信用代码"
        GB_COMPANY = "GB_COMPANY", "Companies House"
        LEI = "LEI", "LEI"
        EU_VAT = "EU_VAT", "VAT"
        OTHER = "OTHER", "Other register"

    code = models.CharField(max_length=16, unique=True)
    kind = models.CharField(max_length=16, choices=OrganisationKind.choices)
    name = models.CharField(max_length=200)
    name_zh = models.CharField(max_length=200, blank=True, default="")
    country = models.CharField(max_length=2)
    region = models.CharField(max_length=80, blank=True, default="")
    identifier_scheme = models.CharField(max_length=16, choices=IdentifierScheme.choices)
    identifier = models.CharField(max_length=40)
    is_registered_business = models.BooleanField()
    employees = models.IntegerField(null=True)
    founded_on = models.DateField(null=True)
    registered_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of("kind", OrganisationKind.values),
            one_of("identifier_scheme", ["CN_USCC", "GB_COMPANY", "LEI", "EU_VAT", "OTHER"]),
            models.UniqueConstraint(
                "identifier_scheme", "identifier", name="parties_organisation_known_once"
            ),
            models.CheckConstraint(
                condition=Q(employees__isnull=True) | Q(employees__gte=0),
                name="parties_organisation_employees_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name_here(self) -> str:
        """The name in the language that is spoken here and now."""
        return in_language(self.name, self.name_zh)

    @property
    def address(self) -> str:
        """How acts name this organisation."""
        return f"organisation:{self.code}"


class Membership(models.Model):
    """Who is what in which organisation, in which programme, from when until when."""

    user = models.ForeignKey(User, models.PROTECT, related_name="memberships")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices)
    # Empty: in all programmes of the organisation.
    programme_code = models.CharField(max_length=40, blank=True, default="")
    valid_from_on = models.DateField()
    valid_until_on = models.DateField(null=True)
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of("role", Role.values),
            models.CheckConstraint(
                condition=Q(valid_until_on__isnull=True)
                | Q(valid_until_on__gte=F("valid_from_on")),
                name="parties_membership_days_in_order",
            ),
            models.UniqueConstraint(
                "user",
                "organisation",
                "role",
                "programme_code",
                condition=Q(valid_until_on__isnull=True),
                name="parties_membership_open_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role} {self.organisation_id}"


class BankDetail(models.Model):
    """Where an organisation is paid; proposed by one person, approved by another.

    Payments go to it from `pays_from_at` until before `pays_until_at`: a change waits out a
    cooling-off period, in which the former one is still paid and the change can be stopped.
    """

    class Scheme(models.TextChoices):
        IBAN = "IBAN", "IBAN"
        OTHER = "OTHER", _("Account number")

    class Status(models.TextChoices):
        PROPOSED = "PROPOSED", "Proposed"
        APPROVED = "APPROVED", "Approved"
        REPLACED = "REPLACED", "Replaced"
        STOPPED = "STOPPED", "Stopped"

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="bank_details")
    scheme = models.CharField(max_length=8, choices=Scheme.choices)
    number = models.CharField(max_length=34)
    agent = models.CharField(max_length=11)
    holder = models.CharField(max_length=140)
    status = models.CharField(max_length=10, choices=Status.choices)
    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    approved_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True)
    approved_at = models.DateTimeField(null=True)
    # Null: not approved yet.
    pays_from_at = models.DateTimeField(null=True)
    # Null: nothing has followed it.
    pays_until_at = models.DateTimeField(null=True)
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of("scheme", ["IBAN", "OTHER"]),
            one_of("status", ["PROPOSED", "APPROVED", "REPLACED", "STOPPED"]),
            models.CheckConstraint(
                condition=~Q(status="APPROVED")
                | Q(
                    pays_from_at__isnull=False,
                    pays_from_at__gte=F("approved_at"),
                    pays_until_at__isnull=True,
                ),
                name="parties_bankdetail_approved_pays",
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("proposed_by")),
                name="parties_bankdetail_two_people",
            ),
            models.UniqueConstraint(
                "organisation",
                condition=Q(status="APPROVED"),
                name="parties_bankdetail_one_in_force",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scheme} …{self.number[-4:]}"


class RegisterAnswer(models.Model):
    """What a register said of an organisation at an instant; an empty answer is an answer."""

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="register_answers"
    )
    register = models.CharField(max_length=12, choices=Register.choices)
    # Who says so, in the register's own words.
    source = models.CharField(max_length=200)
    content = models.JSONField()
    asked_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            one_of("register", Register.values),
            models.UniqueConstraint(
                "act", "register", name="parties_registeranswer_once_an_act"
            ),
        ]
        indexes = [
            models.Index(
                fields=["organisation", "register", "-asked_at", "-id"],
                name="parties_registeranswer_newest",
            )
        ]

    def __str__(self) -> str:
        return f"{self.register} {self.organisation_id} {self.asked_at}"


class OwnershipLink(models.Model):
    """One organisation's hold on another, as a register answered; either may be unknown here."""

    answer = models.ForeignKey(RegisterAnswer, models.PROTECT, related_name="links")
    owner_scheme = models.CharField(
        max_length=16, choices=Organisation.IdentifierScheme.choices
    )
    owner_identifier = models.CharField(max_length=40)
    owned_scheme = models.CharField(
        max_length=16, choices=Organisation.IdentifierScheme.choices
    )
    owned_identifier = models.CharField(max_length=40)
    # Of the votes, from 0 to 1.
    share = models.DecimalField(max_digits=9, decimal_places=8)
    control = models.CharField(max_length=18, choices=Control.choices)

    class Meta:
        constraints = [
            one_of("owner_scheme", Organisation.IdentifierScheme.values),
            one_of("owned_scheme", Organisation.IdentifierScheme.values),
            one_of("control", Control.values),
            models.CheckConstraint(
                condition=Q(share__gte=0) & Q(share__lte=1),
                name="parties_ownershiplink_share_of_one",
            ),
        ]
        indexes = [
            models.Index(fields=["owner_identifier"], name="parties_ownershiplink_owner"),
            models.Index(fields=["owned_identifier"], name="parties_ownershiplink_owned"),
        ]

    def __str__(self) -> str:
        return f"{self.owner_identifier} {self.control} {self.share} {self.owned_identifier}"
