"""Which agreement is in force, and what a provider has still to accept."""

from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet

from common.days import day_of
from parties.models import Organisation, User
from parties.queries import organisations_of
from parties.roles import Role
from providers.models import Agreement, AgreementAcceptance


def agreements_listed() -> QuerySet[Agreement]:
    """Return every version of every agreement, the newest first."""
    return Agreement.objects.select_related("authority", "published_by").order_by(
        "authority__name", "-number"
    )


def agreement_in_force(authority: Organisation, at: datetime) -> Agreement | None:
    """Return the newest version whose day has come (in UTC), or None where there is none."""
    found = agreements_listed().filter(authority=authority, from_on__lte=day_of(at))
    return found.order_by("-number").first()


def agreement_lacking(
    authority: Organisation, organisation: Organisation, at: datetime
) -> Agreement | None:
    """Return the agreement in force that an organisation has not accepted, or None.

    Who has accepted a later version before its day has accepted this one's successor, and lacks
    nothing.
    """
    agreement = agreement_in_force(authority, at)
    if agreement is None:
        return None
    accepted = AgreementAcceptance.objects.filter(
        agreement__authority=authority,
        agreement__number__gte=agreement.number,
        organisation=organisation,
    )
    return None if accepted.exists() else agreement


def agreements_to_accept(organisation: Organisation) -> QuerySet[Agreement]:
    """Return the versions that nothing follows yet and that an organisation has not accepted."""
    later = Agreement.objects.filter(
        authority=OuterRef("authority"), number__gt=OuterRef("number")
    )
    accepted = AgreementAcceptance.objects.filter(
        agreement=OuterRef("pk"), organisation=organisation
    )
    return agreements_listed().filter(~Exists(later), ~Exists(accepted))


def acceptances_of(organisation: Organisation) -> QuerySet[AgreementAcceptance]:
    """Return what an organisation accepted, the newest first."""
    return (
        AgreementAcceptance.objects.filter(organisation=organisation)
        .select_related("agreement__authority", "accepted_by")
        .order_by("-accepted_at", "-pk")
    )


def acceptances_before(person: User) -> QuerySet[AgreementAcceptance]:
    """Return who accepted the agreements of the authorities that a person works for."""
    return (
        AgreementAcceptance.objects.filter(agreement__authority__in=agreements_kept_by(person))
        .select_related("agreement__authority", "organisation", "accepted_by")
        .order_by("-accepted_at", "-pk")
    )


def agreements_kept_by(person: User) -> QuerySet[Organisation]:
    """Return the authorities whose agreements a person publishes."""
    return organisations_of(person, Role.OFFICER, Role.ADMIN)
