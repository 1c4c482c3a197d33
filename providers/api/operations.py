"""What operations share: who calls, how much is read, and the key that makes it happen once."""

import re
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.views import APIView

from common.errors import NotFound
from providers.api.problems import BodyTooLarge, InputInvalid
from providers.authentication import ApiCaller
from providers.models import Provider

_KEY = re.compile(r"[\x21-\x7e]{1,200}", re.ASCII)


class Operation(APIView):
    """One operation: reads JSON of bounded size, as a provider by its key."""

    parser_classes = [JSONParser]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let nobody in without a key, nor with a body that is longer than what is taken.

        :raises BodyTooLarge: if the request says that its body is.
        """
        super().initial(request, *args, **kwargs)
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        said = str(request.META.get("CONTENT_LENGTH") or "0")
        if not said.isdecimal() or int(said) > most:
            raise BodyTooLarge(
                _("The request has more than %(most)s bytes. Send it in parts.")
                % {"most": most}
            )

    @staticmethod
    def caller_of(request: Request) -> ApiCaller:
        """Return who calls: a provider, by one of its keys."""
        caller: Any = request.user
        assert isinstance(caller, ApiCaller), "every operation asks for a key"
        return caller

    @classmethod
    def provider_of(cls, request: Request) -> Provider:
        """Return the provider whose key was shown."""
        return cls.caller_of(request).provider

    @classmethod
    def key_of(cls, request: Request) -> str:
        """Return what makes this request happen once, scoped to the provider.

        :raises InputInvalid: if the header is missing or unreadable.
        """
        given = request.headers.get("Idempotency-Key", "")
        if not _KEY.fullmatch(given):
            raise InputInvalid(
                "idempotency_key_missing",
                _(
                    "Send a header Idempotency-Key of 1 to 200 visible characters, a new one "
                    "for each request, so that a request sent twice is done once."
                ),
                {"header": "Idempotency-Key"},
            )
        return f"api:{cls.provider_of(request).organisation.code}:{given}"


class Unknown(Operation):
    """Every address of the API that is no operation's."""

    schema = None

    def get(self, request: Request, rest: str = "") -> None:
        """Say that nothing is here.

        :raises NotFound: always.
        """
        raise NotFound(what=request.path)

    post = put = patch = delete = get
