"""Who may take finance's steps in a programme's payments: its finance officers, and deputies."""

from datetime import datetime

from django.db.models import Q, QuerySet

from common.days import day_of
from parties.models import User
from parties.queries import has_role
from parties.roles import Role
from vouchers.models import Deputy, Programme
from vouchers.queries import programme_scope, stands_in_for


def stood_in_for(person: User, programme: Programme, at: datetime) -> list[User]:
    """Return the finance officers of a programme in whose place a person may act at an instant.

    Nobody is stood in for who is no finance officer of it any more.
    """
    officers = stands_in_for(person, day_of(at, programme.zone), Deputy.For.FINANCE)
    return [
        one
        for one in User.objects.filter(pk__in=officers, is_active=True).order_by("pk")
        if _is_officer(one, programme)
    ]


def _is_officer(person: User, programme: Programme) -> bool:
    return has_role(
        person,
        Role.FINANCE,
        organisation=programme.authority,
        programme_code=programme.code,
    )


def officers_behind(person: User, programme: Programme, at: datetime) -> list[User]:
    """Return in whose place a person acts in a programme: nobody's who acts in an own right."""
    return [] if _is_officer(person, programme) else stood_in_for(person, programme, at)


def may_take_steps(person: User, programme: Programme, at: datetime) -> bool:
    """Say whether a person takes finance's steps in a programme, as its own officer or a deputy."""
    return _is_officer(person, programme) or bool(stood_in_for(person, programme, at))


def programmes_paid_by(person: User, at: datetime) -> QuerySet[Programme]:
    """Return the programmes in whose payments a person takes finance's steps at an instant."""
    scope = programme_scope(person, "", roles=(Role.FINANCE,))
    for officer in User.objects.filter(
        pk__in=stands_in_for(person, day_of(at), Deputy.For.FINANCE), is_active=True
    ):
        scope |= programme_scope(officer, "", roles=(Role.FINANCE,))
    return Programme.objects.filter(Q(scope)).select_related("authority").order_by("code")
