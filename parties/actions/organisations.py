"""Register organisations under the number that a public register gives them."""

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.codes import new_code
from common.errors import Refused
from ledger import actions as ledger
from ledger.kinds import ActKind
from parties.models import Organisation
from parties.queries import require_staff
from parties.registries import checked_identifier
from parties.roles import Role


class OrganisationKnown(Refused):
    """The organisation is registered already."""

    code = "organisation_known"
    sentence = _("%(value)s is already registered here as %(name)s. Use that organisation.")


@transaction.atomic
def register_organisation(
    *,
    kind: str,
    name: str,
    name_zh: str,
    country: str,
    region: str,
    identifier_scheme: str,
    identifier: str,
    is_registered_business: bool,
    employees: int | None,
    founded_on: date | None,
    actor: str,
    at: datetime,
    key: str,
) -> Organisation:
    """Register an organisation under the number that a public register gives it.

    The region is the code that programmes compare with: ISO 3166-2 (`GB-LND`), or the country
    and the digits of GB/T 2260 (`CN-4501`); empty where nobody asks.

    :raises NotAllowed: if the actor is a person who is neither administrator nor officer.
    :raises IdentifierInvalid: if the number fails the register's own check.
    :raises OrganisationKnown: if the number is registered here already.
    """
    require_staff(actor, Role.ADMIN, Role.OFFICER)
    number = checked_identifier(identifier_scheme, identifier)
    code = new_code("O")
    content = {
        "kind": kind,
        "name": name,
        "name_zh": name_zh,
        "country": country,
        "region": region,
        "is_registered_business": is_registered_business,
        "employees": employees,
        "founded_on": founded_on,
    }
    act = ledger.begin(
        kind=ActKind.REGISTER_ORGANISATION,
        key=key,
        actor=actor,
        about=f"identifier:{identifier_scheme}:{number}",
        at=at,
        payload=content,
        details={"organisation": code},
    )
    if act.is_replay:
        return Organisation.objects.get(act_id=act.id)
    known = Organisation.objects.filter(
        identifier_scheme=identifier_scheme, identifier=number
    ).first()
    if known is not None:
        raise OrganisationKnown(value=number, name=known.name)
    return Organisation.objects.create(
        code=code,
        identifier_scheme=identifier_scheme,
        identifier=number,
        registered_at=at,
        act_id=act.id,
        **content,
    )
