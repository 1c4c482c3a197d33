"""Find providers, what they are accredited for on a day, and what is suspended."""

from collections.abc import Iterable
from datetime import date, datetime

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from common.days import day_of
from common.errors import NotFound, Refused
from parties.models import Organisation, User
from parties.queries import organisations_of
from parties.roles import OrganisationKind, Role
from providers.models import (
    ITEMS_OF,
    Accreditation,
    AccreditationApplication,
    Provider,
    ServiceItem,
    Suspension,
)


class NotAccreditedYet(Refused):
    """No authority has accredited the organisation so far."""

    code = "not_accredited_yet"
    sentence = _(
        "%(organisation)s is not accredited yet, so there is nothing here for it. Apply for "
        "accreditation from your start page; this page opens once an authority has decided."
    )


def providers_of(person: User) -> QuerySet[Provider]:
    """Return the providers for which a person acts."""
    return (
        Provider.objects.filter(organisation__in=organisations_of(person, Role.PROVIDER))
        .select_related("organisation")
        .order_by("organisation__name", "pk")
    )


def provider_of(person: User) -> Provider:
    """Return the provider for which a person acts, the first by name of several.

    :raises NotFound: if the person acts for none.
    :raises NotAccreditedYet: if it acts for an organisation that would like to become one.
    """
    provider = providers_of(person).first()
    if provider is None:
        raise NotAccreditedYet(organisation=provider_organisation_of(person).name)
    return provider


def provider_organisation_of(person: User) -> Organisation:
    """Return the organisation that sells or wants to sell compute and for which a person acts.

    :raises NotFound: if the person acts for none.
    """
    provider = providers_of(person).first()
    if provider is not None:
        return provider.organisation
    found = organisations_of(person, Role.PROVIDER).filter(kind=OrganisationKind.PROVIDER)
    organisation = found.first()
    if organisation is None:
        raise NotFound(what=person.email)
    return organisation


def provider_by_code(code: str) -> Provider | None:
    """Return the provider whose organisation has a code, or None."""
    return (
        Provider.objects.filter(organisation__code=code).select_related("organisation").first()
    )


# --- may this provider sell this on this day -------------------------------------------------


def accreditations_in_force(
    on: date, items: Iterable[str] = tuple(ServiceItem)
) -> QuerySet[Accreditation]:
    """Return the accreditations for any of some service items that are in force on a day."""
    return Accreditation.objects.filter(
        Q(until_on__isnull=True) | Q(until_on__gte=on), item__in=list(items), from_on__lte=on
    )


def suspensions_not_over(at: datetime) -> QuerySet[Suspension]:
    """Return the suspensions that are in force at an instant, or begin after it."""
    return Suspension.objects.filter(
        Q(until_at__isnull=True) | Q(until_at__gt=at),
        Q(lift__isnull=True) | Q(lift__lifted_at__gt=at),
    )


def suspensions_in_force(at: datetime) -> QuerySet[Suspension]:
    """Return the suspensions that are in force at an instant."""
    return suspensions_not_over(at).filter(from_at__lte=at)


def suspension_in_force(provider: Provider, at: datetime) -> Suspension | None:
    """Return what a provider is suspended by at an instant, or None; there is never a second."""
    return suspensions_in_force(at).filter(provider=provider).first()


def holds_released(provider: Provider, at: datetime) -> bool:
    """Say whether a suspension gives holds of a provider's orders without use back."""
    found = suspensions_in_force(at).filter(provider=provider)
    return found.filter(holds=Suspension.Holds.RELEASE).exists()


def settlement_waits(provider: Provider, at: datetime) -> bool:
    """Say whether a suspension makes the settlement of a provider's bills wait."""
    return suspensions_of_settlement(at).filter(provider=provider).exists()


def suspensions_of_settlement(at: datetime) -> QuerySet[Suspension]:
    """Return the suspensions that make the settlement of bills wait at an instant."""
    return suspensions_in_force(at).filter(bills=Suspension.Bills.WAIT)


def providers_selling(
    items: Iterable[str], at: datetime, zone: str = "UTC"
) -> QuerySet[Provider]:
    """Return the providers that may take new orders for any of some service items now.

    The one place that says so: accredited on the day of the zone, and no suspension stops it.
    """
    accredited = accreditations_in_force(day_of(at, zone), items)
    stopped = suspensions_in_force(at).filter(stops_orders=True)
    return Provider.objects.filter(
        Exists(accredited.filter(provider=OuterRef("pk"))),
        ~Exists(stopped.filter(provider=OuterRef("pk"))),
    )


def may_sell(provider: Provider, resource: str, at: datetime, zone: str = "UTC") -> bool:
    """Say whether a provider may take a new order for a resource (`GPU` or `CPU`) at an instant."""
    return providers_selling(ITEMS_OF[resource], at, zone).filter(pk=provider.pk).exists()


def providers_accredited(at: datetime, zone: str = "UTC") -> QuerySet[Provider]:
    """Return the providers that may sell something now, by name."""
    return (
        providers_selling(ServiceItem, at, zone)
        .select_related("organisation")
        .order_by("organisation__name", "pk")
    )


def is_accredited(provider: Provider, at: datetime, zone: str = "UTC") -> bool:
    """Say whether a provider may sell anything at an instant."""
    return providers_selling(ServiceItem, at, zone).filter(pk=provider.pk).exists()


def provider_status(provider: Provider | None, at: datetime) -> str:
    """Return the word of `statuses.PROVIDER` for where a provider stands at an instant."""
    if provider is None:
        return "NOT_YET"
    if suspension_in_force(provider, at) is not None:
        return "SUSPENDED"
    in_force = accreditations_in_force(day_of(at)).filter(provider=provider)
    return "ACCREDITED" if in_force.exists() else "ENDED"


# --- lists -----------------------------------------------------------------------------------


def providers_known() -> QuerySet[Provider]:
    """Return every provider that was ever accredited, by name."""
    return Provider.objects.select_related("organisation").order_by("organisation__name", "pk")


def accreditations_listed() -> QuerySet[Accreditation]:
    """Return every accreditation that was ever given, the newest first, with whose it is."""
    return Accreditation.objects.select_related("provider__organisation", "authority").order_by(
        "-from_on", "batch", "provider__organisation__name", "item", "pk"
    )


def accreditations_of(provider: Provider) -> QuerySet[Accreditation]:
    """Return every accreditation of a provider, the newest first."""
    return accreditations_listed().filter(provider=provider)


def suspensions_of(provider: Provider) -> QuerySet[Suspension]:
    """Return every suspension of a provider, the newest first, with its end."""
    return (
        Suspension.objects.filter(provider=provider)
        .select_related("lift__act", "act", "provider__organisation")
        .order_by("-from_at", "-pk")
    )


def applications_of(organisation: Organisation) -> QuerySet[AccreditationApplication]:
    """Return an organisation's applications for accreditation, the newest first."""
    return (
        AccreditationApplication.objects.filter(organisation=organisation)
        .select_related("authority", "decision", "organisation")
        .order_by("-sent_at", "-pk")
    )


def organisations_accredited_by(
    authorities: QuerySet[Organisation],
) -> QuerySet[Organisation]:
    """Return the organisations that any of some authorities accredited, now or once.

    Also those of which nobody wrote down who accredited them: were they no authority's, nobody
    could stop them.
    """
    by_somebody = Accreditation.objects.filter(authority__isnull=False)
    by_one = Accreditation.objects.filter(authority__in=authorities)
    found = Provider.objects.filter(
        Q(pk__in=by_one.values("provider")) | ~Q(pk__in=by_somebody.values("provider"))
    )
    return Organisation.objects.filter(pk__in=found.values("organisation"))


def providers_before(person: User) -> QuerySet[Provider]:
    """Return the providers that an officer's or administrator's authorities look after, by name.

    What an authority also pays does not count: who accredited a provider looks after it.
    """
    authorities = organisations_of(person, Role.OFFICER, Role.ADMIN).filter(
        kind=OrganisationKind.AUTHORITY
    )
    return providers_known().filter(
        organisation__in=organisations_accredited_by(authorities.order_by())
    )


def authorities_of(provider: Provider, person: User) -> QuerySet[Organisation]:
    """Return the authorities for which a person looks after a provider, by name.

    Those that accredited it; every one of the person's where nobody wrote down who did.
    """
    own = organisations_of(person, Role.OFFICER, Role.ADMIN).filter(
        kind=OrganisationKind.AUTHORITY
    )
    known = Accreditation.objects.filter(provider=provider, authority__isnull=False)
    return own.filter(pk__in=known.values("authority")) if known.exists() else own


def may_lift(suspension: Suspension, person: User) -> bool:
    """Say whether a person is of the authority that suspended a provider."""
    own = authorities_of(suspension.provider, person)
    if suspension.authority_id is not None:
        own = own.filter(pk=suspension.authority_id)
    return own.exists()


def authorities_before(organisation: Organisation) -> QuerySet[Organisation]:
    """Return the authorities that accredited an organisation, or that it asked to."""
    asked = applications_of(organisation).values("authority")
    accredited = Accreditation.objects.filter(provider__organisation=organisation)
    return Organisation.objects.filter(
        Q(pk__in=asked.order_by()) | Q(pk__in=accredited.values("authority"))
    )


def application_waiting(
    organisation: Organisation, authority: Organisation
) -> AccreditationApplication | None:
    """Return the application of an organisation that waits at an authority, or None."""
    found = applications_of(organisation).filter(authority=authority, decision__isnull=True)
    return found.first()


def applications_before(person: User) -> QuerySet[AccreditationApplication]:
    """Return the applications to the authorities for which a person decides, oldest first."""
    authorities = organisations_of(person, Role.OFFICER, Role.ADMIN)
    return (
        AccreditationApplication.objects.filter(authority__in=authorities)
        .select_related("authority", "decision", "organisation", "sent_by")
        .order_by("sent_at", "pk")
    )


def application_seen_by(person: User, code: str) -> AccreditationApplication:
    """Return one application that a person may see: its own, or one before its authority.

    :raises NotFound: if there is none, or it is not this person's to see.
    """
    own = Q(organisation__in=organisations_of(person, Role.PROVIDER))
    before = Q(authority__in=organisations_of(person, Role.OFFICER, Role.ADMIN))
    found = (
        AccreditationApplication.objects.filter(own | before, code=code)
        .select_related("authority", "decision", "organisation", "sent_by")
        .first()
    )
    if found is None:
        raise NotFound(what=code)
    return found
