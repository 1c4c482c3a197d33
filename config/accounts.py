"""How people come in: by invitation, never by signing up."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class InvitedOnly(DefaultAccountAdapter):  # type: ignore[misc] # allauth has no types
    """An organisation's people are invited; nobody signs up alone."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Say no: an account without an organisation could do nothing."""
        return False
