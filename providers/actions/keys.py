"""Hand out keys to the API, and revoke them."""

import secrets
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.errors import Refused
from ledger import actions as ledger
from ledger.kinds import ActKind
from parties.models import User
from parties.queries import require_role
from parties.roles import Role
from providers.authentication import KEY_BEGINNING, PREFIX_LENGTH, digest_of
from providers.models import ApiKey, Provider


class ApiKeyRevoked(Refused):
    """The key was revoked before."""

    code = "api_key_revoked"
    sentence = _("The key %(prefix)s… is already revoked; nothing to do.")


@transaction.atomic
def create_api_key(
    *, provider: Provider, name: str, actor: User, at: datetime, key: str
) -> tuple[ApiKey, str]:
    """Create a key to the API, and return it with its secret, which is never shown again.

    Only a digest is kept, so asking again with the same key returns an empty secret.

    :raises NotAllowed: if the person does not act for the provider.
    """
    require_role(actor, Role.PROVIDER, organisation=provider.organisation)
    secret = _unused_secret()
    act = ledger.begin(
        kind=ActKind.CREATE_API_KEY,
        key=key,
        actor=actor.address,
        about=provider.address,
        at=at,
        payload={"name": name},
        details={"name": name},
    )
    if act.is_replay:
        return ApiKey.objects.select_related("provider").get(act_id=act.id), ""
    api_key = ApiKey.objects.create(
        provider=provider,
        name=name,
        prefix=secret[:PREFIX_LENGTH],
        digest=digest_of(secret),
        created_by=actor,
        created_at=at,
        act_id=act.id,
    )
    return api_key, secret


def _unused_secret() -> str:
    secret = KEY_BEGINNING + secrets.token_urlsafe(32)
    while ApiKey.objects.filter(prefix=secret[:PREFIX_LENGTH]).exists():
        secret = KEY_BEGINNING + secrets.token_urlsafe(32)
    return secret


@transaction.atomic
def revoke_api_key(*, api_key: ApiKey, actor: User, at: datetime, key: str) -> ApiKey:
    """Let a key open nothing from now on.

    :raises NotAllowed: if the person does not act for the provider.
    :raises ApiKeyRevoked: if it was revoked before.
    """
    require_role(actor, Role.PROVIDER, organisation=api_key.provider.organisation)
    act = ledger.begin(
        kind=ActKind.REVOKE_API_KEY,
        key=key,
        actor=actor.address,
        about=api_key.provider.address,
        at=at,
        payload={"api_key": api_key.prefix},
        details={"name": api_key.name},
    )
    row = ApiKey.objects.select_for_update().get(pk=api_key.pk)
    if act.is_replay:
        return row
    if row.revoked_at is not None:
        raise ApiKeyRevoked(prefix=row.prefix)
    row.revoked_at = at
    row.save(update_fields=["revoked_at"])
    return row
