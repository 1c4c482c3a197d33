"""Hand out keys to the API, roll them with an overlap, limit them to networks, revoke them."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from oauth2_provider.models import Application

from common.errors import Refused
from ledger import actions as ledger
from ledger.kinds import ActKind
from parties.models import User
from parties.queries import require_role
from parties.roles import Role
from providers.authentication import PREFIX_LENGTH, digest_of
from providers.kinds import BEGINNING_OF, KeyKind
from providers.models import ApiKey, Provider

CLIENT_BEGINNING = "client_"
NETWORKS_MOST = 20
OVERLAP_MOST = timedelta(days=30)


class ApiKeyRevoked(Refused):
    """The key was revoked before."""

    code = "api_key_revoked"
    sentence = _("The key %(prefix)s… is already revoked; nothing to do.")


class ApiKeyRolled(Refused):
    """The key has a successor already, or ends."""

    code = "api_key_rolled"
    sentence = _("The key %(prefix)s… was rolled before. Roll the key that replaces it.")


class OverlapTooLong(Refused):
    """The old key would work for longer than an overlap may be."""

    code = "overlap_too_long"
    sentence = _("The old key may work for %(days)s more days at most. Choose an earlier day.")


class NetworkInvalid(Refused):
    """What was given is no network."""

    code = "network_invalid"
    sentence = _("“%(given)s” is no network. Write it like 203.0.113.0/24 or 2001:db8::/32.")


class TooManyNetworks(Refused):
    """More networks than a key is limited to."""

    code = "too_many_networks"
    sentence = _("A key takes %(most)s networks at most. Join neighbours to a wider one.")


@dataclass(frozen=True, slots=True)
class Secret:
    """What is shown once: the key's secret and, for a client, the name that goes with it."""

    secret: str
    client_id: str = ""


def networks_of(given: Sequence[str]) -> list[str]:
    """Return networks as they are kept: CIDR without host bits, each once, in order.

    :raises NetworkInvalid: if one can't be read.
    :raises TooManyNetworks: if there are more than a key takes.
    """
    read: list[str] = []
    for one in given:
        try:
            read.append(str(ip_network(one.strip(), strict=False)))
        except ValueError:
            raise NetworkInvalid(given=one.strip()[:60]) from None
    if len(read) > NETWORKS_MOST:
        raise TooManyNetworks(most=NETWORKS_MOST)
    return list(dict.fromkeys(read))


@transaction.atomic
def create_api_key(
    *,
    provider: Provider,
    name: str,
    actor: User,
    at: datetime,
    key: str,
    kind: str = KeyKind.LIVE,
    networks: Sequence[str] = (),
) -> tuple[ApiKey, str]:
    """Create a key to the API, and return it with its secret, which is never shown again.

    Only a digest is kept, so asking again with the same key returns an empty secret.

    :param networks: CIDR; none means that it may be used from anywhere.
    :raises NotAllowed: if the person does not act for the provider.
    :raises NetworkInvalid: if a network can't be read.
    """
    require_role(actor, Role.PROVIDER, organisation=provider.organisation)
    given = {"name": name, "kind": str(kind), "networks": networks_of(networks)}
    act = _begin(ActKind.CREATE_API_KEY, provider, actor, at, key, given)
    if act.is_replay:
        return _made_by(act), ""
    secret = _unused_secret(kind)
    api_key = ApiKey.objects.create(
        provider=provider,
        **given,
        prefix=secret[:PREFIX_LENGTH],
        digest=digest_of(secret),
        created_by=actor,
        created_at=at,
        act_id=act.id,
    )
    return api_key, secret


@transaction.atomic
def create_api_client(
    *,
    provider: Provider,
    name: str,
    actor: User,
    at: datetime,
    key: str,
    kind: str = KeyKind.LIVE,
    networks: Sequence[str] = (),
) -> tuple[ApiKey, Secret]:
    """Create a client that gets short-lived tokens for its secret (RFC 6749, section 4.4).

    Like a key's, its secret is shown once: asking again with the same key returns an empty one.

    :raises NotAllowed: if the person does not act for the provider.
    :raises NetworkInvalid: if a network can't be read.
    """
    require_role(actor, Role.PROVIDER, organisation=provider.organisation)
    given = {"name": name, "kind": str(kind), "networks": networks_of(networks)}
    act = _begin(ActKind.CREATE_API_CLIENT, provider, actor, at, key, given)
    if act.is_replay:
        api_key = _made_by(act)
        return api_key, Secret("", _client_id(api_key))
    application, shown = _new_application(name)
    api_key = ApiKey.objects.create(
        provider=provider,
        **given,
        prefix=application.client_id[:PREFIX_LENGTH],
        application=application,
        created_by=actor,
        created_at=at,
        act_id=act.id,
    )
    return api_key, shown


@transaction.atomic
def roll_api_key(
    *, api_key: ApiKey, ends_at: datetime, actor: User, at: datetime, key: str
) -> tuple[ApiKey, Secret]:
    """Make a key that replaces another, which works on until `ends_at`; the secret as above.

    :raises NotAllowed: if the person does not act for the provider.
    :raises ApiKeyRevoked: if it opens nothing any more.
    :raises ApiKeyRolled: if it was rolled before.
    :raises OverlapTooLong: if both would work for more than thirty days.
    """
    provider = api_key.provider
    require_role(actor, Role.PROVIDER, organisation=provider.organisation)
    given = {"api_key": api_key.prefix, "ends_at": ends_at.isoformat()}
    act = _begin(ActKind.ROLL_API_KEY, provider, actor, at, key, given)
    if act.is_replay:
        made = _made_by(act)
        return made, Secret("", _client_id(made))
    old = _locked(api_key)
    if not old.is_in_force(at):
        raise ApiKeyRevoked(prefix=old.prefix)
    if old.ends_at is not None:
        raise ApiKeyRolled(prefix=old.prefix)
    if ends_at > at + OVERLAP_MOST:
        raise OverlapTooLong(days=OVERLAP_MOST.days)
    application = None
    if old.application_id is None:
        shown = Secret(_unused_secret(old.kind))
        beginning = shown.secret
    else:
        application, shown = _new_application(old.name)
        beginning = shown.client_id
    made = ApiKey.objects.create(
        provider=provider,
        kind=old.kind,
        name=old.name,
        networks=old.networks,
        prefix=beginning[:PREFIX_LENGTH],
        digest="" if application else digest_of(shown.secret),
        application=application,
        replaces=old,
        created_by=actor,
        created_at=at,
        act_id=act.id,
    )
    old.ends_at = max(at, ends_at)
    old.save(update_fields=["ends_at"])
    return made, shown


@transaction.atomic
def limit_api_key(
    *, api_key: ApiKey, networks: Sequence[str], actor: User, at: datetime, key: str
) -> ApiKey:
    """Let a key be used from these networks alone; with none, from anywhere.

    :raises NotAllowed: if the person does not act for the provider.
    :raises NetworkInvalid: if a network can't be read.
    :raises ApiKeyRevoked: if it opens nothing any more.
    """
    require_role(actor, Role.PROVIDER, organisation=api_key.provider.organisation)
    given = {"api_key": api_key.prefix, "networks": networks_of(networks)}
    act = _begin(ActKind.LIMIT_API_KEY, api_key.provider, actor, at, key, given)
    row = _locked(api_key)
    if act.is_replay:
        return row
    if not row.is_in_force(at):
        raise ApiKeyRevoked(prefix=row.prefix)
    row.networks = given["networks"]
    row.save(update_fields=["networks"])
    return row


@transaction.atomic
def revoke_api_key(*, api_key: ApiKey, actor: User, at: datetime, key: str) -> ApiKey:
    """Let a key open nothing from now on.

    :raises NotAllowed: if the person does not act for the provider.
    :raises ApiKeyRevoked: if it was revoked before.
    """
    require_role(actor, Role.PROVIDER, organisation=api_key.provider.organisation)
    given = {"api_key": api_key.prefix}
    act = _begin(
        ActKind.REVOKE_API_KEY, api_key.provider, actor, at, key, given, name=api_key.name
    )
    row = _locked(api_key)
    if act.is_replay:
        return row
    if row.revoked_at is not None:
        raise ApiKeyRevoked(prefix=row.prefix)
    row.revoked_at = at
    row.save(update_fields=["revoked_at"])
    return row


def _begin(
    kind: ActKind,
    provider: Provider,
    actor: User,
    at: datetime,
    key: str,
    given: dict[str, Any],
    **details: str,
) -> ledger.Act:
    return ledger.begin(
        kind=kind,
        key=key,
        actor=actor.address,
        about=provider.address,
        at=at,
        payload=given,
        details=details or given,
    )


def _made_by(act: ledger.Act) -> ApiKey:
    return ApiKey.objects.select_related("provider", "application").get(act_id=act.id)


def _locked(api_key: ApiKey) -> ApiKey:
    return ApiKey.objects.select_for_update().get(pk=api_key.pk)


def _client_id(api_key: ApiKey) -> str:
    return str(api_key.application.client_id) if api_key.application else ""


def _unused_secret(kind: str) -> str:
    while True:
        secret = BEGINNING_OF[KeyKind(kind)] + secrets.token_urlsafe(32)
        if not ApiKey.objects.filter(prefix=secret[:PREFIX_LENGTH]).exists():
            return secret


def _new_application(name: str) -> tuple[Application, Secret]:
    """Make the toolkit's row of a client; it hashes the secret as it keeps it."""
    secret = secrets.token_urlsafe(32)
    application = Application.objects.create(
        client_id=_unused_client_id(),
        client_secret=secret,
        name=name,
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
    )
    return application, Secret(secret, application.client_id)


def _unused_client_id() -> str:
    while True:
        client_id = CLIENT_BEGINNING + secrets.token_urlsafe(18)
        if not ApiKey.objects.filter(prefix=client_id[:PREFIX_LENGTH]).exists():
            return client_id
