"""Who calls the API: the provider whose key is shown, or whose client got the token shown."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from oauth2_provider.models import AccessToken
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.scopes import BaseScopes
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from common.errors import Refused
from providers.kinds import BEGINNING_OF, KeyKind, Scope, scopes_of
from providers.models import ApiKey, Provider

PREFIX_LENGTH = 16
USE_NOTED_AFTER = timedelta(minutes=1)


class AddressNotAllowed(Refused):
    """The key is used from an address outside its networks."""

    code = "address_not_allowed"
    sentence = gettext_lazy(
        "This key may not be used from %(address)s. Add the network under “API keys”, or call "
        "from one that is listed there."
    )


class TestKeyElsewhere(Refused):
    """A test key is shown to the portal."""

    code = "test_key_elsewhere"
    sentence = gettext_lazy(
        "This is a test key. It works in the sandbox alone: open it from your own pages, and "
        "send this request there."
    )


class LiveKeyElsewhere(Refused):
    """A key of the portal is shown to the sandbox."""

    code = "live_key_elsewhere"
    sentence = gettext_lazy(
        "This is the sandbox, and that is no test key. Make one under “API keys” here, and keep "
        "the other one for the portal."
    )


@dataclass(frozen=True, slots=True)
class ApiCaller:
    """What `request.user` is for the API: a provider, by one of its keys, and what that may do."""

    provider: Provider
    api_key: ApiKey
    scopes: frozenset[str] = frozenset()
    is_authenticated: bool = True

    @property
    def address(self) -> str:
        """How acts name this caller."""
        return self.provider.address


def digest_of(secret: str) -> str:
    """Return the digest under which a secret is kept (SHA-256, hexadecimal)."""
    return hashlib.sha256(secret.encode()).hexdigest()


def api_key_matching(secret: str, at: datetime) -> ApiKey | None:
    """Return the key in force at an instant that a secret opens, with its provider, or None."""
    api_key = (
        ApiKey.objects.filter(prefix=secret[:PREFIX_LENGTH], application__isnull=True)
        .select_related("provider__organisation")
        .first()
    )
    # Compared even without a row, so that the time taken tells nothing about prefixes.
    kept = api_key.digest if api_key else digest_of("")
    is_right = hmac.compare_digest(kept, digest_of(secret))
    return api_key if api_key and is_right and api_key.is_in_force(at) else None


def client_address(request: HttpRequest | Request) -> str | None:
    """Return the address that calls: the peer's, or what the proxies before us saw.

    Each of the TESSERA_PROXIES proxies adds the address it was called from to the end of
    X-Forwarded-For; what stands before those was written by the caller and proves nothing.
    """
    seen = str(request.META.get("HTTP_X_FORWARDED_FOR", "")).split(",")
    trusted = settings.TRUSTED_PROXIES
    found = seen[-trusted] if 0 < trusted <= len(seen) else request.META.get("REMOTE_ADDR", "")
    try:
        return str(ip_address(found.strip()))
    except ValueError:
        return None


class ApiKeyAuthentication(BaseAuthentication):
    """Take `Authorization: Bearer …` with a key, or with a token that a client got."""

    def authenticate(self, request: Request) -> tuple[ApiCaller, ApiKey] | None:
        """Return the caller and its key, or None where no key is shown.

        :raises AuthenticationFailed: if what is shown is unknown, was revoked or has ended.
        :raises AddressNotAllowed: if the key may not be used from where it is.
        :raises TestKeyElsewhere: if a test key is shown outside of the sandbox.
        :raises LiveKeyElsewhere: if another key is shown in it.
        """
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != b"bearer":
            return None
        _refuse_of_another_portal(parts[-1])
        at = timezone.now()
        caller = _caller_with(parts[1:], at)
        if caller is None:
            raise AuthenticationFailed(
                _("This API key is unknown or was revoked. Create a new one under “API keys”.")
            )
        address = client_address(request)
        _refuse_elsewhere(caller.api_key, address)
        _note_use(caller.api_key, address, at)
        return caller, caller.api_key

    def authenticate_header(self, request: Request) -> str:
        """Return what a refusal asks for, which makes it 401 and not 403."""
        return "Bearer"


def _caller_with(words: list[bytes], at: datetime) -> ApiCaller | None:
    if len(words) != 1:
        return None
    shown = words[0].decode("latin-1")
    if not (shown.isascii() and shown.isprintable()):
        return None
    if not shown.startswith(tuple(BEGINNING_OF.values())):
        return _caller_by_token(shown, at)
    api_key = api_key_matching(shown, at)
    if api_key is None:
        return None
    return ApiCaller(api_key.provider, api_key, scopes_of(api_key.kind))


def _caller_by_token(shown: str, at: datetime) -> ApiCaller | None:
    token = (
        AccessToken.objects.filter(token_checksum=digest_of(shown), expires__gt=at)
        .select_related("application__api_key__provider__organisation")
        .first()
    )
    api_key: ApiKey | None = getattr(token.application, "api_key", None) if token else None
    if token is None or api_key is None or not api_key.is_in_force(at):
        return None
    given = scopes_of(api_key.kind) & set(token.scope.split())
    return ApiCaller(api_key.provider, api_key, frozenset(given))


def _refuse_of_another_portal(shown: bytes) -> None:
    """Say where a key belongs, as far as its beginning tells; nothing was looked up."""
    is_test = shown.startswith(BEGINNING_OF[KeyKind.TEST].encode())
    is_other = shown.startswith(tuple(one.encode() for one in BEGINNING_OF.values()))
    if is_test and not settings.IS_SANDBOX:
        raise TestKeyElsewhere
    if is_other and not is_test and settings.IS_SANDBOX:
        raise LiveKeyElsewhere


def _refuse_elsewhere(api_key: ApiKey, address: str | None) -> None:
    if not api_key.networks:
        return
    if address is None or not any(
        ip_address(address) in ip_network(network) for network in api_key.networks
    ):
        raise AddressNotAllowed(address=address or "?")


def _note_use(api_key: ApiKey, address: str | None, at: datetime) -> None:
    """Remember when a key was last used, at most once a minute; nothing rests on it."""
    stale = Q(used_at__isnull=True) | Q(used_at__lt=at - USE_NOTED_AFTER)
    if api_key.used_at is None or api_key.used_at < at - USE_NOTED_AFTER:
        ApiKey.objects.filter(stale, pk=api_key.pk).update(used_at=at, used_from=address)


# --- what the toolkit asks about clients -----------------------------------------------------


class ClientScopes(BaseScopes):  # type: ignore[misc]
    """Which scopes there are, and which of them a provider's client may ask for."""

    def get_all_scopes(self) -> dict[str, str]:
        """Return every scope with its description."""
        return {scope.value: scope.value for scope in Scope}

    def get_available_scopes(
        self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        """Return what a client may ask for: what a key of its kind may do."""
        api_key = getattr(application, "api_key", None)
        return sorted(scopes_of(api_key.kind)) if api_key else []

    def get_default_scopes(
        self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        """Return what a token may do where a client asks for nothing in particular."""
        return self.get_available_scopes(application)


class ClientValidator(OAuth2Validator):  # type: ignore[misc]
    """Gives tokens to clients whose key is in force, and to no others."""

    def authenticate_client(self, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Whether the client is who it says, and its key opens anything now."""
        if not super().authenticate_client(request, *args, **kwargs):
            return False
        api_key: ApiKey | None = getattr(request.client, "api_key", None)
        return api_key is not None and api_key.is_in_force(timezone.now())
