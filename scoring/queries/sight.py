"""What somebody may see of a trace: staff their programmes, everybody else their own."""

from dataclasses import dataclass

from django.db.models import Q

from parties.models import User
from parties.queries import memberships_of
from parties.roles import Role
from providers.models import Provider
from vouchers.queries.programmes import STAFF_WHO_READ

NOTHING = Q(pk__in=[])


@dataclass(frozen=True, slots=True)
class Sight:
    """Whose parts of a trace are shown; the parts of others are not named.

    `staff` are authorities, each with a programme's code or "" for all of them; `sells` and
    `holds` are the organisations that the reader provides for, and applies for.
    """

    is_regulator: bool = False
    staff: tuple[tuple[int, str], ...] = ()
    sells: tuple[int, ...] = ()
    holds: tuple[int, ...] = ()

    @property
    def is_staff(self) -> bool:
        """Whether the reader oversees any programme."""
        return self.is_regulator or bool(self.staff)

    def oversees(self, prefix: str = "programme") -> Q:
        """Return the condition for rows of the programmes that the reader oversees.

        `prefix` is the path from the row to its programme.
        """
        if self.is_regulator:
            # Not an empty Q: joined to another by “or”, that would count for nothing.
            return ~NOTHING
        path = f"{prefix}__" if prefix else ""
        scope = NOTHING
        for authority, code in self.staff:
            one = Q(**{f"{path}authority": authority})
            scope |= one & Q(**{f"{path}code": code}) if code else one
        return scope

    def has_programme(self, authority: int, code: str) -> bool:
        """Say whether the reader oversees a programme, by its authority and code."""
        return self.is_regulator or any(
            authority == one and only in ("", code) for one, only in self.staff
        )


def sight_of(person: User) -> Sight:
    """Return what a person may see, by one statement."""
    members = list(memberships_of(person))
    return Sight(
        is_regulator=any(one.role == Role.REGULATOR for one in members),
        staff=tuple(
            (one.organisation_id, one.programme_code)
            for one in members
            if one.role in STAFF_WHO_READ
        ),
        sells=tuple(one.organisation_id for one in members if one.role == Role.PROVIDER),
        holds=tuple(one.organisation_id for one in members if one.role == Role.APPLICANT),
    )


def sight_of_provider(provider: Provider) -> Sight:
    """Return what a provider's program may see: what is the provider's."""
    return Sight(sells=(provider.organisation_id,))
