"""Metered usage in batches, with an answer a record."""

from datetime import UTC
from decimal import Decimal
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing import actions
from billing.usage.cells import CellProblem, Row, read_interval, read_state, skip_reason
from billing.usage.plain_records import plain_usage, read_plain
from billing.usage.record import NotExact, RowError, UsageRecord
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

RECORDS_MAX = 1_000


class UsageRecordInput(serializers.Serializer[Any]):
    """One metered interval of one resource."""

    key = serializers.CharField(
        max_length=160, help_text="Your meter's name of this interval, never used for another."
    )
    account = serializers.CharField(
        max_length=80, help_text="The order's code, its reference, or the voucher's code."
    )
    resource = serializers.ChoiceField(choices=["GPU", "CPU"])
    resource_class = serializers.CharField(max_length=24, allow_blank=True, default="")
    count = serializers.DecimalField(
        12, 3, min_value=Decimal("0.001"), help_text="GPUs or cores; a share such as 0.25 too."
    )
    started_at = serializers.DateTimeField(help_text="With its difference from UTC.")
    ended_at = serializers.DateTimeField(help_text="With its difference from UTC.")
    state = serializers.CharField(
        max_length=40, default="COMPLETED", help_text="As Slurm names it, such as COMPLETED."
    )
    devices: Any = serializers.ListField(
        child=serializers.RegexField(r"^[!-~]{1,120}$"),
        max_length=64,
        default=list,
        help_text=(
            "The GPUs by their UUIDs, a slice as UUID/slice, for telemetry to be laid beside it."
        ),
    )


class UsageInput(serializers.Serializer[Any]):
    """A batch of metered intervals of one meter."""

    source = serializers.CharField(  # type: ignore[assignment]
        max_length=80, help_text="The meter's name, always the same."
    )
    records: Any = serializers.ListSerializer(
        child=UsageRecordInput(),
        min_length=1,
        max_length=RECORDS_MAX,
        help_text="From 1 to 1,000.",
    )


class UsageProblem(serializers.Serializer[Any]):
    """What is wrong with a record."""

    code = serializers.CharField()
    field = serializers.CharField()
    message = serializers.CharField()
    fix = serializers.CharField()


class UsageRecordOutput(serializers.Serializer[Any]):
    """What became of one record."""

    key = serializers.CharField()
    outcome = serializers.ChoiceField(
        choices=["TAKEN", "SKIPPED", "REFUSED"],
        help_text=(
            "TAKEN: recorded now or known before. SKIPPED: has not ended. "
            "REFUSED: see the problems."
        ),
    )
    problems = UsageProblem(many=True)


class UsageOutput(serializers.Serializer[Any]):
    """What became of a batch."""

    recorded = serializers.IntegerField()
    known_before = serializers.IntegerField()
    skipped = serializers.IntegerField()
    refused = serializers.IntegerField()
    records = UsageRecordOutput(many=True)


class UsageBatches(Operation):
    """Report metered usage."""

    scopes = {"POST": Scope.USAGE_WRITE}

    @extend_schema(
        operation_id="report_usage",
        summary="Report metered usage",
        parameters=[IDEMPOTENCY_KEY],
        request=UsageInput,
        examples=[
            OpenApiExample(
                "One job on eight GPUs",
                {
                    "source": "cluster-a",
                    "records": [
                        {
                            "key": "train-0421",
                            "account": "acct-0042",
                            "resource": "GPU",
                            "resource_class": "H100",
                            "count": "8",
                            "started_at": "2026-11-02T08:30:00+08:00",
                            "ended_at": "2026-11-02T20:30:00+08:00",
                            "state": "COMPLETED",
                        }
                    ],
                },
                request_only=True,
            )
        ],
        responses={200: UsageOutput, **REFUSALS, **TAKES_JSON, **REFUSED},
    )
    @once
    def post(self, request: Request) -> Response:
        """Record up to 1,000 intervals; good ones count, each gets its own answer."""
        key = self.key_of(request)
        given = read_plain(request.data, RECORDS_MAX) or read_input(UsageInput, request.data)
        source = given["source"]
        read = [
            plain_usage(one, source, number) or _record(number, one, source)
            for number, one in enumerate(given["records"], start=1)
        ]
        report = actions.record_usage(
            provider=self.provider_of(request),
            source=source,
            records=[one for one in read if isinstance(one, UsageRecord)],
            actor=self.caller_of(request).address,
            at=timezone.now(),
            key=key,
        )
        errors: dict[int, list[RowError]] = {}
        for error in (
            *report.errors,
            *(e for one in read if isinstance(one, list) for e in one),
        ):
            errors.setdefault(error.row, []).append(error)
        answers = [
            _answer(one["key"], what, errors.get(number, []))
            for number, (one, what) in enumerate(
                zip(given["records"], read, strict=True), start=1
            )
        ]
        outcomes = [answer["outcome"] for answer in answers]
        body = {
            "recorded": report.recorded,
            "known_before": report.known_before,
            "skipped": outcomes.count("SKIPPED"),
            "refused": outcomes.count("REFUSED"),
            "records": answers,
        }
        return Response(body)


def _record(
    number: int, given: dict[str, Any], source: str
) -> UsageRecord | list[RowError] | None:
    """Return a record as the meter's, what is wrong with it, or None if it has not ended."""
    row = Row(number)
    started_at = given["started_at"].astimezone(UTC)
    ended_at = given["ended_at"].astimezone(UTC)
    state = row.take("state", given["state"], read_state, "")
    row.take("ended_at", "", lambda _text: read_interval(started_at, ended_at), None)
    if row.errors:
        return row.errors
    if skip_reason(state) is not None:
        return None
    try:
        return UsageRecord(
            source=source,
            key=given["key"],
            resource=given["resource"],
            count_thousandths=int(given["count"] * 1000),
            started_at=started_at,
            ended_at=ended_at,
            state=state,
            account=given["account"],
            resource_class=given["resource_class"],
            row=number,
            device=" ".join(given["devices"]),
        )
    except NotExact:
        row.note("started_at", "", CellProblem("time_too_fine", count=given["count"]))
        return row.errors


def _answer(key: str, read: object, errors: list[RowError]) -> dict[str, Any]:
    outcome = "REFUSED" if errors else "SKIPPED" if read is None else "TAKEN"
    return {
        "key": key,
        "outcome": outcome,
        "problems": [
            {"code": e.code, "field": e.column, "message": e.problem, "fix": e.fix}
            for e in errors
        ],
    }
