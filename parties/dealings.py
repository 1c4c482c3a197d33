"""Which organisations an authority has to do with: as the apps above this one know it.

Each app that lets an authority and an organisation have to do with each other names a query in
the setting `DEALINGS`: given authorities, it returns the organisations that any of them deals
with. An organisation that no query names is before no authority yet.
"""

from collections.abc import Callable
from functools import cache

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from parties.models import Organisation, User
from parties.queries import NotAllowed, organisations_of, require_role
from parties.roles import OrganisationKind, Role

Dealing = Callable[[QuerySet[Organisation]], QuerySet[Organisation]]


@cache
def _query(name: str) -> Dealing:
    found: Dealing = import_string(name)
    return found


def organisations_before(person: User, *roles: Role) -> QuerySet[Organisation]:
    """Return the organisations before the authorities where a person has one of the roles.

    These are the authorities themselves, and whoever any of them deals with.
    """
    authorities = organisations_of(person, *roles).filter(kind=OrganisationKind.AUTHORITY)
    own = authorities.order_by()
    known = Q(pk__in=own.values("pk"))
    for name in settings.DEALINGS:
        known |= Q(pk__in=_query(name)(own).order_by().values("pk"))
    return Organisation.objects.filter(known)


def require_before(person: User, organisation: Organisation, *roles: Role) -> None:
    """Refuse a person who has none of the roles at an authority that deals with somebody.

    :raises NotAllowed: naming the roles of which one is needed, and where.
    """
    require_role(person, *roles)
    if not organisations_before(person, *roles).filter(pk=organisation.pk).exists():
        where = _(" at an authority that %(name)s deals with") % {"name": organisation.name}
        raise NotAllowed(roles=" / ".join(str(role.label) for role in roles), where=where)
