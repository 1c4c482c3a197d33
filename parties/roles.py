"""What a person may be in an organisation."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """One membership gives one role; a person may have several."""

    APPLICANT = "APPLICANT", _("Applicant")
    PROVIDER = "PROVIDER", _("Provider")
    OFFICER = "OFFICER", _("Programme officer")
    REVIEWER = "REVIEWER", _("Reviewer")
    FINANCE = "FINANCE", _("Finance officer")
    INVESTIGATOR = "INVESTIGATOR", _("Investigator")
    REGULATOR = "REGULATOR", _("Regulator")
    ADMIN = "ADMIN", _("Administrator")


class OrganisationKind(models.TextChoices):
    """What an organisation is."""

    SME = "SME", _("Small or medium enterprise")
    LABORATORY = "LABORATORY", _("Laboratory")
    UNIVERSITY = "UNIVERSITY", _("University")
    PROVIDER = "PROVIDER", _("Provider")
    AUTHORITY = "AUTHORITY", _("Authority")


BENEFICIARY_KINDS = (
    OrganisationKind.SME,
    OrganisationKind.LABORATORY,
    OrganisationKind.UNIVERSITY,
)
