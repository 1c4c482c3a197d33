"""Whether a provider takes orders at once, or accepts each of them itself."""

from datetime import datetime

from django.db import transaction

from ledger import actions as ledger
from ledger.kinds import ActKind
from parties.models import User
from parties.queries import require_role
from parties.roles import Role
from providers.models import AcceptanceChoice, Provider


@transaction.atomic
def choose_acceptance(
    *, provider: Provider, is_at_once: bool, actor: User, at: datetime, key: str
) -> AcceptanceChoice:
    """Choose whether orders placed by holders count at once, or wait for the provider's word.

    It counts for orders placed from then on. What a provider redeems itself always counts.

    :raises NotAllowed: if the person does not act for the provider.
    """
    require_role(actor, Role.PROVIDER, organisation=provider.organisation)
    act = ledger.begin(
        kind=ActKind.CHOOSE_ACCEPTANCE,
        key=key,
        actor=actor.address,
        about=provider.address,
        at=at,
        payload={"is_at_once": is_at_once},
        details={"is_at_once": is_at_once},
    )
    if act.is_replay:
        return AcceptanceChoice.objects.get(act_id=act.id)
    return AcceptanceChoice.objects.create(
        provider=provider, is_at_once=is_at_once, chosen_at=at, act_id=act.id
    )
