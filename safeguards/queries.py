"""Which rules are in force, what they answered, and which alerts ask for a look."""

from datetime import datetime

from django.db.models import QuerySet

from parties import queries as parties
from parties.models import User
from parties.roles import Role
from safeguards.models import Alert, RuleResult, RuleVersion

LOOKERS = (Role.OFFICER, Role.FINANCE, Role.INVESTIGATOR, Role.REGULATOR, Role.ADMIN)


def rules_in_force(at: datetime) -> dict[str, RuleVersion]:
    """Return the newest version of each rule that was in force at an instant, by its code."""
    versions = RuleVersion.objects.filter(from_at__lte=at).order_by("from_at", "number")
    return {version.code: version for version in versions}


def rule_versions() -> QuerySet[RuleVersion]:
    """Return every version of every rule, rule by rule, newest first."""
    return RuleVersion.objects.order_by("code", "-number")


def results_about(about: str) -> QuerySet[RuleResult]:
    """Return what the rules answered about a thing, oldest first."""
    return RuleResult.objects.filter(about=about).select_related("rule").order_by("id")


def alerts_about(about: str) -> QuerySet[Alert]:
    """Return the alerts about a thing, oldest first."""
    return Alert.objects.filter(about=about).select_related("rule").order_by("id")


def alerts_visible_to(person: User) -> QuerySet[Alert]:
    """Return the alerts that a person may look at, newest first: all for an authority's people."""
    alerts = Alert.objects.select_related("rule").order_by("-raised_at", "-id")
    return alerts if parties.roles_of(person) & set(LOOKERS) else alerts.none()
