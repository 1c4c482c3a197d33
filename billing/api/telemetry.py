"""Telemetry as evidence: pages that a provider's program pushes, signed or not."""

import io
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing import actions, queries
from billing.models.telemetry import MeterRank
from providers.api import (
    IDEMPOTENCY_KEY,
    REFUSALS,
    REFUSED,
    TAKES_JSON,
    Operation,
    once,
    read_input,
)
from providers.kinds import Scope

_PAGE_MAX = 4_000_000
_SEQUENCE_MAX = 2**63 - 1


class SignedInput(serializers.Serializer[Any]):
    """What makes a batch a signed one."""

    sequence = serializers.IntegerField(
        min_value=1,
        max_value=_SEQUENCE_MAX,
        help_text="The batch's number, counted by the meter from 1.",
    )
    signature = serializers.CharField(
        max_length=88,
        help_text=(
            "Ed25519 in base64 over five lines joined by line feeds: tessera-telemetry-1, the "
            "meter's name, the number, taken_at in whole milliseconds since 1970 (UTC), and the "
            "SHA-256 of the page's UTF-8 in small hexadecimal digits."
        ),
    )


class TelemetryInput(serializers.Serializer[Any]):
    """A page of telemetry of one meter."""

    source = serializers.CharField(  # type: ignore[assignment]
        max_length=80, help_text="The meter's name, always the same."
    )
    taken_at = serializers.DateTimeField(
        help_text="When the page was taken, with its difference from UTC."
    )
    page = serializers.CharField(
        max_length=_PAGE_MAX,
        trim_whitespace=False,
        help_text="The exporter's page in the Prometheus text format, as it is.",
    )
    signed = SignedInput(
        required=False, help_text="Of a signed batch alone: its number and its signature."
    )


class GapOutput(serializers.Serializer[Any]):
    """Numbers that are missing among a meter's signed batches."""

    first = serializers.IntegerField()
    last = serializers.IntegerField()


class TelemetryOutput(serializers.Serializer[Any]):
    """What a page came to."""

    rank = serializers.ChoiceField(choices=[one.name for one in MeterRank])
    sequence = serializers.IntegerField(allow_null=True)
    samples = serializers.IntegerField()
    blank = serializers.IntegerField(help_text="Samples without a value.")
    unreadable = serializers.IntegerField()
    minutes = serializers.IntegerField(help_text="Minutes of devices that are evidence now.")
    missing = GapOutput(many=True, help_text="What is missing of this meter, the first 100.")


class Telemetry(Operation):
    """Send telemetry as evidence."""

    scopes = {"POST": Scope.USAGE_WRITE}

    @extend_schema(
        operation_id="send_telemetry",
        summary="Send telemetry as evidence",
        parameters=[IDEMPOTENCY_KEY],
        request=TelemetryInput,
        examples=[
            OpenApiExample(
                "One GPU at work",
                {
                    "source": "dcgm-a",
                    "taken_at": "2025-06-02T08:30:00+08:00",
                    "page": (
                        "DCGM_FI_DEV_GPU_UTIL"
                        '{UUID="GPU-7c1d8b1e-0d5f-4d5a-9a1e-2f4e6b8c0a12"} 97\n'
                    ),
                },
                request_only=True,
            )
        ],
        responses={200: TelemetryOutput, **REFUSALS, **TAKES_JSON, **REFUSED},
    )
    @once
    def post(self, request: Request) -> Response:
        """Keep a page as minutes of devices, shown beside the lines; no money is moved by it."""
        key = self.key_of(request)
        given = read_input(TelemetryInput, request.data)
        provider = self.provider_of(request)
        batch = actions.record_telemetry(
            provider=provider,
            source=given["source"],
            rank=MeterRank.PUSHED,
            stream=io.BytesIO(given["page"].encode()),
            taken_at=given["taken_at"],
            actor=self.caller_of(request).address,
            at=timezone.now(),
            key=key,
            signature=_signature(given),
        )
        body = {
            "rank": MeterRank(batch.rank).name,
            "sequence": batch.sequence,
            "samples": batch.samples,
            "blank": batch.blank,
            "unreadable": batch.unreadable,
            "minutes": batch.minutes,
            "missing": queries.gaps_of([provider.pk], batch.source),
        }
        return Response(TelemetryOutput(body).data)


def _signature(given: dict[str, Any]) -> actions.Signature | None:
    signed = given.get("signed")
    return actions.Signature(signed["sequence"], signed["signature"]) if signed else None
