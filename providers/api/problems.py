"""The API's way of saying no: one shape for every refusal, after RFC 9457 (problem details)."""

import logging
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.core.signals import got_request_exception
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import APIException, NotAcceptable
from rest_framework.response import Response
from rest_framework.views import exception_handler

from common.errors import NotFound, Refused

PROBLEM = "application/problem+json"

# What each status is called; the code and the detail say which of its kinds it is.
TITLES = {
    400: _("The request can't be read"),
    401: _("Nobody is signed in"),
    403: _("Not allowed"),
    404: _("Not found"),
    405: _("This address does not take this method"),
    406: _("Not available in this form"),
    409: _("Refused"),
    413: _("Too large"),
    415: _("Content of this type is not read"),
    422: _("The key was used for something else"),
    429: _("Too many requests"),
    500: _("An error of ours"),
}
# A refusal is 409, unless its code says otherwise.
STATUS_OF = {
    "test_key_elsewhere": 401,
    "live_key_elsewhere": 401,
    "address_not_allowed": 403,
    "scope_missing": 403,
    "not_found": 404,
    "code_unknown": 404,
    "key_reused": 422,
    "too_many_requests": 429,
}

# Codes that the API itself gives, before or instead of an action's refusal.
OWN = {
    "input_invalid": (400, _("A field is missing or has a value that can't be read.")),
    "idempotency_key_missing": (400, _("The header Idempotency-Key is missing or unreadable.")),
    "parse_error": (
        400,
        _("The body is not JSON. Check brackets, commas and quotation marks."),
    ),
    "nested_too_deeply": (
        400,
        _("The request is nested too deeply. Send a flat list of records."),
    ),
    "not_authenticated": (401, _("Send a key of yours in the header Authorization.")),
    "authentication_failed": (
        401,
        _("This API key is unknown or was revoked. Create a new one under “API keys”."),
    ),
    "not_found": (
        404,
        _("Nothing of yours is at this address. Check it, and whose key you use."),
    ),
    "method_not_allowed": (405, _("Use a method that the operation is described with.")),
    "not_acceptable": (406, _("Answers are JSON. Ask for application/json or any type.")),
    "body_too_large": (413, _("The request has too many bytes. Send it in parts.")),
    "unsupported_media_type": (415, _("Send JSON, with Content-Type: application/json.")),
    "error": (
        500,
        _("Something of ours failed. Send the same request with the same key again."),
    ),
}

log = logging.getLogger(__name__)


class Problem(serializers.Serializer[Any]):
    """How every refusal is told: problem details after RFC 9457."""

    type = serializers.URLField(help_text="The page that explains the code.")
    title = serializers.CharField(help_text="What kind of refusal it is, for people.")
    status = serializers.IntegerField(help_text="The HTTP status once more.")
    detail = serializers.CharField(help_text="What is wrong and what to do, for people.")
    instance = serializers.CharField(help_text="The request, for when you ask us about it.")
    code = serializers.CharField(help_text="Never changes; for programs.")
    values = serializers.DictField(help_text="The values that the detail names.")
    field = serializers.CharField(
        required=False, help_text="The place in the body, where one is at fault."
    )
    row = serializers.IntegerField(
        required=False, help_text="The record, from 1, where one is at fault."
    )


class InputInvalid(APIException):
    """A request whose content can't be read; 400, with what is wrong at each place."""

    status_code = 400

    def __init__(self, code: str, message: str, values: dict[str, Any]) -> None:
        super().__init__(message, code)
        self.values = values


class BodyTooLarge(APIException):
    """A request with more bytes than are taken."""

    status_code = 413
    default_code = "body_too_large"


def answer_problem(error: Exception, context: dict[str, Any]) -> Response:
    """Answer an operation's error: a refusal, an unreadable request, or a failure of ours."""
    request = context["request"]
    if isinstance(error, Refused):
        status = STATUS_OF.get(error.code, 404 if isinstance(error, NotFound) else 409)
        values = {name: str(value) for name, value in error.values.items()}
        told = _response(problem(request, status, error.code, str(error), values))
        wait = getattr(error, "retry_after", None)
        if wait is not None:
            told.headers["Retry-After"] = str(wait)
        if status == 401:
            told.headers["WWW-Authenticate"] = "Bearer"
        return told
    if isinstance(error, RecursionError):
        return _own_response(request, "nested_too_deeply")
    answer = exception_handler(error, context)
    if answer is None:
        return _failure(error, request)
    code, detail = _said_by(error, answer)
    values = getattr(error, "values", {})
    told = _response(problem(request, answer.status_code, code, detail, values))
    for name, value in answer.headers.items():
        told.headers.setdefault(name, value)
    if isinstance(error, NotAcceptable):
        # Nothing else was negotiated for this request.
        told.headers["Content-Type"] = PROBLEM
    return told


def problem(
    request: Any, status: int, code: str, detail: str, values: dict[str, Any]
) -> dict[str, Any]:
    """Return the problem details of a refusal.

    :param request: as it came; its number names the occurrence.
    :param values: what the detail names; of an unreadable body, words by place.
    """
    told = {
        "type": f"{settings.PUBLIC_URL}{reverse('api_errors')}#{code}",
        "title": str(TITLES.get(status, TITLES[409])),
        "status": status,
        "detail": detail,
        "instance": f"urn:uuid:{request_id_of(request)}",
        "code": code,
        "values": values,
    }
    return {**told, **_place(code, values)}


def request_id_of(request: Any) -> UUID:
    """Return what names this request: chosen when it is first asked for."""
    plain = getattr(request, "_request", request)
    known: UUID | None = getattr(plain, "request_id", None)
    if known is None:
        plain.request_id = known = uuid4()
    return known


def _place(code: str, values: dict[str, Any]) -> dict[str, Any]:
    """Return the field and the row at fault, as far as they are known."""
    if code != "input_invalid" or not values:
        return {name: values[name] for name in ("field",) if name in values}
    first = str(next(iter(values)))
    numbers = [int(part) for part in first.split(".") if part.isdecimal()]
    return {"field": first, **({"row": numbers[0] + 1} if numbers else {})}


def problem_page(request: HttpRequest, code: str) -> JsonResponse:
    """Answer with a problem of the API's own, where no operation was reached."""
    status, detail = OWN[code]
    told = problem(request, status, code, str(detail), {})
    return JsonResponse(told, status=status, content_type=PROBLEM)


def _own_response(request: Any, code: str) -> Response:
    status, detail = OWN[code]
    return _response(problem(request, status, code, str(detail), {}))


def _response(told: dict[str, Any]) -> Response:
    return Response(told, told["status"], content_type=PROBLEM)


def _said_by(error: Exception, answer: Response) -> tuple[str, str]:
    """Return the code and the words of an error that the framework knows."""
    detail = answer.data.get("detail", "") if isinstance(answer.data, dict) else ""
    code = str(getattr(detail, "code", "error"))
    ours = isinstance(error, (InputInvalid, BodyTooLarge))
    return code, str(detail if ours or code not in OWN else OWN[code][1])


def _failure(error: Exception, request: Any) -> Response:
    """Answer a bug of ours in the shape of every refusal; the log has the whole of it."""
    log.error("The API failed", exc_info=error)
    got_request_exception.send(sender=None, request=request._request)
    return _own_response(request, "error")
