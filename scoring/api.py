"""The trace by program: from a bill, an order or a payment, as far as it is one's own."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from providers.api import NOT_FOUND, REFUSALS, Operation
from providers.kinds import Scope
from scoring.queries.sight import sight_of_provider
from scoring.queries.traces import trace_of
from scoring.told import steps_of
from scoring.told.rows import plain_row

# What a provider's own traces can be taken up by.
PROVIDERS_KINDS = ("order", "usage_line", "bill", "bill_line", "settlement", "payment")


class TraceLine(serializers.Serializer[Any]):
    """One step of a working."""

    name = serializers.CharField()
    label_en = serializers.CharField()
    label_zh = serializers.CharField()
    amount = serializers.CharField()
    clause = serializers.CharField()


class TraceRow(serializers.Serializer[Any]):
    """One thing of a trace; its own trace is taken up by kind and name."""

    kind = serializers.CharField()
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    at = serializers.CharField(
        allow_null=True, help_text="An instant, or the day where only that is known."
    )
    amount = serializers.IntegerField(
        allow_null=True, help_text="Minor units of the currency, or GPU-milliseconds."
    )
    unit = serializers.CharField()
    status = serializers.CharField()
    how = serializers.CharField(help_text="By which rule the figure came about.")
    act = serializers.IntegerField(allow_null=True, help_text="The act that made it.")
    working = TraceLine(many=True)


class TraceStep(serializers.Serializer[Any]):
    """One link of the chain; `count` says how many rows there are in all."""

    step = serializers.CharField()
    count = serializers.IntegerField()
    rows = TraceRow(many=True)


class TraceOutput(serializers.Serializer[Any]):
    """A chain, as far as it is yours."""

    kind = serializers.CharField()
    name = serializers.CharField()
    steps = TraceStep(many=True)


class Traces(Operation):
    """The chain that one thing of yours stands in."""

    scopes = {"GET": Scope.BILLS_READ}

    @extend_schema(
        operation_id="read_trace",
        summary="Follow a bill, an order or a payment both ways",
        parameters=[
            OpenApiParameter(
                "kind", OpenApiTypes.STR, OpenApiParameter.PATH, enum=PROVIDERS_KINDS
            ),
            OpenApiParameter("name", OpenApiTypes.STR, OpenApiParameter.PATH),
        ],
        responses={200: TraceOutput, **REFUSALS, **NOT_FOUND},
    )
    def get(self, request: Request, kind: str, name: str) -> Response:
        """Return the steps from order to payment, with the first twenty rows of each."""
        found = trace_of(sight_of_provider(self.provider_of(request)), kind, name)
        steps = [
            {
                "step": step.code,
                "count": step.count,
                "rows": [plain_row(row) for row in step.rows],
            }
            for step in steps_of(found)
        ]
        return Response(TraceOutput({"kind": kind, "name": name, "steps": steps}).data)
