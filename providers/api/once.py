"""An operation that is done once a key: its first answer is kept, and given again."""

import functools
import hashlib
from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from providers import actions
from providers.api.operations import Operation, given_key
from providers.api.problems import PROBLEM

Method = Callable[..., Response]
# A request that could not be read did nothing, and may be put right under its key; what failed,
# came too early or too often may be tried again.
NOT_KEPT = frozenset({400, 413, 415, 429})


def once(operation: Method) -> Callable[..., HttpResponse | Response]:
    """Answer the same request under the same key with its first answer, and do nothing.

    Kept are what was done and what was refused, with status and body; a replay carries the
    header `Idempotent-Replayed: true`. The action's own key goes on guarding what moves.
    """

    @functools.wraps(operation)
    def answer(
        self: Operation, request: Request, *args: Any, **kwargs: Any
    ) -> HttpResponse | Response:
        begun = actions.begin_answer(
            provider=self.provider_of(request),
            key=given_key(request),
            digest=_digest(request),
            at=timezone.now(),
        )
        if isinstance(begun, actions.FirstAnswer):
            return _written(begun.status, begun.body.encode(), is_replay=True)
        try:
            first = operation(self, request, *args, **kwargs)
        except Exception as error:
            first = self.handle_exception(error)
        if first.status_code >= 500 or first.status_code in NOT_KEPT:
            actions.forget_answer(number=begun)
            return first
        body = JSONRenderer().render(first.data)
        answered = first if first.status_code >= 400 else _written(first.status_code, body)
        # Kept when the request is noted, in one statement.
        answered.first_answer = begun, body.decode()  # type: ignore[attr-defined]
        return answered

    answer.is_once = True  # type: ignore[attr-defined]
    return answer


def _digest(request: Request) -> str:
    asked = f"{request.method} {request.path}\n".encode()
    return hashlib.sha256(asked + request._request.body).hexdigest()


def _written(status: int, body: bytes, *, is_replay: bool = False) -> HttpResponse:
    kind = PROBLEM if status >= 400 else "application/json"
    response = HttpResponse(body, status=status, content_type=kind)
    if is_replay:
        response.headers["Idempotent-Replayed"] = "true"
    return response
