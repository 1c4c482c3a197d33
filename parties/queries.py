"""Who is what where, who is one person, what registers said, and where one is paid."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _

from common.errors import NotFound, Refused
from common.languages import in_language
from parties.kinds import Register
from parties.models import (
    BankDetail,
    Membership,
    Organisation,
    PersonChange,
    RegisterAnswer,
    User,
)
from parties.roles import OrganisationKind, Role
from policy import duties
from policy.rules import Programme

STAFF_ROLES = (Role.OFFICER, Role.FINANCE, Role.INVESTIGATOR, Role.REGULATOR, Role.ADMIN)
# A reviewer works at an authority, and sees nothing but what was given to review.
AUTHORITY_ROLES = (*STAFF_ROLES, Role.REVIEWER)


class NotAllowed(Refused):
    """The person has none of the roles that this needs."""

    code = "not_allowed"
    sentence = _(
        "This needs the role %(roles)s%(where)s. "
        "If you should have it, ask an administrator of the authority."
    )


class SamePerson(Refused):
    """One person may not do both steps."""

    code = "same_person"
    sentence = _("%(reason)s")


def address_of(actor: User | str) -> str:
    """Return how acts name an actor: a person's address, or the address itself."""
    return actor if isinstance(actor, str) else actor.address


def memberships_of(user: User) -> QuerySet[Membership]:
    """Return a person's memberships in force, with their organisations.

    A membership that was given a last day is no longer in force, whatever that day is.
    """
    return Membership.objects.filter(user=user, valid_until_on__isnull=True).select_related(
        "organisation"
    )


def roles_of(user: User) -> set[Role]:
    """Return what a person is, in whichever organisation."""
    return {Role(role) for role in memberships_of(user).values_list("role", flat=True)}


def organisations_of(user: User, *roles: Role) -> QuerySet[Organisation]:
    """Return the organisations in which a person has one of the roles, or any role."""
    memberships = memberships_of(user)
    if roles:
        memberships = memberships.filter(role__in=roles)
    return Organisation.objects.filter(pk__in=memberships.values("organisation")).order_by(
        "name", "pk"
    )


def organisation_of(user: User, code: str) -> Organisation:
    """Return one of a person's organisations, or any of them for an authority's person.

    :raises NotFound: if it doesn't exist or is not this person's to see.
    """
    found = Organisation.objects.all()
    if not roles_of(user) & set(STAFF_ROLES):
        found = organisations_of(user)
    try:
        return found.get(code=code)
    except Organisation.DoesNotExist as error:
        raise NotFound(what=code) from error


def authorities() -> QuerySet[Organisation]:
    """Return every authority, by name."""
    return Organisation.objects.filter(kind=OrganisationKind.AUTHORITY).order_by("name", "pk")


def has_role(
    user: User,
    role: Role,
    *,
    organisation: Organisation | None = None,
    programme_code: str = "",
) -> bool:
    """Say whether a person has a role, in an organisation or in one of its programmes."""
    return _holds_one(user, (role,), organisation, programme_code)


def require_role(
    user: User,
    *roles: Role,
    organisation: Organisation | None = None,
    programme_code: str = "",
) -> None:
    """Refuse a person who has none of the roles in the organisation and programme.

    A membership without a programme counts in all programmes of its organisation.

    :raises NotAllowed: naming the roles of which one is needed.
    """
    if user.is_active and _holds_one(user, roles, organisation, programme_code):
        return
    where = _(" in %(name)s") % {"name": organisation.name_here} if organisation else ""
    names = " / ".join(str(role.label) for role in roles)
    raise NotAllowed(roles=names, where=where)


def require_staff(actor: User | str, *roles: Role) -> None:
    """Refuse a person without one of the roles; an address that is no person's may pass.

    :raises NotAllowed: naming the roles of which one is needed.
    """
    user = actor if isinstance(actor, User) else _person_at(actor)
    if user is not None:
        require_role(user, *roles)


def _person_at(address: str) -> User | None:
    kind, _colon, number = address.partition(":")
    return User.objects.get(pk=int(number)) if kind == "user" else None


def _holds_one(
    user: User,
    roles: Collection[Role],
    organisation: Organisation | None,
    programme_code: str,
) -> bool:
    found = memberships_of(user).filter(role__in=roles)
    if organisation is not None:
        found = found.filter(organisation=organisation)
    if programme_code:
        found = found.filter(Q(programme_code="") | Q(programme_code=programme_code))
    staff = Q(role__in=AUTHORITY_ROLES)
    return found.filter(~staff | Q(organisation__kind=OrganisationKind.AUTHORITY)).exists()


Earlier = Mapping[str, str | Collection[str]]
"""The names of `policy.duties`, with the addresses of who did them."""


# Put into words only once it is told, in the language of whoever is told.
_said = lazy(in_language, str)


def require_apart(
    act: str, account: User, earlier: Earlier, programme: Programme | None = None
) -> None:
    """Refuse a person who did one of the earlier steps that must be another's.

    Persons are compared, and not their accounts: who did the first step under one account does
    not do the second under another. Belongs inside the transaction of the step: no account of
    the person is joined or parted until it ends.

    :raises SamePerson: saying which step the person did.
    """
    person_kept(account)
    permission = may_act(act, account, earlier, programme)
    if not permission.allowed:
        raise SamePerson(reason=_said(permission.reason_en, permission.reason_zh))


def may_act(
    act: str,
    account: User,
    earlier: Earlier,
    programme: Programme | None = None,
    *,
    people: Mapping[str, str] | None = None,
) -> duties.Permission:
    """Say whether an account's person may do an act, given whose accounts did the earlier ones.

    :param people: what `people_behind` says of all these addresses, for who asks many times.
    """
    doers = {
        before: (who,) if isinstance(who, str) else tuple(who)
        for before, who in earlier.items()
    }
    if people is None:
        people = people_behind(
            [account.address, *(one for who in doers.values() for one in who)]
        )
    persons = {before: {people[one] for one in who if one} for before, who in doers.items()}
    return duties.may_act(act, people[account.address], persons, programme)


def people_behind(addresses: Iterable[str]) -> dict[str, str]:
    """Return the address of the person behind each address of an account.

    What is no account's address, such as a provider's or the system's, stands for itself.
    """
    found = {one: one for one in addresses}
    accounts = {
        int(number): one
        for one in found
        for kind, _colon, number in (one.partition(":"),)
        if kind == "user" and number.isdecimal()
    }
    if accounts:
        known = User.objects.filter(pk__in=accounts).values_list("pk", "person_id")
        found |= {accounts[pk]: f"person:{person}" for pk, person in known}
    return found


def is_one_person(one: User, other: User) -> bool:
    """Say whether two accounts belong to one person now."""
    return (
        one.pk == other.pk
        or len(set(people_behind([one.address, other.address]).values())) == 1
    )


def person_kept(account: User) -> int:
    """Return an account's person, who stays the same until the transaction ends.

    Joining and parting change the rows of all accounts of the persons they touch, and wait here.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "select person_id from parties_user where id = %s for share", [account.pk]
        )
        (person,) = cursor.fetchone()
    return int(person)


def accounts_found(words: str) -> QuerySet[User]:
    """Return the accounts whose e-mail address or name has some words in it, by address."""
    found = User.objects.select_related("person").order_by("email")
    return (
        found.filter(Q(email__icontains=words) | Q(name__icontains=words)) if words else found
    )


def accounts_of(person: int) -> QuerySet[User]:
    """Return the accounts of a person, the oldest first."""
    return User.objects.filter(person=person).order_by("joined_at", "pk")


def account_at(email: str) -> User | None:
    """Return the account that signs in with an address, or None where nobody does."""
    return User.objects.filter(email__iexact=email.strip()).first()


def names_of(addresses: Iterable[str]) -> dict[str, str]:
    """Return the name behind each address of an account; others stand for themselves."""
    found = {one: one for one in addresses}
    keys = [one.partition(":")[2] for one in found if one.startswith("user:")]
    return found | {one.address: one.name for one in User.objects.filter(pk__in=keys)}


def person_changes_of(person: int) -> QuerySet[PersonChange]:
    """Return how accounts came to a person and went, newest first, each with its act."""
    return (
        PersonChange.objects.filter(Q(person=person) | Q(former=person))
        .select_related("act", "user")
        .order_by("-at", "-pk")
    )


def users_with(
    role: Role, *, organisation: Organisation | None = None, programme_code: str = ""
) -> QuerySet[User]:
    """Return the active people who have a role, in an organisation or for a programme."""
    found = Membership.objects.filter(role=role, valid_until_on__isnull=True)
    if organisation is not None:
        found = found.filter(organisation=organisation)
    if programme_code:
        found = found.filter(Q(programme_code="") | Q(programme_code=programme_code))
    return User.objects.filter(is_active=True, pk__in=found.values("user")).order_by("pk")


def bank_details_paid(at: datetime) -> QuerySet[BankDetail]:
    """Return the bank details to which payments go at an instant, at most one an organisation.

    One whose cooling-off runs is not among them; the one that it follows still is.
    """
    status = BankDetail.Status
    return BankDetail.objects.filter(
        Q(status=status.APPROVED) | Q(status=status.REPLACED, pays_until_at__gt=at),
        pays_from_at__lte=at,
    )


def bank_detail_in_force(organisation: Organisation, at: datetime) -> BankDetail | None:
    """Return where an organisation is paid at an instant, or None where nobody may pay it."""
    return bank_details_paid(at).filter(organisation=organisation).first()


def bank_detail_state(detail: BankDetail, at: datetime) -> str:
    """Return the word of `statuses.BANK_DETAIL` for a bank detail at an instant."""
    status = BankDetail.Status
    if detail.status == status.APPROVED and detail.pays_from_at and detail.pays_from_at > at:
        return "COOLING_OFF"
    if detail.status == status.REPLACED and detail.pays_until_at and detail.pays_until_at > at:
        return "LEAVING"
    return detail.status


def bank_details_waiting() -> QuerySet[BankDetail]:
    """Return every bank detail that waits for a second person, oldest first."""
    return (
        BankDetail.objects.filter(status=BankDetail.Status.PROPOSED)
        .select_related("organisation", "proposed_by")
        .order_by("proposed_at", "pk")
    )


def newest_answers(
    organisations: Iterable[int], *, at: datetime
) -> dict[tuple[int, Register], RegisterAnswer]:
    """Return the newest answer of each register about organisations, as of an instant.

    By organisation and register; one that was never asked, or never answered, is not there.
    """
    found = (
        RegisterAnswer.objects.filter(organisation__in=organisations, asked_at__lte=at)
        .order_by("organisation", "register", "-asked_at", "-pk")
        .distinct("organisation", "register")
    )
    return {(one.organisation_id, Register(one.register)): one for one in found}
