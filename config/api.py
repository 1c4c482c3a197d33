"""The API's way of saying no: one shape for every refusal."""

from typing import Any

from django.utils.translation import gettext
from rest_framework.response import Response
from rest_framework.views import exception_handler

from common.errors import NotFound, Refused


def refusal_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer 409 for a refusal (404 for what isn't there to see) with code, words and values."""
    if isinstance(error, Refused):
        status = 404 if isinstance(error, NotFound) else 409
        values = {name: str(value) for name, value in error.values.items()}
        return Response({"code": error.code, "message": str(error), "values": values}, status)
    if isinstance(error, RecursionError):
        words = gettext("The request is nested too deeply. Send a flat list of records.")
        return Response({"code": "nested_too_deeply", "message": words, "values": {}}, 400)
    response = exception_handler(error, context)
    if response is not None and isinstance(response.data, dict) and "detail" in response.data:
        code = getattr(response.data["detail"], "code", "error")
        response.data = {"code": code, "message": str(response.data["detail"]), "values": {}}
    return response
