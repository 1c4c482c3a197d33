"""What operations share: who calls, what they may, how much is read, and what is noted."""

import logging
import re
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common.errors import NotFound, Refused
from providers import actions
from providers.api.problems import BodyTooLarge, InputInvalid, request_id_of
from providers.authentication import ApiCaller, client_address
from providers.kinds import Scope
from providers.models import Provider

_KEY = re.compile(r"[\x21-\x7e]{1,200}", re.ASCII)

log = logging.getLogger(__name__)


class ScopeMissing(Refused):
    """The key or token may not do what the operation does."""

    code = "scope_missing"
    sentence = gettext_lazy(
        "This key or token does not have the scope %(scope)s. Use a live key, or ask for a token "
        "with that scope."
    )


class Operation(APIView):
    """One address: reads JSON of bounded size, as a provider by its key."""

    parser_classes = [JSONParser]
    # What each method asks of a key; a method without a scope is nobody's.
    scopes: ClassVar[Mapping[str, Scope]] = {}

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer a request, and note it in its provider's log."""
        began, at = time.perf_counter(), timezone.now()
        answer = super().dispatch(request, *args, **kwargs)
        self._note(answer, at, took_ms=int((time.perf_counter() - began) * 1000))
        return answer

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

    def check_permissions(self, request: Request) -> None:
        """Ask for the scope of the method, once it is known who calls.

        :raises ScopeMissing: if the key or token does not have it.
        """
        super().check_permissions(request)
        scope = self.scopes.get("GET" if request.method == "HEAD" else str(request.method))
        if scope is not None and scope not in self.caller_of(request).scopes:
            raise ScopeMissing(scope=scope.value)

    def check_throttles(self, request: Request) -> None:
        """Count the request, and refuse it beyond what a key may ask in a minute.

        :raises TooManyRequests: with the seconds after which there is room again.
        """
        allowance = actions.count_call(
            api_key=self.caller_of(request).api_key, at=timezone.now()
        )
        request._request.allowance = allowance  # type: ignore[attr-defined]
        if allowance.left < 0:
            raise actions.TooManyRequests(limit=allowance.limit, seconds=allowance.seconds)

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Add what every answer says: its number, what the key may still ask, other pages.

        The two fields on the rate are those of the IETF's draft-ietf-httpapi-ratelimit-headers.
        """
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer.headers["X-Request-Id"] = str(request_id_of(request))
        allowance = getattr(request, "allowance", None)
        if allowance is not None:
            left = max(0, allowance.left)
            answer.headers["RateLimit-Policy"] = f'"minute";q={allowance.limit};w=60'
            answer.headers["RateLimit"] = f'"minute";r={left};t={allowance.seconds}'
        links = getattr(request, "links", "")
        if links:
            answer.headers["Link"] = links
        return answer

    def _note(self, answer: HttpResponseBase, at: datetime, *, took_ms: int) -> None:
        """Note a known caller's request, and keep a first answer.

        Of requests beyond the limit the first of a minute is noted.
        """
        request = self.request
        caller = getattr(request, "_user", None)
        allowance = getattr(request, "allowance", None)
        if not isinstance(caller, ApiCaller) or (allowance and allowance.left < -1):
            return
        try:
            actions.note_call(
                api_key=caller.api_key,
                request_id=request_id_of(request),
                at=at,
                asked=(str(request.method), request.path),
                status=answer.status_code,
                code=_code_of(answer),
                took_ms=took_ms,
                address=client_address(request),
                answer=getattr(answer, "first_answer", None),
            )
        except DatabaseError:
            # The answer stands, whether or not it could be noted: asked again, the action knows.
            log.exception("A request was not noted")

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
        return f"api:{cls.provider_of(request).organisation.code}:{given_key(request)}"


def given_key(request: Request) -> str:
    """Return the Idempotency-Key as it was given.

    :raises InputInvalid: if the header is missing or unreadable.
    """
    given = str(request.headers.get("Idempotency-Key", ""))
    if not _KEY.fullmatch(given):
        raise InputInvalid(
            "idempotency_key_missing",
            _(
                "Send a header Idempotency-Key of 1 to 200 visible characters, a new one "
                "for each request, so that a request sent twice is done once."
            ),
            {"header": "Idempotency-Key"},
        )
    return given


def _code_of(answer: HttpResponseBase) -> str:
    """Return the code of a refusal, or nothing where nothing was refused now."""
    if answer.status_code < 400 or not isinstance(answer, Response):
        return ""
    return str(answer.data.get("code", "")) if isinstance(answer.data, dict) else ""


class Unknown(Operation):
    """Every address of the API that is no operation's."""

    schema = None

    def get(self, request: Request, rest: str = "") -> None:
        """Say that nothing is here.

        :raises NotFound: always.
        """
        raise NotFound(what=request.path)

    post = put = patch = delete = get
