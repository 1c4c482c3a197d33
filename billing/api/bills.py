"""Bills, and the verdict on each of their lines."""

from dataclasses import asdict
from datetime import UTC
from decimal import Decimal
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing import actions, queries
from billing.forms.lines import ms_of_hours
from billing.models import Bill, Verdict
from billing.queries import BillLineInput, Undecided
from billing.queries.rated import RatedLine, Rating
from billing.reasons import sentence
from common.errors import NotFound
from policy.answers import plain
from providers.api import (
    IDEMPOTENCY_KEY,
    NOT_FOUND,
    PAGE,
    REFUSALS,
    REFUSED,
    TAKES_JSON,
    Operation,
    once,
    read_input,
    read_page,
)
from providers.kinds import Scope
from vouchers.models import Programme

LINES_MAX = 10_000
AMOUNT_HELP = "Minor units of the bill's currency, or GPU-milliseconds in kind."
AMOUNT_MOST = 10**15


class BillLineGiven(serializers.Serializer[Any]):
    """One line as you bill it; what is left out is taken from meter, order and catalogue."""

    source = serializers.CharField(max_length=80)  # type: ignore[assignment]
    key = serializers.CharField(max_length=160)
    hours = serializers.DecimalField(18, 8, min_value=0, required=False)
    rate = serializers.DecimalField(
        14, 4, min_value=0, required=False, help_text="Currency units for one hour."
    )
    amount = serializers.IntegerField(
        min_value=0, max_value=AMOUNT_MOST, required=False, help_text=AMOUNT_HELP
    )


class BillInput(serializers.Serializer[Any]):
    """A bill for a period of a programme."""

    programme = serializers.CharField(max_length=40, help_text="The programme's code.")
    period_from = serializers.DateTimeField()
    period_until = serializers.DateTimeField(help_text="The first instant after the period.")
    invoice_number = serializers.CharField(max_length=60)
    lines: Any = serializers.ListSerializer(
        child=BillLineGiven(),
        min_length=1,
        max_length=LINES_MAX,
        required=False,
        help_text="Left out: everything metered in the period and not billed before.",
    )


class BillHead(serializers.Serializer[Any]):
    """A bill and its totals."""

    number = serializers.CharField()
    bill_status = serializers.ChoiceField(choices=Bill.Status.choices)
    programme = serializers.CharField()
    invoice_number = serializers.CharField()
    period_from = serializers.DateTimeField()
    period_until = serializers.DateTimeField()
    unit = serializers.CharField()
    total = serializers.IntegerField(help_text=AMOUNT_HELP)
    sent_at = serializers.DateTimeField()
    open_until = serializers.DateTimeField(
        help_text="Until when holders may confirm lines or object to them."
    )
    agreed_at = serializers.DateTimeField(
        allow_null=True, help_text="Since when every line is confirmed or disputed."
    )
    settled_at = serializers.DateTimeField(allow_null=True)


class LineFunder(serializers.Serializer[Any]):
    """What one funder bears of what is covered of a line; the funders' parts add up to it."""

    name = serializers.CharField()
    amount = serializers.IntegerField(help_text=AMOUNT_HELP)


class BillLineOutput(serializers.Serializer[Any]):
    """One line with what was decided on it; null before it was settled."""

    row = serializers.IntegerField()
    source = serializers.CharField()  # type: ignore[assignment]
    key = serializers.CharField()
    order = serializers.CharField(allow_null=True)
    hours = serializers.CharField(help_text="Decimal number.")
    rate = serializers.DecimalField(14, 4)
    amount = serializers.IntegerField(help_text=AMOUNT_HELP)
    holder_said = serializers.ChoiceField(
        choices=["NOTHING", "CONFIRMED", "DISPUTED"],
        help_text="What the voucher's holder said of the line before it was settled.",
    )
    verdict = serializers.ChoiceField(choices=Verdict.Outcome.choices, allow_null=True)
    accepted = serializers.IntegerField(allow_null=True)
    withheld = serializers.IntegerField(
        allow_null=True,
        help_text="What waits for an officer; of a line DECLINED what is not accepted for good.",
    )
    covered = serializers.IntegerField(allow_null=True, help_text="What the voucher pays.")
    co_payment = serializers.IntegerField(
        allow_null=True, help_text="What the holder owes you."
    )
    reason_code = serializers.CharField()
    reason = serializers.CharField()
    metered_hours = serializers.CharField(
        help_text="Decimal number: what the meter shows in the bill's period."
    )
    beyond_hold = serializers.IntegerField(
        allow_null=True,
        help_text="What the order's hold no longer reached; the holder owes it.",
    )
    limited_by = serializers.ListField(
        child=serializers.ChoiceField(choices=["price", "validity", "meter", "hold"])
    )
    policy_version = serializers.IntegerField(allow_null=True)
    funders = LineFunder(many=True)
    reply_until = serializers.DateTimeField(
        allow_null=True,
        help_text="Until when you reply to an objection that nobody has decided, where the "
        "programme's law sets a day. Reply on the line's page.",
    )
    verdict_until = serializers.DateTimeField(
        allow_null=True,
        help_text="Until when an officer decides that objection; null before the bill is settled.",
    )


class BillLinePage(serializers.Serializer[Any]):
    """A page of a bill's lines."""

    count = serializers.IntegerField()
    page = serializers.IntegerField()
    pages = serializers.IntegerField()
    results = BillLineOutput(many=True)


class OwnShareOutput(serializers.Serializer[Any]):
    """What of a claim its holder pays itself, where it is to be proven."""

    due = serializers.IntegerField(help_text=AMOUNT_HELP)
    proven = serializers.IntegerField(help_text="What an officer accepted as proof.")
    waiting = serializers.IntegerField(help_text="Proofs that nobody has decided of yet.")


class BillOutput(BillHead):
    """A bill, or a claim of yours, with a page of its lines."""

    own_share = OwnShareOutput(
        allow_null=True, help_text="Null where nothing has to be proven before it is paid."
    )
    lines = BillLinePage()


class Bills(Operation):
    """Send a bill."""

    scopes = {"POST": Scope.BILLS_WRITE}

    @extend_schema(
        operation_id="send_bill",
        summary="Send a bill",
        parameters=[IDEMPOTENCY_KEY],
        request=BillInput,
        examples=[
            OpenApiExample(
                "Everything metered in November",
                {
                    "programme": "city-2025",
                    "period_from": "2026-11-01T00:00:00+08:00",
                    "period_until": "2026-12-01T00:00:00+08:00",
                    "invoice_number": "INV-2026-0412",
                },
                request_only=True,
            )
        ],
        responses={201: BillHead, **REFUSALS, **TAKES_JSON, **NOT_FOUND, **REFUSED},
    )
    @once
    def post(self, request: Request) -> Response:
        """Bill a period; each line is looked at when the bill is settled."""
        key = self.key_of(request)
        given = read_input(BillInput, request.data)
        programme = Programme.objects.filter(code=given["programme"]).first()
        if programme is None:
            raise NotFound(what=given["programme"])
        lines = given.get("lines")
        bill = actions.submit_bill(
            provider=self.provider_of(request),
            programme=programme,
            invoice_number=given["invoice_number"],
            period_from=given["period_from"].astimezone(UTC),
            period_until=given["period_until"].astimezone(UTC),
            lines=None if lines is None else [_line_input(line) for line in lines],
            actor=self.caller_of(request).address,
            at=timezone.now(),
            key=key,
        )
        return Response(BillHead(bill_head(bill)).data, 201)


class BillDetail(Operation):
    """One bill of yours."""

    scopes = {"GET": Scope.BILLS_READ}

    @extend_schema(
        operation_id="read_bill",
        summary="Read a bill with the verdict on each line",
        parameters=[PAGE],
        responses={200: BillOutput, **REFUSALS, **NOT_FOUND},
    )
    def get(self, request: Request, number: str) -> Response:
        """Return a bill or claim that pays you by its number, its lines fifty a page."""
        provider = self.provider_of(request)
        bill = (
            Bill.objects.filter(provider=provider, payee=provider.organisation, number=number)
            .select_related("programme", "provider")
            .first()
        )
        if bill is None:
            raise NotFound(what=number)
        page = read_page(
            request, queries.lines_with_verdicts().filter(bill=bill).order_by("row")
        )
        lines = list(page["results"])
        rating = Rating(bill, lines[0].row if lines else 1)
        undecided = queries.undecided_on_lines(lines)
        page["results"] = [
            {**_line_output(one), **_days_output(undecided.get(one.line.pk))}
            for one in rating.rate(lines)
        ]
        own = queries.own_share_of(bill, timezone.now())
        answer = {**bill_head(bill), "own_share": own and asdict(own), "lines": page}
        return Response(BillOutput(answer).data)


def _line_input(given: dict[str, Any]) -> BillLineInput:
    hours = given.get("hours")
    return BillLineInput(
        source=given["source"],
        key=given["key"],
        quantity_ms=None if hours is None else ms_of_hours(hours),
        rate=given.get("rate"),
        amount=given.get("amount"),
    )


def bill_head(bill: Bill) -> dict[str, Any]:
    """Return what every answer about a bill or claim says of it."""
    return {
        "number": bill.number,
        "bill_status": bill.status,
        "programme": bill.programme.code,
        "invoice_number": bill.invoice_number,
        "period_from": bill.period_from,
        "period_until": bill.period_until,
        "unit": bill.unit,
        "total": bill.total,
        "sent_at": bill.sent_at,
        "open_until": queries.open_to(bill),
        "agreed_at": bill.agreed_at,
        "settled_at": bill.settled_at,
    }


def _said(line: Any) -> str:
    if line.disputed:
        return "DISPUTED"
    return "CONFIRMED" if line.confirmed else "NOTHING"


def _days_output(found: Undecided | None) -> dict[str, Any]:
    return {
        "reply_until": found.reply_until if found else None,
        "verdict_until": found.verdict_until if found else None,
    }


def _line_output(one: RatedLine) -> dict[str, Any]:
    line, rated = one.line, one.rated
    verdict: Any = line
    return {
        "row": line.row,
        "source": line.source,
        "key": line.key,
        "order": line.order.code if line.order else None,
        "hours": plain(Decimal(line.quantity_ms) / 3_600_000),
        "rate": line.rate,
        "amount": line.amount,
        "holder_said": _said(line),
        "verdict": verdict.outcome,
        "accepted": verdict.accepted,
        "withheld": verdict.withheld,
        "covered": verdict.covered,
        "co_payment": verdict.co_payment,
        "reason_code": verdict.reason or "",
        "reason": sentence(verdict.reason or "", verdict.reason_values or {}),
        "metered_hours": plain(Decimal(rated.metered_ms) / 3_600_000),
        "beyond_hold": None if verdict.outcome is None else rated.beyond,
        "limited_by": list(one.limits),
        "policy_version": one.version.number if one.version else None,
        "funders": [part._asdict() for part in rated.parts],
    }
