"""Who calls the API: the provider whose key is shown."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from providers.models import ApiKey, Provider

KEY_BEGINNING = "tess_live_"
PREFIX_LENGTH = 16
USE_NOTED_AFTER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ApiCaller:
    """What `request.user` is for the API: a provider, by one of its keys."""

    provider: Provider
    api_key: ApiKey
    is_authenticated: bool = True

    @property
    def address(self) -> str:
        """How acts name this caller."""
        return self.provider.address


def digest_of(secret: str) -> str:
    """Return the digest under which a secret is kept (SHA-256, hexadecimal)."""
    return hashlib.sha256(secret.encode()).hexdigest()


def api_key_matching(secret: str) -> ApiKey | None:
    """Return the key in force that a secret opens, with its provider, or None."""
    api_key = (
        ApiKey.objects.filter(prefix=secret[:PREFIX_LENGTH], revoked_at__isnull=True)
        .select_related("provider__organisation")
        .first()
    )
    # Compared even without a row, so that the time taken tells nothing about prefixes.
    kept = api_key.digest if api_key else digest_of("")
    return api_key if hmac.compare_digest(kept, digest_of(secret)) else None


class ApiKeyAuthentication(BaseAuthentication):
    """Take `Authorization: Bearer tess_live_…` for the provider that owns the key."""

    def authenticate(self, request: Request) -> tuple[ApiCaller, ApiKey] | None:
        """Return the caller and its key, or None where no key is shown.

        :raises AuthenticationFailed: if a key is shown and is unknown or revoked.
        """
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != b"bearer":
            return None
        api_key = self._key_shown(parts[1:])
        if api_key is None:
            raise AuthenticationFailed(
                _("This API key is unknown or was revoked. Create a new one under “API keys”.")
            )
        _note_use(api_key, timezone.now())
        return ApiCaller(api_key.provider, api_key), api_key

    def authenticate_header(self, request: Request) -> str:
        """Return what a refusal asks for, which makes it 401 and not 403."""
        return "Bearer"

    def _key_shown(self, words: list[bytes]) -> ApiKey | None:
        if len(words) != 1 or not words[0].startswith(KEY_BEGINNING.encode()):
            return None
        shown = words[0].decode("latin-1")
        if not (shown.isascii() and shown.isprintable()):
            return None
        return api_key_matching(shown)


def _note_use(api_key: ApiKey, at: datetime) -> None:
    """Remember when a key was last used, at most once a minute; nothing rests on it."""
    stale = Q(used_at__isnull=True) | Q(used_at__lt=at - USE_NOTED_AFTER)
    ApiKey.objects.filter(stale, pk=api_key.pk).update(used_at=at)
