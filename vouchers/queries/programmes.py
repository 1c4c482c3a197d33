"""Programmes, the law in force, what rounds are open, and who works for which."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from django.db.models import Model, Q, QuerySet, Sum
from django.utils.translation import gettext_lazy as _

import policy.programme
from common.codes import new_code
from common.days import day_of
from common.errors import NotFound, Refused
from ledger import queries as ledger
from parties.models import User
from parties.queries import has_role, memberships_of, require_role
from parties.roles import Role
from policy.rules import Programme as Policy
from vouchers.models import (
    Application,
    Decision,
    PolicyRelease,
    PolicyVersion,
    Programme,
    Round,
)

STAFF_WHO_READ = (Role.OFFICER, Role.FINANCE, Role.INVESTIGATOR, Role.ADMIN)


class NoPolicyInForce(Refused):
    """No policy of the programme is in force on the day."""

    code = "no_policy_in_force"
    sentence = _(
        "No policy of %(programme)s is in force on %(on)s. "
        "Release a version with that day or an earlier one."
    )


@lru_cache(maxsize=64)
def read_policy(text: str) -> Policy:
    """Return the policy that a version's text says; a text is read once.

    :raises policy.programme.ProgrammeInvalid: if it can't be read.
    """
    return policy.programme.read(text)


def policy_in_force(programme: Programme, on: date) -> tuple[PolicyVersion, Policy]:
    """Return the version in force on a day of the programme's zone, and the policy it says.

    :raises NoPolicyInForce: if none was released for that day.
    """
    release = (
        PolicyRelease.objects.filter(version__programme=programme, effective_from_on__lte=on)
        .select_related("version")
        .order_by("-effective_from_on", "-released_at", "-pk")
        .first()
    )
    if release is None:
        raise NoPolicyInForce(programme=programme.title, on=on)
    return release.version, read_policy(release.version.text)


@dataclass(frozen=True, slots=True)
class Laws:
    """All that a programme's policy ever was in force as, read in one statement."""

    programme: str
    released: tuple[tuple[date, PolicyVersion], ...]

    def on(self, day: date) -> tuple[PolicyVersion, Policy]:
        """Return what `policy_in_force` says of a day.

        :raises NoPolicyInForce: if none was released for that day.
        """
        begun = [version for from_on, version in self.released if from_on <= day]
        if not begun:
            raise NoPolicyInForce(programme=self.programme, on=day)
        return begun[-1], read_policy(begun[-1].text)

    def by_day(self) -> list[tuple[date, Policy]]:
        """Return each day from which a policy is in force, with it; of one day the last counts."""
        return [(from_on, read_policy(version.text)) for from_on, version in self.released]


def laws_of(programme: Programme) -> Laws:
    """Return the policies of a programme, for asking of many days."""
    releases = (
        PolicyRelease.objects.filter(version__programme=programme)
        .select_related("version")
        .order_by("effective_from_on", "released_at", "pk")
    )
    released = tuple((one.effective_from_on, one.version) for one in releases)
    return Laws(programme.title, released)


def policies_in_force(
    programmes: Iterable[Programme], at: datetime
) -> dict[int, tuple[PolicyVersion, Policy]]:
    """Return what `policy_in_force` says of many programmes at once, by the programme's key."""
    wanted = {programme.pk: day_of(at, programme.zone) for programme in programmes}
    releases = (
        PolicyRelease.objects.filter(version__programme__in=wanted)
        .select_related("version")
        .order_by("effective_from_on", "released_at", "pk")
    )
    return {
        release.version.programme_id: (release.version, read_policy(release.version.text))
        for release in releases
        if release.effective_from_on <= wanted[release.version.programme_id]
    }


def policy_versions_of(programme: Programme) -> QuerySet[PolicyVersion]:
    """Return all versions of a programme's policy with their releases, newest first."""
    return (
        PolicyVersion.objects.filter(programme=programme)
        .select_related("proposed_by", "release__released_by")
        .order_by("-number")
    )


def rounds_open(on: date) -> QuerySet[Round]:
    """Return the rounds that take applications on a day, those that close first first."""
    return (
        Round.objects.filter(opens_on__lte=on, closes_on__gte=on)
        .select_related("programme__authority")
        .order_by("closes_on", "programme__code", "code")
    )


def rounds_of(programme: Programme) -> QuerySet[Round]:
    """Return all rounds of a programme, newest first."""
    return Round.objects.filter(programme=programme).order_by("-opens_on", "code")


def is_round_open(round: Round, at: datetime) -> bool:
    """Say whether a round takes applications at an instant, by its programme's time zone."""
    return round.opens_on <= day_of(at, round.programme.zone) <= round.closes_on


def programmes_open(at: datetime) -> list[Programme]:
    """Return the programmes with a round open at an instant, each in its own time zone."""
    about = day_of(at)
    # A zone's day is at most one away from the day in UTC.
    rounds = Round.objects.filter(
        opens_on__lte=about + timedelta(days=1), closes_on__gte=about - timedelta(days=1)
    ).select_related("programme__authority")
    found = {one.programme_id: one.programme for one in rounds if is_round_open(one, at)}
    return sorted(found.values(), key=lambda programme: programme.code)


def budget_available(programme: Programme) -> int:
    """Return what a programme may still commit, in its unit; 0 before its first round."""
    address = programme.account("available")
    found = ledger.balances([address]).get(address)
    return found.free if found else 0


def programmes_visible_to(person: User) -> QuerySet[Programme]:
    """Return the programmes that a person works for at an authority, by code."""
    return (
        Programme.objects.filter(programme_scope(person, ""))
        .select_related("authority")
        .order_by("code")
    )


def programme_of(person: User, code: str) -> Programme:
    """Return one programme that a person works for.

    :raises NotFound: if it doesn't exist or is not this person's to see.
    """
    programme: Programme = find_one(programmes_visible_to(person), what=code, code=code)
    return programme


def programme_scope(
    person: User, prefix: str = "programme", *, roles: tuple[Role, ...] = STAFF_WHO_READ
) -> Q:
    """Return the condition for rows of programmes in which a person has one of the roles.

    A regulator sees all programmes. `prefix` is the path from the row to its programme.
    """
    path = f"{prefix}__" if prefix else ""
    nothing = Q(pk__in=[])
    scope = nothing
    for membership in memberships_of(person):
        if membership.role == Role.REGULATOR and roles == STAFF_WHO_READ:
            # Not an empty Q: joined to another by “or”, that would count for nothing.
            return ~nothing
        if membership.role in roles:
            one = Q(**{f"{path}authority": membership.organisation_id})
            if membership.programme_code:
                one &= Q(**{f"{path}code": membership.programme_code})
            scope |= one
    return scope


def is_officer_of(person: User, programme: Programme) -> bool:
    """Say whether a person is an officer of a programme."""
    return has_role(
        person,
        Role.OFFICER,
        organisation=programme.authority,
        programme_code=programme.code,
    )


def require_officer(person: User, programme: Programme) -> None:
    """Refuse who is no officer of a programme.

    :raises NotAllowed: if the person is none.
    """
    require_role(
        person, Role.OFFICER, organisation=programme.authority, programme_code=programme.code
    )


def budget_uncommitted(programme: Programme) -> int:
    """Return what a programme has available and has not awarded without a voucher yet."""
    waiting = Decision.objects.filter(
        application__round__programme=programme,
        application__status=Application.Status.APPROVED,
        outcome=Decision.Outcome.PASS,
        voucher__isnull=True,
        undone_by__isnull=True,
    ).aggregate(total=Sum("awarded"))["total"]
    return max(budget_available(programme) - int(waiting or 0), 0)


def find_one(found: QuerySet[Any], *, what: str, **condition: Any) -> Any:
    """Return the one row that fits.

    :raises NotFound: if there is none.
    """
    try:
        return found.get(**condition)
    except found.model.DoesNotExist as error:
        raise NotFound(what=what) from error


def unused_code(model: type[Model], prefix: str) -> str:
    """Return a code that no row of a model has yet."""
    code = new_code(prefix)
    while model._default_manager.filter(
        **{"reference" if model is Application else "code": code}
    ).exists():
        code = new_code(prefix)
    return code
