"""Corrections of metered usage by a provider's programs."""

from decimal import Decimal
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing import actions, queries
from billing.models import UsageLine
from providers.api import (
    IDEMPOTENCY_KEY,
    NOT_FOUND,
    REFUSALS,
    REFUSED,
    TAKES_JSON,
    Operation,
    once,
    read_input,
)
from providers.kinds import Scope


class RightLineInput(serializers.Serializer[Any]):
    """What was truly used, of the same order, resource and class."""

    key = serializers.CharField(
        max_length=160, help_text="Your meter's name of it, used for no other interval."
    )
    count = serializers.DecimalField(
        12, 3, min_value=Decimal("0.001"), help_text="GPUs or cores; a share such as 0.25 too."
    )
    started_at = serializers.DateTimeField(help_text="With its difference from UTC.")
    ended_at = serializers.DateTimeField(help_text="With its difference from UTC.")


class UsageCorrectionInput(serializers.Serializer[Any]):
    """A recorded interval that is wrong, why, and what is right instead."""

    source = serializers.CharField(  # type: ignore[assignment]
        max_length=80, help_text="The meter's name, as it was reported."
    )
    key = serializers.CharField(max_length=160, help_text="The wrong interval's name.")
    reason = serializers.CharField(
        max_length=500, help_text="The holder and the authority read it."
    )
    right = RightLineInput(
        required=False, help_text="Left out where nothing was used after all."
    )


class CorrectedLineOutput(serializers.Serializer[Any]):
    """One recorded interval."""

    source = serializers.CharField()  # type: ignore[assignment]
    key = serializers.CharField()
    quantity_ms = serializers.IntegerField(
        help_text="Resource-milliseconds; below nothing where it takes another one back."
    )
    amount = serializers.IntegerField(
        allow_null=True, help_text="Minor units, or GPU-milliseconds in kind."
    )


class UsageCorrectionOutput(serializers.Serializer[Any]):
    """A correction: the line that was wrong, its opposite, and the right one."""

    line = CorrectedLineOutput()
    opposite = CorrectedLineOutput()
    right = CorrectedLineOutput(allow_null=True)


class UsageCorrections(Operation):
    """Correct metered usage."""

    scopes = {"POST": Scope.USAGE_WRITE}

    @extend_schema(
        operation_id="correct_usage",
        summary="Correct metered usage",
        parameters=[IDEMPOTENCY_KEY],
        request=UsageCorrectionInput,
        examples=[
            OpenApiExample(
                "A job that ended earlier than its meter said",
                {
                    "source": "cluster-a",
                    "key": "train-0421",
                    "reason": "The node was down from 14:00 on.",
                    "right": {
                        "key": "train-0421-2",
                        "count": "8",
                        "started_at": "2026-11-02T08:30:00+08:00",
                        "ended_at": "2026-11-02T14:00:00+08:00",
                    },
                },
                request_only=True,
            )
        ],
        responses={
            200: UsageCorrectionOutput,
            **REFUSALS,
            **NOT_FOUND,
            **TAKES_JSON,
            **REFUSED,
        },
    )
    @once
    def post(self, request: Request) -> Response:
        """Take an interval back by its opposite, once, and record the right one.

        An interval that is on a bill is refused: what was billed is decided there.
        """
        key = self.key_of(request)
        given = read_input(UsageCorrectionInput, request.data)
        line = queries.usage_line_named(
            self.provider_of(request), given["source"], given["key"]
        )
        right = given.get("right")
        done = actions.correct_usage(
            line=line,
            reason=given["reason"],
            right=right
            and actions.right_of(
                line,
                key=right["key"],
                count_thousandths=int(right["count"] * 1000),
                started_at=right["started_at"],
                ended_at=right["ended_at"],
            ),
            actor=self.caller_of(request).address,
            at=timezone.now(),
            key=key,
        )
        body = {
            "line": _told(done.line),
            "opposite": _told(done.opposite),
            "right": _told(done.right) if done.right else None,
        }
        return Response(UsageCorrectionOutput(body).data)


def _told(line: UsageLine) -> dict[str, Any]:
    return {
        "source": line.source,
        "key": line.key,
        "quantity_ms": line.quantity_ms,
        "amount": line.amount,
    }
