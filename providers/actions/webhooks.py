"""Say where a provider wants to be told what happened, and stop telling where nobody listens."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.errors import Refused
from ledger import actions as ledger
from ledger.kinds import ActKind
from parties.models import User
from parties.queries import require_role
from parties.roles import Role
from providers.kinds import EVENTS
from providers.models import Provider, WebhookEndpoint
from providers.queries import secret_of

Status = WebhookEndpoint.Status
ENDPOINTS_MOST = 10
# Both secrets sign for this long after one was rolled.
OVERLAP = timedelta(hours=24)


class UrlInvalid(Refused):
    """The address is no place to send events to."""

    code = "webhook_url_invalid"
    sentence = _(
        "“%(url)s” can't be used. Give an address that begins with https:// and names a public "
        "host, without a user name."
    )


class EventUnknown(Refused):
    """There is no such type of event."""

    code = "webhook_event_unknown"
    sentence = _("There is no event “%(event)s”. The API reference lists them.")


class TooManyEndpoints(Refused):
    """A provider has as many endpoints as it may."""

    code = "too_many_webhooks"
    sentence = _("You have %(most)s addresses already. Remove one that is not needed.")


class EndpointStatusUnfit(Refused):
    """The endpoint is not in the state that the action needs."""

    code = "webhook_status_unfit"
    sentence = _("This can't be done now: the address is %(status)s. Open the page again.")


def is_public_address(address: str) -> bool:
    """Whether events may be sent to an IP address: not into a network of somebody's own.

    The demo also sends to the machine itself, where its receivers are.
    """
    read = ip_address(address)
    mapped = getattr(read, "ipv4_mapped", None)
    if mapped is not None:
        return is_public_address(str(mapped))
    if read.is_loopback:
        return bool(settings.WEBHOOKS_TO_LOOPBACK)
    return read.is_global and not read.is_multicast


def checked_url(url: str) -> str:
    """Return the address if events may be sent there, as far as it can be read off.

    What its host's name leads to is looked up, and checked again, each time something is sent.

    :raises UrlInvalid: if it is not https, has a user name, or names a private address.
    """
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        raise UrlInvalid(url=url[:100]) from None
    is_local = settings.WEBHOOKS_TO_LOOPBACK and host in ("127.0.0.1", "::1", "localhost")
    is_fit = (
        parts.scheme == "https" or (parts.scheme == "http" and is_local)
    ) and parts.username is None
    if not (is_fit and host and url.isascii() and url.isprintable() and " " not in url):
        raise UrlInvalid(url=url[:100])
    if not (is_local or _may_be_public(host)):
        raise UrlInvalid(url=url[:100])
    return url


def _may_be_public(host: str) -> bool:
    try:
        return is_public_address(host)
    except ValueError:
        return "." in host and not host.endswith((".local", ".internal", ".localhost"))


@transaction.atomic
def add_webhook(
    *,
    provider: Provider,
    url: str,
    events: Sequence[str] = (),
    actor: User,
    at: datetime,
    key: str,
) -> tuple[WebhookEndpoint, str]:
    """Tell a provider at an address from now on; return it with its secret, shown this once.

    :param events: types of events; none means all. Asked again, the secret is empty.
    :raises NotAllowed: if the person does not act for the provider.
    :raises UrlInvalid: if nothing may be sent there.
    :raises EventUnknown: if an event is none.
    :raises TooManyEndpoints: if the provider has ten already.
    """
    require_role(actor, Role.PROVIDER, organisation=provider.organisation)
    given = {"url": checked_url(url), "events": sorted(set(events))}
    for event in given["events"]:
        if event not in EVENTS:
            raise EventUnknown(event=event)
    act = _begin(ActKind.ADD_WEBHOOK, provider, actor.address, at, key, given)
    if act.is_replay:
        return WebhookEndpoint.objects.get(act_id=act.id), ""
    Provider.objects.select_for_update().get(pk=provider.pk)
    own = WebhookEndpoint.objects.filter(provider=provider)
    if own.exclude(status=Status.REMOVED).count() >= ENDPOINTS_MOST:
        raise TooManyEndpoints(most=ENDPOINTS_MOST)
    endpoint = WebhookEndpoint.objects.create(
        provider=provider,
        **given,
        seed=secrets.token_hex(32),
        created_by=actor,
        created_at=at,
        act_id=act.id,
    )
    return endpoint, secret_of(endpoint.seed)


@transaction.atomic
def roll_webhook(
    *, endpoint: WebhookEndpoint, actor: User, at: datetime, key: str
) -> tuple[WebhookEndpoint, str]:
    """Give an endpoint a new secret; for a day both sign. Asked again, the secret is empty.

    :raises NotAllowed: if the person does not act for the provider.
    :raises EndpointStatusUnfit: if it was removed.
    """
    require_role(actor, Role.PROVIDER, organisation=endpoint.provider.organisation)
    given = {"endpoint": endpoint.pk}
    act = _begin(ActKind.ROLL_WEBHOOK, endpoint.provider, actor.address, at, key, given)
    row = _locked(endpoint)
    if act.is_replay:
        return row, ""
    _require(row, Status.ACTIVE, Status.DISABLED)
    row.old_seed, row.old_ends_at = row.seed, at + OVERLAP
    row.seed = secrets.token_hex(32)
    row.save(update_fields=["old_seed", "old_ends_at", "seed"])
    return row, secret_of(row.seed)


@transaction.atomic
def enable_webhook(
    *, endpoint: WebhookEndpoint, actor: User, at: datetime, key: str
) -> WebhookEndpoint:
    """Send to a disabled endpoint again; what was missed can be sent again one by one.

    :raises NotAllowed: if the person does not act for the provider.
    :raises EndpointStatusUnfit: if it is not disabled.
    """
    require_role(actor, Role.PROVIDER, organisation=endpoint.provider.organisation)
    change = {Status.DISABLED: Status.ACTIVE}
    return _move(endpoint, ActKind.ENABLE_WEBHOOK, actor.address, at, key, change)


@transaction.atomic
def remove_webhook(
    *, endpoint: WebhookEndpoint, actor: User, at: datetime, key: str
) -> WebhookEndpoint:
    """Tell a provider nothing more at an address.

    :raises NotAllowed: if the person does not act for the provider.
    :raises EndpointStatusUnfit: if it was removed before.
    """
    require_role(actor, Role.PROVIDER, organisation=endpoint.provider.organisation)
    change = {Status.ACTIVE: Status.REMOVED, Status.DISABLED: Status.REMOVED}
    return _move(endpoint, ActKind.REMOVE_WEBHOOK, actor.address, at, key, change)


@transaction.atomic
def disable_webhook(*, endpoint: WebhookEndpoint, at: datetime, key: str) -> WebhookEndpoint:
    """Stop sending to an address that has taken nothing for days; its provider is written to.

    :raises EndpointStatusUnfit: if it is not active.
    """
    change = {Status.ACTIVE: Status.DISABLED}
    return _move(endpoint, ActKind.DISABLE_WEBHOOK, ledger.SYSTEM, at, key, change)


def _move(
    endpoint: WebhookEndpoint,
    kind: ActKind,
    actor: str,
    at: datetime,
    key: str,
    change: dict[WebhookEndpoint.Status, WebhookEndpoint.Status],
) -> WebhookEndpoint:
    given = {"endpoint": endpoint.pk}
    act = _begin(kind, endpoint.provider, actor, at, key, given)
    row = _locked(endpoint)
    if act.is_replay:
        return row
    _require(row, *change)
    row.status, row.failing_since = change[Status(row.status)], None
    row.save(update_fields=["status", "failing_since"])
    return row


def _begin(
    kind: ActKind, provider: Provider, actor: str, at: datetime, key: str, given: dict[str, Any]
) -> ledger.Act:
    return ledger.begin(
        kind=kind,
        key=key,
        actor=actor,
        about=provider.address,
        at=at,
        payload=given,
        details=given,
    )


def _locked(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    return (
        WebhookEndpoint.objects.select_for_update(of=("self",))
        .select_related("provider__organisation")
        .get(pk=endpoint.pk)
    )


def _require(row: WebhookEndpoint, *statuses: WebhookEndpoint.Status) -> None:
    if row.status not in statuses:
        raise EndpointStatusUnfit(status=row.get_status_display())
